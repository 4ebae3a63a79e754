/* SPDX-License-Identifier: MIT */
#include "audit_report.h"

#include "family.h"
#include "say.h"
#include "tool_device.h"

#include <stdlib.h>
#include <string.h>

#define WANDER 0.02 /* relative change of a soft figure that is not worth a line */

/* ---- Tables ---- */

static void print_figures(const audit_row *row) {
    for (int i = 0; i < AUDIT_FIGURES; ++i) {
        if (row->figures[i] == AUDIT_UNKNOWN)
            printf(" |");
        else
            printf(" %.9g |", row->figures[i]);
    }
}

void audit_print_markdown(const audit_table *table) {
    printf("| device | kernel | problem | dims | tile | shared | subgroup | status |");
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        printf(" %s |", audit_figure_name((audit_figure)i));
    printf("\n|---|---|---|---|---|---|---|---|");
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        printf("---|");
    putchar('\n');
    for (size_t r = 0; r < table->count; ++r) {
        const audit_row *row = &table->rows[r];
        const vatten_tile *tile = &row->tile;
        printf("| %s | %s | %s | %u x %u | %u: %ux%u/%u | %u | %u | %s%s%s |", row->device, row->kernel,
               row->problem, row->dim, row->value_dim, tile->workgroup, tile->rows, tile->keys,
               tile->lanes_per_row, row->shared_bytes, row->subgroup_size, audit_status_name(row->status),
               row->reason[0] ? ": " : "", row->reason);
        print_figures(row);
        putchar('\n');
    }
}

static cJSON *row_object(const audit_row *row) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "device", row->device);
    cJSON_AddStringToObject(object, "driver", row->driver);
    cJSON_AddStringToObject(object, "kernel", row->kernel);
    cJSON_AddStringToObject(object, "problem", row->problem);
    const struct {
        const char *name;
        uint32_t value;
    } numbers[] = {
        {"dim", row->dim},
        {"value_dim", row->value_dim},
        {"workgroup", row->tile.workgroup},
        {"rows", row->tile.rows},
        {"keys", row->tile.keys},
        {"lanes_per_row", row->tile.lanes_per_row},
        {"shared_bytes", row->shared_bytes},
        {"subgroup_size", row->subgroup_size},
    };
    cJSON_AddStringToObject(object, "layout", family_layout_name(row->tile.layout));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
        cJSON_AddNumberToObject(object, numbers[i].name, numbers[i].value);
    cJSON_AddStringToObject(object, "status", audit_status_name(row->status));
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        if (row->figures[i] != AUDIT_UNKNOWN)
            cJSON_AddNumberToObject(object, audit_figure_name((audit_figure)i), row->figures[i]);
    cJSON_AddStringToObject(object, "statistics", row->raw);
    cJSON_AddStringToObject(object, "reason", row->reason);
    return object;
}

bool audit_print_json(const audit_table *table) {
    cJSON *array = cJSON_CreateArray();
    for (size_t r = 0; r < table->count; ++r)
        cJSON_AddItemToArray(array, row_object(&table->rows[r]));
    return tool_json_print(array, false);
}

/* ---- Comparing ---- */

typedef struct changes {
    size_t lost, worse, better, fresh;
} changes;

static int by_key(const void *a, const void *b) {
    char keys[2][256];
    audit_key(a, keys[0], sizeof keys[0]);
    audit_key(b, keys[1], sizeof keys[1]);
    return strcmp(keys[0], keys[1]);
}

/* Spills and scratch are counted exactly; the rest is a trade between figures. */
static bool is_hard(audit_figure figure) {
    return figure == AUDIT_SPILLS || figure == AUDIT_SCRATCH;
}

static void compare_figure(audit_figure figure, const audit_row *before, const audit_row *after,
                           changes *out) {
    double old = before->figures[figure];
    double now = after->figures[figure];
    if (old == AUDIT_UNKNOWN || now == AUDIT_UNKNOWN || old == now)
        return;
    double change = now - old;
    if (!is_hard(figure) && (change < 0 ? -change : change) <= WANDER * old)
        return;
    bool worse = audit_more_is_better(figure) ? change < 0 : change > 0;
    char key[256];
    audit_key(after, key, sizeof key);
    printf("%s: %s: %s %.9g -> %.9g\n", worse ? "worse" : "better", key, audit_figure_name(figure), old, now);
    out->worse += worse;
    out->better += !worse;
    out->lost += worse && is_hard(figure);
}

static void compare_rows(const audit_row *before, const audit_row *after, changes *out) {
    if (before->status == AUDIT_COMPILED && after->status != AUDIT_COMPILED) {
        char key[256];
        audit_key(after, key, sizeof key);
        printf("worse: %s: compiled -> %s: %s\n", key, audit_status_name(after->status), after->reason);
        ++out->lost;
        ++out->worse;
    }
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        compare_figure((audit_figure)i, before, after, out);
}

size_t audit_compare(const audit_table *before, const audit_table *after) {
    changes found = {0};
    if (before->count)
        qsort(before->rows, before->count, sizeof *before->rows, by_key);
    for (size_t r = 0; r < after->count; ++r) {
        const audit_row *old =
            before->count ? bsearch(&after->rows[r], before->rows, before->count, sizeof *old, by_key) : NULL;
        if (old)
            compare_rows(old, &after->rows[r], &found);
        else
            ++found.fresh;
    }
    printf("%zu rows compared, %zu figures worse, %zu better, %zu rows new; lost ground: %zu\n",
           after->count - found.fresh, found.worse, found.better, found.fresh, found.lost);
    return found.lost;
}

/* ---- Summing up ---- */

size_t audit_sum_up(const audit_table *table) {
    size_t count[3] = {0};
    size_t spilling = 0;
    for (size_t r = 0; r < table->count; ++r) {
        const audit_row *row = &table->rows[r];
        ++count[row->status];
        if (row->figures[AUDIT_SPILLS] > 0 || row->figures[AUDIT_SCRATCH] > 0)
            ++spilling;
    }
    say_note("%zu compiled, %zu refused by rule, %zu failed; %zu with spills or scratch",
             count[AUDIT_COMPILED], count[AUDIT_REFUSED], count[AUDIT_FAILED], spilling);
    return count[AUDIT_FAILED];
}
