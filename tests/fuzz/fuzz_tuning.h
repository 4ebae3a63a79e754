/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TUNING_H
#define FUZZ_TUNING_H

#include "problem.h"

#include <stddef.h>

/* Bytes as the text of a tuning file for the device, and what its rows make of the problem (NULL: of none). Returns which
 * rule is broken, or NULL. */
const char *fuzz_tuning(const vt_caps *caps, const vt_problem *problem, const uint8_t *data, size_t size);

#endif /* FUZZ_TUNING_H */
