/* SPDX-License-Identifier: MIT
 *
 * decode: the attention layer of a language model while it writes, token by token over a paged cache of 32,000 tokens, with
 * one command buffer that is recorded once. See README.md; the use of vatten is in layer.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "chart.h"
#include "complain.h"
#include "decode_outcome.h"
#include "devices.h"
#include "photo.h"

#define MOST_TOKENS 1048576u
#define MOST_ROWS   20

typedef struct options {
    const char *cache, *lengths, *dtype, *device, *chart;
    uint32_t tokens, heads, kv_heads, dim, page, window, speculative, batch, seed;
    bool check, no_check, quiet, json, list_devices, help;
} options;

static size_t make_rows(options *o, argument rows[MOST_ROWS]) {
    const argument all[] = {
        {"--tokens", ARGUMENT_COUNT, &o->tokens, 1, 65536, "N",
         "new tokens of each entry, at each length (64)"},
        {"--cache", ARGUMENT_TEXT, &o->cache, 0, 0, "N", "tokens in the cache before, 32000 or 32k (32000)"},
        {"--lengths", ARGUMENT_TEXT, &o->lengths, 0, 0, "N,N,...", "several of those, ascending: 1k,2k,4k"},
        {"--heads", ARGUMENT_COUNT, &o->heads, 1, 1024, "N", "query heads (32)"},
        {"--kv-heads", ARGUMENT_COUNT, &o->kv_heads, 1, 1024, "N", "heads of keys and values (8)"},
        {"--dim", ARGUMENT_COUNT, &o->dim, 1, VATTEN_MAX_DIM, "N", "numbers of a head (128)"},
        {"--dtype", ARGUMENT_TEXT, &o->dtype, 0, 0, "f32|f16|bf16", "of queries, cache and output (f16)"},
        {"--page", ARGUMENT_COUNT, &o->page, 1, 65536, "N", "tokens of a page (64)"},
        {"--window", ARGUMENT_COUNT, &o->window, 1, MOST_TOKENS, "N", "last tokens that a token sees (all)"},
        {"--speculative", ARGUMENT_COUNT, &o->speculative, 2, 16, "N",
         "draft tokens that one step verifies (1)"},
        {"--batch", ARGUMENT_COUNT, &o->batch, 1, 64, "N", "entries, of different lengths (1)"},
        {"--seed", ARGUMENT_COUNT, &o->seed, 0, 4294967295.0, "N", "of tokens and pages (1)"},
        {"--check", ARGUMENT_FLAG, &o->check, 0, 0, "", "compare tokens with double, and pages (default)"},
        {"--no-check", ARGUMENT_FLAG, &o->no_check, 0, 0, "", "do not"},
        {"--chart", ARGUMENT_TEXT, &o->chart, 0, 0, "FILE.png", "draw the time of a token by --lengths"},
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
    printf("usage: decode [options]\n\n"
           "Decodes tokens over a paged cache: each step appends the new token's keys and values and attends "
           "to all\n"
           "tokens so far, by one command buffer that is recorded once and submitted again and again.\n\n");
    arguments_help(rows, count);
    printf("\nExit status: 0 done, 1 failed or the check found a difference, 2 wrong command line.\n");
}

/* ---- What the options mean ---- */

/* Numbers with commas between; k after a number is 1024. */
static bool read_lengths(const char *name, const char *text, uint32_t most, study_desc *out) {
    const char *at = text;
    do {
        uint64_t number = 0;
        bool fits = arguments_whole(&at, MOST_TOKENS, &number);
        if (fits && *at == 'k') {
            number *= 1024;
            at++;
        }
        fits = fits && number >= 1 && number <= MOST_TOKENS;
        if (!fits || (*at && *at != ',') || out->length_count == most) {
            return complain("%s takes %s from 1 to %u, such as 32000 or 32k, not '%s'", name,
                            most > 1 ? "whole numbers with commas between," : "a whole number", MOST_TOKENS,
                            text);
        }
        if (out->length_count && out->length[out->length_count - 1] >= number) {
            return complain("%s have to be ascending, not '%s'", name, text);
        }
        out->length[out->length_count++] = number;
    } while (*at++ == ',');
    return true;
}

static bool read_dtype(const char *text, vatten_dtype *out) {
    static const char *const names[] = {"f32", "f16", "bf16"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (vatten_dtype)(VATTEN_DTYPE_F32 + i);
            return true;
        }
    }
    return complain("--dtype takes f32, f16 or bf16, not '%s'", text);
}

static bool check_options(const options *o, const study_desc *desc) {
    if (o->heads % o->kv_heads != 0) {
        return complain("--kv-heads %u is no divisor of --heads %u", o->kv_heads, o->heads);
    }
    if (o->check && o->no_check) {
        return complain("--check and --no-check exclude each other");
    }
    if (o->chart && desc->length_count < 2) {
        return complain("--chart needs two or more --lengths");
    }
    return !o->chart || photo_is_png(o->chart);
}

static bool make_desc(const options *o, study_desc *out) {
    uint32_t rows = o->speculative ? o->speculative : 1;
    *out = (study_desc){
        .device = o->device,
        .layer = {.tokens = {.batch = o->batch,
                             .heads = o->heads,
                             .kv_heads = o->kv_heads,
                             .dim = o->dim,
                             .window = o->window,
                             .seed = o->seed},
                  .page = o->page,
                  .rows = rows},
        .steps = (o->tokens + rows - 1) / rows,
        .check = !o->no_check,
        .quiet = o->quiet,
    };
    if (o->cache && o->lengths) {
        return complain("--cache and --lengths exclude each other");
    }
    bool read = o->lengths ? read_lengths("--lengths", o->lengths, STUDY_MOST_LENGTHS, out)
                           : read_lengths("--cache", o->cache ? o->cache : "32000", 1, out);
    return read && read_dtype(o->dtype, &out->layer.tokens.dtype) && check_options(o, out);
}

/* ---- Running ---- */

static bool run(const options *o, const study_desc *desc) {
    study s;
    bool done = (!o->chart || photo_can_save(o->chart)) && study_run(desc, &s) &&
                (!o->chart || chart_draw(&s, o->chart));
    if (done) {
        (o->json ? outcome_json : outcome_text)(&s, o->chart);
        done = !desc->check || study_passed(&s) || complain("the device's result is not what was expected");
    }
    return done;
}

int main(int argc, char **argv) {
    options o = {.tokens = 64,
                 .heads = 32,
                 .kv_heads = 8,
                 .dim = 128,
                 .dtype = "f16",
                 .page = 64,
                 .batch = 1,
                 .seed = 1};
    argument rows[MOST_ROWS];
    study_desc desc;
    size_t count = make_rows(&o, rows);
    complain_begin("decode");
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
    if (!make_desc(&o, &desc)) {
        return 2;
    }
    return run(&o, &desc) ? EXIT_SUCCESS : EXIT_FAILURE;
}
