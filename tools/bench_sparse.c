/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include <string.h>

#include "bench_suite.h"
#include "family.h"
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
    bench_measure measure;
    option_ints tokens, tile;
    uint32_t dim, q_block, kv_block, entries;
    float agree;
    bool causal, random, no_dense;
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
    {"layout", OPTION_CHOICE, FIELD(layout), FAMILY_LAYOUT_WORDS, "of attention over lists"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES", "of attention over lists"},
};

#define BY_QUERY 16384, 64, 1, 512, 3 /* tokens, dim, q_block, kv_block, entries */

/* Lists of a tenth of all blocks. */
static const sparse_case drawn[] = {
    {16384, 64, 64, 64, 26, .random = true, .dense = true},
    {16384, 64, 128, 128, 13, .random = true, .dense = true},
};

/* Selection for blocks of queries, and blocks of each query's own. */
static const sparse_case selected[] = {
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

static size_t add_cases(const sparse_case *from, size_t more, sparse_case *cases, size_t count) {
    memcpy(cases + count, from, more * sizeof *from);
    return count + more;
}

/* Without a suite's name there are those of both. */
static size_t take_suites(const bench_call *call, sparse_case *cases) {
    size_t count = 0;
    if (!bench_call_is(call, "selection"))
        count = add_cases(drawn, sizeof drawn / sizeof *drawn, cases, count);
    if (!bench_call_is(call, "block-sparse"))
        count = add_cases(selected, sizeof selected / sizeof *selected, cases, count);
    return count;
}

static size_t take_lists(const sparse_options *o, sparse_case *cases) {
    for (size_t i = 0; i < o->tokens.count; ++i) {
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
    return o->tokens.count;
}

/* Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const sparse_options *o, const bench_call *call, sparse_case *cases) {
    if (!bench_call_fits(call, o->tokens.count != 0))
        return 0;
    size_t count = o->tokens.count != 0 ? take_lists(o, cases) : take_suites(call, cases);
    for (size_t i = 0; i < count; ++i) {
        if (!family_make_tile(o->layout, &o->tile, &cases[i].tile))
            return 0;
        sparse_name(&cases[i]);
    }
    return count;
}

/* Plans as in the suite, made and not run. */
static void fill_memory(void *user, vatten_context *context) {
    sparse_result *result = user;
    for (size_t i = 0; result->with_memory && i < SPARSE_MEMORY_LINES; ++i) {
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

static size_t race(void *user, vatten_context *context, size_t at) {
    const sparse_result *result = user;
    sparse_race(context, result->run.measure, &result->cases[at], &result->rows[at]);
    report_progress(&result->cases[at], &result->rows[at], at, result->count);
    return 1;
}

static bool passes(const void *user, size_t at) {
    bench_status status = ((const sparse_result *)user)->rows[at].status;
    return status == BENCH_RIGHT || status == BENCH_UNSUPPORTED;
}

static int run(const sparse_options *o, const bench_call *call) {
    static sparse_case cases[MOST_CASES];
    static sparse_row rows[MOST_CASES];
    size_t count = bench_measure_fits(&o->measure, &o->tool) ? make_cases(o, call, cases) : 0;
    sparse_result result = {.run = {.measure = &o->measure},
                            .cases = cases,
                            .rows = rows,
                            .count = count,
                            .with_memory = o->tokens.count == 0 && !bench_call_is(call, "block-sparse")};
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, o->tokens.count != 0, "block-sparse,selection"),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = count,
                               .race = race,
                               .finish = fill_memory,
                               .passes = passes,
                               .print = sparse_report_print,
                               .add = sparse_report_add};
    return count == 0 ? SAY_USAGE : bench_suite_run(&lines);
}

int bench_sparse(const bench_call *call) {
    sparse_options options = {
        .measure = bench_measure_default(), .dim = 64, .q_block = 1, .kv_block = 512, .entries = 3};
    const option_table lines = {"lines", case_specs, sizeof case_specs / sizeof *case_specs, &options};
    int status;
    if (!bench_suite_parse(call, &lines, usage_text, &options.measure, &options.tool, &status))
        return status;
    return run(&options, call);
}
