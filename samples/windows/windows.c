/* SPDX-License-Identifier: MIT
 *
 * What neighborhood attention looks at: pictures of windows, strides, dilations, causality and edges. Nothing is
 * worked out here: the GPU is asked. See README.md.
 */
#include "complain.h"
#include "draw.h"

#include <vatten/context.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* With q = 0 every visible key has the same score. With v the unit matrix each output row is the row of weights: as
 * many columns as tokens, more than a value may have, so they are computed COLUMNS at a time. */
enum { DIM = 4, COLUMNS = 128, PARTS = (TOKENS + COLUMNS - 1) / COLUMNS, WIDTH = PARTS * COLUMNS };

static float zeros[TOKENS][DIM], units[TOKENS][WIDTH], weights[TOKENS][WIDTH];

typedef struct buffers {
    vatten_memory *query_key, *value, *out;
} buffers;

static void say(void *user, vatten_log_level level, const char *message) {
    (void)user;
    if (level != VATTEN_LOG_INFO)
        complain("%s", message);
}

static vatten_result create_buffers(vatten_context *context, buffers *b) {
    for (int token = 0; token < TOKENS; token++)
        units[token][token] = 1;
    vatten_result result = vatten_memory_create(context, sizeof zeros, &b->query_key);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_create(context, sizeof units, &b->value);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_create(context, sizeof weights, &b->out);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_upload(b->query_key, 0, zeros, sizeof zeros);
    return result == VATTEN_SUCCESS ? vatten_memory_upload(b->value, 0, units, sizeof units) : result;
}

static vatten_neighborhood_desc desc_of(const pattern *p) {
    vatten_neighborhood_desc desc = {.heads = {.dtype = VATTEN_DTYPE_F32,
                                               .batch = 1,
                                               .heads = 1,
                                               .kv_heads = 1,
                                               .dim = DIM,
                                               .value_dim = COLUMNS,
                                               .v = {.token = WIDTH, .head = COLUMNS},
                                               .out = {.token = WIDTH, .head = COLUMNS},
                                               .label = p->name},
                                     .rank = p->rank};
    desc.heads.v.batch = desc.heads.out.batch = (int64_t)TOKENS * WIDTH;
    for (uint32_t a = 0; a < p->rank; a++) {
        desc.axis[a] = p->axis[a];
        desc.axis[a].extent = pattern_extent(p, a);
    }
    return desc;
}

/* One plan, run once for each part of the columns. */
static vatten_result ask(vatten_context *context, const buffers *b, const pattern *p) {
    vatten_neighborhood_desc desc = desc_of(p);
    vatten_plan *plan = NULL;
    vatten_result result = vatten_neighborhood_create(vatten_context_device(context), &desc, &plan);
    for (uint64_t part = 0; part < PARTS && result == VATTEN_SUCCESS; part++) {
        vatten_args args = {.q = vatten_memory_buffer(b->query_key),
                            .k = vatten_memory_buffer(b->query_key),
                            .v = vatten_memory_buffer(b->value),
                            .out = vatten_memory_buffer(b->out)};
        args.v.offset = args.out.offset = part * COLUMNS * sizeof(float);
        args.v.size = args.out.size = 0;
        result = vatten_context_run(context, plan, &args, NULL);
    }
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_download(b->out, 0, weights, sizeof weights);
    vatten_plan_destroy(plan);
    return result;
}

static bool save_one(const char *folder, const pattern *p, const float *row) {
    char path[1024];
    int keys = 0;
    double sum = 0;
    for (int token = 0; token < TOKENS; token++) {
        keys += row[token] > 0;
        sum += (double)row[token];
    }
    snprintf(path, sizeof path, "%s/%s.png", folder, p->name);
    photo c;
    bool good = photo_create(&c, PANEL, PANEL);
    if (good) {
        draw_weights(&c, 0, 0, p, row);
        good = photo_save(&c, path);
    }
    photo_destroy(&c);
    printf("%-12s %3d keys, %5.1f %% of the weight: %s\n", p->name, keys, sum * 100, p->text);
    return good;
}

static bool draw_all(vatten_context *context, const buffers *b, const char *folder) {
    unsigned rows = (pattern_count + ACROSS - 1) / ACROSS;
    char path[1024];
    photo sheet;
    bool good = photo_create(&sheet, ACROSS * (PANEL + GAP) + GAP, rows * (PANEL + GAP) + GAP);
    if (good)
        memset(sheet.rgb, 255, photo_values(&sheet));
    for (unsigned n = 0; n < pattern_count && good; n++) {
        const pattern *p = &patterns[n];
        good = ask(context, b, p) == VATTEN_SUCCESS;
        if (!good)
            break;
        const float *row = weights[pattern_query(p)];
        draw_weights(&sheet, GAP + n % ACROSS * (PANEL + GAP), GAP + n / ACROSS * (PANEL + GAP), p, row);
        good = save_one(folder, p, row);
    }
    snprintf(path, sizeof path, "%s/all.png", folder);
    good = good && photo_save(&sheet, path);
    if (good)
        printf("all of them: %s\n", path);
    photo_destroy(&sheet);
    return good;
}

int main(int argc, char **argv) {
    vatten_context_desc desc = {.logger = {.write = say}};
    vatten_context *context = NULL;
    buffers b = {NULL, NULL, NULL};
    complain_begin("windows");
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr,
                "usage: windows [FOLDER]   writes a picture of each pattern there; default: this folder\n");
        return 2;
    }
    bool good = vatten_context_create(&desc, &context) == VATTEN_SUCCESS &&
                create_buffers(context, &b) == VATTEN_SUCCESS &&
                draw_all(context, &b, argc > 1 ? argv[1] : ".");
    vatten_memory_destroy(b.query_key);
    vatten_memory_destroy(b.value);
    vatten_memory_destroy(b.out);
    vatten_context_destroy(context);
    return good ? 0 : 1;
}
