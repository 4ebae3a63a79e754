/* SPDX-License-Identifier: MIT */
#include "bench_sparse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "say.h"
#include "sparse_report.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench sparse [options]                  the suite\n"
    "       vatten_bench sparse --tokens 4096,16384 --q-block 1 --kv-block 512 --entries 3 [--causal] ...\n"
    "\n"
    "Attention over lists of blocks: drawn at random (--random), or selected by pooled keys, with and\n"
    "without the cost of the selection, and dense attention over the same tokens, all in turns. One head,\n"
    "f32. Lists and rows are checked first.\n"
    "Exit status: 0 all right, 1 a wrong, refused or failed line, 2 wrong command line.\n";

enum { MOST_CASES = OPTION_MAX_ITEMS }; /* the suite has fewer */

typedef struct sparse_options {
    tool_options tool;
    sparse_settings settings;
    option_ints tokens, tile;
    uint32_t dim, q_block, kv_block, entries;
    float agree;
    bool causal, random, no_dense, csv;
    int layout, execution;
} sparse_options;

#define FIELD(member) offsetof(sparse_options, member)

static const option_spec case_specs[] = {
    {"tokens", OPTION_INTS, FIELD(tokens), "N,...", "a line for each, instead of the suite"},
    {"dim", OPTION_U32, FIELD(dim), "N", "default 64"},
    {"q-block", OPTION_U32, FIELD(q_block), "N", "queries that share a list, default 1"},
    {"kv-block", OPTION_U32, FIELD(kv_block), "N", "keys of a block, default 512"},
    {"entries", OPTION_U32, FIELD(entries), "N", "blocks of a list, default 3"},
    {"causal", OPTION_FLAG, FIELD(causal), NULL, "with the row's own blocks in every list"},
    {"random", OPTION_FLAG, FIELD(random), NULL, "lists are drawn, not selected"},
    {"agree", OPTION_FLOAT, FIELD(agree), "X",
     "part of the queries' variance that changes slowly along the tokens, 0..1, default 0"},
    {"no-dense", OPTION_FLAG, FIELD(no_dense), NULL, "without dense attention"},
    {"execution", OPTION_CHOICE, FIELD(execution), "auto|union|gather",
     "where queries have lists of their own"},
    {"layout", OPTION_CHOICE, FIELD(layout), "auto|rows|subgroup|shared|matrix|stream|matrix2",
     "of attention over lists"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES", "of attention over lists"},
};

static const option_spec measure_specs[] = {
    {"repeat", OPTION_U32, FIELD(settings.repeat), "N", "timed rounds, default 9"},
    {"seconds", OPTION_U32, FIELD(settings.seconds), "N",
     "per line: stop after 3 rounds or more, default 10"},
    {"rows", OPTION_U32, FIELD(settings.rows), "N", "rows compared with the oracle, default 16"},
    {"csv", OPTION_FLAG, FIELD(csv), NULL, "print CSV"},
};

#define BY_QUERY 16384, 64, 1, 512, 3 /* tokens, dim, q_block, kv_block, entries */

/* Lists of a tenth of all blocks, selection for blocks of queries, and blocks of each query's own. */
static const sparse_case suite[] = {
    {16384, 64, 64, 64, 26, .random = true, .dense = true},
    {16384, 64, 128, 128, 13, .random = true, .dense = true},
    {32768, 64, 128, 128, 16},
    {32768, 64, 128, 128, 16, .causal = true},
    {BY_QUERY, .causal = true, .dense = true, .execution = VATTEN_SPARSE_UNION},
    {BY_QUERY, .causal = true, .dense = true, .execution = VATTEN_SPARSE_GATHER},
    {BY_QUERY, .causal = true, .dense = true, .agree = 0.9f, .execution = VATTEN_SPARSE_UNION},
    {BY_QUERY, .causal = true, .dense = true, .agree = 0.9f, .execution = VATTEN_SPARSE_GATHER},
    {BY_QUERY, .causal = true, .dense = true, .agree = 0.99f, .execution = VATTEN_SPARSE_UNION},
    {BY_QUERY, .causal = true, .dense = true, .agree = 0.99f, .execution = VATTEN_SPARSE_GATHER},
};

static bool case_fits(const sparse_case *c) {
    if (c->q_block == 0 || c->kv_block == 0 || c->tokens == 0 || c->tokens % c->q_block != 0 ||
        c->tokens % c->kv_block != 0)
        say_error("--tokens has to be whole blocks of queries and of keys");
    else if (c->dim == 0 || c->dim > VATTEN_MAX_DIM)
        say_error("--dim has to be 1 to %d", VATTEN_MAX_DIM);
    else if (c->entries == 0 || c->entries > sparse_blocks(c))
        say_error("--entries has to be 1 to the number of blocks");
    else if (c->random && (c->causal || c->q_block == 1))
        say_error("--random excludes --causal and needs a --q-block above 1");
    else if (c->execution != VATTEN_SPARSE_AUTO && c->q_block != 1)
        say_error("--execution is for --q-block 1");
    else if (!(c->agree >= 0.0f && c->agree <= 1.0f))
        say_error("--agree has to be between 0 and 1");
    else
        return true;
    return false;
}

/* The cases of the command line, or the suite. Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const sparse_options *o, sparse_case *cases) {
    size_t count = o->tokens.count;
    for (size_t i = 0; i < count; ++i) {
        sparse_case c = {.tokens = o->tokens.value[i] > 0 ? (uint64_t)o->tokens.value[i] : 0,
                         .dim = o->dim,
                         .q_block = o->q_block,
                         .kv_block = o->kv_block,
                         .entries = o->entries,
                         .causal = o->causal,
                         .random = o->random,
                         .agree = o->agree,
                         .execution = (vatten_sparse_execution)o->execution,
                         .dense = !o->no_dense};
        if (!case_fits(&c))
            return 0;
        cases[i] = c;
    }
    for (; o->tokens.count == 0 && count < sizeof suite / sizeof *suite; ++count)
        cases[count] = suite[count];
    for (size_t i = 0; i < count; ++i) {
        cases[i].tile.layout = (vatten_layout)o->layout;
        uint32_t *parts[4] = {&cases[i].tile.workgroup, &cases[i].tile.rows, &cases[i].tile.keys,
                              &cases[i].tile.lanes_per_row};
        for (size_t p = 0; p < o->tile.count; ++p)
            *parts[p] = (uint32_t)o->tile.value[p];
        sparse_name(&cases[i]);
    }
    return count;
}

static bool settings_fit(const sparse_options *o) {
    const sparse_settings *s = &o->settings;
    if (s->repeat < 1 || s->repeat > 1000 || s->rows < 1)
        say_error("--repeat and --rows have to be 1 or more, --repeat 1000 or less");
    else if (o->csv && o->tool.json)
        say_error("--csv and --json exclude each other");
    else if (o->tile.count != 0 && o->tile.count != 4)
        say_error("--tile needs 4 values");
    else
        return true;
    return false;
}

/* Plans as in the suite, made and not run. */
static void fill_memory(vatten_context *context, const sparse_options *o, sparse_result *result) {
    for (size_t i = 0; o->tokens.count == 0 && i < SPARSE_MEMORY_LINES; ++i) {
        const uint64_t tokens = UINT64_C(4096) << i;
        sparse_case shared = {.tokens = tokens, .dim = 64, .q_block = 128, .kv_block = 128, .entries = 16};
        uint64_t own[4];
        for (int n = 0; n < 4; ++n) {
            const sparse_case c = {.tokens = tokens,
                                   .dim = 64,
                                   .q_block = 1,
                                   .kv_block = 512,
                                   .entries = 3,
                                   .causal = true,
                                   .max_workspace = n % 2 ? UINT64_C(1) << 20 : 0,
                                   .execution = n < 2 ? VATTEN_SPARSE_UNION : VATTEN_SPARSE_GATHER};
            own[n] = sparse_workspace(context, &c);
        }
        result->memory[i] =
            (sparse_memory){tokens, sparse_workspace(context, &shared), own[0], own[1], own[2], own[3]};
        result->memory_count = i + 1;
    }
}

static void report_progress(const sparse_case *c, const sparse_row *row, size_t at, size_t count) {
    if (row->status == BENCH_RIGHT)
        say_note("[%zu/%zu] %s: %.1f ms, %.2f x dense (ideal %.2f, bound %.2f), selection %.3f", at + 1,
                 count, c->name, row->ms[c->random ? SPARSE_ATTEND : SPARSE_WHOLE].median, row->speedup,
                 row->ideal, row->bound, row->share);
    else
        say_note("[%zu/%zu] %s: %s: %s", at + 1, count, c->name, bench_status_name(row->status), row->reason);
}

static int run_cases(const sparse_options *o, sparse_result *result, sparse_row *rows) {
    vatten_context *context = NULL;
    bool ok = tool_open(&o->tool, say_quiet_logger(), &context);
    for (size_t i = 0; ok && i < result->count; ++i) {
        sparse_race(context, &o->settings, &result->cases[i], &rows[i]);
        report_progress(&result->cases[i], &rows[i], i, result->count);
    }
    result->context = context;
    if (ok) {
        fill_memory(context, o, result);
        ok = sparse_report(o->csv ? BENCH_CSV : o->tool.json ? BENCH_JSON : BENCH_MARKDOWN, result);
        ok = ok && !tool_found_invalid(context);
    }
    for (size_t i = 0; ok && i < result->count; ++i)
        ok = rows[i].status == BENCH_RIGHT || rows[i].status == BENCH_UNSUPPORTED;
    vatten_context_destroy(context);
    return ok ? SAY_OK : SAY_FAILED;
}

static int run(const sparse_options *o) {
    sparse_case cases[MOST_CASES];
    size_t count = settings_fit(o) ? make_cases(o, cases) : 0;
    if (count == 0)
        return SAY_USAGE;
    sparse_row *rows = calloc(count, sizeof *rows);
    if (rows == NULL) {
        say_error("out of memory");
        return SAY_FAILED;
    }
    sparse_result result = {.settings = &o->settings, .cases = cases, .rows = rows, .count = count};
    int code = run_cases(o, &result, rows);
    free(rows);
    return code;
}

int bench_sparse(int argc, char **argv) {
    sparse_options options = {.settings = {.repeat = 9, .rows = 16, .seconds = 10},
                              .dim = 64,
                              .q_block = 1,
                              .kv_block = 512,
                              .entries = 3};
    const option_table tables[] = {
        {"lines", case_specs, sizeof case_specs / sizeof *case_specs, &options},
        {"measuring", measure_specs, sizeof measure_specs / sizeof *measure_specs, &options},
        tool_option_table(&options.tool),
    };
    int status;
    if (!tool_parse("vatten_bench", argc, argv, tables, sizeof tables / sizeof *tables, usage_text,
                    &options.tool, &status))
        return status;
    return run(&options);
}
