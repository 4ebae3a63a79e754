/* SPDX-License-Identifier: MIT
 *
 * What a run without a window says on stdout.
 */
#ifndef VIEWER_REPORT_H
#define VIEWER_REPORT_H

#include "view_check.h"
#include "view_layout.h"

/* `check` NULL: there was none. */
void viewer_report_text(const view_result *result, const view_check *check);
void viewer_report_json(const view_layout *layout, const view_result *result, const view_check *check);

#endif
