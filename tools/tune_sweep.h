/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: one neighborhood problem, estimated with the box that the library chooses and with others.
 */
#ifndef TOOLS_TUNE_SWEEP_H
#define TOOLS_TUNE_SWEEP_H

#include <vatten/vatten.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct tune_row {
    vatten_estimate estimate;
    bool chosen; /* the library's choice, or the box that was asked for */
} tune_row;

typedef struct tune_table {
    tune_row *rows; /* fewest visited tiles first */
    size_t count;
    vatten_estimate chosen;
} tune_table;

/* Estimates desc as it is and, if it asks for no box, other boxes that leave no room to double a side: those of powers
 * of two, or all. `device` may be NULL. Says what went wrong. */
bool tune_sweep(const vatten_device *device, const vatten_logger *logger,
                const vatten_neighborhood_desc *desc, bool all, tune_table *out_table);

void tune_table_free(tune_table *table);

#endif /* TOOLS_TUNE_SWEEP_H */
