/* SPDX-License-Identifier: MIT
 *
 * The patterns that are drawn: settings of neighborhood attention over 576 tokens.
 */
#ifndef PATTERNS_H
#define PATTERNS_H

#include <vatten/vatten.h>

enum { SIDE = 24, TOKENS = SIDE * SIDE };

/* A grid of SIDE x SIDE tokens, or of 4 planes of 12 x 12. */
typedef struct pattern {
    const char *name; /* of the picture's file */
    const char *text; /* what is to be seen */
    uint32_t rank;
    vatten_axis axis[3]; /* of an axis without an extent: SIDE */
    uint64_t query[3];   /* coordinates of the query whose keys are drawn */
} pattern;

extern const pattern patterns[];
extern const unsigned pattern_count;

/* Extent of an axis of the pattern. */
uint64_t pattern_extent(const pattern *p, uint32_t axis);

/* The query's number among the tokens. */
uint64_t pattern_query(const pattern *p);

#endif /* PATTERNS_H */
