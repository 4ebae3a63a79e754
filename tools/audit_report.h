/* SPDX-License-Identifier: MIT
 *
 * Audits for people: a Markdown table, JSON, what got worse since another audit, and a line that sums up.
 */
#ifndef TOOLS_AUDIT_REPORT_H
#define TOOLS_AUDIT_REPORT_H

#include "audit_csv.h"

void audit_print_markdown(const audit_table *table);
bool audit_print_json(const audit_table *table);

/* Prints what got worse and what got better from `before` to `after`, row by row of equal key, and a line that
 * counts. Registers, instructions and cycles may wander by 2 % unmentioned. Returns how many rows lost ground
 * that must not be lost: compiled before and not any more, or spills or scratch that grew. */
size_t audit_compare(const audit_table *before, const audit_table *after);

/* "N compiled, N refused, N failed; ..." on stderr. Returns how many failed. */
size_t audit_sum_up(const audit_table *table);

#endif /* TOOLS_AUDIT_REPORT_H */
