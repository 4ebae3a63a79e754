/* SPDX-License-Identifier: MIT */
#include "tune_picture.h"

#include "say.h"

#include <ref.h>
#include <stdlib.h>
#include <string.h>

#ifdef VATTEN_TUNE_PNG
#include <stb_image_write.h>
#endif

#define WIDTH_WANTED 1600     /* pixels; more only where a token would be below one */
#define CELL_MOST    16       /* pixels of a token's side */
#define PIXELS_MOST  67108864 /* of the picture */

typedef struct color {
    uint8_t r, g, b;
} color;

static const color paper = {255, 255, 255};
static const color hidden = {226, 226, 226};
static const color in_query_tile = {46, 160, 67};
static const color the_query = {214, 40, 40};
/* By the number of the key tile, so that neighbouring tiles can be told apart. */
static const color visited[3] = {{255, 214, 140}, {255, 190, 92}, {255, 233, 184}};
static const color seen[3] = {{92, 145, 224}, {49, 104, 189}, {140, 181, 240}};

/* One axis: its rule, the queries of the box and the keys that they need, in positions of the query's group. */
typedef struct view {
    ref_axis_rule rule;
    uint64_t group;
    uint64_t query; /* a coordinate */
    uint64_t first_query, end_query;
    uint64_t first_key, end_key;
} view;

typedef struct picture {
    view axis[3]; /* rank 1 and 2 have axes of one token before theirs */
    uint32_t keys;
    uint64_t planes_across; /* planes of axis 0 in one row of them */
    uint64_t cell, gap;     /* pixels of a token, tokens between planes */
    uint64_t width, height;
    uint8_t *pixels;
} picture;

/* Where a coordinate stands once the grid is rolled. */
static uint64_t rolled(const view *v, uint64_t coordinate) {
    return (coordinate + v->rule.extent - v->rule.roll) % v->rule.extent;
}

static uint64_t position(const view *v, uint64_t coordinate) {
    return rolled(v, coordinate) / v->rule.dilation;
}

static void add_keys(view *v, uint64_t query) {
    for (uint64_t key = 0; key < v->rule.extent; ++key)
        if (ref_axis_visible(&v->rule, query, key)) {
            uint64_t p = position(v, key);
            v->first_key = p < v->first_key ? p : v->first_key;
            v->end_key = p + 1 > v->end_key ? p + 1 : v->end_key;
        }
}

static view view_of(const vatten_axis *axis, uint64_t side, uint64_t query) {
    view v = {.rule = {axis->extent, axis->window, axis->stride, axis->dilation, axis->causal,
                       (ref_edge)axis->edge, axis->roll},
              .query = query};
    v.group = rolled(&v, query) % axis->dilation;
    v.first_query = position(&v, query) / side * side;
    v.end_query = v.first_query;
    v.first_key = UINT64_MAX;
    while (v.end_query < v.first_query + side && v.end_query * axis->dilation + v.group < axis->extent) {
        add_keys(&v, (v.end_query * axis->dilation + v.group + axis->roll) % axis->extent);
        ++v.end_query;
    }
    return v;
}

/* ---- One token ---- */

static bool of_group(const picture *p, const uint64_t token[3]) {
    bool same = true;
    for (int a = 0; a < 3; ++a)
        same = same && rolled(&p->axis[a], token[a]) % p->axis[a].rule.dilation == p->axis[a].group;
    return same;
}

/* Whether the query tile needs the token's key; `tile` is then the number of its key tile, walked row by row. */
static bool visits(const picture *p, const uint64_t token[3], uint64_t *tile) {
    uint64_t number = 0;
    for (int a = 0; a < 3; ++a) {
        const view *v = &p->axis[a];
        uint64_t at = position(v, token[a]);
        if (at < v->first_key || at >= v->end_key)
            return false;
        number = number * (v->end_key - v->first_key) + at - v->first_key;
    }
    *tile = number / p->keys;
    return of_group(p, token);
}

static bool sees(const picture *p, const uint64_t token[3]) {
    bool all = true;
    for (int a = 0; a < 3; ++a)
        all = all && ref_axis_visible(&p->axis[a].rule, p->axis[a].query, token[a]);
    return all;
}

static color key_color(const picture *p, const uint64_t token[3]) {
    uint64_t tile;
    if (!visits(p, token, &tile))
        return hidden;
    return sees(p, token) ? seen[tile % 3] : visited[tile % 3];
}

/* What stands in the middle of the token; false: nothing. */
static bool mark_of(const picture *p, const uint64_t token[3], color *out) {
    bool query = true;
    bool tile = of_group(p, token);
    for (int a = 0; a < 3; ++a) {
        const view *v = &p->axis[a];
        uint64_t at = position(v, token[a]);
        query = query && token[a] == v->query;
        tile = tile && at >= v->first_query && at < v->end_query;
    }
    *out = query ? the_query : in_query_tile;
    return tile;
}

/* ---- The picture ---- */

static void fill(picture *p, uint64_t x, uint64_t y, uint64_t size, color c) {
    for (uint64_t row = y; row < y + size; ++row)
        for (uint64_t column = x; column < x + size; ++column)
            memcpy(p->pixels + (row * p->width + column) * 3, &(const uint8_t[3]){c.r, c.g, c.b}, 3);
}

static void draw_token(picture *p, const uint64_t token[3]) {
    uint64_t across = token[0] % p->planes_across * (p->axis[2].rule.extent + p->gap) + token[2] + p->gap;
    uint64_t down = token[0] / p->planes_across * (p->axis[1].rule.extent + p->gap) + token[1] + p->gap;
    uint64_t line = p->cell >= 4 ? 1 : 0; /* of paper between tokens */
    uint64_t inset = p->cell >= 8 ? p->cell / 4 : line;
    color mark;
    fill(p, across * p->cell, down * p->cell, p->cell - line, key_color(p, token));
    if (mark_of(p, token, &mark))
        fill(p, across * p->cell + inset, down * p->cell + inset, p->cell - inset * 2 + (p->cell >= 8) - line,
             mark);
}

static bool lay_out(picture *p) {
    uint64_t planes = p->axis[0].rule.extent;
    uint64_t wide = p->axis[2].rule.extent;
    p->gap = 1;
    uint64_t fit = WIDTH_WANTED / 4 / (wide + p->gap);
    p->planes_across = fit == 0 ? 1 : fit < planes ? fit : planes;
    uint64_t across = p->planes_across * (wide + p->gap) + p->gap;
    uint64_t rows = (planes + p->planes_across - 1) / p->planes_across;
    uint64_t down = rows * (p->axis[1].rule.extent + p->gap) + p->gap;
    uint64_t cell = WIDTH_WANTED / across;
    p->cell = cell == 0 ? 1 : cell > CELL_MOST ? CELL_MOST : cell;
    p->width = across * p->cell;
    p->height = down * p->cell;
    if (p->width <= PIXELS_MOST / p->height)
        return true;
    say_error("a grid of %llu x %llu x %llu tokens is too large for a picture", (unsigned long long)planes,
              (unsigned long long)p->axis[1].rule.extent, (unsigned long long)wide);
    return false;
}

static void draw(picture *p) {
    uint64_t token[3];
    memset(p->pixels, paper.r, (size_t)(p->width * p->height * 3));
    for (token[0] = 0; token[0] < p->axis[0].rule.extent; ++token[0])
        for (token[1] = 0; token[1] < p->axis[1].rule.extent; ++token[1])
            for (token[2] = 0; token[2] < p->axis[2].rule.extent; ++token[2])
                draw_token(p, token);
}

static bool store(const picture *p, const char *path) {
#ifdef VATTEN_TUNE_PNG
    if (stbi_write_png(path, (int)p->width, (int)p->height, 3, p->pixels, (int)p->width * 3))
        return true;
    say_error("%s: cannot be written", path);
#else
    (void)p;
    say_error("%s: this vatten_tune was built without stb_image_write and writes no pictures", path);
#endif
    return false;
}

bool tune_write_picture(const char *path, const vatten_neighborhood_desc *desc,
                        const vatten_estimate *estimate, const uint64_t query[3]) {
    picture p = {.keys = estimate->tile.keys};
    const vatten_axis one = {.extent = 1, .window = 1, .stride = 1, .dilation = 1};
    for (uint32_t a = 0; a < 3; ++a) {
        uint32_t missing = 3 - desc->rank;
        p.axis[a] = a < missing
                        ? view_of(&one, 1, 0)
                        : view_of(&desc->axis[a - missing], estimate->box[a - missing], query[a - missing]);
    }
    if (!lay_out(&p))
        return false;
    p.pixels = malloc((size_t)(p.width * p.height * 3));
    if (p.pixels == NULL) {
        say_error("out of memory");
        return false;
    }
    draw(&p);
    bool good = store(&p, path);
    free(p.pixels);
    return good;
}
