// SPDX-License-Identifier: MIT
//
// What becomes of a score in dense kernels with rules: softcap, then biases; and weights other than those of a softmax.
// Scores are in base 2, as the loop keeps them.

const bool BIASED = BIAS != 0u;
const uint BIAS_IS = BIAS & VT_BIAS_KIND;
const bool BIAS_CUBE = (BIAS & VT_BIAS_CUBE) != 0u;
const bool BIAS_OF_KEYS = (BIAS & VT_BIAS_KEYS) != 0u;

// Whether scores are changed at all.
bool scores_differ()
{
    return SOFTCAP != 0.0 || BIASED || (HEAD_FIELDS & (VT_HEAD_SLOPE | VT_HEAD_OFFSET)) != 0u;
}

float bias_at(uint i)
{
    if ((BIAS & VT_BIAS_F16) == 0u)
        return uintBitsToFloat(bias_word[i]);
    vec2 two = unpackHalf2x16(bias_word[i >> 1]);
    return (i & 1u) == 0u ? two.x : two.y;
}

// What a row and a key have of a bias.
struct BiasRow {
    uint entry;  // of key 0
    ivec3 place; // on the grid
    float offset;
    float slope;
};
struct BiasKey {
    uint entry;
    uvec3 place;
    float value; // of a bias of keys alone
};

// The first axis has no end on either side.
ivec3 grid_place(int token)
{
    int line = floor_divide(token, int(BIAS_EXTENT_2));
    int plane = BIAS_CUBE ? floor_divide(line, int(BIAS_EXTENT_1)) : 0;
    return ivec3(plane, line - plane * int(BIAS_EXTENT_1), token - line * int(BIAS_EXTENT_2));
}

// Of the heads of the dispatch: a bias that is cut along heads begins with that of the first one.
uint bias_head(uint row)
{
    uint first = BIAS_IS == VT_BIAS_TENSOR ? push.head_first / BIAS_GROUP : 0u;
    return (push.head_first + row_own_head(row)) / BIAS_GROUP - first;
}

// `row` tells the head.
BiasRow bias_row(uint row, uint row_query, int diag)
{
    BiasRow result = BiasRow(0u, ivec3(0), 0.0, 0.0);
    uint query = query_place(row_query);
    uint batch = PACKED ? 0u : BIAS_IS == VT_BIAS_TENSOR ? own_batch() : seq;
    if (has_field(VT_HEAD_OFFSET))
        result.offset = head_float(row, 3u) * LOG2E;
    if (has_field(VT_HEAD_SLOPE))
        result.slope = head_float(row, 2u) * LOG2E;
    if (BIAS_IS == VT_BIAS_TENSOR)
        result.entry = push.map0 + batch * BIAS_BATCH + bias_head(row) * BIAS_HEAD + query * BIAS_QUERY;
    if (BIAS_IS == VT_BIAS_AXES)
        result.entry = batch * BIAS_BATCH + bias_head(row) * BIAS_HEAD + query * BIAS_QUERY;
    if (BIAS_IS == VT_BIAS_RELATIVE) {
        result.place = (BIAS & VT_BIAS_GRID) != 0u ? grid_place(diag) : ivec3(0, 0, diag);
        uint sides = uint((2 * BIAS_REACH_0 + 1) * (2 * BIAS_REACH_1 + 1) * (2 * BIAS_REACH_2 + 1));
        result.entry = bias_head(row) * sides;
    }
    return result;
}

BiasKey bias_key(uint key)
{
    BiasKey result = BiasKey(0u, uvec3(0u, 0u, key), 0.0);
    if (BIAS_IS == VT_BIAS_TENSOR)
        result.entry = key_number(key) * BIAS_KEY;
    if (BIAS_IS == VT_BIAS_AXES || (BIAS & VT_BIAS_GRID) != 0u)
        result.place = uvec3(grid_place(int(key)));
    if (BIAS_OF_KEYS)
        result.value = bias_at(push.map0 + (PACKED ? 0u : own_batch()) * BIAS_BATCH + bias_head(0u) * BIAS_HEAD +
                               result.entry);
    return result;
}

float relative_bias(BiasRow row, BiasKey key)
{
    ivec3 reach = ivec3(BIAS_REACH_0, BIAS_REACH_1, BIAS_REACH_2);
    ivec3 offset = clamp(ivec3(key.place) - row.place, -reach, reach) + reach;
    return bias_at(row.entry + uint((offset.x * (2 * reach.y + 1) + offset.y) * (2 * reach.z + 1) + offset.z));
}

// Rows of the tensors of the axes follow each other: BIAS_KEY says how many each has.
float axes_bias(BiasRow row, BiasKey key)
{
    uint before = BIAS_CUBE ? BIAS_KEY * BIAS_EXTENT_0 : 0u;
    float sum = bias_at(row.entry * BIAS_EXTENT_1 + before + key.place.y) +
                bias_at(row.entry * BIAS_EXTENT_2 + before + BIAS_KEY * BIAS_EXTENT_1 + key.place.z);
    if (BIAS_CUBE)
        sum += bias_at(row.entry * BIAS_EXTENT_0 + key.place.x);
    return sum;
}

float pair_bias(BiasRow row, BiasKey key)
{
    if (BIAS_OF_KEYS)
        return key.value;
    if (BIAS_IS == VT_BIAS_TENSOR)
        return bias_at(row.entry + key.entry);
    return BIAS_IS == VT_BIAS_AXES ? axes_bias(row, key) : relative_bias(row, key);
}

// tanh is 1 to the last bit beyond 10, where exponentials of some drivers overflow.
float cap_score(float score) { return SOFTCAP != 0.0 ? SOFTCAP * tanh(clamp(score / SOFTCAP, -10.0, 10.0)) : score; }

// The complement of the error function for x >= 0, good to 1.2e-7 of it (Numerical Recipes, Chebyshev fit).
float erfc_positive(float x)
{
    float t = 1.0 / (1.0 + 0.5 * x);
    float p = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 +
              t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
    return t * exp(-x * x + p);
}

// A hidden pair has none.
float weight_of(float score)
{
    float s = score * LN2;
    float x = (s - 0.70710678) * 2.50662827; // sqrt(2 pi)
    float tail = 0.5 * erfc_positive(min(abs(x), 10.0));
    float weight = s;
    if (NORMALISER == 1u)
        weight = 1.0 / (1.0 + exp(-s));
    if (NORMALISER == 2u)
        weight = max(s, 0.0);
    if (NORMALISER == 3u)
        weight = max(s, 0.0) * max(s, 0.0);
    if (NORMALISER == 4u)
        weight = x > 0.0 ? 1.0 - tail : tail;
    return score > SCORE_HIDDEN ? weight : 0.0;
}
