/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include "bench_suite.h"
#include "options.h"
#include "say.h"
#include "scaling_report.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench scaling [options]                 1024 to 65536 tokens by all methods\n"
    "       vatten_bench scaling --tokens 1048576 --methods window --dtype f16 --window 256 --repeat 3\n"
    "\n"
    "Time and memory of attention against tokens, one head: dense, by a window, over drawn lists of blocks.\n"
    "Rows are compared with a double-precision oracle; then all lengths run in turns, and the exponents of\n"
    "time and memory are worked out.\n"
    "Exit status: 0 all right, 1 a wrong, refused or slower line, 2 wrong command line.\n";

enum { FIRST_TOKENS = 1024, LENGTHS = 7, MOST_CASES = SCALING_METHODS * SCALING_MOST_LINES };

typedef struct scaling_options {
    tool_options tool;
    bench_measure measure;
    option_ints methods, tokens;
    uint32_t dim, window, block, entries, budget;
    int dtype;
} scaling_options;

#define FIELD(member) offsetof(scaling_options, member)

static const option_spec case_specs[] = {
    {"methods", OPTION_CHOICES, FIELD(methods), SCALING_METHOD_WORDS, "default all"},
    {"tokens", OPTION_INTS, FIELD(tokens), "N,...", "ascending; default 1024,2048,4096,...,65536"},
    {"dtype", OPTION_CHOICE, FIELD(dtype), FAMILY_DTYPE_WORDS,
     "of dense and window, default f32; block-sparse is f32"},
    {"dim", OPTION_U32, FIELD(dim), "N", "default 64"},
    {"window", OPTION_U32, FIELD(window), "N", "keys on each side, default 256"},
    {"block", OPTION_U32, FIELD(block), "N", "tokens of a block, default 64"},
    {"entries", OPTION_U32, FIELD(entries), "N", "blocks of a list, default 8"},
    {"budget", OPTION_U32, FIELD(budget), "SECONDS", "of one run: longer lines are skipped, default 4"},
};

static bool case_fits(const scaling_case *c, uint64_t before) {
    bool blocks = c->method == SCALING_BLOCKS;
    if (c->tokens <= before || c->tokens > UINT32_MAX)
        say_error("--tokens have to be ascending, from 1 on");
    else if (c->dim == 0 || c->dim > VATTEN_MAX_DIM)
        say_error("--dim has to be 1 to %u", VATTEN_MAX_DIM);
    else if (blocks && (c->block == 0 || c->tokens % c->block != 0))
        say_error("--tokens have to be whole blocks");
    else if (blocks && (c->entries == 0 || c->entries > c->tokens / c->block))
        say_error("--entries has to be 1 to the number of blocks");
    else
        return true;
    return false;
}

static scaling_case make_case(const scaling_options *o, size_t method, size_t length) {
    scaling_case c = {.dim = o->dim, .window = o->window, .block = o->block, .entries = o->entries};
    int64_t tokens = o->tokens.count != 0 ? o->tokens.value[length] : (int64_t)FIRST_TOKENS << length;
    c.tokens = tokens > 0 ? (uint64_t)tokens : 0;
    c.method = (scaling_method)(o->methods.count != 0 ? o->methods.value[method] : (int64_t)method);
    c.dtype = c.method == SCALING_BLOCKS ? VATTEN_DTYPE_F32 : (vatten_dtype)(VATTEN_DTYPE_F32 + o->dtype);
    scaling_name(&c);
    return c;
}

/* Returns how many; 0 and said why if they do not fit. */
static size_t make_cases(const scaling_options *o, scaling_case *cases) {
    size_t methods = o->methods.count != 0 ? o->methods.count : SCALING_METHODS;
    size_t lengths = o->tokens.count != 0 ? o->tokens.count : LENGTHS, count = 0;
    if (methods > SCALING_METHODS) {
        say_error("--methods: each only once");
        return 0;
    }
    for (size_t m = 0; m < methods; ++m) {
        for (size_t l = 0; l < lengths; ++l) {
            cases[count] = make_case(o, m, l);
            if (!case_fits(&cases[count], l > 0 ? cases[count - 1].tokens : 0))
                return 0;
            ++count;
        }
    }
    return count;
}

/* All lines of a method take turns. */
static size_t race(void *user, vatten_context *context, size_t at) {
    scaling_result *result = user;
    size_t count = 1;
    while (at + count < result->count &&
           result->cases[at + count].tokens > result->cases[at + count - 1].tokens &&
           result->cases[at + count].method == result->cases[at].method)
        ++count;
    scaling_fit *fit = &result->fits[result->fit_count++];
    scaling_race(context, result->run.vk, result->run.measure, result->budget, &result->cases[at], count,
                 &result->rows[at], fit);
    say_note("%s: time by tokens^%.3f (%.3f - %.3f), CPU time by tokens^%.3f, memory by tokens^%.3f",
             scaling_method_name(fit->method), fit->time.median, fit->time.min, fit->time.max,
             fit->cpu.median, fit->memory);
    return count;
}

static bool passes(const void *user, size_t at) {
    return bench_row_passes(&((const scaling_result *)user)->rows[at].bench);
}

static int run(const scaling_options *o, const bench_call *call) {
    static scaling_case cases[MOST_CASES];
    static scaling_row rows[MOST_CASES];
    bool lists = o->methods.count + o->tokens.count != 0;
    size_t count =
        bench_measure_fits(&o->measure, &o->tool) && bench_call_fits(call, lists) ? make_cases(o, cases) : 0;
    scaling_result result = {
        .run = {.measure = &o->measure}, .budget = o->budget, .cases = cases, .rows = rows, .count = count};
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, lists, "scaling"),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = count,
                               .race = race,
                               .passes = passes,
                               .print = scaling_report_print,
                               .add = scaling_report_add};
    return count == 0 ? SAY_USAGE : bench_suite_run(&lines);
}

int bench_scaling(const bench_call *call) {
    scaling_options options = {
        .measure = bench_measure_default(), .dim = 64, .window = 256, .block = 64, .entries = 8, .budget = 4};
    const option_table lines = {"lines, multiplied out", case_specs, sizeof case_specs / sizeof *case_specs,
                                &options};
    int status;
    if (!bench_suite_parse(call, &lines, usage_text, &options.measure, &options.tool, &status))
        return status;
    return run(&options, call);
}
