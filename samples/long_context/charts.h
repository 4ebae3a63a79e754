/* SPDX-License-Identifier: MIT
 *
 * Pictures of a study.
 */
#ifndef LONG_CONTEXT_CHARTS_H
#define LONG_CONTEXT_CHARTS_H

#include "study.h"

/* Which blocks of keys the queries go by: MoBA's beside what streaming sees, block by block, and below for the questions
 * about each needle. False after a message. */
bool chart_map(const study *s, const char *path);

/* Needle found or not, by depth and length of the text, for each method. */
bool chart_needles(const study *s, const char *path);

#endif
