/* SPDX-License-Identifier: MIT
 *
 * How lines of vatten_bench are measured, and where the result goes besides stdout: options that all its commands have.
 */
#ifndef TOOLS_BENCH_MEASURE_H
#define TOOLS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "tool_device.h"

typedef struct bench_measure {
    uint32_t repeat;  /* timed rounds */
    uint32_t warmup;  /* untimed ones before, the checked one not counted */
    uint32_t rows;    /* held against the oracle */
    uint32_t seconds; /* of timed rounds: fewer, at least 3, when they are long */
    bool csv;
    const char *history; /* file that the run is appended to; NULL: none */
    const char *html;    /* page that the runs of the command line become; NULL: none */
    const char *compare; /* file with an earlier run; NULL: none */
    uint32_t threshold;  /* percent more time that count as slower */
} bench_measure;

bench_measure bench_measure_default(void);

/* The options that set it. */
option_table bench_measure_table(bench_measure *measure);

/* False, and said, when they do not fit. */
bool bench_measure_fits(const bench_measure *measure, const tool_options *tool);

#endif /* TOOLS_BENCH_MEASURE_H */
