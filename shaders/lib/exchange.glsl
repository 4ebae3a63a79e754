// SPDX-License-Identifier: MIT
//
// The two ways in which lanes of a row may talk to each other; both offer the same functions. Weights go by words:
// in f16 one of two neighbouring columns of a lane, if it has an even number of them.

#ifdef VT_PACKED
#define WeightWord uint
#define Weight float16_t
const uint WEIGHT_COLS = 2u - COL_COUNT % 2u; // no choice, which Adreno takes wrongly in lengths of shared arrays
WeightWord weight_word(uint i, uint j)
{
    uint at = i * COL_COUNT + j;
    return packFloat2x16(f16vec2(score[at], WEIGHT_COLS == 2u ? score[at + WEIGHT_COLS - 1u] : 0.0));
}
Weight weight_in(WeightWord word, uint n) { return unpackFloat2x16(word)[n]; }
#else
#define WeightWord float
#define Weight float
const uint WEIGHT_COLS = 1u;
WeightWord weight_word(uint i, uint j) { return score[i * COL_COUNT + j]; }
Weight weight_in(WeightWord word, uint n) { return word; }
#endif

#ifdef VT_SUBGROUP
#include "exchange_subgroup.glsl"
#else
#include "exchange_shared.glsl"
#endif
