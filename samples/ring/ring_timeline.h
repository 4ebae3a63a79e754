/* SPDX-License-Identifier: MIT */
#ifndef RING_TIMELINE_H
#define RING_TIMELINE_H

#include "ring_study.h"

/* Draws what each rank did when, a PNG: above computing, below sending and receiving. False after a message. */
bool ring_timeline_draw(const ring_study *study, const char *path);

#endif
