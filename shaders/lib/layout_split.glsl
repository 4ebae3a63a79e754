// SPDX-License-Identifier: MIT
//
// Layout for GPUs: LANES_PER_ROW neighbouring invocations share a query row, so that no lane holds more than
// a few floats of the head dim. A tile is two small matrix products out of shared memory with register
// micro-tiles:
//   scores [ROWS, KEYS]      = Q [ROWS, DIM] K^T          each lane ROW_COUNT x COL_COUNT
//   output [ROWS, VALUE_DIM] += P [ROWS, KEYS] V          each lane ROW_COUNT x OUT_COUNT x 4
// Q stays in shared memory; K goes through it, V in the same memory afterwards. P is spread among the lanes of a row by
// exchange_subgroup.glsl or exchange_shared.glsl. Parts of their own: what shared memory holds and what becomes of scores and
// weights between the products (staged_f32.glsl, staged_f16.glsl); how scores are made, of words of four in chunks of DIM_CHUNK
// dims (products_words.glsl), or of bytes (products_dot.glsl).

#include "row_lanes.glsl"

const uint OUT_COUNT = VALUE_PAD / (LANES_PER_ROW * 4u);  // vec4 outputs of a lane per row
const uint V_STRIDE = VALUE_PAD / 4u;
layout(constant_id = VT_SPEC_STAGE_WORDS) const uint STAGE_WORDS = 17u;

#ifdef VT_HALF
#include "staged_f16.glsl"
#else
#include "staged_f32.glsl"
#endif

// Columns, and the vec4 of a lane's outputs, interleave between lanes so that neighbours read neighbours.
uint lane_col(uint j) { return lane_in_row + LANES_PER_ROW * j; }
uint lane_dim(uint j) { return (lane_in_row + LANES_PER_ROW * j) * 4u; }

#ifdef VT_DOT
#include "products_dot.glsl"
#else
#include "products_words.glsl"
#endif

#ifndef VT_MASS
void stage_values()
{
    uint origin = v_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * V_STRIDE; i += WORKGROUP) {
        uint c = i / V_STRIDE;
        uint d = i % V_STRIDE;
        stage_value(c * V_STRIDE + d, load_v4(origin + v_place(map_key_token(c)), d * 4u));
    }
}

void resume_row(uint i)
{
#ifdef VT_FULL
    uint at = resume_sums(i);
    [[unroll]] for (uint j = 0u; j < OUT_COUNT; ++j)
        [[unroll]] for (uint k = 0u; k < 4u; ++k)
            acc[i * OUT_COUNT + j][k] = load_carry(at, lane_dim(j) + k);
#endif
}

void layout_begin()
{
    lane_in_row = gl_LocalInvocationIndex % LANES_PER_ROW;
    lane_group = gl_LocalInvocationIndex / LANES_PER_ROW;
    if (!map_weighs())
        stage_queries();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        start_row(i);
        start_products(i);
        [[unroll]] for (uint j = 0u; j < OUT_COUNT; ++j)
            acc[i * OUT_COUNT + j] = vec4(0.0);
        if (carry_in())
            resume_row(i);
    }
}
#endif

#ifdef VT_MASS
#include "mass_lanes.glsl"
#else
// From scores to probabilities: the new maximum of each row rescales what was summed so far.
void soften_tile()
{
    exchange_max();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float shrink = soften_scores(i, exchange_row_max(i));
        [[unroll]] for (uint j = 0u; j < OUT_COUNT; ++j)
            acc[i * OUT_COUNT + j] *= shrink;
    }
    exchange_publish();
}

// The keys of a turn: those of the columns that one exchange brings.
void accumulate_turn(uint j, uint turn)
{
    WeightWord words[ROW_COUNT];
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        words[i] = exchange_weights(i, j, turn);
    [[unroll]] for (uint k = 0u; k < WEIGHT_COLS; ++k) {
        uint c = exchange_lane(turn) + LANES_PER_ROW * (j + k);
        [[unroll]] for (uint n = 0u; n < OUT_COUNT; ++n) {
            Word value = staged_value(c * V_STRIDE + lane_dim(n) / 4u);
            [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
                add_value(i, n, weight_in(words[i], k), value);
        }
        end_key(j * LANES_PER_ROW + turn * WEIGHT_COLS + k);
    }
}

void accumulate_tile()
{
    [[unroll]] for (uint j = 0u; j < COL_COUNT; j += WEIGHT_COLS)
        [[unroll]] for (uint turn = 0u; turn < LANES_PER_ROW; ++turn)
            accumulate_turn(j, turn);
}

void layout_tile(bool full)
{
    if (map_weighs()) {
        weigh_pairs();
    } else {
        score_tile();
        if (pairs_differ(full))
            settle_pairs();
    }
    barrier(); // K is read: its memory takes V, and the exchange of the tile before is over
    stage_values();
    if (map_weighs())
        exchange_publish();
    else
        soften_tile();
    barrier();
    accumulate_tile();
}

void suspend_row(uint i)
{
#ifdef VT_FULL
    uint at = suspend_sums(i);
    float gain = share_gain(lane_row(i));
    [[unroll]] for (uint j = 0u; j < OUT_COUNT; ++j)
        [[unroll]] for (uint k = 0u; k < 4u; ++k)
            store_carry(at, lane_dim(j) + k, acc[i * OUT_COUNT + j][k] * gain);
#endif
}

// Rows inside: compilers do not unroll a loop over rows that has another one in it, and keep what it indexes in memory.
void join_zero_positions(out float shrink[ROW_COUNT])
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        shrink[i] = 1.0;
    uint positions = map_weighs() ? 0u : map_zero_positions();
    for (uint n = 0u; n < positions; ++n)
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            if (map_row_valid(lane_row(i)))
                shrink[i] *= join_zero_position(lane_row(i), n, row_max[i], row_sum[i]);
}

void finish_row(uint i, float shrink)
{
    float factor = end_row(lane_row(i), shrink, row_max[i], row_sum[i]);
    if (lane_in_row == 0u)
        store_lse(lane_row(i), row_max[i], row_sum[i]);
    uint row = out_row(lane_row(i));
    [[unroll]] for (uint j = 0u; j < OUT_COUNT; ++j)
        store_out4(row, lane_dim(j), acc[i * OUT_COUNT + j] * factor);
}

void layout_end()
{
    bool suspend = carry_out();
    float shrink[ROW_COUNT];
    if (sums_meet())
        exchange_sum();
    if (!suspend)
        join_zero_positions(shrink);
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        if (!map_row_valid(lane_row(i)))
            continue;
        if (suspend)
            suspend_row(i);
        else
            finish_row(i, shrink[i]);
    }
}
#endif
