/* SPDX-License-Identifier: MIT */
#include "tune_group.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tiles of so few rows are a class of their own in the built-in table: 1, 2, 3..4, 5..8 and 9..16. */
enum { FEW_ROWS = 16 };

static void set_rows(const vatten_plan_info *info, uint64_t q_len, tune_group *group) {
    group->stream = strstr(info->kernel, "_rules") != NULL;
    uint64_t rows = group->stream ? q_len * info->tile_heads : FEW_ROWS + 1;
    group->rows_low = FEW_ROWS + 1;
    if (rows > FEW_ROWS)
        return;
    group->rows_high = 1;
    while (group->rows_high < rows)
        group->rows_high *= 2;
    group->rows_low = group->rows_high / 2 + 1;
}

static tune_group group_of(const bench_problem *problem, vatten_layout layout, const vatten_plan_info *info) {
    const family_shape *s = &problem->shape;
    family_id task = problem->id == FAMILY_SPARSE ? FAMILY_LISTS : problem->id;
    tune_group group = {.id = task, .dtype = s->dtype, .layout = layout};
    group.dim = s->value_dim > s->dim ? s->value_dim : s->dim;
    group.dim_low = group.dim / 2 + 1;
    if (problem->id == FAMILY_ATTENTION)
        set_rows(info, s->q_len, &group);
    return group;
}

static bool is_like(const tune_group *a, const tune_group *b) {
    return a->id == b->id && a->dtype == b->dtype && a->layout == b->layout;
}

static bool is_same(const tune_group *a, const tune_group *b) {
    return is_like(a, b) && a->dim == b->dim && a->rows_low == b->rows_low && a->rows_high == b->rows_high &&
           a->stream == b->stream;
}

static tune_group *find_group(tune_groups *groups, const tune_group *wanted) {
    for (size_t i = 0; i < groups->count; ++i)
        if (is_same(&groups->items[i], wanted))
            return &groups->items[i];
    tune_group *items = realloc(groups->items, (groups->count + 1) * sizeof *items);
    if (items == NULL)
        return NULL;
    groups->items = items;
    items[groups->count] = *wanted;
    return &items[groups->count++];
}

static bool add_line(tune_group *group, const bench_problem *problem) {
    tune_line *lines = realloc(group->lines, (group->line_count + 1) * sizeof *lines);
    if (lines == NULL)
        return false;
    group->lines = lines;
    memset(&lines[group->line_count], 0, sizeof *lines);
    lines[group->line_count++].problem = problem;
    return true;
}

/* What a plan of the problem has, if there can be one. */
static bool look(vatten_context *context, const bench_problem *problem, vatten_layout layout,
                 vatten_plan_info *out_info) {
    family_problem desc;
    vatten_plan *plan = NULL;
    bench_problem asked = *problem;
    asked.options.layout = (int)layout;
    if (!family_make_problem(asked.id, &asked.options, &asked.shape, &desc))
        return false;
    vatten_result result = family_create_plan(vatten_context_device(context), &desc, &plan);
    if (result != VATTEN_SUCCESS)
        say_note("%s is left out: %s", problem->name, vatten_result_name(result));
    vatten_plan_get_info(plan, out_info);
    vatten_plan_destroy(plan);
    return result == VATTEN_SUCCESS;
}

static bool add_problem(vatten_context *context, const bench_problem *problem, vatten_layout layout,
                        tune_groups *groups) {
    vatten_plan_info info;
    if (!look(context, problem, layout, &info))
        return true;
    const tune_group wanted = group_of(problem, layout, &info);
    tune_group *group = find_group(groups, &wanted);
    if (group != NULL && add_line(group, problem))
        return true;
    say_error("out of memory");
    return false;
}

/* A row ends where the dims of the next smaller one do. */
static void narrow_dims(tune_groups *groups) {
    for (size_t i = 0; i < groups->count; ++i)
        for (size_t j = 0; j < groups->count; ++j) {
            tune_group *a = &groups->items[i];
            const tune_group *b = &groups->items[j];
            if (is_like(a, b) && b->dim < a->dim && b->dim + 1 > a->dim_low)
                a->dim_low = b->dim + 1;
        }
}

bool tune_groups_make(vatten_context *context, const bench_list *list, tune_groups *out_groups) {
    vatten_device_info device;
    vatten_device_get_info(vatten_context_device(context), &device);
    memset(out_groups, 0, sizeof *out_groups);
    bool good = true;
    for (size_t i = 0; good && i < list->count; ++i) {
        const bench_problem *problem = &list->items[i];
        vatten_layout layout = (vatten_layout)problem->options.layout;
        good = add_problem(context, problem, layout, out_groups);
        if (good && layout == VATTEN_LAYOUT_AUTO && problem->shape.dtype == VATTEN_DTYPE_F16 &&
            problem->shape.dim <= 256 && device.matrices[0] != '\0')
            good = add_problem(context, problem, VATTEN_LAYOUT_MATRIX, out_groups);
    }
    narrow_dims(out_groups);
    return good;
}

void tune_groups_free(tune_groups *groups) {
    for (size_t i = 0; i < groups->count; ++i) {
        tune_group *group = &groups->items[i];
        for (size_t c = 0; c < group->candidate_count; ++c)
            free(group->candidates[c].finals);
        free(group->candidates);
        free(group->lines);
    }
    free(groups->items);
    memset(groups, 0, sizeof *groups);
}

void tune_group_name(const tune_group *group, char *out, size_t out_size) {
    size_t used = (size_t)snprintf(out, out_size, "%s %s dim %u..%u", family_name(group->id),
                                   family_dtype_name(group->dtype), group->dim_low, group->dim);
    if (group->rows_high != 0)
        used +=
            (size_t)snprintf(out + used, out_size - used, ", rows %u..%u", group->rows_low, group->rows_high);
    else if (group->rows_low != 0)
        used += (size_t)snprintf(out + used, out_size - used, ", rows %u..", group->rows_low);
    if (group->layout != VATTEN_LAYOUT_AUTO)
        snprintf(out + used, out_size - used, ", %s asked for", family_layout_name(group->layout));
}
