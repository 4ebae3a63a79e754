/* SPDX-License-Identifier: MIT
 *
 * Command lines from tables: each option is one row that says its name, what it takes and where the value
 * goes. A tool hands over several tables (the shared ones, its own, those of the family it was asked for) and
 * gets parsing, range checks and --help from them. A new option is a new row.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_MAX_ITEMS 32

/* `--x 7,-1` or `--x 7x-1`; count 0 = not given. */
typedef struct option_ints {
    size_t count;
    int64_t value[OPTION_MAX_ITEMS];
} option_ints;

/* `--x 64x64,16x16x16`: numbers of 1 to 3 parts; count 0 = not given. */
typedef struct option_shapes {
    size_t count;
    uint32_t rank[OPTION_MAX_ITEMS];
    uint64_t part[OPTION_MAX_ITEMS][3];
} option_shapes;

typedef enum option_kind {
    OPTION_FLAG,   /* bool, takes no value */
    OPTION_TEXT,   /* const char *, into argv */
    OPTION_U32,    /* uint32_t */
    OPTION_U64,    /* uint64_t */
    OPTION_FLOAT,  /* float; nan and inf are passed on, for the library to judge */
    OPTION_INTS,   /* option_ints */
    OPTION_SHAPES, /* option_shapes */
    OPTION_CHOICE, /* int: index of the word in `value`, "none|last|first" */
    OPTION_CHOICES /* option_ints: the same for a comma-separated list of words */
} option_kind;

typedef struct option_spec {
    const char *name; /* without the dashes */
    option_kind kind;
    size_t offset;     /* of the field in the table's target */
    const char *value; /* what stands for the value in --help; the words of CHOICE and CHOICES */
    const char *help;
} option_spec;

typedef struct option_table {
    const char *title;
    const option_spec *specs;
    size_t count;
    void *target; /* zero-initialised, defaults set by the caller */
} option_table;

typedef enum options_result {
    OPTIONS_PARSED,
    OPTIONS_HELP, /* --help was asked for; nothing printed yet */
    OPTIONS_BAD   /* said why */
} options_result;

/* argv[0] is skipped. Options later on the line win. Words that are no options are an error. */
options_result options_parse(int argc, char **argv, const option_table *tables, size_t table_count);

/* `usage` (lines of its own) and then all tables, on stdout. */
void options_help(const char *usage, const option_table *tables, size_t table_count);

/* For lists that are multiplied out: the item of line *line, which is then divided by the number of items; a list that was not
 * given has the one item `missing`. Lists that are asked first change first. */
int64_t options_next(const option_ints *list, size_t *line, int64_t missing);

/* How many lines a list of `count` items makes: a list that was not given makes one. */
size_t options_items(size_t count);

/* Numbers that do not fit become UINT32_MAX, which the library refuses everywhere. */
uint32_t options_small(int64_t value);

/* Writes word `index` of "none|last|first" to `out`, "?" past the last one. */
void options_word(const char *words, int index, char *out, size_t out_size);

#endif /* TOOLS_OPTIONS_H */
