/* SPDX-License-Identifier: MIT */
#ifndef LONG_CONTEXT_OUTCOME_H
#define LONG_CONTEXT_OUTCOME_H

#include "study.h"

/* A study on stdout; the pictures' names may be NULL. */
void outcome_text(const study *s, const char *blocks_png, const char *needles_png);
void outcome_json(const study *s, const char *blocks_png, const char *needles_png);

#endif
