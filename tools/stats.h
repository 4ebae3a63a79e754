/* SPDX-License-Identifier: MIT
 *
 * Medians and clocks of the tools.
 */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <stddef.h>

typedef struct stats_summary {
    double median, min, max;
} stats_summary;

/* Sorts `values`; count 0 gives zeros. */
stats_summary stats_summarize(double *values, size_t count);

/* Milliseconds of a clock that only moves forward. */
double stats_now_ms(void);

#endif /* TOOLS_STATS_H */
