/* SPDX-License-Identifier: MIT */
#include "tune_rows.h"

#include "say.h"
#include "tool_device.h"
#include "tune_space.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- A text that grows ---- */

typedef struct growing {
    char *bytes;
    size_t used, size;
    bool failed;
} growing;

SAY_FORMAT(2, 3) static void add(growing *t, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t more = length < (int)sizeof line ? (size_t)length : sizeof line - 1;
    if (t->used + more + 1 > t->size) {
        size_t size = 2 * (t->size + more + 1);
        char *bytes = realloc(t->bytes, size);
        if (bytes == NULL) {
            t->failed = true;
            return;
        }
        t->bytes = bytes;
        t->size = size;
    }
    memcpy(t->bytes + t->used, line, more + 1);
    t->used += more;
}

/* ---- Rows ---- */

void tune_row_conditions(const tune_group *group, char *out, size_t out_size) {
    size_t used = (size_t)snprintf(out, out_size, "task=%s dtype=%s dim=%u..%u", family_name(group->id),
                                   family_dtype_name(group->dtype), group->dim_low, group->dim);
    if (group->rows_high != 0)
        used +=
            (size_t)snprintf(out + used, out_size - used, " rows=%u..%u", group->rows_low, group->rows_high);
    else if (group->rows_low != 0)
        used += (size_t)snprintf(out + used, out_size - used, " rows=%u..", group->rows_low);
    if (group->layout != VATTEN_LAYOUT_AUTO)
        snprintf(out + used, out_size - used, " when=asked");
}

static void today(char out[32]) {
    time_t now = time(NULL);
    const struct tm *date = gmtime(&now);
    if (date == NULL || strftime(out, 32, "%Y-%m-%d", date) == 0)
        snprintf(out, 32, "no date");
}

void tune_row_reason(const vatten_context *context, const tune_group *group, char *out, size_t out_size) {
    const tune_candidate *c = group->chosen;
    vatten_context_info info;
    char date[32], before[64], lines[40] = "";
    out[0] = '\0';
    if (c == NULL)
        return;
    vatten_context_get_info(context, &info);
    today(date);
    bench_tile_text(&group->lines[0].before.info.tile, before, sizeof before);
    if (group->line_count > 1)
        snprintf(lines, sizeof lines, " over %zu problems", group->line_count);
    snprintf(out, out_size, "%.4g ms, %.2f of %s%s; %.40s, %s", c->finals[0].ms, c->ratio, before, lines,
             info.driver, date);
}

/* One that is there for windows with few pairs says so. */
static void add_row(growing *t, const vatten_context *context, const tune_group *group) {
    const tune_candidate *c = group->chosen;
    char conditions[160], reason[160], percent[32] = "";
    tune_row_conditions(group, conditions, sizeof conditions);
    tune_row_reason(context, group, reason, sizeof reason);
    if (c->percent != 0 && c->percent < 100)
        snprintf(percent, sizeof percent, " percent=%u", c->percent);
    add(t, "row layout=%s tile=%u,%u,%u,%u %s%s # %s\n", family_layout_name(c->tile.layout),
        c->tile.workgroup, c->tile.rows, c->tile.keys, c->tile.lanes_per_row, conditions, percent, reason);
}

/* What was measured, problem by problem: a comment. */
static void add_lines(growing *t, const tune_group *group) {
    const tune_candidate *c = group->best;
    for (size_t l = 0; c != NULL && l < group->line_count; ++l) {
        const tune_line *line = &group->lines[l];
        char before[64], tile[64];
        bench_tile_text(&line->before.info.tile, before, sizeof before);
        bench_tile_text(&c->tile, tile, sizeof tile);
        add(t, "# %s: %.4g ms with %s, %.4g ms with %s, %.3f of the time, %u rounds%s\n", line->problem->name,
            line->before.gpu_ms.median, before, c->finals[l].ms, tile, c->finals[l].ratio,
            c->finals[l].rounds, group->chosen == NULL ? ": no row" : "");
    }
}

/* In quotes, which a text with quotes cannot be. */
static void add_quoted(growing *t, const char *key, const char *value) {
    if (strpbrk(value, "\"\r\n") == NULL && value[0] != '\0')
        add(t, " %s=\"%s\"", key, value);
}

static void add_device(growing *t, vatten_context *context) {
    vatten_device_info device;
    vatten_device_get_info(vatten_context_device(context), &device);
    add(t, "device vendor=0x%04x device=0x%04x driver=%u version=0x%x", device.vendor_id, device.device_id,
        device.driver_id, device.driver_version);
    add_quoted(t, "build", device.driver_info);
    add_quoted(t, "name", device.name);
    add(t, "\n");
}

/* ---- Older rows ---- */

/* What stands between the tile and the reason of a line that this file wrote; its length, 0 for another line. */
static size_t conditions_of(const char *line, const char **out_start) {
    const char *tile = strncmp(line, "row layout=", 11) == 0 ? strstr(line, " tile=") : NULL;
    const char *start = tile != NULL ? strchr(tile + 1, ' ') : NULL;
    size_t length = strcspn(line, "\n");
    if (start == NULL || start >= line + length)
        return 0;
    const char *end = strstr(start, " percent=");
    const char *comment = strstr(start, " #");
    end = end != NULL && end < line + length ? end : comment;
    *out_start = start + 1;
    return end != NULL && end > start && end < line + length ? (size_t)(end - start - 1) : 0;
}

static bool is_replaced(const tune_groups *groups, const char *start, size_t length) {
    for (size_t i = 0; i < groups->count; ++i) {
        char conditions[160];
        if (groups->items[i].chosen == NULL)
            continue;
        tune_row_conditions(&groups->items[i], conditions, sizeof conditions);
        if (strlen(conditions) == length && memcmp(conditions, start, length) == 0)
            return true;
    }
    return false;
}

static void add_older(growing *t, const tune_groups *groups, const char *older) {
    for (const char *line = older; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *start;
        size_t conditions = conditions_of(line, &start);
        if (conditions != 0 && !is_replaced(groups, start, conditions))
            add(t, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

char *tune_rows_text(vatten_context *context, const tune_groups *groups, const char *older) {
    growing t = {0};
    uint32_t version = vatten_version();
    vatten_context_info info;
    char date[32];
    vatten_context_get_info(context, &info);
    today(date);
    add(&t, "vatten-tuning 1\n# vatten_tune %u.%u.%u, %s: %s, %s\n", version >> 22, version >> 12 & 0x3ff,
        version & 0xfff, date, info.device_name, info.driver);
    add_device(&t, context);
    for (size_t i = 0; i < groups->count; ++i) {
        add_lines(&t, &groups->items[i]);
        if (groups->items[i].chosen != NULL)
            add_row(&t, context, &groups->items[i]);
    }
    add_older(&t, groups, older);
    add(&t, "end\n");
    if (!t.failed)
        return t.bytes;
    say_error("out of memory");
    free(t.bytes);
    return NULL;
}

/* ---- The proof ---- */

/* Whether a plan of the problem takes the tile. */
static bool is_taken(vatten_device *device, const tune_group *group, const tune_line *line) {
    family_problem desc;
    vatten_plan *plan = NULL;
    vatten_plan_info info = {0};
    bench_problem problem = *line->problem;
    problem.options.layout = (int)group->layout;
    if (!family_make_problem(problem.id, &problem.options, &problem.shape, &desc) ||
        family_create_plan(device, &desc, &plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    return tune_space_same(&info.tile, &group->chosen->tile);
}

bool tune_rows_prove(vatten_context *context, const char *text, tune_groups *groups, bool *out_again) {
    vatten_device *device = NULL;
    vatten_device_desc desc = tool_device_desc(context, say_logger(false));
    desc.tuning = text;
    desc.tuning_size = strlen(text);
    *out_again = false;
    vatten_result result = vatten_device_create(&desc, &device);
    if (result != VATTEN_SUCCESS) {
        say_error("the tuning file is refused: %s", vatten_result_name(result));
        return false;
    }
    for (size_t i = 0; i < groups->count; ++i) {
        tune_group *group = &groups->items[i];
        for (size_t l = 0; group->chosen != NULL && l < group->line_count; ++l) {
            if (is_taken(device, group, &group->lines[l]))
                continue;
            say_note("warning: %s: no row can give it the tile that was found",
                     group->lines[l].problem->name);
            group->chosen = NULL;
            *out_again = true;
        }
    }
    vatten_device_destroy(device);
    return true;
}
