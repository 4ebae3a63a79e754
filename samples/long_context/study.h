/* SPDX-License-Identifier: MIT
 *
 * What is found out: times, errors, which needles each method finds and which blocks MoBA takes for their questions.
 */
#ifndef LONG_CONTEXT_STUDY_H
#define LONG_CONTEXT_STUDY_H

#include "exact.h"

enum { STUDY_MOST_TOP = 64, STUDY_MOST_LENGTHS = 16, STUDY_MOST_CHECKS = 1024 };

typedef struct study_desc {
    const char *device;
    text_desc text;
    method_rules rules;
    bool dense_rows; /* dense attention of some rows only */
    uint32_t repeat;
    uint32_t checks; /* rows of each method held against the exact ones, besides a question of each needle */
    bool lengths;    /* also texts of other lengths */
    bool quiet;
} study_desc;

typedef struct study_answer {
    uint32_t right; /* of the questions */
    double cosine;  /* of the output and the answer, mean of the questions */
    bool found;     /* more than half of the questions */
} study_answer;

typedef struct study_method {
    method_cost cost;
    double nmse;      /* against dense attention: squares of differences by squares */
    double max_error; /* the largest difference */
    double check;     /* the largest difference from the exact rows */
    uint32_t found;
    study_answer answer[TEXT_NEEDLES];
} study_method;

/* What the first question about a needle goes by, and how many of them go by its block. */
typedef struct study_pick {
    uint64_t token;    /* first of the needle */
    uint64_t question; /* first about it */
    uint64_t block;    /* that the needle is in */
    uint32_t hits;
    uint32_t first[STUDY_MOST_TOP];
} study_pick;

typedef struct study {
    study_desc desc;
    char device[256];
    row_range asked[METHOD_MOST_RANGES]; /* rows that all methods were asked for */
    uint32_t asked_count;
    uint64_t compared_rows, checked_rows;
    double choosing_ms; /* pooling and selection, as plans of their own */
    study_method method[METHODS];
    study_pick pick[TEXT_NEEDLES];
    const char *list_fault; /* NULL: none */
    uint32_t *lists;        /* [tokens][method_top] */
    uint32_t length_count;
    uint64_t length[STUDY_MOST_LENGTHS];
    double cosine[METHODS][STUDY_MOST_LENGTHS][TEXT_NEEDLES];
    bool found[METHODS][STUDY_MOST_LENGTHS][TEXT_NEEDLES];
} study;

/* False after a message; destroy it in either case. */
bool study_run(const study_desc *desc, study *out);
void study_destroy(study *s);

/* The largest difference from the exact rows that passes. Sums are f32: beside a needle that has nearly all the weight each
 * other key may be lost in the last bit. */
double study_tolerance(const study *s, method m);

/* All checks within the tolerance, and no fault in a list. */
bool study_passed(const study *s);

#endif
