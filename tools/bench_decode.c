/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include <stdio.h>

#include "bench_suite.h"
#include "decode_report.h"
#include "family.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench decode [options]                  the suite\n"
    "       vatten_bench decode --lens 4096,32768 --heads 32 --kv-heads 8 --dims 128 --pages 0,64 ...\n"
    "\n"
    "Attention of few new tokens to a long cache, contiguous or in pages that are shuffled: rows are "
    "compared\n"
    "with a double-precision oracle, then it is timed, against the copy that the device makes in the same "
    "run.\n"
    "Exit status: 0 all right, 1 a wrong, refused or failed line, 2 wrong command line.\n";

enum { MOST_CASES = 256 };

typedef struct decode_options {
    tool_options tool;
    bench_measure measure;
    option_ints lens, dims, dtypes, pages, tile;
    uint32_t heads, kv_heads, value_dim, block, queries, splits;
    bool latent;
    int layout;
} decode_options;

#define FIELD(member) offsetof(decode_options, member)

static const option_spec case_specs[] = {
    {"lens", OPTION_INTS, FIELD(lens), "N,...", "tokens of the cache, instead of the suite"},
    {"dtypes", OPTION_CHOICES, FIELD(dtypes), FAMILY_DTYPE_WORDS, "default f16"},
    {"pages", OPTION_INTS, FIELD(pages), "N,...", "tokens of a page; 0: contiguous, the default"},
    {"heads", OPTION_U32, FIELD(heads), "N", "query heads, default 32"},
    {"kv-heads", OPTION_U32, FIELD(kv_heads), "N", "default 8"},
    {"dims", OPTION_INTS, FIELD(dims), "N,...", "default 128"},
    {"value-dim", OPTION_U32, FIELD(value_dim), "N", "default: as dim"},
    {"block", OPTION_U32, FIELD(block), "N", "the cache is bytes (I8), of which so many share a scale"},
    {"queries", OPTION_U32, FIELD(queries), "N", "new tokens, causal among them, default 1"},
    {"latent", OPTION_FLAG, FIELD(latent), NULL, "v is the first numbers of each k, in one buffer"},
    {"splits", OPTION_U32, FIELD(splits), "N", "workgroups that share the keys; default: the plan's choice"},
    {"layout", OPTION_CHOICE, FIELD(layout), FAMILY_LAYOUT_WORDS, "of all lines"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES", "of all lines"},
};

/* ---- Lines ---- */

/* A cache as it is and the same in pages. */
#define GROUPED(type, rows, tokens)                                                                          \
    {tokens, type, rows, 32, 8, 128, 128}, {                                                                 \
        tokens, type, rows, 32, 8, 128, 128, .page = 64                                                      \
    }
#define LENGTHS(type)                                                                                        \
    GROUPED(type, 1, 1024), GROUPED(type, 1, 4096), GROUPED(type, 1, 8192), GROUPED(type, 1, 32768)
#define LATENT(type)                                                                                         \
    {4096, type, 1, 128, 1, 576, 512, .latent = true}, {                                                     \
        4096, type, 1, 128, 1, 576, 512, .page = 64, .latent = true                                          \
    }

#define BYTES(tokens)                                                                                        \
    {tokens, VATTEN_DTYPE_F16, 1, 32, 8, 128, 128, .block = 32}, {                                           \
        tokens, VATTEN_DTYPE_F16, 1, 32, 8, 128, 128, .page = 64, .block = 32                                \
    }

/* A token of a layer with grouped heads, four draft tokens at once, multi-head latent attention (DeepSeek-V2, 2024), and a cache of
 * bytes. */
static const decode_case suite[] = {
    LENGTHS(VATTEN_DTYPE_F16),
    LENGTHS(VATTEN_DTYPE_F32),
    GROUPED(VATTEN_DTYPE_F16, 4, 8192),
    GROUPED(VATTEN_DTYPE_F32, 4, 8192),
    LATENT(VATTEN_DTYPE_F16),
    LATENT(VATTEN_DTYPE_F32),
    BYTES(8192),
};

/* The library judges all else; what is looked at here is what data are made of. */
static bool case_fits(const decode_case *c) {
    if (c->kv_len == 0 || c->kv_len > UINT32_MAX)
        say_error("--lens have to be 1 or more");
    else if (c->queries == 0 || c->queries > c->kv_len)
        say_error("--queries has to be 1 to the tokens of the cache");
    else if (c->dim == 0 || c->dim > VATTEN_MAX_DIM || c->value_dim > VATTEN_MAX_DIM)
        say_error("--dims and --value-dim have to be 1 to %u", VATTEN_MAX_DIM);
    else if (c->page > 65536)
        say_error("--pages have to be 0 to 65536");
    else if (c->kv_heads == 0 || c->heads == 0 || c->heads % c->kv_heads != 0)
        say_error("--kv-heads has to be a divisor of --heads");
    else if (c->block != 0 && (c->dim % c->block != 0 || c->value_dim % c->block != 0))
        say_error("--block has to be a divisor of --dims and --value-dim");
    else if (c->latent && c->value_dim > c->dim)
        say_error("--latent: --value-dim has to be at most the dim");
    else
        return true;
    return false;
}

/* Line `n` of all lists multiplied out: pages change first, which run in turns. */
static decode_case make_case(const decode_options *o, size_t n) {
    decode_case c = {.queries = o->queries,
                     .heads = o->heads,
                     .kv_heads = o->kv_heads,
                     .block = o->block,
                     .latent = o->latent};
    c.page = options_small(options_next(&o->pages, &n, 0));
    int64_t length = options_next(&o->lens, &n, 0);
    c.kv_len = length > 0 ? (uint64_t)length : 0;
    c.dim = options_small(options_next(&o->dims, &n, 128));
    c.value_dim = o->value_dim != 0 ? o->value_dim : c.dim;
    c.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + options_next(&o->dtypes, &n, 1));
    return c;
}

static bool set_kernel(const decode_options *o, decode_case *c) {
    c->splits = o->splits;
    decode_name(c);
    return family_make_tile(o->layout, &o->tile, &c->tile);
}

/* Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const decode_options *o, decode_case *cases) {
    size_t count = o->lens.count == 0 ? sizeof suite / sizeof *suite
                                      : o->lens.count * options_items(o->pages.count) *
                                            options_items(o->dims.count) * options_items(o->dtypes.count);
    if (count > MOST_CASES) {
        say_error("the lists make %zu lines, at most %d will do", count, MOST_CASES);
        return 0;
    }
    for (size_t i = 0; i < count; ++i) {
        cases[i] = o->lens.count == 0 ? suite[i] : make_case(o, i);
        if (!case_fits(&cases[i]) || !set_kernel(o, &cases[i]))
            return 0;
    }
    return count;
}

/* ---- Running ---- */

static void report_progress(const decode_case *c, const decode_row *row, size_t at, size_t count) {
    const bench_row *bench = &row->bench;
    if (bench->status == BENCH_RIGHT)
        say_note("[%zu/%zu] %s: %.3f ms, %.1f GFLOP/s, %.3g GB/s", at + 1, count, c->name,
                 bench->gpu_ms.median, bench_row_gflops(bench), row->gbs);
    else
        say_note("[%zu/%zu] %s: %s: %s", at + 1, count, c->name, bench_status_name(bench->status),
                 bench->reason);
}

static size_t race(void *user, vatten_context *context, size_t at) {
    const decode_result *result = user;
    size_t turns = decode_turns(result->cases + at, result->count - at);
    decode_race(context, result->run.measure, &result->cases[at], turns, &result->rows[at]);
    for (size_t n = at; n < at + turns; ++n)
        report_progress(&result->cases[n], &result->rows[n], n, result->count);
    return turns;
}

static bool passes(const void *user, size_t at) {
    return bench_row_passes(&((const decode_result *)user)->rows[at].bench);
}

static int run(const decode_options *o, const bench_call *call) {
    static decode_case cases[MOST_CASES];
    static decode_row rows[MOST_CASES];
    size_t count = bench_measure_fits(&o->measure, &o->tool) && bench_call_fits(call, o->lens.count != 0)
                       ? make_cases(o, cases)
                       : 0;
    decode_result result = {.run = {.measure = &o->measure}, .cases = cases, .rows = rows, .count = count};
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, o->lens.count != 0, "decode"),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = count,
                               .race = race,
                               .passes = passes,
                               .print = decode_report_print,
                               .add = decode_report_add};
    return count == 0 ? SAY_USAGE : bench_suite_run(&lines);
}

int bench_decode(const bench_call *call) {
    decode_options options = {.measure = bench_measure_default(), .heads = 32, .kv_heads = 8, .queries = 1};
    const option_table lines = {"lines, multiplied out", case_specs, sizeof case_specs / sizeof *case_specs,
                                &options};
    int status;
    if (!bench_suite_parse(call, &lines, usage_text, &options.measure, &options.tool, &status))
        return status;
    return run(&options, call);
}
