/* SPDX-License-Identifier: MIT
 *
 * A study: runs by all ranks, the same by one device, both held against double, and the model of what it should take.
 */
#ifndef RING_STUDY_H
#define RING_STUDY_H

#include "ring_link.h"
#include "ring_outcome.h"

enum { RING_MOST_REPEATS = 32 };

typedef struct ring_study_desc {
    ring_shape shape; /* without ranks: the link's */
    const char *devices;
    uint32_t repeat, rows; /* rows that are compared, spread over the sequence; 0: none */
    bool overlap, single, quiet;
} ring_study_desc;

/* Largest differences. */
typedef struct ring_errors {
    uint32_t rows;
    double out, lse;      /* from double, by the method's own definition */
    double single;        /* from one device, of rows that mean the same: all of ring, the query's of star */
    double approximation; /* star: of the context's tokens from full attention, both in double */
} ring_errors;

/* What rank 0 knows in the end. */
typedef struct ring_study {
    ring_study_desc desc;
    bool one_process;
    double single_ms;         /* median of one device; 0: not asked for */
    double link_ms;           /* of one hop with nothing computed */
    double predicted_ms;      /* 0: not known without single_ms */
    double total_ms;          /* of the run that is told: the median of all, by its slowest rank */
    double least_ms, most_ms; /* of all runs */
    ring_errors errors;
    ring_outcome ranks[RING_MOST_RANKS]; /* of that run */
} ring_study;

/* To be called by all ranks; `out`, all zero before, is filled on rank 0. False after a message. */
bool ring_study_run(const ring_study_desc *desc, ring_link *link, ring_study *out);

/* Bytes that all ranks sent in the run. */
uint64_t ring_study_bytes(const ring_study *study);

/* The time of one device by that of all ranks, for each rank: 1 is perfect; 0 = not known. */
double ring_study_efficiency(const ring_study *study);

/* Whether every difference is within what f32 allows. */
bool ring_study_right(const ring_study *study);

#endif
