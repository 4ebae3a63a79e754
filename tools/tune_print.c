/* SPDX-License-Identifier: MIT */
#include "tune_print.h"

#include "bench_print.h"
#include "say.h"
#include "staged.h"
#include "tool_device.h"

#include <stdio.h>
#include <string.h>

static const char *verdict_of(const tune_group *group) {
    return !group->searched        ? "not finished"
           : group->chosen != NULL ? "new row"
           : group->best != NULL   ? "stays: not better enough"
                                   : "stays: nothing came near";
}

/* ---- Markdown ---- */

static void print_group(const tune_group *group) {
    char name[160], before[64] = "-", best[64] = "-", ratio[64] = "", ms[64] = "";
    tune_group_name(group, name, sizeof name);
    const tune_candidate *c = group->best;
    if (group->line_count != 0)
        bench_tile_text(&group->lines[0].before.info.tile, before, sizeof before);
    if (c != NULL) {
        bench_tile_text(&c->tile, best, sizeof best);
        snprintf(ratio, sizeof ratio, "%.3f (%.3f)", c->ratio, c->upper);
        snprintf(ms, sizeof ms, "%.4g / %.4g", group->lines[0].before.gpu_ms.median, c->finals[0].ms);
    }
    printf("| %s | %zu | %zu | %s | %s | %s | %s | %s |\n", name, group->line_count, group->tried, before,
           best, ms, ratio, verdict_of(group));
}

bool tune_print_sweep(const vatten_context *context, const tune_groups *groups, const char *text) {
    bench_print_device(context);
    printf("*by present*: time by that of the present tile in turns, medians; in brackets what three "
           "quarters of "
           "the rounds\nstay below. ms: of the first problem, present / best.\n\n");
    printf("| rows for | problems | tiles timed | present tile | best other | ms | by present | verdict |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < groups->count; ++i)
        print_group(&groups->items[i]);
    printf("\n```\n%s```\n", text);
    return say_flush();
}

/* ---- JSON ---- */

static cJSON *tile_object(const vatten_tile *tile) {
    cJSON *object = cJSON_CreateObject();
    tool_json_tile(object, tile);
    return object;
}

static cJSON *line_object(const tune_group *group, size_t l) {
    const tune_line *line = &group->lines[l];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", line->problem->name);
    cJSON_AddItemToObject(object, "tile", tile_object(&line->before.info.tile));
    cJSON_AddStringToObject(object, "tile_reason", line->before.info.tile_reason);
    cJSON_AddNumberToObject(object, "ms", line->before.gpu_ms.median);
    if (group->best != NULL) {
        cJSON_AddNumberToObject(object, "best_ms", group->best->finals[l].ms);
        cJSON_AddNumberToObject(object, "by_present", group->best->finals[l].ratio);
        cJSON_AddNumberToObject(object, "rounds", group->best->finals[l].rounds);
    }
    return object;
}

/* What fits no problem, or is a tile that another one is too, is not worth a line. */
static bool is_known(const tune_candidate *c) {
    return c->tried && !c->same &&
           (c->screen > 0.0 || c->status == BENCH_WRONG || c->status == BENCH_REFUSED);
}

static cJSON *candidate_object(const tune_candidate *c) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "tile", tile_object(c->tile.workgroup != 0 ? &c->tile : &c->ask));
    cJSON_AddStringToObject(object, "status", bench_status_name(c->status));
    cJSON_AddStringToObject(object, "reason", c->reason);
    cJSON_AddNumberToObject(object, "first_look", c->screen);
    if (c->ratio > 0.0) {
        cJSON_AddNumberToObject(object, "by_present", c->ratio);
        cJSON_AddNumberToObject(object, "by_present_upper", c->upper);
    }
    return object;
}

static cJSON *group_object(const tune_group *group) {
    char name[160];
    tune_group_name(group, name, sizeof name);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "for", name);
    cJSON_AddStringToObject(object, "verdict", verdict_of(group));
    cJSON_AddBoolToObject(object, "new_row", group->chosen != NULL);
    cJSON_AddItemToObject(object, "best",
                          group->best != NULL ? tile_object(&group->best->tile) : cJSON_CreateNull());
    cJSON *lines = cJSON_AddArrayToObject(object, "problems");
    for (size_t l = 0; l < group->line_count; ++l)
        cJSON_AddItemToArray(lines, line_object(group, l));
    cJSON *candidates = cJSON_AddArrayToObject(object, "candidates");
    for (size_t i = 0; i < group->candidate_count; ++i)
        if (is_known(&group->candidates[i]))
            cJSON_AddItemToArray(candidates, candidate_object(&group->candidates[i]));
    return object;
}

bool tune_print_sweep_json(const vatten_context *context, const tune_groups *groups, const char *text) {
    cJSON *object = cJSON_CreateObject();
    tool_json_device(object, context);
    cJSON *array = cJSON_AddArrayToObject(object, "groups");
    for (size_t i = 0; i < groups->count; ++i)
        cJSON_AddItemToArray(array, group_object(&groups->items[i]));
    cJSON_AddStringToObject(object, "tuning", text);
    return tool_json_print(object, false);
}

/* ---- CSV ---- */

static void csv_tile(FILE *file, const char *name, const char *problem, const vatten_tile *tile) {
    fprintf(file, "\"%s\",\"%s\",%s,%u,%u,%u,%u", name, problem, family_layout_name(tile->layout),
            tile->workgroup, tile->rows, tile->keys, tile->lanes_per_row);
}

static void csv_group(FILE *file, const tune_group *group) {
    char name[160];
    tune_group_name(group, name, sizeof name);
    for (size_t l = 0; l < group->line_count; ++l) {
        const tune_line *line = &group->lines[l];
        csv_tile(file, name, line->problem->name, &line->before.info.tile);
        fprintf(file, ",%s,1,%.9g,1,1,%u\n", bench_status_name(line->before.status),
                line->before.gpu_ms.median, group->chosen == NULL);
    }
    for (size_t i = 0; i < group->candidate_count; ++i) {
        const tune_candidate *c = &group->candidates[i];
        for (size_t l = 0; is_known(c) && l < group->line_count; ++l) {
            const tune_time none = {0}, *time = c->finals != NULL ? &c->finals[l] : &none;
            csv_tile(file, name, group->lines[l].problem->name, c->tile.workgroup != 0 ? &c->tile : &c->ask);
            fprintf(file, ",%s,%.9g,%.9g,%.9g,%.9g,%u\n", bench_status_name(c->status), c->screen, time->ms,
                    time->ratio, time->upper, c == group->chosen);
        }
    }
}

bool tune_write_sweep_csv(const char *path, const tune_groups *groups) {
    char reason[STAGED_REASON];
    char *name = NULL;
    FILE *file = staged_open(path, &name, reason);
    bool good = file != NULL;
    if (good) {
        fprintf(file, "for,problem,layout,workgroup,rows,keys,lanes_per_row,status,first_look,ms,by_present,"
                      "by_present_upper,chosen\n");
        for (size_t i = 0; i < groups->count; ++i)
            csv_group(file, &groups->items[i]);
        good = staged_close(file, !ferror(file), &name, reason) && staged_commit(path, name, reason);
    }
    if (!good)
        say_error("%s: %s", path, reason);
    return good;
}
