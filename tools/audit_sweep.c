/* SPDX-License-Identifier: MIT */
#include "audit_sweep.h"

#include "audit_rules.h"
#include "audit_tasks.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One dim for each step of the tuning table and for what models use; the last two are the shapes of multi-head
 * latent attention. */
static const audit_dims default_dims = {
    .count = 7,
    .dim = {32, 64, 96, 128, 192, 256, 576},
    .value_dim = {32, 64, 96, 128, 128, 256, 512},
};

static const vatten_layout layouts[] = {
    VATTEN_LAYOUT_ROWS,   VATTEN_LAYOUT_SUBGROUP,      VATTEN_LAYOUT_SHARED,  VATTEN_LAYOUT_MATRIX,
    VATTEN_LAYOUT_STREAM, VATTEN_LAYOUT_MATRIX2,       VATTEN_LAYOUT_ADDRESS, VATTEN_LAYOUT_MATRIX_WORKGROUP,
    VATTEN_LAYOUT_PACKED, VATTEN_LAYOUT_PACKED_SHARED, VATTEN_LAYOUT_HALF,    VATTEN_LAYOUT_MIXED,
    VATTEN_LAYOUT_DOT};

/* What one row is compiled from: a rule with a tile, or a task. */
typedef struct subject {
    const audit_rule *rule; /* NULL: a task */
    const audit_task *task;
    audit_heads heads; /* a task's has a dtype only */
} subject;

static vatten_result create_plan(vatten_device *device, const subject *of, vatten_plan **out) {
    return of->rule ? audit_rule_create(device, of->rule, &of->heads, out)
                    : of->task->create(device, of->task, of->heads.dtype, out);
}

/* ---- One row ---- */

static void fail(audit_row *row, const char *why) {
    row->status = AUDIT_FAILED;
    snprintf(row->reason, sizeof row->reason, "%.200s", why);
}

static void take_statistics(const vatten_plan *plan, audit_row *row) {
    uint32_t count = 0;
    if (vatten_plan_get_statistics(plan, NULL, &count) != VATTEN_SUCCESS || count == 0)
        return;
    vatten_statistic *statistics = calloc(count, sizeof *statistics);
    if (statistics && vatten_plan_get_statistics(plan, statistics, &count) == VATTEN_SUCCESS &&
        !audit_take(row, statistics, count))
        fail(row, "the plan has no such kernel");
    free(statistics);
}

static void refuse(vatten_result result, audit_row *row) {
    bool by_rule = result == VATTEN_ERROR_UNSUPPORTED || result == VATTEN_ERROR_INVALID_ARGUMENT;
    row->status = by_rule ? AUDIT_REFUSED : AUDIT_FAILED;
    snprintf(row->reason, sizeof row->reason, "%.250s", say_last_error());
}

/* A tile that the driver refused is its failure, even where a later row of the table came to the rescue. */
static void judge(const subject *of, const vatten_plan *plan, audit_row *row) {
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    take_statistics(plan, row);
    if (info.refused_tiles) {
        row->status = AUDIT_FAILED;
        snprintf(row->reason, sizeof row->reason, "the driver refused %u better tiles", info.refused_tiles);
    }
    if (!of->rule)
        return;
    row->tile = info.tile;
    row->shared_bytes = info.shared_bytes;
    if (strcmp(row->kernel, info.kernel) != 0)
        fail(row, "the plan took another kernel");
}

static void compile(const audit_sweep *sweep, const subject *of, audit_row *row) {
    say_note("%s: %s %s %ux%u", row->device, row->kernel, row->problem, row->dim, row->value_dim);
    say_forget();
    vatten_plan *plan = NULL;
    vatten_result result = create_plan(vatten_context_device(sweep->context), of, &plan);
    if (result == VATTEN_SUCCESS)
        judge(of, plan, row);
    else
        refuse(result, row);
    vatten_plan_destroy(plan);
}

/* Whether a comma-separated list has the text, or a part of it; NULL has all. */
static bool listed(const char *list, const char *text, bool part) {
    char word[64];
    for (const char *at = list; at;) {
        size_t span = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)span, at);
        if (part ? strstr(text, word) != NULL : strcmp(text, word) == 0)
            return true;
        at = at[span] == ',' ? at + span + 1 : NULL;
    }
    return list == NULL;
}

/* `row` has what tells it from others; false stops the sweep. */
static bool visit(const audit_sweep *sweep, const subject *of, audit_row *row) {
    if (!listed(sweep->only, row->kernel, true) || !listed(sweep->problems, row->problem, false))
        return true;
    audit_clear(row->figures);
    if (!sweep->list)
        compile(sweep, of, row);
    return sweep->sink(sweep->user, row);
}

/* ---- All rows ---- */

static bool visit_dims(const audit_sweep *sweep, const audit_row *blank, const subject *of,
                       const audit_dims *dims) {
    for (size_t i = 0; i < dims->count; ++i) {
        audit_row row = *blank;
        subject at = *of;
        row.dim = at.heads.dim = dims->dim[i];
        row.value_dim = at.heads.value_dim = dims->value_dim[i];
        row.tile.layout = of->heads.tile.layout;
        snprintf(row.problem, sizeof row.problem, "%s", audit_rule_name(of->rule));
        audit_rule_kernel(of->rule, row.tile.layout, of->heads.dtype, row.kernel, sizeof row.kernel);
        if (!visit(sweep, &at, &row))
            return false;
    }
    return true;
}

static bool visit_rule(const audit_sweep *sweep, const audit_row *blank, const subject *of) {
    const audit_dims *dims = sweep->dims->count ? sweep->dims : &default_dims;
    bool more = (sweep->more_dtypes >> of->heads.dtype & 1u) != 0;
    return visit_dims(sweep, blank, of, dims) && (!more || visit_dims(sweep, blank, of, sweep->more));
}

/* The tuning table gives ROWS and STREAM to CPU devices only: on a GPU nobody is given it who does not ask. Layouts
 * with matrices stand where device and build have them, for dtypes that there are matrices of; DOT where it is no detour. */
static bool offered(const vatten_device_info *device, vatten_layout layout, vatten_dtype dtype) {
    bool bf16 = dtype == VATTEN_DTYPE_BF16;
    const char *matrices = bf16 ? device->bf16_matrices : device->matrices;
    if (layout == VATTEN_LAYOUT_MATRIX)
        return matrices[0] != '\0';
    if (layout == VATTEN_LAYOUT_ADDRESS)
        return (device->features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0;
    if (layout == VATTEN_LAYOUT_PACKED || layout == VATTEN_LAYOUT_PACKED_SHARED ||
        layout == VATTEN_LAYOUT_HALF)
        return (device->features & VATTEN_FEATURE_SHADER_FLOAT16) != 0;
    if (layout == VATTEN_LAYOUT_MIXED)
        return (device->features & VATTEN_FEATURE_MIXED_DOT_PRODUCT) != 0;
    if (layout == VATTEN_LAYOUT_DOT)
        return (device->features & VATTEN_FEATURE_INTEGER_DOT_PRODUCT) != 0 && device->subgroup_size > 1 &&
               (device->cpu || device->dots_accelerated);
    if (layout == VATTEN_LAYOUT_MATRIX2)
        return matrices[0] != '\0' && (device->features & VATTEN_FEATURE_COOPERATIVE_MATRIX_2) != 0;
    if (layout == VATTEN_LAYOUT_MATRIX_WORKGROUP)
        return (bf16 ? device->bf16_workgroup_matrices : device->workgroup_matrices)[0] != '\0';
    return device->cpu || (layout != VATTEN_LAYOUT_ROWS && layout != VATTEN_LAYOUT_STREAM);
}

/* `device`: NULL for a layout that was asked for. */
static bool visit_layout(const audit_sweep *sweep, const audit_row *blank, const vatten_tile *tile,
                         const vatten_device_info *device) {
    const audit_rule *rule;
    for (size_t r = 0; (rule = audit_rule_at(r)); ++r)
        for (vatten_dtype dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype) {
            const subject of = {.rule = rule, .heads = {.dtype = dtype, .tile = *tile}};
            bool wanted = (sweep->dtypes >> dtype & 1u) != 0;
            if (!wanted || (device && !offered(device, tile->layout, dtype)))
                continue;
            if (audit_rule_takes(rule, tile->layout, dtype) && !visit_rule(sweep, blank, &of))
                return false;
        }
    return true;
}

static bool visit_task(const audit_sweep *sweep, const audit_row *blank, const audit_task *task) {
    for (vatten_dtype dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype) {
        const subject of = {.task = task, .heads = {.dtype = dtype}};
        audit_row row = *blank;
        row.dim = task->dim;
        row.value_dim = task->value_dim;
        snprintf(row.problem, sizeof row.problem, "%s", task->problem);
        audit_task_kernel(task, dtype, row.kernel, sizeof row.kernel);
        if (audit_task_takes(task, dtype) && !visit(sweep, &of, &row))
            return false;
    }
    return true;
}

static bool visit_tasks(const audit_sweep *sweep, const audit_row *blank) {
    const audit_task *task;
    for (size_t t = 0; (task = audit_task_at(t)); ++t)
        if (!visit_task(sweep, blank, task))
            return false;
    return true;
}

static bool make_tile(const family_options *options, vatten_tile *tile) {
    family_shape shape = {.q_len = 1, .kv_len = 1};
    family_problem problem;
    if (!family_make_problem(FAMILY_ATTENTION, options, &shape, &problem))
        return false;
    *tile = problem.attention.heads.tile;
    return true;
}

bool audit_run(const audit_sweep *sweep) {
    vatten_context_info info;
    vatten_device_info device;
    vatten_tile tile;
    vatten_context_get_info(sweep->context, &info);
    vatten_device_get_info(vatten_context_device(sweep->context), &device);
    if (!make_tile(sweep->options, &tile))
        return false;
    audit_row blank = {0};
    snprintf(blank.device, sizeof blank.device, "%.63s", sweep->name ? sweep->name : info.device_name);
    snprintf(blank.driver, sizeof blank.driver, "%.127s", info.driver);
    if (tile.layout != VATTEN_LAYOUT_AUTO)
        return visit_layout(sweep, &blank, &tile, NULL);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; ++i) {
        tile.layout = layouts[i];
        if (!visit_layout(sweep, &blank, &tile, &device))
            return false;
    }
    return visit_tasks(sweep, &blank);
}
