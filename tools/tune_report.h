/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: the table of boxes as text, JSON and CSV.
 */
#ifndef TOOLS_TUNE_REPORT_H
#define TOOLS_TUNE_REPORT_H

#include <stdio.h>

#include "tune_sweep.h"

/* `device` is the name that stands in the table's head; NULL = none was asked for. */
void tune_print_text(const char *device, const vatten_neighborhood_desc *desc, const tune_table *table);
bool tune_print_json(const char *device, const vatten_neighborhood_desc *desc, const tune_table *table);

/* Says why it failed; no file is left then. */
bool tune_write_csv(const char *path, const vatten_neighborhood_desc *desc, const tune_table *table);

#endif /* TOOLS_TUNE_REPORT_H */
