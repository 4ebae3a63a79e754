/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

stats_summary stats_summarize(double *values, size_t count) {
    stats_summary summary = {0.0, 0.0, 0.0};
    if (count == 0)
        return summary;
    qsort(values, count, sizeof *values, compare);
    summary.median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    summary.min = values[0];
    summary.max = values[count - 1];
    return summary;
}

double stats_ratio(const double *above, const double *below, size_t count) {
    double *ratio = calloc(count, sizeof *ratio), median = 0.0;
    for (size_t i = 0; ratio != NULL && i < count; ++i)
        ratio[i] = below[i] > 0.0 ? above[i] / below[i] : 0.0;
    if (ratio != NULL)
        median = stats_summarize(ratio, count).median;
    free(ratio);
    return median;
}

double stats_exponent(const double *x, const double *y, size_t count) {
    double mean_x = 0.0, mean_y = 0.0, above = 0.0, below = 0.0;
    for (size_t i = 0; i < count; ++i) {
        mean_x += log(x[i]) / (double)count;
        mean_y += log(y[i]) / (double)count;
    }
    for (size_t i = 0; i < count; ++i) {
        above += (log(x[i]) - mean_x) * (log(y[i]) - mean_y);
        below += (log(x[i]) - mean_x) * (log(x[i]) - mean_x);
    }
    return below > 0.0 ? above / below : 0.0;
}

uint32_t stats_turns(double ms, double slowest) {
    double turns = ms > 0.0 ? slowest / (4.0 * ms) : 1.0;
    return turns < 1.0 ? 1 : turns > STATS_MOST_TURNS ? STATS_MOST_TURNS : (uint32_t)turns;
}

static double read_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

double stats_now_ms(void) {
    return read_ms(CLOCK_MONOTONIC);
}

double stats_cpu_ms(void) {
    return read_ms(CLOCK_PROCESS_CPUTIME_ID);
}
