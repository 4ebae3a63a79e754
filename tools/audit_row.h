/* SPDX-License-Identifier: MIT
 *
 * One line of the audit: what a driver's compiler made of one kernel with one tile. What drivers call registers
 * or spills differs; the figures here are the common ones, and what they are taken from stands beside them.
 */
#ifndef TOOLS_AUDIT_ROW_H
#define TOOLS_AUDIT_ROW_H

#include <vatten/vatten.h>

#include <stdbool.h>
#include <stddef.h>

typedef enum audit_status {
    AUDIT_COMPILED,
    AUDIT_REFUSED, /* by vatten's own rules, before the driver saw anything */
    AUDIT_FAILED   /* by the driver */
} audit_status;

/* In the order of the columns. A driver that does not give a figure leaves it at AUDIT_UNKNOWN. */
typedef enum audit_figure {
    AUDIT_REGISTERS, /* of one lane, or of one thread of a subgroup, in the unit that the device allocates */
    AUDIT_OCCUPANCY, /* subgroups or lanes in flight that the registers allow; a device's own unit */
    AUDIT_SPILLS,    /* registers or bytes moved to memory and back for want of registers */
    AUDIT_SCRATCH,   /* memory of a lane for spills and arrays that cannot be in registers, bytes */
    AUDIT_INSTRUCTIONS, /* static count */
    AUDIT_CYCLES,       /* the compiler's own estimate */
    AUDIT_FIGURES
} audit_figure;

#define AUDIT_UNKNOWN (-1.0)

typedef struct audit_row {
    char device[64]; /* name given by --name, else the driver's */
    char driver[128];
    char problem[32]; /* the rule that was compiled in, "causal", or the operator, "pool" */
    char kernel[64];
    uint32_t dim, value_dim; /* of a kernel without a tile 0 where it knows none */
    vatten_tile tile;        /* all 0 of a kernel that has none */
    uint32_t shared_bytes;
    uint32_t subgroup_size; /* of the executable that is used for a whole workgroup */
    audit_status status;
    double figures[AUDIT_FIGURES];
    char raw[2048]; /* "name=value;..." of all that the driver says, as far as there is room */
    char reason[256];
} audit_row;

const char *audit_status_name(audit_status status);
const char *audit_figure_name(audit_figure figure);

/* Names that stand in the column `problem`, and the row's key: lines of two audits with equal keys are compared.
 * `out` gets "device kernel problem DxDv layout". */
void audit_key(const audit_row *row, char *out, size_t out_size);

/* Of these a smaller number is worse. */
bool audit_more_is_better(audit_figure figure);

/* Nothing is known of any figure. */
void audit_clear(double figures[AUDIT_FIGURES]);

/* Fills figures, subgroup_size and raw from what the driver said of the row's kernel, among what it said of the others of a
 * plan. Of a kernel with several pipelines there, as the passes of one that ranks, each figure is that of the worst. False:
 * it said nothing of that kernel. */
bool audit_take(audit_row *row, const vatten_statistic *statistics, uint32_t count);

#endif /* TOOLS_AUDIT_ROW_H */
