/* SPDX-License-Identifier: MIT
 *
 * The three methods as plans of vatten, and what runs them. All attend causally; queries are the last ones of the keys.
 */
#ifndef LONG_CONTEXT_METHODS_H
#define LONG_CONTEXT_METHODS_H

#include <vatten/context.h>
#include <vatten/presets.h>

#include "progress.h"
#include "text.h"

typedef enum method {
    METHOD_DENSE, /* every key so far */
    METHOD_MOBA, /* of each query's own: the block that it is in, and the best ones before, by means of the keys */
    METHOD_STREAMING, /* the first keys (sink) and the last ones (window) */
    METHODS
} method;

const char *method_name(method m);

typedef struct method_rules {
    uint32_t block;  /* keys of a block */
    uint32_t top;    /* blocks of a query */
    uint32_t sink;   /* keys */
    uint32_t window; /* keys, the query's own included */
} method_rules;

/* Of a text of `tokens`: all of them, where there are fewer. */
uint32_t method_top(const method_rules *rules, uint64_t tokens);
uint64_t method_blocks(const method_rules *rules, uint64_t tokens);

typedef struct row_range {
    uint64_t first, end;
} row_range;

enum { METHOD_MOST_RANGES = 64 };

/* What one method took. */
typedef struct method_cost {
    double ms; /* median of the runs; if `estimated`, of some rows, times the pairs that are missing */
    uint32_t runs;
    bool estimated;
    uint64_t workspace_bytes;
    char kernel[64];
} method_cost;

typedef struct rig {
    vatten_context *context;
    char device[256];
    method_rules rules;
    uint32_t repeat;
    double seconds;  /* of a method's timed runs: no further one begins after so many */
    uint64_t tokens; /* of the text that is loaded */
    vatten_memory *q, *k, *v, *out;
    progress progress;
} rig;

/* Room for texts of at most `tokens`. False after a message; close it in either case. */
bool rig_open(rig *r, const char *device, uint64_t tokens, bool quiet);
void rig_close(rig *r);

bool rig_load(rig *r, const text *t);

/* Attention of the queries from `first` to the last. Only once, and the cost tells little, where `once`. */
bool rig_run(rig *r, method m, uint64_t first, bool once, method_cost *out);

/* Dense attention of `count` ranges of queries. */
bool rig_run_dense(rig *r, const row_range *ranges, uint32_t count, method_cost *out);

/* Which blocks MoBA takes: pooling and selection by themselves, with the rule of the whole plan. lists is
 * [tokens - first][method_top], ascending, filled up with VATTEN_LIST_END. */
bool rig_pick(rig *r, uint64_t first, uint32_t *lists, double *out_ms);

/* Rows of the last run. */
bool rig_read(rig *r, uint64_t first, uint64_t count, float *out);

#endif
