/* SPDX-License-Identifier: MIT
 *
 * A case that selects blocks, on the device: inputs, pooling and selection, then attention over what was chosen.
 */
#ifndef SELECTION_RUN_H
#define SELECTION_RUN_H

#include "gpu_harness.h"

#include "cases.h"

/* A case in one dtype. */
typedef struct selection_run {
    gpu *device;
    const cases_case *item;
    const cases_selection *selection;
    ref_dtype type;
    vatten_dtype dtype;
    uint64_t element; /* bytes */
    uint64_t tokens;  /* of all sequences */
    char name[64];
    uint8_t *host[3];         /* q, k, v */
    vatten_memory *memory[4]; /* and out */
    uint64_t hash, hashed;    /* rows so far */
    int64_t *ambiguous;
    size_t ambiguous_count;
} selection_run;

/* One sequence. Rows are queries, BiFormer's are regions of them. */
typedef struct selection_piece {
    selection_run *run;
    uint64_t first, len; /* tokens */
    uint64_t rows;
    uint64_t block, blocks; /* of keys; BiFormer's are boxes instead */
    vatten_boxes boxes;
    vatten_selection rule;
    uint32_t list_heads;
    vatten_memory *lists, *lse;
    uint32_t *list_words; /* [batch][list_heads][rows][entries] */
    float *lse_values;    /* [batch][heads][len] */
} selection_piece;

selection_run selection_begin(gpu *device, const cases_case *item, ref_dtype type);
void selection_end(selection_run *run);

/* The sequence of the tokens [first, first + len). */
selection_piece selection_piece_of(selection_run *run, uint64_t first, uint64_t len);
void selection_piece_end(selection_piece *piece);

/* Pools and selects; the lists then lie in `lists` and `list_words`. False on failure, which has been told. */
bool selection_choose(selection_piece *piece);

/* Attention: out lies in the run's memory[3], LSE in `lse_values`. */
bool selection_attend(selection_piece *piece);

bool selection_is_biformer(const selection_run *run);
uint64_t selection_heads(const cases_case *item, int which); /* 0 q, 1 k, 2 v, 3 out */
uint64_t selection_dim(const cases_case *item, int which);
uint64_t selection_bytes(const selection_run *run, int which);

/* The row of a query of the sequence. */
uint64_t selection_row(const selection_piece *piece, uint64_t query);

#endif /* SELECTION_RUN_H */
