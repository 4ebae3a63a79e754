/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_MEDIAN_H
#define SAMPLES_MEDIAN_H

#include <stddef.h>

/* Of at least one value; sorts them. */
double median(double *values, size_t count);

#endif
