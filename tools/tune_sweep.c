/* SPDX-License-Identifier: MIT */
#include "tune_sweep.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>

typedef struct sweep {
    const vatten_device *device;
    vatten_neighborhood_desc desc; /* box: the one at hand */
    bool all;
    uint32_t rows;
    uint64_t longest[3]; /* side that holds a whole dilation group */
    tune_table *table;
    bool failed;
} sweep;

static bool add_row(tune_table *table, const vatten_estimate *estimate, bool chosen) {
    size_t count = table->count;
    if ((count & (count + 1)) == 0) { /* room for a power of two less one is full: double it */
        tune_row *rows = realloc(table->rows, (2 * count + 1) * sizeof *rows);
        if (rows == NULL) {
            say_error("out of memory after %zu boxes", count);
            return false;
        }
        table->rows = rows;
    }
    table->rows[count] = (tune_row){*estimate, chosen};
    table->count = count + 1;
    return true;
}

/* A device may refuse a box, one that it cannot bind: then it is no candidate. */
static void try_box(sweep *s) {
    vatten_estimate estimate;
    const vatten_logger quiet = say_quiet_logger();
    if (memcmp(s->desc.box, s->table->chosen.box, s->desc.rank * sizeof s->desc.box[0]) == 0)
        return;
    if (vatten_neighborhood_estimate(s->device, &quiet, &s->desc, &estimate) == VATTEN_SUCCESS)
        s->failed = !add_row(s->table, &estimate, false) || s->failed;
}

static bool leaves_no_room(const sweep *s) {
    uint64_t queries = (uint64_t)s->desc.box[0] * s->desc.box[1] * s->desc.box[2];
    for (uint32_t a = 0; a < s->desc.rank; ++a)
        if (queries * 2 <= s->rows && s->desc.box[a] < s->longest[a])
            return false;
    return true;
}

/* The next side to try along an axis; past the limit once one holds the whole group. */
static uint32_t next_side(const sweep *s, int axis, uint32_t side) {
    uint32_t next = s->all ? side + 1 : side * 2;
    return side >= s->longest[axis] ? s->rows + 1 : next;
}

static void each_box(sweep *s) {
    uint32_t *box = s->desc.box;
    for (box[0] = 1; box[0] <= s->rows; box[0] = next_side(s, 0, box[0]))
        for (box[1] = 1; box[0] * box[1] <= s->rows; box[1] = next_side(s, 1, box[1]))
            for (box[2] = 1; box[0] * box[1] * box[2] <= s->rows; box[2] = next_side(s, 2, box[2]))
                if (leaves_no_room(s))
                    try_box(s);
}

static int by_tiles(const void *left, const void *right) {
    const tune_row *a = left;
    const tune_row *b = right;
    if (a->estimate.visited_tiles != b->estimate.visited_tiles)
        return a->estimate.visited_tiles < b->estimate.visited_tiles ? -1 : 1;
    if (a->chosen != b->chosen)
        return a->chosen ? -1 : 1;
    return memcmp(a->estimate.box, b->estimate.box, sizeof a->estimate.box);
}

bool tune_sweep(const vatten_device *device, const vatten_logger *logger,
                const vatten_neighborhood_desc *desc, bool all, tune_table *out_table) {
    memset(out_table, 0, sizeof *out_table);
    vatten_result result = vatten_neighborhood_estimate(device, logger, desc, &out_table->chosen);
    if (result != VATTEN_SUCCESS) {
        say_error("estimate: %s", vatten_result_name(result));
        return false;
    }
    sweep s = {.device = device, .desc = *desc, .all = all, .table = out_table};
    s.rows = out_table->chosen.tile.rows;
    for (uint32_t a = 0; a < 3; ++a)
        s.longest[a] =
            a < desc->rank ? (desc->axis[a].extent + desc->axis[a].dilation - 1) / desc->axis[a].dilation : 1;
    s.failed = !add_row(out_table, &out_table->chosen, true);
    if (desc->box[0] == 0)
        each_box(&s);
    if (!s.failed)
        qsort(out_table->rows, out_table->count, sizeof *out_table->rows, by_tiles);
    return !s.failed;
}

void tune_table_free(tune_table *table) {
    free(table->rows);
    memset(table, 0, sizeof *table);
}
