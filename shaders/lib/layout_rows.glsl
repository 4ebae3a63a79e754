// SPDX-License-Identifier: MIT
//
// Layout for Vulkan drivers that run on a CPU: no barrier, no shared memory. A workgroup is one subgroup;
// lane i owns the query rows i, i + WORKGROUP, i + 2 WORKGROUP ... and keeps their queries and outputs in
// registers (on a CPU: vectors over the lanes). The only long loop is the one over keys, KEYS at a time.
//
// What such drivers pay for, and what follows:
//  - A buffer load is a small loop over the lanes even if all lanes want the same word. So each lane loads
//    another word of a key, and a shuffle by a constant (two instructions; a broadcast is far slower) hands
//    it to all: one load per subgroup and word, shared by all rows of all lanes. The elements of a vector
//    share that loop, hence words of four.
//  - Every place that touches a buffer costs compile time, faster than linearly. So queries enter and outputs
//    leave through short real loops that move DIM_CHUNK elements and shift the whole register array by as
//    much.
//  - Until its loops are unrolled an array is memory to the compiler, and the time it spends there grows
//    faster than the array's length. So the long arrays hold quads, a quarter as many.
//  - What stands in a chain waits for what is before it: there are four chains of maxima, and words_*.glsl say how products
//    join their sum.
//  - Branches are flattened, so the mask is always applied.

const uint ROW_COUNT = ROWS / WORKGROUP;           // query rows of a lane
const uint QUAD = 4u;                              // neighbouring elements of a row

const uint DIM_QUADS = DIM_PAD / QUAD;
const uint VALUE_QUADS = VALUE_PAD / QUAD;
const uint CHUNK_QUADS = DIM_CHUNK / QUAD;
const uint DIM_MOVES = DIM_PAD / DIM_CHUNK;        // chunks of a row
const uint VALUE_MOVES = VALUE_PAD / DIM_CHUNK;

vec4 query[ROW_COUNT * DIM_QUADS];
vec4 acc[ROW_COUNT * VALUE_QUADS];
float score[ROW_COUNT * KEYS];
float row_max[ROW_COUNT];
float row_sum[ROW_COUNT];
MapRow rule[ROW_COUNT];

uint lane() { return gl_LocalInvocationIndex; }
uint lane_row(uint i) { return i * WORKGROUP + lane(); }

#ifdef VT_BY_ADDRESS
#include "words_address.glsl"
#else
#include "words_shuffled.glsl"
#endif

// load_q4 without branches: it loads an element that exists and forgets it.
vec4 query_quad(uint row, uint d)
{
#if defined(VT_COLUMNS) && defined(VT_KV_BYTES)
    vec4 bytes = four_k(row, min(d, DIM - QUAD));
    return d < DIM ? bytes : vec4(0.0);
#else
    if (VECTOR != 0u) {
        vec4 x = vt_to_f32x4(ROW_ELEM4[(row + min(d, DIM - QUAD)) >> 2]);
        return d < DIM ? x : vec4(0.0);
    }
    vec4 result;
    [[unroll]] for (uint e = 0u; e < QUAD; ++e) {
        float x = vt_to_f32(ROW_ELEM[row + min(d + e, DIM - 1u)]);
        result[e] = d + e < DIM ? x : 0.0;
    }
    return result;
#endif
}

void load_queries()
{
    uint origin = row_origin();
    for (uint i = 0u; i < ROW_COUNT * DIM_MOVES; ++i) {
        uint row = origin + row_place(lane_row(i / DIM_MOVES));
        float scale = row_scale(lane_row(i / DIM_MOVES));
        uint d0 = i % DIM_MOVES * DIM_CHUNK;
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_QUADS - CHUNK_QUADS; ++e)
            query[e] = query[e + CHUNK_QUADS];
        [[unroll]] for (uint e = 0u; e < CHUNK_QUADS; ++e)
            query[ROW_COUNT * DIM_QUADS - CHUNK_QUADS + e] = query_quad(row, d0 + QUAD * e) * scale;
    }
}

#ifdef VT_FULL
// Maximum and sum of all rows, one row per turn of the loop; the arrays come back to where they were.
void move_sums(bool resume)
{
    for (uint i = 0u; i < ROW_COUNT; ++i) {
        uint at = carry_row(lane_row(i)) + CARRY_VALUES;
        float top = row_max[0];
        float sum = row_sum[0];
        if (resume) {
            top = carry_elem[at];
            sum = carry_elem[at + 1u];
        } else if (map_row_valid(lane_row(i))) {
            carry_elem[at] = top;
            carry_elem[at + 1u] = sum;
        }
        [[unroll]] for (uint r = 0u; r + 1u < ROW_COUNT; ++r) {
            row_max[r] = row_max[r + 1u];
            row_sum[r] = row_sum[r + 1u];
        }
        row_max[ROW_COUNT - 1u] = top;
        row_sum[ROW_COUNT - 1u] = sum;
    }
}

void resume_rows()
{
    move_sums(true);
    for (uint i = 0u; i < ROW_COUNT * VALUE_MOVES; ++i) {
        uint at = carry_row(lane_row(i / VALUE_MOVES));
        uint d0 = i % VALUE_MOVES * DIM_CHUNK;
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_QUADS - CHUNK_QUADS; ++e)
            acc[e] = acc[e + CHUNK_QUADS];
        [[unroll]] for (uint e = 0u; e < CHUNK_QUADS; ++e)
            [[unroll]] for (uint f = 0u; f < QUAD; ++f)
                acc[ROW_COUNT * VALUE_QUADS - CHUNK_QUADS + e][f] = load_carry(at, d0 + QUAD * e + f);
    }
}

void store_lses()
{
    for (uint i = 0u; i < ROW_COUNT; ++i) {
        if (map_row_valid(lane_row(i)))
            store_lse(lane_row(i), row_max[0], row_sum[0]);
        [[unroll]] for (uint r = 0u; r + 1u < ROW_COUNT; ++r) {
            row_max[r] = row_max[r + 1u];
            row_sum[r] = row_sum[r + 1u];
        }
    }
}
#endif

#ifndef VT_MASS
void layout_begin()
{
    words_begin();
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_QUADS; ++e)
        query[e] = vec4(0.0);
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_QUADS; ++e)
        acc[e] = vec4(0.0);
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
        row_max[r] = first_max(lane_row(r));
        row_sum[r] = first_sum(lane_row(r));
        rule[r] = map_row(lane_row(r));
    }
    if (!map_weighs())
        load_queries();
#ifdef VT_FULL
    if (carry_in())
        resume_rows();
#endif
}
#endif

void score_tile(RowAt rows[KEYS])
{
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * KEYS; ++e)
        score[e] = 0.0;
    [[unroll]] for (uint c = 0u; c < DIM_PAD; c += DIM_STEP) {
        part_words(c);
        vec4 word[KEYS];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u)
            word[u] = word_k(rows[u], c);
        [[unroll]] for (uint j = 0u; j < DIM_STEP; j += QUAD)
            if (c + j < DIM_PAD) {
                [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
                    vec4 x = spread_k(word[u], j);
                    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
                        score[r * KEYS + u] = add_products(score[r * KEYS + u], query[r * DIM_QUADS + (c + j) / QUAD], x);
                }
            }
    }
}

void settle_pairs()
{
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        MapKey key = map_key(u);
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            score[r * KEYS + u] = pair_score(score[r * KEYS + u], rule[r], key);
    }
}

#ifdef VT_MASS
#include "mass_rows.glsl"
#else
// In place of scores and softmax.
void weigh_pairs(out float shrink[ROW_COUNT])
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
        shrink[r] = 1.0;
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        MapKey key = map_key(u);
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            score[r * KEYS + u] = pair_weight(rule[r], key);
    }
}

// In four chains.
float top_score(uint r)
{
    vec4 top = vec4(SCORE_HIDDEN);
    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
        top[u % 4u] = max(top[u % 4u], score[r * KEYS + u]);
    return max(max(top.x, top.y), max(top.z, top.w));
}

// From scores to probabilities; `shrink` is what the new maximum makes of all that was summed before.
void soften_tile(out float shrink[ROW_COUNT])
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
#ifdef VT_RULES
        if (NORMALISER != 0u) {
            shrink[r] = 1.0;
            [[unroll]] for (uint u = 0u; u < KEYS; ++u)
                score[r * KEYS + u] = weight_of(score[r * KEYS + u]);
            continue;
        }
#endif
        float top = max(row_max[r], top_score(r));
        shrink[r] = exp2(row_max[r] - top);
        row_max[r] = top;
        row_sum[r] *= shrink[r];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
            score[r * KEYS + u] = exp2(score[r * KEYS + u] - top);
            row_sum[r] += score[r * KEYS + u];
        }
    }
}

void accumulate_tile(RowAt rows[KEYS], float shrink[ROW_COUNT])
{
    [[unroll]] for (uint c = 0u; c < VALUE_PAD; c += VALUE_STEP) {
        vec4 word[KEYS];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u)
            word[u] = word_v(rows[u], c);
        [[unroll]] for (uint j = 0u; j < VALUE_STEP; j += QUAD)
            if (c + j < VALUE_PAD) {
                vec4 x[KEYS];
                [[unroll]] for (uint u = 0u; u < KEYS; ++u)
                    x[u] = spread_v(word[u], j);
                [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
                    vec4 y = acc[r * VALUE_QUADS + (c + j) / QUAD] * shrink[r];
                    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
                        y = add_scaled(y, score[r * KEYS + u], x[u]);
                    acc[r * VALUE_QUADS + (c + j) / QUAD] = y;
                }
            }
    }
}

void layout_tile(bool full)
{
    RowAt k_rows[KEYS];
    RowAt v_rows[KEYS];
    float shrink[ROW_COUNT];
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        uint token = map_key_token(u);
        k_rows[u] = own_k_row(token);
        v_rows[u] = own_v_row(token);
    }
    if (map_weighs()) {
        weigh_pairs(shrink);
    } else {
        score_tile(k_rows);
        settle_pairs();
        soften_tile(shrink);
    }
    accumulate_tile(v_rows, shrink);
}

// Chunk by chunk from the front of the register array, to `out`, or unnormalised to the carry.
void store_rows(bool suspend)
{
    for (uint i = 0u; i < ROW_COUNT * VALUE_MOVES; ++i) {
        uint row = lane_row(i / VALUE_MOVES);
        uint d0 = i % VALUE_MOVES * DIM_CHUNK;
        if (map_row_valid(row)) {
#ifdef VT_FULL
            if (suspend) {
                uint at = carry_row(row);
                float gain = share_gain(row);
                [[unroll]] for (uint e = 0u; e < DIM_CHUNK; ++e)
                    store_carry(at, d0 + e, acc[e / QUAD][e % QUAD] * gain);
            } else
#endif
            {
                [[unroll]] for (uint e = 0u; e < CHUNK_QUADS; ++e)
                    store_out4(out_row(row), d0 + QUAD * e, acc[e]);
            }
        }
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_QUADS - CHUNK_QUADS; ++e)
            acc[e] = acc[e + CHUNK_QUADS];
    }
}

void layout_end()
{
    bool suspend = carry_out();
    if (!suspend)
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
            float factor = close_row(lane_row(r), row_max[r], row_sum[r]);
            [[unroll]] for (uint e = 0u; e < VALUE_QUADS; ++e)
                acc[r * VALUE_QUADS + e] *= factor;
        }
    store_rows(suspend);
#ifdef VT_FULL
    if (suspend)
        move_sums(false);
    else
        store_lses();
#endif
}
#endif
