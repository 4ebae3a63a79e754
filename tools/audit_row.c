/* SPDX-License-Identifier: MIT */
#include "audit_row.h"

#include <stdio.h>
#include <string.h>

const char *audit_status_name(audit_status status) {
    static const char *const names[] = {"compiled", "refused", "FAILED"};
    return names[status];
}

const char *audit_figure_name(audit_figure figure) {
    static const char *const names[] = {"registers", "occupancy",    "spills",
                                        "scratch",   "instructions", "cycles"};
    return names[figure];
}

void audit_key(const audit_row *row, char *out, size_t out_size) {
    snprintf(out, out_size, "%s %s %s %ux%u", row->device, row->kernel, row->problem, row->dim,
             row->value_dim);
}

/* What each driver calls a figure. Spills of several kinds add up; names that no other driver has keep the rows
 * of one driver apart from those of the next. */
static const struct {
    audit_figure figure;
    const char *name;
} names[] = {
    /* RADV */
    {AUDIT_REGISTERS, "VGPRs"},
    {AUDIT_OCCUPANCY, "Subgroups per SIMD"},
    {AUDIT_SPILLS, "Spilled VGPRs"},
    {AUDIT_SPILLS, "Spilled SGPRs"},
    {AUDIT_SCRATCH, "Scratch size"},
    {AUDIT_INSTRUCTIONS, "Instructions"}, /* also HoneyKrisp, PanVK */
    {AUDIT_CYCLES, "Inverse Throughput"},
    /* NVK; spills of predicates and uniform registers to other registers are not counted */
    {AUDIT_REGISTERS, "Number of GPRs"},
    {AUDIT_OCCUPANCY, "Max warps/SM"},
    {AUDIT_SPILLS, "Spills to memory"},
    {AUDIT_SCRATCH, "SLM size"},
    {AUDIT_INSTRUCTIONS, "Instruction count"},
    {AUDIT_CYCLES, "Static cycle count"},
    /* Turnip: stp and ldp are the stores and loads of private memory, for spills and arrays alike */
    {AUDIT_REGISTERS, "Registers used"},
    {AUDIT_OCCUPANCY, "Max Waves Per Core"},
    {AUDIT_SPILLS, "STP Count"},
    {AUDIT_INSTRUCTIONS, "Instruction Count"}, /* also ANV, V3DV */
    /* HoneyKrisp */
    {AUDIT_REGISTERS, "GPRs"},
    {AUDIT_OCCUPANCY, "Threads"},
    {AUDIT_SPILLS, "Spills"}, /* also PanVK, V3DV */
    {AUDIT_SCRATCH, "Scratch"},
    {AUDIT_CYCLES, "ALU"},
    /* ANV */
    {AUDIT_REGISTERS, "Max live registers"},
    {AUDIT_OCCUPANCY, "Max dispatch width"},
    {AUDIT_SCRATCH, "Scratch Memory Size"},
    {AUDIT_CYCLES, "Cycles"}, /* also PanVK */
    /* PanVK */
    {AUDIT_REGISTERS, "Registers used"},
    /* V3DV */
    {AUDIT_OCCUPANCY, "Thread Count"},
    {AUDIT_SPILLS, "TMU Spills"},
    {AUDIT_SCRATCH, "Spill Size"},
    /* PowerVR */
    {AUDIT_REGISTERS, "Temp count"},
    {AUDIT_SPILLS, "Spill count"},
    {AUDIT_INSTRUCTIONS, "Inst group count"},
};

static bool same(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool audit_more_is_better(audit_figure figure) {
    return figure == AUDIT_OCCUPANCY;
}

void audit_clear(double figures[AUDIT_FIGURES]) {
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        figures[i] = AUDIT_UNKNOWN;
}

static void add_figure(double figures[AUDIT_FIGURES], const char *name, double value) {
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        double *figure = &figures[names[i].figure];
        if (!same(names[i].name, name))
            continue;
        if (*figure == AUDIT_UNKNOWN)
            *figure = 0;
        *figure = names[i].figure == AUDIT_SPILLS ? *figure + value : value;
    }
}

/* The worse of what is known. */
static void join(double figures[AUDIT_FIGURES], const double more[AUDIT_FIGURES]) {
    for (int i = 0; i < AUDIT_FIGURES; ++i) {
        bool higher = more[i] > figures[i];
        bool worse = audit_more_is_better((audit_figure)i) ? !higher : higher;
        if (more[i] != AUDIT_UNKNOWN && (figures[i] == AUDIT_UNKNOWN || worse))
            figures[i] = more[i];
    }
}

/* Identities of a binary say nothing about how good it is, and change from build to build. */
static bool is_identity(const char *name) {
    return strstr(name, "hash") || strstr(name, "Hash");
}

/* Adds "name=value;" behind `used` bytes if all of it fits. Returns how long it is. */
static size_t put_raw(audit_row *row, size_t used, const vatten_statistic *from) {
    size_t room = sizeof row->raw - used;
    int length = snprintf(row->raw + used, room, "%s=%.9g;", from->name, from->value);
    if (length > 0 && (size_t)length < room)
        return (size_t)length;
    row->raw[used] = '\0';
    return 0;
}

/* What a driver says first of a pipeline, it says again of the next one. */
static bool repeats(const vatten_statistic *first, const vatten_statistic *now) {
    return first && same(first->executable, now->executable) && same(first->name, now->name);
}

bool audit_take(audit_row *row, const vatten_statistic *statistics, uint32_t count) {
    size_t used = 0;
    const vatten_statistic *first = NULL; /* of a pipeline */
    double own[AUDIT_FIGURES];
    audit_clear(own);
    for (uint32_t i = 0; i < count; ++i) {
        const vatten_statistic *from = &statistics[i];
        if (!same(from->kernel, row->kernel))
            continue;
        if (repeats(first, from)) {
            join(row->figures, own);
            audit_clear(own);
        }
        if (!first)
            first = from;
        row->subgroup_size = from->subgroup_size;
        add_figure(own, from->name, from->value);
        if (!is_identity(from->name))
            used += put_raw(row, used, from);
    }
    join(row->figures, own);
    return first != NULL;
}
