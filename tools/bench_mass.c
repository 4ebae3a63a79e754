/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include "bench_suite.h"
#include "family.h"
#include "mass_report.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench mass [options]                    the suite\n"
    "       vatten_bench mass --kinds columns,rows --lens 2048,64x8192 --dims 64 --dtypes f16 --rows-out 64 "
    "...\n"
    "\n"
    "Attention mass: what dense attention looks at, in turns with the forward attention that it follows. "
    "Both are\n"
    "compared with a double-precision oracle first. A list or another value than the default of an option of "
    "lines takes\n"
    "the place of the suite.\n"
    "Exit status: 0 all right, 1 a wrong, refused or failed line, 2 wrong command line.\n";

enum { MOST_CASES = 256, TOKENS = 2048, HEADS = 8, KV_HEADS = 2, SEGMENTS = 16, ROWS = 64, BLOCK = 64 };

typedef struct mass_options {
    tool_options tool;
    bench_measure measure;
    option_ints kinds, dims, dtypes, heads, kv_heads, causal, tile;
    option_shapes lens;
    uint64_t rows_out, block, last;
    uint32_t segments;
    int layout;
} mass_options;

#define FIELD(member) offsetof(mass_options, member)

static const option_spec case_specs[] = {
    {"kinds", OPTION_CHOICES, FIELD(kinds), MASS_KIND_WORDS, "default: all"},
    {"lens", OPTION_SHAPES, FIELD(lens), "QxK,...",
     "query x key tokens; one number: both; default 2048x2048"},
    {"dims", OPTION_INTS, FIELD(dims), "N,...", "default 64"},
    {"dtypes", OPTION_CHOICES, FIELD(dtypes), FAMILY_DTYPE_WORDS, "default f32"},
    {"heads", OPTION_INTS, FIELD(heads), "N,...", "query heads, default 8"},
    {"kv-heads", OPTION_INTS, FIELD(kv_heads), "N,...", "default 2"},
    {"causal", OPTION_CHOICES, FIELD(causal), FAMILY_CAUSAL_WORDS, "default none"},
    {"rows-out", OPTION_U64, FIELD(rows_out), "N",
     "rows: of so many last queries, at most all; 0 = all, default 64"},
    {"segments", OPTION_U32, FIELD(segments), "N", "segments: so many runs of keys, default 16"},
    {"block", OPTION_U64, FIELD(block), "N", "block-max: keys of a block, default 64"},
    {"last", OPTION_U64, FIELD(last), "N", "columns: of so many last queries; 0 = all, the default"},
    {"layout", OPTION_CHOICE, FIELD(layout), "auto|rows|subgroup|shared", "of the mass of all lines"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES", "of the mass of all lines"},
};

/* ---- Lines ---- */

/* Of dims, dtypes and causality each two meet in each way. */
static const mass_case suite_problems[] = {
    {.dim = 64, .dtype = VATTEN_DTYPE_F32},
    {.dim = 64, .dtype = VATTEN_DTYPE_F16, .causal = FAMILY_CAUSAL_LAST},
    {.dim = 128, .dtype = VATTEN_DTYPE_F32, .causal = FAMILY_CAUSAL_LAST},
    {.dim = 128, .dtype = VATTEN_DTYPE_F16},
};

static const mass_case suite_asked[] = {
    {.kind = VATTEN_MASS_COLUMNS},
    {.kind = VATTEN_MASS_SEGMENTS},
    {.kind = VATTEN_MASS_ROWS, .rows = ROWS},
    {.kind = VATTEN_MASS_ROWS, .rows = TOKENS / 4},
    {.kind = VATTEN_MASS_ENTROPY},
    {.kind = VATTEN_MASS_BLOCK_MAX},
};

enum { SUITE_ASKED = sizeof suite_asked / sizeof *suite_asked };
enum { SUITE_LINES = SUITE_ASKED * (sizeof suite_problems / sizeof *suite_problems) };

static mass_case suite_case(size_t n) {
    mass_case c = suite_problems[n / SUITE_ASKED];
    c.q_len = c.kv_len = TOKENS;
    c.heads = HEADS;
    c.kv_heads = KV_HEADS;
    c.kind = suite_asked[n % SUITE_ASKED].kind;
    c.rows = suite_asked[n % SUITE_ASKED].rows;
    c.segments = SEGMENTS;
    c.block = BLOCK;
    return c;
}

static bool has_lists(const mass_options *o) {
    size_t items = o->kinds.count + o->lens.count + o->dims.count + o->dtypes.count + o->heads.count +
                   o->kv_heads.count + o->causal.count;
    return items != 0 || o->rows_out != ROWS || o->segments != SEGMENTS || o->block != BLOCK || o->last != 0;
}

/* Line `n` of all lists multiplied out: kinds change first. */
static mass_case make_case(const mass_options *o, size_t n) {
    mass_case c = {.segments = o->segments, .rows = o->rows_out, .block = o->block, .last = o->last};
    const option_ints all_kinds = {5, {0, 1, 2, 3, 4}};
    c.kind = (vatten_mass_kind)(VATTEN_MASS_COLUMNS +
                                options_next(o->kinds.count != 0 ? &o->kinds : &all_kinds, &n, 0));
    c.causal = (int)options_next(&o->causal, &n, FAMILY_CAUSAL_NONE);
    c.kv_heads = options_small(options_next(&o->kv_heads, &n, KV_HEADS));
    c.heads = options_small(options_next(&o->heads, &n, HEADS));
    c.dim = options_small(options_next(&o->dims, &n, 64));
    c.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + options_next(&o->dtypes, &n, 0));
    c.q_len = o->lens.count == 0 ? TOKENS : o->lens.part[n][0];
    c.kv_len = o->lens.count == 0 ? TOKENS : o->lens.part[n][o->lens.rank[n] - 1];
    return c;
}

static size_t count_lines(const mass_options *o) {
    size_t kinds = o->kinds.count == 0 ? 5 : o->kinds.count;
    return has_lists(o) ? kinds * options_items(o->causal.count) * options_items(o->kv_heads.count) *
                              options_items(o->heads.count) * options_items(o->dims.count) *
                              options_items(o->dtypes.count) * options_items(o->lens.count)
                        : SUITE_LINES;
}

/* The library judges all else; what is looked at here is what data are made of. */
static bool case_fits(const mass_case *c) {
    if (c->q_len == 0 || c->q_len > UINT32_MAX || c->kv_len == 0 || c->kv_len > UINT32_MAX)
        say_error("--lens have to be 1 or more");
    else if (c->dim == 0 || c->dim > VATTEN_MAX_DIM)
        say_error("--dims have to be 1 to %u", VATTEN_MAX_DIM);
    else if (c->kv_heads == 0 || c->heads == 0 || c->heads > 65536 || c->heads % c->kv_heads != 0)
        say_error("--kv-heads has to be a divisor of --heads, which are at most 65536");
    else if (c->segments == 0 || c->block == 0)
        say_error("--segments and --block have to be 1 or more");
    else
        return true;
    return false;
}

static bool lens_fit(const mass_options *o) {
    for (size_t i = 0; i < o->lens.count; ++i)
        if (o->lens.rank[i] > 2) {
            say_error("--lens takes QxK, not three numbers");
            return false;
        }
    return true;
}

/* Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const mass_options *o, mass_case *cases) {
    size_t count = count_lines(o);
    if (count > MOST_CASES) {
        say_error("the lists make %zu lines, at most %d will do", count, MOST_CASES);
        return 0;
    }
    for (size_t i = 0; i < count; ++i) {
        cases[i] = has_lists(o) ? make_case(o, i) : suite_case(i);
        if (!case_fits(&cases[i]) || !family_make_tile(o->layout, &o->tile, &cases[i].tile))
            return 0;
        mass_name(&cases[i]);
    }
    return count;
}

/* ---- Running ---- */

static size_t race(void *user, vatten_context *context, size_t at) {
    const mass_result *result = user;
    const mass_case *c = &result->cases[at];
    mass_row *row = &result->rows[at];
    mass_race(context, result->run.measure, c, row);
    if (row->bench.status == BENCH_RIGHT)
        say_note("[%zu/%zu] %s: %.3f ms, forward %.3f ms, %.3f of it", at + 1, result->count, c->name,
                 row->bench.gpu_ms.median, row->forward_ms.median, row->by_forward);
    else
        say_note("[%zu/%zu] %s: %s: %s", at + 1, result->count, c->name, bench_status_name(row->bench.status),
                 row->bench.reason);
    return 1;
}

static bool passes(const void *user, size_t at) {
    return bench_row_passes(&((const mass_result *)user)->rows[at].bench);
}

static int run(const mass_options *o, const bench_call *call) {
    static mass_case cases[MOST_CASES];
    static mass_row rows[MOST_CASES];
    size_t count =
        bench_measure_fits(&o->measure, &o->tool) && bench_call_fits(call, has_lists(o)) && lens_fit(o)
            ? make_cases(o, cases)
            : 0;
    mass_result result = {.run = {.measure = &o->measure}, .cases = cases, .rows = rows, .count = count};
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, has_lists(o), "mass"),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = count,
                               .race = race,
                               .passes = passes,
                               .print = mass_report_print,
                               .add = mass_report_add};
    return count == 0 ? SAY_USAGE : bench_suite_run(&lines);
}

int bench_mass(const bench_call *call) {
    mass_options options = {
        .measure = bench_measure_default(), .rows_out = ROWS, .block = BLOCK, .segments = SEGMENTS};
    const option_table lines = {"lines, multiplied out", case_specs, sizeof case_specs / sizeof *case_specs,
                                &options};
    int status;
    if (!bench_suite_parse(call, &lines, usage_text, &options.measure, &options.tool, &status))
        return status;
    return run(&options, call);
}
