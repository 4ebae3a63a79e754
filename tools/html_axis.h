/* SPDX-License-Identifier: MIT
 *
 * Axes of plots: where a value stands, and which values are written beside an axis. Pure.
 */
#ifndef TOOLS_HTML_AXIS_H
#define TOOLS_HTML_AXIS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct html_axis {
    double low, high; /* values at the ends */
    double from, to;  /* where they stand, in units of the picture */
    bool logarithmic;
} html_axis;

enum { HTML_TICKS = 24 };

/* From 0 to at least `high`, at a round value. */
html_axis html_axis_linear(double high, double from, double to);

/* All of `low` to `high`, which have to be above 0, ended by 1, 2 or 5 times a power of ten. */
html_axis html_axis_logarithmic(double low, double high, double from, double to);

/* The place of a value; those beyond an end stand there. */
double html_axis_at(const html_axis *axis, double value);

/* Round values within the axis, at most HTML_TICKS, smallest first; returns how many. */
size_t html_axis_ticks(const html_axis *axis, double out[HTML_TICKS]);

#endif /* TOOLS_HTML_AXIS_H */
