/* SPDX-License-Identifier: MIT
 *
 * One line of `vatten_bench mass`: an attention and what is asked of its probabilities, the tensors of both, and what the
 * oracle says about the results.
 */
#ifndef TOOLS_MASS_CASE_H
#define TOOLS_MASS_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/vatten.h>

#define MASS_KIND_WORDS "columns|segments|rows|entropy|block-max"

typedef struct mass_case {
    uint64_t q_len, kv_len;
    vatten_dtype dtype;
    uint32_t heads, kv_heads, dim;
    int causal; /* FAMILY_CAUSAL_NONE, ... */
    vatten_mass_kind kind;
    uint64_t last;     /* COLUMNS: of so many last queries; 0 = all */
    uint32_t segments; /* SEGMENTS */
    uint64_t rows;     /* ROWS: of so many last queries, at most all; 0 = all */
    uint64_t block;    /* BLOCK_MAX */
    vatten_tile tile;  /* of the mass; all 0: the table's */
    char name[96];
} mass_case;

/* As the device has them. */
typedef struct mass_data {
    void *q, *k, *v, *out;
    float *lse, *mass;
    uint32_t
        *ids; /* SEGMENTS: as many keys a segment as there are keys to each, one segment after the other */
} mass_data;

void mass_name(mass_case *c);

vatten_attention_desc mass_attention_desc(const mass_case *c);

/* Of an attention that lives as long as it. */
vatten_mass_desc mass_desc(const mass_case *c, const vatten_attention_desc *attention);

/* Random keys and values, of the sizes that the plans say; each query asks for one key that it sees, so that a key that is
 * left out or seen twice shows. What is to be written is NaN. False without memory. */
bool mass_data_make(const mass_case *c, const vatten_plan_info *forward, const vatten_plan_info *mass,
                    mass_data *out_data);
void mass_data_free(mass_data *data);

/* Whether `sample` rows of the forward attention and more are right, outputs and log-sum-exp. */
bool mass_check_forward(const mass_case *c, const mass_data *data, uint32_t sample);

/* Largest error of `sample` rows of data's mass and more. Of columns it is that of whole heads, of as many as have the sampled
 * rows, and of the sums of all others; of a sum that is more than 1, relative. Infinite if any element is not finite. */
double mass_check(const mass_case *c, const mass_data *data, uint32_t sample);
double mass_tolerance(const mass_case *c);

#endif /* TOOLS_MASS_CASE_H */
