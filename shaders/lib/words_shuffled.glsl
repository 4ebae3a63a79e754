// SPDX-License-Identifier: MIT
//
// How the words of a key come to the lanes of the layout ROWS: each lane loads another one, and shuffles hand them on.
//
// Offers (as words_address.glsl does): DIM_STEP and VALUE_STEP, elements that are loaded together; word_k, word_v: what
// this lane loads of the step at element c of a row; spread_k, spread_v: the quad at element j of that step; own_k_row,
// own_v_row: where the row of a token begins, a RowAt; add_products, add_scaled: sums with the products of a quad; words_begin: what is
// done before the loop over keys; part_words: before the words at element c of a key.

// Elements of one load. Where a row is shorter than what the lanes load together, LLVM 15 takes minutes,
// hence the bound; nested, because Mesa 22.3 refuses && of specialization constants.
const uint DIM_WORD = VECTOR == 0u ? 1u : DIM_PAD < QUAD * WORKGROUP ? 1u : QUAD;
const uint VALUE_WORD = VECTOR == 0u ? 1u : VALUE_PAD < QUAD * WORKGROUP ? 1u : QUAD;
const uint DIM_STEP = DIM_WORD * WORKGROUP;
const uint VALUE_STEP = VALUE_WORD * WORKGROUP;
// No load passes the end of a row: loads go up to the padded dim, by whole steps.
const bool WHOLE_DIM = DIM == DIM_PAD ? DIM % DIM_STEP == 0u : false;
const bool WHOLE_VALUE = VALUE_DIM == VALUE_PAD ? VALUE_DIM % VALUE_STEP == 0u : false;

// A word of one element is x.
#define VT_WORD_LOADER(NAME, ELEM, ELEM4, WORD, WHOLE, BOUND)                                                        \
    vec4 NAME(uint row, uint c)                                                                                      \
    {                                                                                                                \
        uint d = c + gl_LocalInvocationIndex * WORD;                                                                 \
        uint at = row + (WHOLE ? d : min(d, (BOUND) - WORD));                                                        \
        vec4 x = WORD == QUAD ? vt_to_f32x4(ELEM4[at >> 2]) : vec4(vt_to_f32(ELEM[at]), 0.0, 0.0, 0.0);              \
        return WHOLE || d < (BOUND) ? x : vec4(0.0);                                                                 \
    }
#ifdef VT_KV_BYTES
#define VT_WORD_OF_BYTES(NAME, FOUR, WORD, WHOLE, BOUND)                                                             \
    vec4 NAME(uint row, uint c)                                                                                      \
    {                                                                                                                \
        uint d = c + gl_LocalInvocationIndex * WORD;                                                                 \
        uint at = WHOLE ? d : min(d, (BOUND) - WORD);                                                                \
        vec4 x = FOUR(row, at & ~3u);                                                                                \
        if (WORD != QUAD)                                                                                            \
            x = vec4(x[at & 3u], 0.0, 0.0, 0.0);                                                                     \
        return WHOLE || d < (BOUND) ? x : vec4(0.0);                                                                 \
    }
#endif
#if defined(VT_COLUMNS)
VT_WORD_LOADER(word_k, q_elem, q_elem4, DIM_WORD, WHOLE_DIM, DIM)
#elif defined(VT_KV_BYTES)
VT_WORD_OF_BYTES(word_k, four_k, DIM_WORD, WHOLE_DIM, DIM)
#else
VT_WORD_LOADER(word_k, k_elem, k_elem4, DIM_WORD, WHOLE_DIM, DIM)
#endif
#if defined(VT_KV_BYTES) && !defined(VT_MASS)
VT_WORD_OF_BYTES(word_v, four_v, VALUE_WORD, WHOLE_VALUE, VALUE_DIM)
#elif !defined(VT_MASS)
VT_WORD_LOADER(word_v, v_elem, v_elem4, VALUE_WORD, WHOLE_VALUE, VALUE_DIM)
#endif

vec4 spread(vec4 word, uint size, uint j)
{
    return vec4(subgroupShuffle(word[0], j / size),
                subgroupShuffle(word[1u % size], (j + 1u) / size),
                subgroupShuffle(word[2u % size], (j + 2u) / size),
                subgroupShuffle(word[3u % size], (j + 3u) / size));
}
vec4 spread_k(vec4 word, uint j) { return spread(word, DIM_WORD, j); }
vec4 spread_v(vec4 word, uint j) { return spread(word, VALUE_WORD, j); }

#define RowAt uint
RowAt own_k_row(uint token) { return k_row(token); }
#ifndef VT_MASS
RowAt own_v_row(uint token) { return v_row(token); }
#endif

// A quad is summed on its own before it joins its score.
float add_products(float sum, vec4 q, vec4 x) { return sum + dot(q, x); }
vec4 add_scaled(vec4 y, float p, vec4 x) { return y + p * x; }
void part_words(uint c) {}
void words_begin() {}
