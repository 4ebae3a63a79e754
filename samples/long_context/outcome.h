/* SPDX-License-Identifier: MIT */
#ifndef LONG_CONTEXT_OUTCOME_H
#define LONG_CONTEXT_OUTCOME_H

#include "study.h"

/* A study on stdout; the pictures' names may be NULL. */
void outcome_text(const study *s, const char *map_png, const char *chart_png);
void outcome_json(const study *s, const char *map_png, const char *chart_png);

#endif
