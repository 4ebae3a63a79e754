/* SPDX-License-Identifier: MIT
 *
 * Reads tests/data/cases.json: problems with known answers. The format and the way inputs are made from a
 * seed are told in tests/data/README.md.
 */
#ifndef VATTEN_CASES_H
#define VATTEN_CASES_H

#include "ref_dense.h"

#define CASES_MAX_PROBES    16
#define CASES_MAX_BATCH     16
#define CASES_MAX_SPLITS    64
#define CASES_MAX_SEQUENCES 256
#define CASES_MAX_ENTRIES   8

typedef enum cases_op {
    CASES_DENSE, /* dense, mask_predicate, varlen, paged, splitkv, kvcache_append, mla_decode */
    CASES_GRID,
    CASES_LISTS,     /* block_sparse, block_list, vertical_slash, topk_gather, dma */
    CASES_SELECTION, /* moba, vmoba, nsa_selected, biformer: test_selection_cases */
    CASES_MERGE,     /* test_merge_cases */
    CASES_WINDOW_TABLE,
    CASES_REJECT,
    CASES_LATER /* an operator that the library does not have; only counted */
} cases_op;

/* The tensors of a case, numbered as the seed wants them. */
typedef enum cases_tensor { CASES_Q, CASES_K, CASES_V, CASES_EXTRA_K, CASES_EXTRA_V } cases_tensor;

/* One output row whose answer is known. */
typedef struct cases_probe {
    uint64_t b, q, h;
    uint64_t visible;
    double lse;    /* -INFINITY without a visible key */
    double out[4]; /* the first `outs` values of the row */
    uint32_t outs;
    double out_sum; /* of the whole row */
    /* LISTS: part of the softmax that the keys have, 1 without a sink: `lse` is that of the keys alone, `out` and `out_sum`
     * are beside the sink. DENSE: 1, and all are with the sink. */
    double share;
} cases_probe;

typedef enum cases_preset { CASES_MOBA, CASES_VMOBA, CASES_NSA, CASES_BIFORMER } cases_preset;

/* VMOBA: who shares a budget. */
typedef enum cases_scope {
    CASES_QUERY_HEAD,  /* nobody */
    CASES_HEAD_GLOBAL, /* all queries of a head */
    CASES_OVERALL,     /* all queries of all heads */
    CASES_BLOCK        /* all queries of all heads, for each block of keys by itself */
} cases_scope;

/* Which blocks of keys a query goes by. `dense` has the lengths, of all sequences together, and whether it is causal. */
typedef struct cases_selection {
    cases_preset preset;
    uint64_t block;     /* tokens of a block; BIFORMER: 0 */
    uint64_t entries;   /* blocks of a query, forced ones included; 0: as many as `threshold` takes */
    cases_scope scope;  /* beyond a query `entries` are those of a query on average */
    double threshold;   /* VMOBA: share of all weight */
    bool own;           /* the query's own block is forced */
    uint64_t extent[2]; /* BIFORMER: tokens along each axis */
    uint64_t regions;   /* BIFORMER: along each axis */
    uint32_t sequences; /* packed one after the other: they do not see each other */
    uint64_t length[CASES_MAX_BATCH];
    uint64_t hash; /* cases_hash over the chosen blocks of all rows but the ambiguous ones */
} cases_selection;

typedef enum cases_alibi { CASES_NO_ALIBI, CASES_ALIBI_DISTANCE, CASES_ALIBI_SIGNED } cases_alibi;

/* What dense cases have beyond `dense`. */
typedef struct cases_dense {
    double softcap; /* 0 = none */
    bool sinks;
    cases_alibi alibi;               /* slopes are cases_slope */
    uint64_t bias_batch, bias_heads; /* of the bias tensor, each 1 or all; 0 = none */
    uint64_t mask_batch, mask_heads; /* of the mask of bits, likewise */
    double density;                  /* of its bits */
    uint32_t sequences;              /* packed one after the other; 0 = not packed */
    uint32_t q_start[CASES_MAX_SEQUENCES + 1];
    uint32_t kv_start[CASES_MAX_SEQUENCES + 1];
    uint64_t page_size; /* 0 = no pages; pages are cases_page */
    uint64_t cached;    /* keys that were there before the others came; 0 = not said */
} cases_dense;

typedef struct cases_case {
    char id[32];
    cases_op op;
    uint64_t seed;
    uint64_t batch, heads, kv_heads, dim, value_dim;
    double scale;              /* 0 = 1/sqrt(dim) */
    ref_dense_rule dense;      /* CASES_DENSE: lengths and rule */
    ref_grid_rule grid;        /* CASES_GRID and the others: the axes, as far as they are given */
    ref_lists lists;           /* CASES_LISTS: lengths, rule, and the lists themselves */
    uint32_t *words;           /* what lists.words points at */
    cases_selection selection; /* CASES_SELECTION */
    cases_dense beyond_dense;  /* CASES_DENSE */
    /* CASES_MERGE: parts of the keys, one after the other, and keys of each. CASES_DENSE: numbers of workgroups that may
     * share the keys, which must not change a thing. */
    uint32_t splits;
    uint64_t split[CASES_MAX_SPLITS];
    uint64_t blocks; /* BLOCKS: entries of all lists of random block masks together */
    bool biased;     /* cases_bias is added to scores; kv_heads are its heads */
    uint64_t extra_len;
    uint64_t kv_len[CASES_MAX_BATCH]; /* keys of each batch entry, if kv_lens is not 0 */
    uint32_t kv_lens;
    bool v_is_k;         /* v is the first value_dim of each k */
    char beyond[32];     /* the operator of CASES_LATER, or what else is not read; "" = nothing */
    bool dtype[3];       /* by ref_dtype */
    double tolerance[3]; /* by ref_dtype, of out */
    double lse_tolerance;
    uint64_t macs;
    uint64_t visible_pairs; /* of one head of one batch entry; UINT64_MAX = not given */
    cases_probe probe[CASES_MAX_PROBES];
    uint32_t probes;
    char target[16]; /* CASES_REJECT: which operator must refuse it */
    /* and what its tables hold: starts of sequences, blocks of a list or a page; of `limit` tokens, blocks or pages */
    uint32_t entry[CASES_MAX_ENTRIES], entries;
    uint64_t limit;
    char why[160];
    const void *json;
} cases_case;

typedef struct cases_list {
    cases_case *items;
    size_t count;
    void *json;
} cases_list;

/* Reads the whole file. On failure says why on stderr and returns false. */
bool cases_read(const char *path, cases_list *out_list);
void cases_free(cases_list *list);

/* Query and key tokens of a case (equal on a grid). */
uint64_t cases_q_len(const cases_case *item);
uint64_t cases_kv_len(const cases_case *item);

/* One element of an input, exact in every dtype. */
float cases_value(const cases_case *item, cases_tensor tensor, uint64_t b, uint64_t token, uint64_t head,
                  uint64_t d);

/* What is added to the score of a pair in a case that is biased, exact in f32. */
float cases_bias(const cases_case *item, uint64_t b, uint64_t kv_head, uint64_t query, uint64_t key);

/* CASES_DENSE: the bias tensor, sinks and slopes of heads, bits of the mask, and which page of the pool a page of a batch
 * entry is; the pool has cases_pages pages. */
float cases_pair_bias(const cases_case *item, uint64_t b, uint64_t bias_head, uint64_t query, uint64_t key);
float cases_sink(const cases_case *item, uint64_t head);
float cases_slope(const cases_case *item, uint64_t head);
bool cases_bit(const cases_case *item, uint64_t b, uint64_t mask_head, uint64_t query, uint64_t key);
uint64_t cases_pages(const cases_case *item);
uint32_t cases_page(const cases_case *item, uint64_t b, uint64_t page);

/* All of that as the oracle wants it, with tables that cases_more_free frees. False if it has none: `out` is all 0. */
bool cases_more(const cases_case *item, ref_dense_more *out);
void cases_more_free(ref_dense_more *more);

/* A table of numbers among the expected values, or one axis of a table of tables (axis >= 0), tables in it one after the
 * other. NULL if there is none. The caller frees it. */
int64_t *cases_table(const cases_case *item, const char *name, int axis, size_t *out_count);

/* The blocks that a probe's row has chosen, as cases_table gives them. */
int64_t *cases_probe_blocks(const cases_case *item, uint32_t probe, size_t *out_count);

/* Goes on with a hash of chosen blocks: how many the next row has, then their numbers, ascending. */
#define CASES_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t cases_hash(uint64_t hash, const uint32_t *blocks, uint32_t count);

/* CASES_NSA: the means of the blocks of one head's keys, [blocks][dim], which the caller frees; then which blocks a query
 * goes by, ascending, and how many. */
double *cases_nsa_means(const cases_case *item, uint64_t b, uint64_t kv_head);
uint32_t cases_nsa_row(const cases_case *item, const double *means, uint64_t b, uint64_t kv_head,
                       uint64_t query, uint32_t *list);

/* A number among the expected values, UINT64_MAX if there is none. */
uint64_t cases_known(const cases_case *item, const char *name);

#endif /* VATTEN_CASES_H */
