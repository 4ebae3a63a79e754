/* SPDX-License-Identifier: MIT
 *
 * A study on stdout, as text or JSON.
 */
#ifndef RING_REPORT_H
#define RING_REPORT_H

#include "ring_study.h"

const char *ring_method_name(ring_method method);
const char *ring_placement_name(ring_placement placement);

void ring_report_text(const ring_study *study);
void ring_report_json(const ring_study *study);

#endif
