/* SPDX-License-Identifier: MIT */
#include "tune_space.h"

#include "say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TILES = 2048 };

static void add(tune_space *space, vatten_layout layout, uint32_t workgroup, uint32_t rows, uint32_t keys,
                uint32_t lanes) {
    if (space->count < MOST_TILES)
        space->tiles[space->count++] = (vatten_tile){layout, workgroup, rows, keys, lanes};
}

/* A workgroup is one subgroup. */
static void add_rows(const vatten_device_info *device, tune_space *space) {
    uint32_t workgroup = device->subgroup_min;
    for (uint32_t rows = 1; rows <= 16; rows *= 2)
        for (uint32_t keys = 1; keys <= 8; keys *= 2)
            add(space, VATTEN_LAYOUT_ROWS, workgroup, rows * workgroup, keys, 1);
}

static void add_stream(const vatten_device_info *device, tune_space *space) {
    uint32_t workgroup = device->subgroup_min;
    for (uint32_t rows = 1; rows <= 16; rows *= 2)
        add(space, VATTEN_LAYOUT_STREAM, workgroup, rows, workgroup, workgroup);
}

static void add_split(vatten_layout layout, uint32_t most_lanes, tune_space *space) {
    for (uint32_t workgroup = 32; workgroup <= 256; workgroup *= 2)
        for (uint32_t lanes = 4; lanes <= most_lanes && lanes <= workgroup; lanes *= 2)
            for (uint32_t rows = 1; rows <= 8; rows *= 2)
                for (uint32_t keys = 8; keys <= 64; keys *= 2)
                    add(space, layout, workgroup, rows * workgroup / lanes, keys, lanes);
}

/* By the rows of the first matrix that the device names, the one that the table's tiles are made of. */
static void add_matrix(const vatten_device_info *device, vatten_layout layout, tune_space *space) {
    unsigned m = 16;
    if (sscanf(device->matrices, "%ux", &m) != 1)
        return;
    for (uint32_t workgroup = 32; workgroup <= 512; workgroup *= 2)
        for (uint32_t rows = m; rows <= 16 * m; rows *= 2)
            for (uint32_t keys = 16; keys <= 128; keys *= 2)
                add(space, layout, workgroup, rows, keys, 0);
}

/* Of each workgroup that the device lists matrices for. */
static void add_workgroups(const vatten_device_info *device, tune_space *space) {
    unsigned m, n, k, workgroup;
    for (const char *at = device->workgroup_matrices;
         sscanf(at, "%ux%ux%u/%u", &m, &n, &k, &workgroup) == 4;) {
        uint32_t step = n > k ? n : k;
        for (uint32_t rows = m; rows <= 128; rows *= 2)
            for (uint32_t keys = step; keys <= 128; keys *= 2)
                add(space, VATTEN_LAYOUT_MATRIX_WORKGROUP, workgroup, rows, keys, keys);
        at = strchr(at, ' ') ? strchr(at, ' ') + 1 : "";
    }
}

static void add_address(const vatten_device_info *device, tune_space *space) {
    for (uint32_t rows = 1; rows <= 4; ++rows)
        for (uint32_t keys = 1; keys <= 8; ++keys)
            add(space, VATTEN_LAYOUT_ADDRESS, device->subgroup_size, rows * device->subgroup_size, keys, 1);
}

static void add_layout(const vatten_device_info *device, vatten_layout layout, tune_space *space) {
    bool own = layout == VATTEN_LAYOUT_SHARED || layout == VATTEN_LAYOUT_PACKED_SHARED;
    switch (layout) {
    case VATTEN_LAYOUT_ROWS:
        add_rows(device, space);
        break;
    case VATTEN_LAYOUT_ADDRESS:
        add_address(device, space);
        break;
    case VATTEN_LAYOUT_STREAM:
        add_stream(device, space);
        break;
    case VATTEN_LAYOUT_MATRIX:
    case VATTEN_LAYOUT_MATRIX2:
        add_matrix(device, layout, space);
        break;
    case VATTEN_LAYOUT_MATRIX_WORKGROUP:
        add_workgroups(device, space);
        break;
    default:
        add_split(layout, own ? 32 : device->subgroup_min, space);
        break;
    }
}

static bool stages_f16(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_PACKED || layout == VATTEN_LAYOUT_PACKED_SHARED ||
           layout == VATTEN_LAYOUT_HALF || layout == VATTEN_LAYOUT_MIXED;
}

/* Layouts that have to be asked for are left out otherwise, and those that need shuffles where the device has none. */
static bool has_layout(const vatten_device_info *device, vatten_layout asked, vatten_layout layout,
                       bool stream) {
    if (asked != VATTEN_LAYOUT_AUTO)
        return layout == asked;
    if (layout == VATTEN_LAYOUT_ADDRESS)
        return (device->features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0;
    if (layout == VATTEN_LAYOUT_DOT && !(device->features & VATTEN_FEATURE_INTEGER_DOT_PRODUCT))
        return false;
    if (layout == VATTEN_LAYOUT_MATRIX || layout == VATTEN_LAYOUT_MATRIX2 ||
        layout == VATTEN_LAYOUT_MATRIX_WORKGROUP || stages_f16(layout) ||
        (layout == VATTEN_LAYOUT_STREAM && !stream))
        return false;
    return layout == VATTEN_LAYOUT_SHARED || device->subgroup_size > 1;
}

bool tune_space_make(const vatten_device_info *device, vatten_layout layout, bool stream,
                     tune_space *out_space) {
    *out_space = (tune_space){.tiles = malloc(MOST_TILES * sizeof *out_space->tiles)};
    if (out_space->tiles == NULL) {
        say_error("out of memory");
        return false;
    }
    for (int each = VATTEN_LAYOUT_ROWS; each < VATTEN_LAYOUT_COUNT; ++each)
        if (has_layout(device, layout, (vatten_layout)each, stream))
            add(out_space, (vatten_layout)each, 0, 0, 0, 0);
    for (int each = VATTEN_LAYOUT_ROWS; each < VATTEN_LAYOUT_COUNT; ++each)
        if (has_layout(device, layout, (vatten_layout)each, stream))
            add_layout(device, (vatten_layout)each, out_space);
    return true;
}

void tune_space_free(tune_space *space) {
    free(space->tiles);
    memset(space, 0, sizeof *space);
}

static double doublings(uint32_t a, uint32_t b) {
    return a != 0 && b != 0 ? fabs(log2((double)a / (double)b)) : 0.0;
}

double tune_space_distance(const vatten_tile *a, const vatten_tile *b) {
    return (a->layout != b->layout ? 100.0 : 0.0) + doublings(a->workgroup, b->workgroup) +
           doublings(a->rows, b->rows) + doublings(a->keys, b->keys) +
           doublings(a->lanes_per_row, b->lanes_per_row);
}

bool tune_space_same(const vatten_tile *a, const vatten_tile *b) {
    return a->layout == b->layout && tune_space_distance(a, b) == 0.0;
}
