/* SPDX-License-Identifier: MIT */
#include "ref_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A block of a row. */
typedef struct place {
    uint64_t head, row, block;
    double value;
} place;

/* One group at work. */
typedef struct group {
    const ref_choice *c;
    uint64_t head, row, block, heads, rows, blocks; /* the first, and how many */
    place *others;
    uint64_t count, forced;
    double low, high, held, weight; /* of forced blocks, of all */
} group;

/* Largest value first, NaN last; of equals the higher head, the later row, the higher block. */
static int by_value(const void *left, const void *right) {
    const place *a = left, *b = right;
    if (isnan(a->value) != isnan(b->value)) {
        return isnan(a->value) ? 1 : -1;
    }
    if (!isnan(a->value) && a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    if (a->head != b->head) {
        return a->head > b->head ? -1 : 1;
    }
    if (a->row != b->row) {
        return a->row > b->row ? -1 : 1;
    }
    return a->block > b->block ? -1 : 1;
}

static uint64_t at(const ref_choice *c, uint64_t head, uint64_t row, uint64_t block) {
    return (head * c->rows + row) * c->blocks + block;
}

static void gather(group *g) {
    const ref_choice *c = g->c;
    g->low = INFINITY;
    g->high = -INFINITY;
    for (uint64_t head = g->head; head < g->head + g->heads; ++head) {
        for (uint64_t row = g->row; row < g->row + g->rows; ++row) {
            for (uint64_t n = g->block; n < g->block + g->blocks; ++n) {
                uint64_t i = at(c, head, row, n);
                if ((c->place[i] & REF_VALUED) && !isnan(c->value[i])) {
                    g->low = fmin(g->low, c->value[i]);
                    g->high = fmax(g->high, c->value[i]);
                }
                g->forced += (c->place[i] & REF_FORCED) != 0;
                if (c->place[i] == REF_VALUED) {
                    g->others[g->count++] = (place){head, row, n, c->value[i]};
                }
            }
        }
    }
    qsort(g->others, g->count, sizeof *g->others, by_value);
}

static double weight(const group *g, double value) {
    if (isnan(value)) {
        return 0.0;
    }
    if (!g->c->min_max) {
        return value;
    }
    return g->high > g->low ? (value - g->low) / (g->high - g->low) : 0.0;
}

static void weigh(group *g) {
    const ref_choice *c = g->c;
    for (uint64_t head = g->head; head < g->head + g->heads; ++head) {
        for (uint64_t row = g->row; row < g->row + g->rows; ++row) {
            for (uint64_t n = g->block; n < g->block + g->blocks; ++n) {
                uint64_t i = at(c, head, row, n);
                double w = (c->place[i] & REF_VALUED) ? weight(g, c->value[i]) : 0.0;
                g->weight += w;
                g->held += (c->place[i] & REF_FORCED) ? w : 0.0;
            }
        }
    }
}

static bool is_near(const ref_choice *c, double a, double b) {
    return a != b && fabs(a - b) < c->near;
}

/* The shortest prefix whose weight reaches the share; `shift` -1 and 1: as little and as much as rounding may need. */
static uint64_t prefix(const group *g, int shift) {
    const ref_choice *c = g->c;
    uint64_t n = 0;
    bool exact = g->weight == 0.0 || (c->share == 0.0 && g->forced == 0); /* sums of nothing but zeros */
    double goal = c->share * g->weight + (exact ? 0.0 : 1e-6 * shift * (1.0 + g->weight)), held = g->held;
    while (n < g->count && held < goal) {
        held += weight(g, g->others[n++].value);
    }
    return n - (c->crossing_out && n > 0 ? 1 : 0);
}

static uint64_t at_least(const group *g, int shift) {
    uint64_t wanted = 0;
    while (wanted < g->count && g->others[wanted].value >= g->c->share - shift * g->c->near) {
        wanted++;
    }
    return wanted;
}

static uint64_t wanted_of(const group *g, int shift) {
    const ref_choice *c = g->c;
    uint64_t room = g->rows * g->heads * (c->by_block ? 1 : c->entries);
    uint64_t full = c->budget_rows < c->rows ? c->budget_rows : c->rows;
    if (c->total) {
        room = c->total * g->rows / full;
    }
    room -= room < g->forced ? room : g->forced;
    uint64_t wanted = c->budget == REF_TOP    ? room
                      : c->budget == REF_MASS ? prefix(g, shift)
                                              : at_least(g, shift);
    wanted = wanted < c->least ? c->least : wanted;
    wanted = wanted > room ? room : wanted;
    return wanted > g->count ? g->count : wanted;
}

/* The row's forced blocks, and of those that are in the best that fit. */
static void list_row(const ref_choice *c, uint64_t head, uint64_t row, uint8_t *in, place *others,
                     uint32_t *out, uint32_t *count, bool *doubt) {
    uint64_t used = 0, rest = 0;
    for (uint64_t n = 0; n < c->blocks; ++n) {
        if (c->place[at(c, head, row, n)] & REF_FORCED) {
            in[n] = used < c->entries;
            used += in[n];
        } else if (in[n]) {
            others[rest++] = (place){head, row, n, c->value[at(c, head, row, n)]};
        }
    }
    uint64_t room = c->entries - used;
    qsort(others, rest, sizeof *others, by_value);
    for (uint64_t n = room; n < rest; ++n) {
        in[others[n].block] = 0;
    }
    if (room > 0 && room < rest) {
        *doubt = *doubt || is_near(c, others[room - 1].value, others[room].value);
    }
    *count = 0;
    for (uint64_t n = 0; n < c->blocks; ++n) {
        if (in[n]) {
            out[(*count)++] = (uint32_t)n;
        }
    }
}

/* The rows of those that are as good as the last one that is in, or the first one that is not. */
static void doubt_ends(const group *g, uint64_t taken, bool *doubt) {
    const ref_choice *c = g->c;
    if (taken == 0 || taken >= g->count || !is_near(c, g->others[taken - 1].value, g->others[taken].value)) {
        return;
    }
    for (uint64_t i = 0; i < g->count; ++i) {
        double x = g->others[i].value;
        if (fabs(x - g->others[taken - 1].value) < c->near || fabs(x - g->others[taken].value) < c->near) {
            doubt[g->others[i].head * c->rows + g->others[i].row] = true;
        }
    }
}

/* Others of a group that are in; `others` has room for all. */
static void choose_group(group *g, uint8_t *in, bool *doubt) {
    const ref_choice *c = g->c;
    gather(g);
    weigh(g);
    uint64_t taken = wanted_of(g, 0), least = wanted_of(g, -1), most = wanted_of(g, 1);
    for (uint64_t i = 0; i < taken; ++i) {
        in[at(c, g->others[i].head, g->others[i].row, g->others[i].block)] = 1;
    }
    for (uint64_t i = least; i < most; ++i) {
        doubt[g->others[i].head * c->rows + g->others[i].row] = true;
    }
    doubt_ends(g, taken, doubt);
    doubt_ends(g, least, doubt);
    doubt_ends(g, most, doubt);
}

static void choose_groups(const ref_choice *c, place *others, uint8_t *in, bool *doubt) {
    uint64_t blocks = c->by_block ? 1 : c->blocks;
    for (uint64_t head = 0; head < c->heads; head += c->budget_heads) {
        for (uint64_t row = 0; row < c->rows; row += c->budget_rows) {
            for (uint64_t n = 0; n < c->blocks; n += blocks) {
                uint64_t rows = c->rows - row < c->budget_rows ? c->rows - row : c->budget_rows;
                group g = {c, head, row, n, c->budget_heads, rows, blocks, .others = others};
                choose_group(&g, in, doubt);
            }
        }
    }
}

bool ref_choose(const ref_choice *c, uint32_t *lists, uint32_t *counts, bool *doubt) {
    uint64_t rows = c->heads * c->rows;
    place *others = malloc(rows * c->blocks * sizeof *others);
    uint8_t *in = calloc(rows, c->blocks);
    bool good = others && in;
    memset(lists, 0xff, rows * c->entries * sizeof *lists);
    memset(doubt, 0, rows * sizeof *doubt);
    if (good) {
        choose_groups(c, others, in, doubt);
    }
    for (uint64_t n = 0; good && n < rows; ++n) {
        list_row(c, n / c->rows, n % c->rows, in + n * c->blocks, others, lists + n * c->entries, counts + n,
                 doubt + n);
    }
    free(others);
    free(in);
    return good;
}
