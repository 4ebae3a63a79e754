/* SPDX-License-Identifier: MIT
 *
 * long_context: needles in a haystack of 131,072 tokens, looked for by dense attention, by attention to blocks that each
 * query chooses (MoBA), and by a sink and a window (streaming). See README.md; the use of vatten is in methods.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "charts.h"
#include "complain.h"
#include "devices.h"
#include "outcome.h"
#include "photo.h"

typedef struct options {
    uint32_t tokens, block, top, sink, window; /* 0 = default */
    uint32_t needle, questions, seed, repeat, checks;
    const char *device, *dense, *map_png, *chart_png;
    bool quick, lengths, quiet, json, list_devices, help;
} options;

#define MOST_ROWS 24

static size_t make_rows(options *o, argument rows[MOST_ROWS]) {
    const argument all[] = {
        {"--tokens", ARGUMENT_COUNT, &o->tokens, 2048, 1048576, "N", "of the text (131072; --quick 16384)"},
        {"--block", ARGUMENT_COUNT, &o->block, 16, 65536, "N", "keys of a block of MoBA (512; --quick 256)"},
        {"--top", ARGUMENT_COUNT, &o->top, 1, STUDY_MOST_TOP, "N",
         "blocks of a query, its own among them (8)"},
        {"--sink", ARGUMENT_COUNT, &o->sink, 1, 1048576, "N", "first keys of streaming (a block)"},
        {"--window", ARGUMENT_COUNT, &o->window, 1, 1048576, "N",
         "last keys of streaming (the other blocks)"},
        {"--needle-tokens", ARGUMENT_COUNT, &o->needle, 1, 64, "N", "tokens of a needle (32)"},
        {"--question-tokens", ARGUMENT_COUNT, &o->questions, 1, 64, "N",
         "tokens that ask for each needle (16)"},
        {"--seed", ARGUMENT_COUNT, &o->seed, 0, 4294967295.0, "N", "of the text (1)"},
        {"--dense", ARGUMENT_TEXT, &o->dense, 0, 0, "all|rows",
         "rows that dense attention computes (all); rows: some, its time is estimated"},
        {"--map", ARGUMENT_TEXT, &o->map_png, 0, 0, "FILE.png", "draw which blocks the queries go by"},
        {"--chart", ARGUMENT_TEXT, &o->chart_png, 0, 0, "FILE.png",
         "also try shorter texts, and draw which needles are found"},
        {"--repeat", ARGUMENT_COUNT, &o->repeat, 1, 50, "N",
         "times are medians of N runs (3), of fewer where they take 20 s together"},
        {"--check", ARGUMENT_COUNT, &o->checks, 0, STUDY_MOST_CHECKS, "N",
         "rows computed again in double (16), besides a question of each needle"},
        {"--quick", ARGUMENT_FLAG, &o->quick, 0, 0, "", "a short text, in seconds on any device"},
        ARGUMENT_ROW_DEVICE(&o->device),
        ARGUMENT_ROW_LIST_DEVICES(&o->list_devices),
        ARGUMENT_ROW_QUIET(&o->quiet),
        ARGUMENT_ROW_JSON(&o->json),
        ARGUMENT_ROW_HELP(&o->help),
    };
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

static void print_help(const argument *rows, size_t count) {
    printf(
        "usage: long_context [options]\n\n"
        "Hides 11 needles in a long text and asks for them at its end: dense attention, blocks that each "
        "query\n"
        "chooses (MoBA), and a sink and a window (streaming). Time, error, and which needles are found.\n\n");
    arguments_help(rows, count);
    printf("\nExit status: 0 done, 1 failed or the check found a difference, 2 wrong command line.\n");
}

static uint32_t or_else(uint32_t value, uint32_t missing) {
    return value ? value : missing;
}

static void make_desc(const options *o, study_desc *out) {
    uint32_t block = or_else(o->block, o->quick ? 256 : 512), top = or_else(o->top, 8);
    *out = (study_desc){
        .device = o->device,
        .text = {.tokens = or_else(o->tokens, o->quick ? 16384 : 131072),
                 .needle_tokens = o->needle,
                 .question_tokens = o->questions,
                 .seed = o->seed},
        .rules = {.block = block,
                  .top = top,
                  .sink = or_else(o->sink, block),
                  .window = or_else(o->window, top > 1 ? (top - 1) * block : block)},
        .dense_rows = o->dense && strcmp(o->dense, "rows") == 0,
        .repeat = o->repeat,
        .checks = o->checks,
        .lengths = o->chart_png != NULL,
        .quiet = o->quiet,
    };
}

static bool check_options(const options *o, const study_desc *desc) {
    const method_rules *rules = &desc->rules;
    const text_desc *t = &desc->text;
    uint64_t blocks = method_blocks(rules, t->tokens);
    if (o->dense && strcmp(o->dense, "all") != 0 && strcmp(o->dense, "rows") != 0) {
        return complain("--dense takes all or rows, not '%s'", o->dense);
    }
    if (t->tokens < 2 * text_least(t)) {
        return complain("--tokens %llu are too few for the needles and questions; %llu will do",
                        (unsigned long long)t->tokens, (unsigned long long)(2 * text_least(t)));
    }
    if (rules->block > t->tokens) {
        return complain("--block %u is more than the %llu tokens", rules->block,
                        (unsigned long long)t->tokens);
    }
    if (o->map_png && blocks > 1024) {
        return complain("--map draws at most 1024 blocks; %llu tokens in blocks of %u are %llu",
                        (unsigned long long)t->tokens, rules->block, (unsigned long long)blocks);
    }
    if (o->map_png && o->chart_png && strcmp(o->map_png, o->chart_png) == 0) {
        return complain("--map and --chart name the same file");
    }
    return (!o->map_png || photo_is_png(o->map_png)) && (!o->chart_png || photo_is_png(o->chart_png));
}

/* Asked before minutes of work. */
static bool can_save(const options *o) {
    return (!o->map_png || photo_can_save(o->map_png)) && (!o->chart_png || photo_can_save(o->chart_png));
}

static bool run(const options *o, const study_desc *desc) {
    study s = {0};
    bool done = can_save(o) && study_run(desc, &s) && (!o->map_png || chart_map(&s, o->map_png)) &&
                (!o->chart_png || chart_needles(&s, o->chart_png));
    if (done) {
        (o->json ? outcome_json : outcome_text)(&s, o->map_png, o->chart_png);
        done = study_passed(&s) ||
               complain("the device's result differs from the exact one by more than allowed");
    }
    study_destroy(&s);
    return done;
}

int main(int argc, char **argv) {
    options o = {.needle = 32, .questions = 16, .seed = 1, .repeat = 3, .checks = 16};
    argument rows[MOST_ROWS];
    study_desc desc;
    size_t count = make_rows(&o, rows);
    complain_begin("long_context");
    if (!arguments_read(rows, count, argc, argv, NULL)) {
        return 2;
    }
    if (o.help) {
        print_help(rows, count);
        return EXIT_SUCCESS;
    }
    if (o.list_devices) {
        return devices_list() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    make_desc(&o, &desc);
    if (!check_options(&o, &desc)) {
        return 2;
    }
    return run(&o, &desc) ? EXIT_SUCCESS : EXIT_FAILURE;
}
