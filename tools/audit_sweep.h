/* SPDX-License-Identifier: MIT
 *
 * What an audit compiles: every kernel of the manifest that the device can be given; those with tiles with every tile that
 * the tuning table chooses over a list of dims, the others once.
 */
#ifndef TOOLS_AUDIT_SWEEP_H
#define TOOLS_AUDIT_SWEEP_H

#include "audit_row.h"
#include "family.h"

#include <vatten/context.h>

/* Dims of q and k with the value dim. */
typedef struct audit_dims {
    size_t count;
    uint32_t dim[OPTION_MAX_ITEMS];
    uint32_t value_dim[OPTION_MAX_ITEMS];
} audit_dims;

/* Gets each row when it is done; false stops the sweep. */
typedef bool (*audit_sink)(void *user, const audit_row *row);

typedef struct audit_sweep {
    vatten_context *context;
    const char *name;       /* of the device, in the rows */
    const char *only;       /* kernels whose name contains one of these, with commas between; NULL = all */
    const char *problems;   /* these, with commas between; NULL = all */
    const audit_dims *dims; /* count 0 = the default list */
    uint32_t dtypes;        /* of attention and mass; bits 1 << vatten_dtype */
    const audit_dims *more; /* dims that only these dtypes have; count 0 = none */
    uint32_t more_dtypes;   /* likewise, of `dtypes` */
    /* Layout and tile asked for, and then kernels with that layout only; else all kernels and the table's tiles. */
    const family_options *options;
    bool list; /* compiles nothing: rows say what would be */
    audit_sink sink;
    void *user;
} audit_sweep;

/* False when the sink stopped it or the device cannot be asked. */
bool audit_run(const audit_sweep *sweep);

#endif /* TOOLS_AUDIT_SWEEP_H */
