/* SPDX-License-Identifier: MIT
 *
 * What a workgroup of dense attention with rules works out before its loop, as map_rules.glsl, sequence.glsl and state.glsl
 * do, in their 32 bits, from tables that are made up word by word.
 */
#ifndef VATTEN_RULES_SHADER_H
#define VATTEN_RULES_SHADER_H

#include "program_build.h"

/* Tables of any size without memory: what a word holds follows from its place. */
typedef struct rules_tables {
    const vt_problem *problem;
    uint64_t seed;
    bool hostile; /* anything; else they keep the rules of vatten_attention_check */
} rules_tables;

uint32_t rules_word(const rules_tables *tables, uint64_t at);

typedef struct rules_group {
    const vt_step *step;
    const uint32_t *spec;
    rules_tables tables;
    uint64_t bound; /* words of the tables */
    uint32_t x, y, z;
    bool outside; /* a word was read that is not bound */

    uint32_t own_batch, seq, seq_tile, seq_split;
    int64_t seq_q0, seq_k0, seq_q_len, seq_kv_len;
    uint32_t row_0;
    int64_t q0, q_last, q_end;
    int64_t k_begin, k_end, from, reach, shift;
    int64_t left, right, prefix;
    /* Tiles, or spans where keys are scattered; of two runs, before and after they are shared out. */
    int64_t whole[2][2], run[2][2];
    bool scattered;
    int64_t span_keys; /* keys of a span */
} rules_group;

/* False: it has no query. */
bool rules_begin(rules_group *g);

/* One word of the tables as the shader reads it. */
uint32_t rules_read(rules_group *g, uint32_t at);

/* Key tiles that it visits at most, of its share or of all; and spans that it looks at. Of spans too many to count all tiles. */
uint64_t rules_tile_count(const rules_group *g, bool all);
uint64_t rules_span_count(const rules_group *g);

/* First and last key tile that it may visit: false if none. */
bool rules_tile_ends(const rules_group *g, int64_t *first, int64_t *last);

uint32_t rules_row_query(const rules_group *g, uint32_t row); /* of one that exists */
uint32_t rules_row_head(const rules_group *g, uint32_t row);  /* among those of the tile */
bool rules_row_valid(const rules_group *g, uint32_t row);
uint32_t rules_key(const rules_group *g, int64_t tile, uint32_t column); /* of one that exists */

/* Elements that one load may take; rows start at multiples of them. */
uint32_t rules_load_elements(const uint32_t spec[VT_SPEC_COUNT]);

/* Where the running state of a row starts, in floats. */
uint32_t rules_carry_row(const rules_group *g, uint32_t row);

/* By position alone, in the words of dense.h; `full`: the tile counts as one without a hidden pair, as far as that goes. */
bool rules_visible(const rules_group *g, int64_t query, int64_t key);
bool rules_tile_full(const rules_group *g, int64_t tile);

#endif /* VATTEN_RULES_SHADER_H */
