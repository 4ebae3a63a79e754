/* SPDX-License-Identifier: MIT */
#ifndef DECODE_OUTCOME_H
#define DECODE_OUTCOME_H

#include "decode_study.h"

/* On stdout. `chart`: the picture that was written, or NULL. */
void outcome_text(const study *s, const char *chart);
void outcome_json(const study *s, const char *chart);

#endif
