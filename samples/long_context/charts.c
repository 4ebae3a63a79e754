/* SPDX-License-Identifier: MIT */
#include "charts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "ink.h"

#define SCALE  2u /* of letters */
#define LINE   28u
#define MARGIN 84u /* left of a panel, for labels */
#define GAP    16u
#define STRIP  22u  /* height of the questions about a needle */
#define BESIDE 84u  /* right of a strip */
#define SIDE   512u /* of a map, about */

static const ink paper = {255, 255, 255}, letters = {32, 32, 32}, unseen = {236, 236, 236},
                 light = {190, 214, 246}, dark = {16, 60, 128}, mark = {240, 140, 0}, good = {20, 130, 60},
                 bad = {200, 40, 40}, good_cell = {120, 200, 140}, bad_cell = {240, 150, 140};

static bool begin(photo *out, uint32_t width, uint32_t height) {
    bool made = photo_create(out, width, height);
    if (made) {
        ink_fill(out, (ink_box){0, 0, width, height}, paper);
    }
    return made;
}

static void label_right(photo *out, uint32_t right, uint32_t y, const char *words) {
    ink_text(out, right - ink_text_width(SCALE, words), y, SCALE, letters, words);
}

static void label_middle(photo *out, uint32_t middle, uint32_t y, const char *words) {
    ink_text(out, middle - ink_text_width(SCALE, words) / 2, y, SCALE, letters, words);
}

/* ---- Blocks ---- */

/* Shares of queries, [rows][blocks]. */
typedef struct map {
    uint64_t blocks;
    float *share;
} map;

/* Adds one query of `queries` to a row of the map. */
static void add_query(const study *s, method m, uint64_t query, double queries, const map *out,
                      uint64_t row) {
    row_range keys[STUDY_MOST_TOP + 2];
    uint32_t top = method_top(&s->desc.rules, s->desc.text.tokens), block = s->desc.rules.block;
    uint32_t count = exact_keys(&s->desc.rules, m, s->desc.text.tokens, s->lists + query * top, query, keys);
    uint64_t next = 0; /* ranges may meet inside of a block */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t n = keys[i].first / block;
        for (n = n < next ? next : n; n <= (keys[i].end - 1) / block; n++) {
            out->share[row * out->blocks + n] += (float)(1.0 / queries);
            next = n + 1;
        }
    }
}

static bool make_map(const study *s, method m, map *out) {
    uint64_t tokens = s->desc.text.tokens, block = s->desc.rules.block;
    out->blocks = method_blocks(&s->desc.rules, tokens);
    out->share = calloc((size_t)(out->blocks * out->blocks), sizeof(float));
    if (!out->share) {
        return complain("out of memory for a picture");
    }
    for (uint64_t query = 0; query < tokens; query++) {
        uint64_t row = query / block, left = tokens - row * block;
        add_query(s, m, query, (double)(left < block ? left : block), out, row);
    }
    return true;
}

static ink ink_of(float share) {
    return share > 0.0f ? ink_between(light, dark, share < 1.0f ? (double)share : 1.0) : unseen;
}

static uint32_t cell_of(const study *s) {
    uint64_t blocks = method_blocks(&s->desc.rules, s->desc.text.tokens);
    return blocks < SIDE ? (uint32_t)(SIDE / blocks) : 1;
}

static void draw_map(photo *out, const map *m, uint32_t x, uint32_t y, uint32_t cell) {
    for (uint64_t row = 0; row < m->blocks; row++) {
        for (uint64_t n = 0; n <= row; n++) {
            ink_box box = {x + (uint32_t)n * cell, y + (uint32_t)row * cell, cell, cell};
            ink_fill(out, box, ink_of(m->share[row * m->blocks + n]));
        }
    }
}

/* The questions about one needle, with its block marked. */
static void draw_strip(photo *out, const study *s, method m, uint32_t needle, const map *row, uint32_t x,
                       uint32_t y, uint32_t cell) {
    char label[16];
    const study_answer *answer = &s->method[m].answer[needle];
    snprintf(label, sizeof(label), "%u %%", needle * 100 / (TEXT_NEEDLES - 1));
    label_right(out, x - 8, y + 2, label);
    for (uint64_t n = 0; n < row->blocks; n++) {
        ink_box box = {x + (uint32_t)n * cell, y, cell, STRIP - 4};
        ink_fill(out, box, ink_of(row->share[n]));
    }
    ink_box box = {x + (uint32_t)s->pick[needle].block * cell, y, cell, STRIP - 4};
    for (uint32_t i = 1; i <= 2; i++) {
        ink_outline(out, (ink_box){box.x - i, box.y - i, box.width + 2 * i, box.height + 2 * i}, mark);
    }
    ink_text(out, x + (uint32_t)row->blocks * cell + 10, y + 2, SCALE, answer->found ? good : bad,
             answer->found ? "found" : "lost");
}

static bool draw_strips(photo *out, const study *s, method m, uint64_t blocks, uint32_t x, uint32_t y,
                        uint32_t cell) {
    uint64_t before = s->desc.text.tokens - text_questions(&s->desc.text);
    map row = {blocks, calloc((size_t)blocks, sizeof(float))};
    for (uint32_t n = 0; n < TEXT_NEEDLES && row.share; n++) {
        uint32_t count = s->desc.text.question_tokens;
        memset(row.share, 0, (size_t)blocks * sizeof(float));
        for (uint32_t i = 0; i < count; i++) {
            add_query(s, m, before + n * count + i, count, &row, 0);
        }
        draw_strip(out, s, m, n, &row, x, y + n * STRIP, cell);
    }
    free(row.share);
    return row.share || complain("out of memory for a picture");
}

static bool draw_method(photo *out, const study *s, method m, uint32_t x) {
    char title[96];
    map shares = {0};
    uint32_t cell = cell_of(s);
    if (!make_map(s, m, &shares)) {
        return false;
    }
    uint32_t side = (uint32_t)shares.blocks * cell;
    if (m == METHOD_MOBA) {
        snprintf(title, sizeof(title), "MoBA: %u of %u blocks",
                 method_top(&s->desc.rules, s->desc.text.tokens), (unsigned)shares.blocks);
    } else {
        snprintf(title, sizeof(title), "streaming: sink %u, window %u", s->desc.rules.sink,
                 s->desc.rules.window);
    }
    ink_text(out, x, 8, SCALE, letters, title);
    draw_map(out, &shares, x, LINE + 8, cell);
    label_right(out, x - 8, LINE + 8, "first");
    label_right(out, x - 8, LINE + 28, "query");
    label_right(out, x - 8, LINE + side - 32, "last");
    label_right(out, x - 8, LINE + side - 12, "query");
    ink_text(out, x, LINE + side + GAP, SCALE, letters, "questions about a needle at");
    free(shares.share);
    return draw_strips(out, s, m, shares.blocks, x, 2 * LINE + side + GAP, cell);
}

static void draw_legend(photo *out, uint32_t x, uint32_t y) {
    ink_text(out, x, y, SCALE, letters, "keys from left to right; share of queries that go by a block: 0");
    uint32_t at =
        x + ink_text_width(SCALE, "keys from left to right; share of queries that go by a block: 0") + 10;
    for (uint32_t i = 0; i < 128; i++) {
        ink_fill(out, (ink_box){at + i, y, 1, 14}, i < 4 ? unseen : ink_of((float)i / 127.0f));
    }
    ink_text(out, at + 138, y, SCALE, letters, "100 %");
    at += 138 + ink_text_width(SCALE, "100 %") + 24;
    ink_outline(out, (ink_box){at, y - 2, 8, 18}, mark);
    ink_outline(out, (ink_box){at + 1, y - 1, 6, 16}, mark);
    ink_text(out, at + 18, y, SCALE, letters, "the needle's block");
}

bool chart_map(const study *s, const char *path) {
    uint32_t side = (uint32_t)method_blocks(&s->desc.rules, s->desc.text.tokens) * cell_of(s);
    uint32_t panel = MARGIN + side + BESIDE;
    photo picture;
    bool done = begin(&picture, 2 * panel, 4 * LINE + side + GAP + TEXT_NEEDLES * STRIP) &&
                draw_method(&picture, s, METHOD_MOBA, MARGIN) &&
                draw_method(&picture, s, METHOD_STREAMING, panel + MARGIN);
    if (done) {
        draw_legend(&picture, MARGIN, picture.height - LINE);
        done = photo_save(&picture, path);
    }
    photo_destroy(&picture);
    return done;
}

/* ---- Needles ---- */

#define CELL_WIDTH  46u
#define CELL_HEIGHT 26u

static void draw_cell(photo *out, uint32_t x, uint32_t y, bool found, double cosine) {
    char number[16];
    ink_fill(out, (ink_box){x, y, CELL_WIDTH - 2, CELL_HEIGHT - 2}, found ? good_cell : bad_cell);
    snprintf(number, sizeof(number), "%.0f", 100.0 * cosine);
    label_middle(out, x + CELL_WIDTH / 2, y + 5, number);
}

static void draw_needles(photo *out, const study *s, method m, uint32_t x) {
    char label[96];
    uint32_t y = 2 * LINE;
    snprintf(label, sizeof(label), "%s", method_name(m));
    ink_text(out, x, 8, SCALE, letters, label);
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        snprintf(label, sizeof(label), "%u %%", n * 100 / (TEXT_NEEDLES - 1));
        label_right(out, x - 8, y + n * CELL_HEIGHT + 5, label);
        for (uint32_t l = 0; l < s->length_count; l++) {
            draw_cell(out, x + l * CELL_WIDTH, y + n * CELL_HEIGHT, s->found[m][l][n], s->cosine[m][l][n]);
        }
    }
    for (uint32_t l = 0; l < s->length_count; l++) {
        snprintf(label, sizeof(label), "%.3gk", (double)s->length[l] / 1024.0);
        label_middle(out, x + l * CELL_WIDTH + CELL_WIDTH / 2, LINE + 8, label);
    }
}

bool chart_needles(const study *s, const char *path) {
    uint32_t panel = MARGIN + s->length_count * CELL_WIDTH + GAP;
    photo picture;
    bool done = begin(&picture, METHODS * panel, 3 * LINE + TEXT_NEEDLES * CELL_HEIGHT + GAP);
    if (done) {
        for (method m = 0; m < METHODS; m++) {
            draw_needles(&picture, s, m, m * panel + MARGIN);
        }
        ink_text(
            &picture, MARGIN, picture.height - LINE, SCALE, letters,
            "depth of the needle, by tokens of the text: 100 x cosine of output and answer; green: found, "
            "red: lost");
        done = photo_save(&picture, path);
    }
    photo_destroy(&picture);
    return done;
}
