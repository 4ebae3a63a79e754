/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_TUNE_MEASURE_H
#define TOOLS_TUNE_MEASURE_H

/* vatten_tune --sweep: argv[1] is a family's name or the first option, --sweep may be another. Returns the exit status. */
int tune_measure(int argc, char **argv);

#endif /* TOOLS_TUNE_MEASURE_H */
