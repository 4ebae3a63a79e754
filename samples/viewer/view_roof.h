/* SPDX-License-Identifier: MIT */
#ifndef VIEWER_VIEW_ROOF_H
#define VIEWER_VIEW_ROOF_H

#include <vatten/context.h>

/* GFLOP/s of f32 multiply-adds that the device is capable of, as vatten_bench measures them, in less than a second. 0 if this
 * build has no glslang to make the loop with, or the device fails. */
double view_roof_measure(vatten_context *context);

#endif
