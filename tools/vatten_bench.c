/* SPDX-License-Identifier: MIT
 *
 * vatten_bench: is it right, and how fast against what this device can do?
 *
 * This file finds out which command is meant: one that is named, or those of the suites that are. The rules of measuring
 * stand in tools/README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_commands.h"
#include "bench_compare.h"
#include "bench_page.h"
#include "family.h"
#include "say.h"

static const char usage_text[] =
    "usage: vatten_bench [--suite NAME,...] [options]      problems that are written down; default: default\n"
    "       vatten_bench COMMAND [options]                 problems of your own; COMMAND --help has its "
    "options\n"
    "       vatten_bench compare BEFORE NOW                two recorded runs; needs no device\n"
    "       vatten_bench html RUNS PAGE                    recorded runs as a page; needs no device\n"
    "\n"
    "Every run is checked against a double-precision oracle, measures the device's roofs, can be kept\n"
    "(--history FILE), compared with an earlier one (--compare FILE) and become a page for people (--html "
    "FILE).\n"
    "Exit status: 0 all right, 1 a wrong, refused or slower line, 2 wrong command line. More suites are run\n"
    "one after the other, each with a report of its own; the worst exit status counts.\n";

/* ---- Commands ---- */

static int run_attention(const bench_call *call) {
    return bench_attention(call, false);
}

static int run_neighborhood(const bench_call *call) {
    return bench_attention(call, true);
}

typedef struct command {
    const char *name;
    int (*run)(const bench_call *call);
    const char *about;
} command;

static const command commands[] = {
    {"attention", run_attention, "dense attention: lists of lengths, dims, heads, dtypes, causality"},
    {"neighborhood", run_neighborhood, "windows on grids of 1 to 3 axes"},
    {"sparse", bench_sparse, "attention over lists of blocks, and choosing them"},
    {"decode", bench_decode, "few new tokens over a long cache"},
    {"mass", bench_mass, "what attention looks at"},
    {"scaling", bench_scaling, "time and memory against tokens"},
    {"launch", bench_launch, "what records and plans cost the CPU"},
};

static const command *find_command(const char *name) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(void) {
    printf("%s\ncommands:\n", usage_text);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i)
        printf("  %-14s %s\n", commands[i].name, commands[i].about);
    printf("\nsuites:\n");
    for (size_t i = 0; bench_suites_at(i) != NULL; ++i)
        printf("  %-14s %s\n", bench_suites_at(i)->name, bench_suites_at(i)->about);
    printf("\nWithout a command the options are those of attention:\n\n");
}

/* ---- The command line ---- */

/* Takes --suite and its value out of the words; NULL: there was none. False, and said, when the value is missing. */
static bool take_suite(int *argc, char **argv, char **out_names) {
    static const char option[] = "--suite";
    const size_t length = sizeof option - 1;
    *out_names = NULL;
    for (int i = 1; i < *argc; ++i) {
        bool joined = strncmp(argv[i], option, length) == 0 && argv[i][length] == '=';
        if (!joined && strcmp(argv[i], option) != 0)
            continue;
        int words = joined ? 1 : 2;
        if (i + words > *argc) {
            say_error("--suite needs a name, see --help");
            return false;
        }
        *out_names = joined ? argv[i] + length + 1 : argv[i + 1];
        for (int j = i--; j + words <= *argc; ++j) /* argv ends with NULL, which moves too */
            argv[j] = argv[j + words];
        *argc -= words;
    }
    return true;
}

static bool suites_fit(const char *names) {
    char text[512], *rest = text;
    snprintf(text, sizeof text, "%s", names);
    for (const char *name; (name = strtok_r(rest, ",", &rest)) != NULL;) {
        if (bench_suites_find(name) == NULL) {
            say_error("--suite: there is no %s, see --help", name);
            return false;
        }
    }
    return true;
}

static int run_suites(const bench_call *call, char *names) {
    int code = SAY_OK;
    char *rest = names;
    if (!suites_fit(names))
        return SAY_USAGE;
    for (const char *name; (name = strtok_r(rest, ",", &rest)) != NULL;) {
        bench_call one = *call;
        one.suite = bench_suites_find(name);
        int done = find_command(one.suite->command)->run(&one);
        code = done > code ? done : code;
    }
    return code;
}

static bool asks_for(int argc, char **argv, const char *word) {
    for (int i = 1; i < argc; ++i)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

/* Families that other tools know are commands of other names here. */
static bool is_family(const char *word) {
    family_id id;
    return family_find(word, &id);
}

/* Lists without a command are those of attention, nothing but other options the default suite. */
static int run_plain(bench_call *call) {
    if (call->argc > 1 && is_family(call->argv[1])) {
        say_error("%s is no command of this bench, see vatten_bench sparse, decode and mass", call->argv[1]);
        return SAY_USAGE;
    }
    static const char *const lists[] = {"--lens", "--dims", "--heads", "--kv-heads", "--dtypes", "--causal"};
    bool help = asks_for(call->argc, call->argv, "--help");
    if (help)
        print_help();
    bool has_lists = false;
    for (int i = 1; i < call->argc; ++i)
        for (size_t n = 0; n < sizeof lists / sizeof *lists; ++n)
            has_lists |= strncmp(call->argv[i], lists[n], strlen(lists[n])) == 0;
    call->suite = has_lists || help ? NULL : bench_suites_find("default");
    return run_attention(call);
}

/* Cold means cold: without this, drivers answer from the disk what an earlier run compiled. */
static void disable_disk_caches(void) {
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
    setenv("MESA_GLSL_CACHE_DISABLE", "true", 0); /* the older name */
    setenv("__GL_SHADER_DISK_CACHE", "0", 0);
}

/* The command line as one text, cut where it is longer. */
static void join_words(int argc, char **argv, char *out, size_t out_size) {
    size_t used = (size_t)snprintf(out, out_size, "vatten_bench");
    for (int i = 1; i < argc && used < out_size; ++i)
        used += (size_t)snprintf(out + used, out_size - used, " %s", argv[i]);
}

static int run_call(bench_call *call, char *names) {
    const command *named = call->argc > 1 ? find_command(call->argv[1]) : NULL;
    if (named != NULL && names != NULL) {
        say_error("--suite and a command exclude each other");
        return SAY_USAGE;
    }
    if (names != NULL)
        return run_suites(call, names);
    if (named == NULL)
        return run_plain(call);
    --call->argc;
    ++call->argv;
    return named->run(call);
}

int main(int argc, char **argv) {
    static char text[2048];
    char *names;
    say_begin("vatten_bench");
    disable_disk_caches();
    join_words(argc, argv, text, sizeof text);
    if (argc > 1 && strcmp(argv[1], "compare") == 0)
        return bench_compare_files(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "html") == 0)
        return bench_page_files(argc - 1, argv + 1);
    if (!take_suite(&argc, argv, &names))
        return SAY_USAGE;
    bench_call call = {.argc = argc, .argv = argv, .text = text, .runs = cJSON_CreateArray()};
    cJSON *runs = call.runs;
    int code = run_call(&call, names);
    cJSON_Delete(runs);
    return code;
}
