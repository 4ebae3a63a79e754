/* SPDX-License-Identifier: MIT
 *
 * What a rank tells about a run: plain data, sent as it is between ranks of one program.
 */
#ifndef RING_OUTCOME_H
#define RING_OUTCOME_H

#include "ring_shape.h"

typedef enum ring_span_kind { RING_COMPUTE, RING_TRANSFER, RING_SPAN_KINDS } ring_span_kind;

/* Milliseconds since all ranks began. */
typedef struct ring_span {
    double begin, end;
    uint32_t kind, step;
} ring_span;

enum { RING_MOST_SPANS = 2 * RING_MOST_RANKS + 2 };

typedef struct ring_outcome {
    char device[96];
    double total_ms, compute_ms, transfer_ms;
    uint64_t bytes_sent, pairs; /* pairs of one head */
    uint32_t span_count;
    ring_span spans[RING_MOST_SPANS];
} ring_outcome;

/* The clock of a run: begin it when all ranks have met. */
typedef struct ring_clock {
    double origin_ms;
} ring_clock;

ring_clock ring_clock_begin(void);
double ring_clock_now(const ring_clock *clock);

/* Notes what was done from `begin` to `end`, and adds it up. Not from two threads at once. */
void ring_note(ring_outcome *out, ring_span_kind kind, uint32_t step, double begin, double end);

#endif
