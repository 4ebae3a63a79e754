/* SPDX-License-Identifier: MIT
 *
 * Appending on the device, held against plain statements of where rows go and what becomes of them.
 */
#ifndef VATTEN_APPEND_RUN_H
#define VATTEN_APPEND_RUN_H

#include "gpu_harness.h"

enum { APPEND_K, APPEND_V, APPEND_CACHE_K, APPEND_CACHE_V, APPEND_TABLES, APPEND_REGIONS };

/* One of the two: keys and values. */
typedef struct append_side {
    gpu_view rows;
    uint32_t dim;
    uint64_t row_bytes;     /* of the cache */
    vatten_strides strides; /* of the cache, in bytes */
    int region;             /* where the cache is, */
    uint64_t shift;         /* from which byte of it on */
} append_side;

/* Zero-initialise, then set what stands first. */
typedef struct append_trial {
    gpu *device;
    vatten_attention_desc cache;
    vatten_append_desc desc; /* `attention` is set here */
    uint64_t q_len, kv_len;  /* of vatten_args */
    bool one_buffer;         /* the values of a token stand behind its keys; strides are the caller's */

    uint64_t outer, places; /* pages or batch entries of the cache, and places of each */
    append_side side[2];
    vatten_tables at;
    gpu_region region[APPEND_REGIONS];
    vatten_plan *plan;
    vatten_plan_info info;
} append_trial;

/* A plan and its buffers, new rows filled in, tables zero. False: told. */
bool append_begin(append_trial *t, const char *name);
void append_end(append_trial *t);

/* The word `index` of a table. */
uint32_t *append_table(append_trial *t, uint64_t place, uint64_t index);

/* Pages of all rows, each once, in an order drawn by seed. */
void append_draw_pages(append_trial *t, uint64_t seed);

vatten_args append_args(append_trial *t);

/* Other new rows, before the next run. */
void append_fill(append_trial *t, uint64_t seed);

/* Holds what was seen against what is wanted, and that nothing else has changed. Returns how many rows were written. */
uint64_t append_compare(append_trial *t, const char *name);

/* Runs twice and compares. */
uint64_t append_check(append_trial *t, const char *name);

#endif /* VATTEN_APPEND_RUN_H */
