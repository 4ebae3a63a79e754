/* SPDX-License-Identifier: MIT
 *
 * One line of `vatten_bench sparse`: sparse attention of one head, f32, its tensors, and what plain statements in double
 * say about the lists that selection makes and about the rows that attention writes.
 */
#ifndef TOOLS_SPARSE_CASE_H
#define TOOLS_SPARSE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/vatten.h>

typedef struct sparse_case {
    uint64_t tokens;
    uint32_t dim;
    uint32_t q_block;  /* 1: a list for each query */
    uint32_t kv_block; /* tokens are whole blocks of either kind */
    uint32_t entries;
    bool causal; /* the row's own blocks are then forced in */
    bool random; /* lists are drawn: nothing is pooled or selected */
    /* Of neighbouring queries: the part of their variance that changes slowly along the tokens. */
    float agree;
    bool dense;             /* timed too */
    vatten_tile tile;       /* of attention over lists; all 0: the table's */
    uint64_t max_workspace; /* of the scores; 0 = the library's */
    vatten_sparse_execution execution;
    char name[96];
} sparse_case;

/* Tensors as the device has them: q, k, v [tokens][dim], lists [rows][entries]. */
typedef struct sparse_data {
    float *q, *k, *v, *out;
    uint32_t *lists;
} sparse_data;

uint64_t sparse_rows(const sparse_case *c);
uint64_t sparse_blocks(const sparse_case *c);

void sparse_name(sparse_case *c);

/* Random inputs, and lists if those are drawn. False without memory. */
bool sparse_data_make(const sparse_case *c, sparse_data *out_data);
void sparse_data_free(sparse_data *data);

/* The library's descs. */
vatten_attention_desc sparse_dense_desc(const sparse_case *c);
vatten_pool_desc sparse_pool_desc(const sparse_case *c, bool keys);
vatten_select_desc sparse_select_desc(const sparse_case *c);
vatten_sparse_desc sparse_whole_desc(const sparse_case *c);
/* Attention by the lists, which are joined by `join` rows with masks where join is not 0. */
vatten_lists_desc sparse_lists_desc(const sparse_case *c, uint32_t join);

/* The lists of each `join` rows as one with masks, as sparse_lists_desc reads them. NULL without memory. */
uint32_t *sparse_join(const sparse_case *c, const uint32_t *lists, uint32_t join);

/* ---- Counts ---- */

uint64_t sparse_dense_pairs(const sparse_case *c);
/* Pairs that the lists show; by tiles of `rows` queries, which see what any of them sees, if that is not 0. Then
 * `out_blocks` gets the mean number of blocks of a tile. */
uint64_t sparse_listed_pairs(const sparse_case *c, const uint32_t *lists, uint32_t rows, double *out_blocks);

/* Pairs that tiles of `rows` queries visit which are gathered by the block that they go by, tiles counted whole. */
uint64_t sparse_gathered_pairs(const sparse_case *c, const uint32_t *lists, uint32_t rows);

/* ---- Checks ---- */

/* NULL, or what is wrong with `sample` lists and more: a block that is not ascending, not there, or not among the best. */
const char *sparse_check_lists(const sparse_case *c, const sparse_data *data, uint32_t sample);

/* Largest absolute error of `sample` rows of data's out and more; infinite if any element is not finite. With `listed` queries
 * see what the lists show, else all. */
double sparse_check_out(const sparse_case *c, const sparse_data *data, bool listed, uint32_t sample);

#endif /* TOOLS_SPARSE_CASE_H */
