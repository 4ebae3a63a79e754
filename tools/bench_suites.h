/* SPDX-License-Identifier: MIT
 *
 * The suites of vatten_bench, all of them in one list: problems that are written down under a name.
 */
#ifndef TOOLS_BENCH_SUITES_H
#define TOOLS_BENCH_SUITES_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

enum { BENCH_SUITE_LINES = 8 };

typedef struct bench_entry {
    const char *name;
    const char *command; /* that runs it */
    const char *about;
    bool dense; /* with dense attention in turns, as by --dense */
    /* Of the commands attention and neighborhood: one of them and its lists. The other commands know their suites by name. */
    const char *lines[BENCH_SUITE_LINES];
} bench_entry;

/* How a command was called. */
typedef struct bench_call {
    int argc;
    char **argv;              /* its options; argv[0] is skipped */
    const bench_entry *suite; /* NULL: lists, or where there are none what the command does by itself */
    const char *text;         /* the whole command line */
    cJSON *runs;              /* an array: the runs of this command line so far, for its page */
} bench_call;

/* NULL past the last one, or if there is none of that name. */
const bench_entry *bench_suites_at(size_t index);
const bench_entry *bench_suites_find(const char *name);

/* What runs go by in a history: the suite's name, `own` for what a command does without lists, "" for lists. */
const char *bench_call_suite(const bench_call *call, bool has_lists, const char *own);

/* Whether the call names this suite. */
bool bench_call_is(const bench_call *call, const char *suite);

/* A suite and lists were given: false, and said. */
bool bench_call_fits(const bench_call *call, bool has_lists);

#endif /* TOOLS_BENCH_SUITES_H */
