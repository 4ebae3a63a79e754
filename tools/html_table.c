/* SPDX-License-Identifier: MIT */
#include "html_table.h"

#include <stdbool.h>
#include <string.h>

#include "bench_json.h"
#include "html_text.h"

/* ---- Values ---- */

static void put_spread(FILE *out, double median, double min, double max) {
    html_number(out, median);
    fputs(" <span class=\"of\">(", out);
    html_number(out, min);
    fputs(" \xe2\x80\x93 ", out); /* a dash between numbers */
    html_number(out, max);
    fputs(")</span>", out);
}

static void put_children(FILE *out, const cJSON *item) {
    const cJSON *child;
    cJSON_ArrayForEach(child, item) {
        if (child->string != NULL) {
            html_text(out, child->string);
            fputc(' ', out);
        }
        html_value(out, child);
        if (child->next != NULL)
            fputs(", ", out);
    }
}

/* {"median", "min", "max", ...} */
static bool is_spread(const cJSON *item) {
    return cJSON_IsNumber(cJSON_GetObjectItem(item, "median")) &&
           cJSON_IsNumber(cJSON_GetObjectItem(item, "min")) &&
           cJSON_IsNumber(cJSON_GetObjectItem(item, "max"));
}

/* As bench_tile_text has it: layout, workgroup, rows x keys / lanes of a row. */
static void put_tile(FILE *out, const cJSON *tile) {
    if (bench_number_of(tile, "workgroup") <= 0.0)
        return;
    html_text(out, bench_text_of(tile, "layout"));
    fprintf(out, " %.0f %.0fx%.0f/%.0f", bench_number_of(tile, "workgroup"), bench_number_of(tile, "rows"),
            bench_number_of(tile, "keys"), bench_number_of(tile, "lanes_per_row"));
}

void html_value(FILE *out, const cJSON *item) {
    if (cJSON_GetObjectItem(item, "workgroup") != NULL && cJSON_GetObjectItem(item, "lanes_per_row") != NULL)
        put_tile(out, item);
    else if (cJSON_IsString(item))
        html_text(out, item->valuestring[0] != '\0' ? item->valuestring : "none");
    else if (cJSON_IsNumber(item))
        html_number(out, item->valuedouble);
    else if (cJSON_IsBool(item))
        fputs(cJSON_IsTrue(item) ? "yes" : "no", out);
    else if (is_spread(item))
        put_spread(out, bench_number_of(item, "median"), bench_number_of(item, "min"),
                   bench_number_of(item, "max"));
    else if (item != NULL && item->child != NULL)
        put_children(out, item);
    else
        fputs("none", out);
}

/* ---- Members, and objects with whatever members ---- */

static bool among(const char *name, const char *const *names) {
    for (; names != NULL && *names != NULL; ++names)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

void html_members(FILE *out, const cJSON *object, const char *const *without) {
    const cJSON *item;
    fputs("<table class=\"members\">\n", out);
    cJSON_ArrayForEach(item, object) {
        if (among(item->string, without))
            continue;
        fputs("<tr><th scope=\"row\">", out);
        html_text(out, item->string);
        fputs("</th><td>", out);
        html_value(out, item);
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

/* Whether no object before `until` has a member of that name. */
static bool is_first(const cJSON *array, const cJSON *until, const char *name) {
    const cJSON *object;
    cJSON_ArrayForEach(object, array) {
        if (object == until)
            break;
        if (cJSON_GetObjectItem(object, name) != NULL)
            return false;
    }
    return true;
}

/* Calls for each name that the objects have, in the order in which they come; `row` NULL: the heads, else its values. */
static void put_cells(FILE *out, const cJSON *array, const cJSON *row) {
    const cJSON *object, *item;
    cJSON_ArrayForEach(object, array) {
        cJSON_ArrayForEach(item, object) {
            if (!is_first(array, object, item->string))
                continue;
            const cJSON *value = cJSON_GetObjectItem(row, item->string);
            fputs(row == NULL             ? "<th scope=\"col\">"
                  : cJSON_IsNumber(value) ? "<td class=\"number\">"
                                          : "<td>",
                  out);
            if (row == NULL)
                html_text(out, item->string);
            else if (value != NULL)
                html_value(out, value);
            fputs(row == NULL ? "</th>" : "</td>", out);
        }
    }
}

void html_objects(FILE *out, const cJSON *array) {
    const cJSON *object;
    fputs("<div class=\"wide\"><table>\n<thead><tr>", out);
    put_cells(out, array, NULL);
    fputs("</tr></thead>\n<tbody>\n", out);
    cJSON_ArrayForEach(object, array) {
        fputs("<tr>", out);
        put_cells(out, array, object);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* ---- Rows by columns ---- */

static bool has_value(const cJSON *item) {
    return (cJSON_IsNumber(item) && item->valuedouble > 0.0) ||
           (cJSON_IsString(item) && item->valuestring[0] != '\0') || cJSON_IsObject(item) ||
           cJSON_IsArray(item);
}

static bool is_used(const cJSON *array, const html_column *column) {
    const cJSON *row;
    cJSON_ArrayForEach(row, array) {
        if (has_value(cJSON_GetObjectItem(row, column->name)))
            return true;
    }
    return false;
}

static void put_cell(FILE *out, const cJSON *row, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(row, name);
    bench_timing timing;
    fputs(cJSON_IsNumber(item) ? "<td class=\"number\">" : "<td>", out);
    if (bench_timing_of(row, name, &timing))
        put_spread(out, timing.median, timing.min, timing.max);
    else if (has_value(item))
        html_value(out, item);
    fputs("</td>", out);
}

static void put_row(FILE *out, const cJSON *array, const cJSON *row, const html_column *columns, size_t count,
                    const char *id) {
    const char *status = bench_text_of(row, "status"), *reason = bench_text_of(row, "reason");
    bool bad = status[0] != '\0' && strcmp(status, "RIGHT") != 0;
    size_t cells = 1;
    fprintf(out, "<tr id=\"row%s\"%s><td class=\"number\">%s</td>", id, bad ? " class=\"bad\"" : "",
            strchr(id, '-') + 1);
    for (size_t c = 0; c < count; ++c) {
        if (!is_used(array, &columns[c]))
            continue;
        put_cell(out, row, columns[c].name);
        ++cells;
    }
    fputs("</tr>\n", out);
    if (!bad)
        return;
    fprintf(out, "<tr class=\"bad\"><td></td><td colspan=\"%zu\">", cells - 1);
    html_text(out, status);
    fputs(reason[0] != '\0' ? ": " : "", out);
    html_text(out, reason);
    fputs("</td></tr>\n", out);
}

void html_rows(FILE *out, const cJSON *array, const html_column *columns, size_t count, size_t prefix) {
    const cJSON *row;
    size_t number = 0;
    fputs("<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">#</th>", out);
    for (size_t c = 0; c < count; ++c) {
        if (!is_used(array, &columns[c]))
            continue;
        fputs("<th scope=\"col\">", out);
        html_text(out, columns[c].title);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    cJSON_ArrayForEach(row, array) {
        char id[48];
        snprintf(id, sizeof id, "%zu-%zu", prefix, ++number);
        put_row(out, array, row, columns, count, id);
    }
    fputs("</tbody></table></div>\n", out);
}
