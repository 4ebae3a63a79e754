// SPDX-License-Identifier: MIT
//
// What of Q, K and V stands in shared memory in the layouts SUBGROUP and SHARED, and how it is multiplied: all in f32.
//
// Offers (as staged_f16.glsl does): Word, four elements in shared memory; Chain, the CHAIN_WORDS words that are multiplied
// at a time; what becomes of scores and weights between the products; add_value and end_key, the second product.

#define Word vec4
#define Chain vec4
#define read_chain(STAGE, AT) STAGE[AT]
const uint CHAIN_WORDS = 1u;

vec4 acc[ROW_COUNT * OUT_COUNT];

Word word_of(vec4 x) { return x; }
Word query_word(vec4 x, float scale) { return x * scale; }
void start_products(uint i) {}
float multiply_chain(Chain query, Chain key, float sum) { return sum + dot(query, key); }
void scale_scores() {}

#ifndef VT_MASS
float soften_scores(uint i, float seen) { return soften_row(i, seen); }
void add_value(uint i, uint n, float weight, Word value) { acc[i * OUT_COUNT + n] += weight * value; }
void end_key(uint number) {}
#endif
