/* SPDX-License-Identifier: MIT
 *
 * What is found out: the time of a step at some lengths of the cache, and whether it is right.
 */
#ifndef DECODE_STUDY_H
#define DECODE_STUDY_H

#include "layer.h"

enum { STUDY_MOST_LENGTHS = 32, STUDY_CHECKS = 4 };

typedef struct study_desc {
    const char *device;
    layer_desc layer; /* its capacity is worked out */
    uint32_t length_count;
    uint64_t length[STUDY_MOST_LENGTHS]; /* ascending: tokens of the first entry before the first step */
    uint32_t steps;                      /* at each length */
    bool check, quiet;
} study_desc;

/* At one length. */
typedef struct study_point {
    uint64_t length;
    double step_ms, least_ms; /* of append and attention: median, least */
    double append_ms;         /* median */
    double wall_ms;           /* median, from submission to the end, with the copies of the new tokens */
    double bytes;             /* of keys and values that a step reads, mean of the steps */
    double flops;             /* 4 x dim for each visible pair */
    uint32_t checked;         /* tokens compared, each with all of its heads */
    double worst;             /* largest difference */
} study_point;

typedef struct study {
    study_desc desc;
    char device[256];
    bool clock; /* else step_ms is wall_ms */
    vatten_plan_info info;
    uint64_t pool_pages, page_bytes; /* of K and V together */
    study_point point[STUDY_MOST_LENGTHS];
    uint64_t cached;   /* tokens in the pages at the end, of all entries */
    const char *fault; /* of the pages; NULL: none */
} study;

/* Tokens of an entry where the first has `length`: entries are of different lengths. */
uint64_t study_entry_length(uint64_t length, uint32_t entry, uint32_t batch);

/* False after a message. */
bool study_run(const study_desc *desc, study *out);

/* All that was checked is right. */
bool study_passed(const study *s);

double study_tokens_per_second(const study *s, const study_point *p);

#endif
