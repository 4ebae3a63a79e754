/* SPDX-License-Identifier: MIT */
#include "tune_report.h"

#include "say.h"
#include "tool_device.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* "16x8": as many numbers as the rank. */
static const char *joined(const vatten_neighborhood_desc *desc, const uint64_t part[3], char text[64]) {
    size_t used = 0;
    for (uint32_t a = 0; a < desc->rank; ++a)
        used += (size_t)snprintf(text + used, 64 - used, a == 0 ? "%" PRIu64 : "x%" PRIu64, part[a]);
    return text;
}

static const char *box_text(const vatten_neighborhood_desc *desc, const vatten_estimate *e, char text[64]) {
    const uint64_t side[3] = {e->box[0], e->box[1], e->box[2]};
    return joined(desc, side, text);
}

/* ---- Text ---- */

static const char *edge_name(vatten_edge edge) {
    static const char *const names[] = {"shift", "crop", "zero"};
    return names[edge];
}

static void print_problem(const vatten_neighborhood_desc *desc) {
    uint64_t part[6][3] = {{0}};
    char text[64];
    static const char *const names[6] = {"grid", ", window", ", stride", ", dilation", ", causal", ", roll"};
    for (uint32_t a = 0; a < desc->rank; ++a) {
        part[0][a] = desc->axis[a].extent;
        part[1][a] = desc->axis[a].window;
        part[2][a] = desc->axis[a].stride;
        part[3][a] = desc->axis[a].dilation;
        part[4][a] = desc->axis[a].causal;
        part[5][a] = desc->axis[a].roll;
    }
    for (int i = 0; i < 6; ++i)
        printf("%s %s", names[i], joined(desc, part[i], text));
    printf(", edge %s", edge_name(desc->axis[0].edge)); /* one for all axes, as --edge gives it */
    if (desc->extra_len)
        printf(", %" PRIu64 " extra keys", desc->extra_len);
    putchar('\n');
}

void tune_print_text(const char *device, const vatten_neighborhood_desc *desc, const tune_table *table) {
    const vatten_estimate *e = &table->chosen;
    char text[64];
    print_problem(desc);
    printf("tile of %" PRIu32 " rows and %" PRIu32 " keys on %s\n", e->tile.rows, e->tile.keys,
           device != NULL ? device : "no device");
    printf("visible pairs %" PRIu64 " of %" PRIu64 ": ideal speed-up %.2f\n", e->visible_pairs,
           e->dense_pairs, e->ideal_speedup);
    printf("dense attention visits %" PRIu64 " tiles\n\n", e->dense_tiles);
    printf("| box | query tiles | visited tiles | most | bound | bound of fixed tiles | |\n");
    printf("|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < table->count; ++i) {
        e = &table->rows[i].estimate;
        printf("| %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %.2f | %.2f | %s |\n",
               box_text(desc, e, text), e->query_tiles, e->visited_tiles, e->most_tiles, e->bound,
               e->fixed_bound, table->rows[i].chosen ? "chosen" : "");
    }
}

/* ---- JSON ---- */

static void add_count(cJSON *object, const char *name, uint64_t count) {
    cJSON_AddNumberToObject(object, name, (double)count);
}

static void add_box(cJSON *object, const char *name, const vatten_neighborhood_desc *desc,
                    const vatten_estimate *e) {
    cJSON *array = cJSON_AddArrayToObject(object, name);
    for (uint32_t a = 0; a < desc->rank; ++a)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(e->box[a]));
}

static void add_axes(cJSON *object, const vatten_neighborhood_desc *desc) {
    cJSON *axes = cJSON_AddArrayToObject(object, "axes");
    for (uint32_t a = 0; a < desc->rank; ++a) {
        const vatten_axis *axis = &desc->axis[a];
        cJSON *one = cJSON_CreateObject();
        add_count(one, "extent", axis->extent);
        add_count(one, "window", axis->window);
        add_count(one, "stride", axis->stride);
        add_count(one, "dilation", axis->dilation);
        cJSON_AddBoolToObject(one, "causal", axis->causal);
        cJSON_AddStringToObject(one, "edge", edge_name(axis->edge));
        add_count(one, "roll", axis->roll);
        cJSON_AddItemToArray(axes, one);
    }
    add_count(object, "extra_len", desc->extra_len);
}

static cJSON *row_object(const vatten_neighborhood_desc *desc, const tune_row *row) {
    const vatten_estimate *e = &row->estimate;
    cJSON *object = cJSON_CreateObject();
    add_box(object, "box", desc, e);
    add_count(object, "query_tiles", e->query_tiles);
    add_count(object, "visited_tiles", e->visited_tiles);
    add_count(object, "most_tiles", e->most_tiles);
    add_count(object, "visited_pairs", e->visited_pairs);
    cJSON_AddNumberToObject(object, "bound", e->bound);
    cJSON_AddNumberToObject(object, "fixed_bound", e->fixed_bound);
    cJSON_AddBoolToObject(object, "chosen", row->chosen);
    return object;
}

bool tune_print_json(const char *device, const vatten_neighborhood_desc *desc, const tune_table *table) {
    const vatten_estimate *e = &table->chosen;
    cJSON *object = cJSON_CreateObject();
    if (device != NULL)
        cJSON_AddStringToObject(object, "device", device);
    else
        cJSON_AddNullToObject(object, "device");
    add_axes(object, desc);
    cJSON *tile = cJSON_AddObjectToObject(object, "tile");
    add_count(tile, "rows", e->tile.rows);
    add_count(tile, "keys", e->tile.keys);
    add_count(object, "visible_pairs", e->visible_pairs);
    add_count(object, "dense_pairs", e->dense_pairs);
    add_count(object, "dense_tiles", e->dense_tiles);
    cJSON_AddNumberToObject(object, "ideal_speedup", e->ideal_speedup);
    add_box(object, "chosen", desc, e);
    cJSON *boxes = cJSON_AddArrayToObject(object, "boxes");
    for (size_t i = 0; i < table->count; ++i)
        cJSON_AddItemToArray(boxes, row_object(desc, &table->rows[i]));
    return tool_json_print(object, false);
}

/* ---- CSV ---- */

bool tune_write_csv(const char *path, const vatten_neighborhood_desc *desc, const tune_table *table) {
    char text[64];
    FILE *file = fopen(path, "w");
    bool good = file != NULL;
    if (good) {
        fprintf(file,
                "box,rows,keys,query_tiles,visited_tiles,most_tiles,visited_pairs,visible_pairs,dense_pairs,"
                "dense_tiles,ideal_speedup,bound,fixed_bound,chosen\n");
        for (size_t i = 0; i < table->count; ++i) {
            const vatten_estimate *e = &table->rows[i].estimate;
            fprintf(file,
                    "%s,%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                    ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%.6f,%d\n",
                    box_text(desc, e, text), e->tile.rows, e->tile.keys, e->query_tiles, e->visited_tiles,
                    e->most_tiles, e->visited_pairs, e->visible_pairs, e->dense_pairs, e->dense_tiles,
                    e->ideal_speedup, e->bound, e->fixed_bound, table->rows[i].chosen);
        }
        good = !ferror(file);
        good = fclose(file) == 0 && good;
    }
    if (!good) {
        say_error("%s: %s", path, strerror(errno));
        if (file != NULL)
            remove(path);
    }
    return good;
}
