/* SPDX-License-Identifier: MIT */
#include "bench_decode.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench_vk.h"
#include "decode_report.h"
#include "family.h"
#include "options.h"
#include "roof.h"
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
    decode_settings settings;
    option_ints lens, dims, dtypes, pages, tile;
    uint32_t heads, kv_heads, value_dim, queries, splits;
    bool latent, csv;
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
    {"queries", OPTION_U32, FIELD(queries), "N", "new tokens, causal among them, default 1"},
    {"latent", OPTION_FLAG, FIELD(latent), NULL, "v is the first numbers of each k, in one buffer"},
    {"splits", OPTION_U32, FIELD(splits), "N", "workgroups that share the keys; default: the plan's choice"},
    {"layout", OPTION_CHOICE, FIELD(layout), "auto|rows|subgroup|shared|matrix", "of all lines"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES", "of all lines"},
};

static const option_spec measure_specs[] = {
    {"repeat", OPTION_U32, FIELD(settings.repeat), "N", "timed rounds, default 9"},
    {"warmup", OPTION_U32, FIELD(settings.warmup), "N", "untimed runs before, default 1"},
    {"seconds", OPTION_U32, FIELD(settings.seconds), "N",
     "per line: stop after 3 rounds or more, default 10"},
    {"rows", OPTION_U32, FIELD(settings.rows), "N", "rows compared with the oracle, default 16"},
    {"csv", OPTION_FLAG, FIELD(csv), NULL, "print CSV"},
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

/* A token of a layer with grouped heads, four draft tokens at once, and multi-head latent attention (DeepSeek-V2, 2024). */
static const decode_case suite[] = {
    LENGTHS(VATTEN_DTYPE_F16),          LENGTHS(VATTEN_DTYPE_F32), GROUPED(VATTEN_DTYPE_F16, 4, 8192),
    GROUPED(VATTEN_DTYPE_F32, 4, 8192), LATENT(VATTEN_DTYPE_F16),  LATENT(VATTEN_DTYPE_F32),
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
    else if (c->latent && c->value_dim > c->dim)
        say_error("--latent: --value-dim has to be at most the dim");
    else
        return true;
    return false;
}

static int64_t item(const option_ints *list, size_t at, int64_t missing) {
    return list->count == 0 ? missing : list->value[at];
}

static size_t at_least_one(size_t count) {
    return count == 0 ? 1 : count;
}

static uint32_t small(int64_t value) {
    return value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* Line `n` of all lists multiplied out: pages change first, which run in turns. */
static decode_case make_case(const decode_options *o, size_t n) {
    size_t lens = o->lens.count, pages = at_least_one(o->pages.count), dims = at_least_one(o->dims.count);
    int64_t length = item(&o->lens, n / pages % lens, 0),
            dtype = item(&o->dtypes, n / lens / pages / dims, 1);
    uint32_t dim = small(item(&o->dims, n / lens / pages % dims, 128));
    return (decode_case){.kv_len = length > 0 ? (uint64_t)length : 0,
                         .dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + dtype),
                         .queries = o->queries,
                         .heads = o->heads,
                         .kv_heads = o->kv_heads,
                         .dim = dim,
                         .value_dim = o->value_dim != 0 ? o->value_dim : dim,
                         .page = small(item(&o->pages, n % pages, 0)),
                         .latent = o->latent};
}

static void set_kernel(const decode_options *o, decode_case *c) {
    uint32_t *parts[4] = {&c->tile.workgroup, &c->tile.rows, &c->tile.keys, &c->tile.lanes_per_row};
    c->splits = o->splits;
    c->tile.layout = (vatten_layout)o->layout;
    for (size_t p = 0; p < o->tile.count; ++p)
        *parts[p] = small(o->tile.value[p]);
    decode_name(c);
}

/* Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const decode_options *o, decode_case *cases) {
    size_t count = o->lens.count == 0 ? sizeof suite / sizeof *suite
                                      : o->lens.count * at_least_one(o->pages.count) *
                                            at_least_one(o->dims.count) * at_least_one(o->dtypes.count);
    if (count > MOST_CASES) {
        say_error("the lists make %zu lines, at most %d will do", count, MOST_CASES);
        return 0;
    }
    for (size_t i = 0; i < count; ++i) {
        cases[i] = o->lens.count == 0 ? suite[i] : make_case(o, i);
        if (!case_fits(&cases[i]))
            return 0;
        set_kernel(o, &cases[i]);
    }
    return count;
}

static bool settings_fit(const decode_options *o) {
    const decode_settings *s = &o->settings;
    if (s->repeat < 1 || s->repeat > 10000 || s->rows < 1 || s->warmup > 10000)
        say_error("--repeat and --rows have to be 1 or more, --repeat and --warmup 10000 or less");
    else if (o->csv && o->tool.json)
        say_error("--csv and --json exclude each other");
    else if (o->tile.count != 0 && o->tile.count != 4)
        say_error("--tile needs 4 values");
    else
        return true;
    return false;
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

/* All lines, with the roof before those that take turns and after the last. False when the device itself failed. */
static bool run_all(vatten_context *context, const decode_options *o, const decode_result *result,
                    roof *device_roof, decode_row *rows) {
    for (size_t i = 0, turns; i < result->count; i += turns) {
        if (!roof_measure(device_roof))
            return false;
        turns = decode_turns(result->cases + i, result->count - i);
        decode_race(context, &o->settings, &result->cases[i], turns, &rows[i]);
        for (size_t n = i; n < i + turns; ++n)
            report_progress(&result->cases[n], &rows[n], n, result->count);
    }
    return roof_measure(device_roof);
}

static int bench(const decode_options *o, const decode_case *cases, decode_row *rows, size_t count) {
    vatten_context *context = NULL;
    roof *device_roof = NULL;
    bench_vk vk;
    decode_result result = {.settings = &o->settings, .cases = cases, .rows = rows, .count = count};
    bool ok = tool_open(&o->tool, say_quiet_logger(), &context) && bench_vk_load(context, &vk) &&
              roof_create(context, &vk, &device_roof);
    ok = ok && run_all(context, o, &result, device_roof, rows);
    result.context = context;
    result.roof = device_roof;
    ok = ok && decode_report(o->csv ? BENCH_CSV : o->tool.json ? BENCH_JSON : BENCH_MARKDOWN, &result);
    ok = ok && !tool_found_invalid(context);
    for (size_t i = 0; ok && i < count; ++i)
        ok = bench_row_passes(&rows[i].bench);
    roof_destroy(device_roof);
    vatten_context_destroy(context);
    return ok ? SAY_OK : SAY_FAILED;
}

static int run(const decode_options *o) {
    decode_case *cases = calloc(MOST_CASES, sizeof *cases);
    decode_row *rows = calloc(MOST_CASES, sizeof *rows);
    int code = SAY_FAILED;
    if (cases != NULL && rows != NULL) {
        size_t count = settings_fit(o) ? make_cases(o, cases) : 0;
        code = count == 0 ? SAY_USAGE : bench(o, cases, rows, count);
    } else {
        say_error("out of memory");
    }
    free(cases);
    free(rows);
    return code;
}

int bench_decode(int argc, char **argv) {
    decode_options options = {.settings = {.repeat = 9, .warmup = 1, .rows = 16, .seconds = 10},
                              .heads = 32,
                              .kv_heads = 8,
                              .queries = 1};
    const option_table tables[] = {
        {"lines, multiplied out", case_specs, sizeof case_specs / sizeof *case_specs, &options},
        {"measuring", measure_specs, sizeof measure_specs / sizeof *measure_specs, &options},
        tool_option_table(&options.tool),
    };
    int status;
    if (!tool_parse("vatten_bench", argc, argv, tables, sizeof tables / sizeof *tables, usage_text,
                    &options.tool, &status))
        return status;
    return run(&options);
}
