/* SPDX-License-Identifier: MIT
 *
 * Medians and clocks of the tools.
 */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <stddef.h>
#include <stdint.h>

typedef struct stats_summary {
    double median, min, max;
} stats_summary;

/* Sorts `values`; count 0 gives zeros. */
stats_summary stats_summarize(double *values, size_t count);

/* The median of above[i] / below[i], which both come from round i; 0 without memory. */
double stats_ratio(const double *above, const double *below, size_t count);

/* The exponent p of y ~ x^p: the slope of the line through (log x, log y) that has the least squares. All values must be above
 * 0; 0 for less than two different x. */
double stats_exponent(const double *x, const double *y, size_t count);

/* Runs in a round of what takes `ms` beside something that takes `slowest`: short ones run more often, since their turn catches
 * a smaller piece of the time. */
enum { STATS_MOST_TURNS = 8 };
uint32_t stats_turns(double ms, double slowest);

/* Milliseconds of a clock that only moves forward. */
double stats_now_ms(void);

/* Milliseconds that all threads of this program have computed: what the work of a CPU device costs, whoever else wants the
 * machine. */
double stats_cpu_ms(void);

#endif /* TOOLS_STATS_H */
