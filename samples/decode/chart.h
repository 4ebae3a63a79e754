/* SPDX-License-Identifier: MIT */
#ifndef DECODE_CHART_H
#define DECODE_CHART_H

#include "decode_study.h"

/* Draws the time of a token by the length of the cache, a PNG. False after a message. */
bool chart_draw(const study *s, const char *path);

#endif
