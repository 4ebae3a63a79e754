// SPDX-License-Identifier: MIT
//
// Layout for GPUs with matrix units, f16 only. A workgroup is several subgroups, each of which owns
// SUBGROUP_ROWS query rows of the tile; both products are made by cooperative matrices with f32 sums:
//   scores [rows, KEYS]      = Q [rows, DIM] K^T
//   output [rows, VALUE_DIM] = output x shrink + P [rows, KEYS] V
// Q stays in shared memory; K goes through it, then V in the same memory. Which element of a matrix lies in
// which lane is nobody's business: scores pass through shared memory, where the lanes of a row find them, and
// P goes back the same way. The output never leaves its matrices before the end, so the factor that a new
// maximum brings comes as a matrix too, each row of it one value.
//
// P is rounded to f16. Its largest value is made 2^P_HEADROOM, so that what is small beside it is still a
// normal number of f16; the running maximum of a row is kept that much below the truth, which the sum and the
// log-sum-exp then undo by themselves.

layout(constant_id = VT_SPEC_SUBGROUP) const uint SUBGROUP = 32u;
layout(constant_id = VT_SPEC_MATRIX + 0) const uint MATRIX_M = 4u;
layout(constant_id = VT_SPEC_MATRIX + 1) const uint MATRIX_N = 4u;
layout(constant_id = VT_SPEC_MATRIX + 2) const uint MATRIX_K = 4u;

#include "row_lanes.glsl"

#define VT_MATRIX_A coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA>
#define VT_MATRIX_B coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB>
#define VT_MATRIX_C coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>
#define VT_BY_ROW gl_CooperativeMatrixLayoutRowMajor
#define VT_BY_COLUMN gl_CooperativeMatrixLayoutColumnMajor

const float P_HEADROOM = 14.0;

const uint SUBGROUP_ROWS = ROWS / (WORKGROUP / SUBGROUP);
const uint ROW_BLOCKS = SUBGROUP_ROWS / MATRIX_M;         // matrices of a subgroup, along rows
const uint KEY_BLOCKS = KEYS / MATRIX_N;                  // along the keys of a tile
const uint OUT_BLOCKS = VALUE_PAD / MATRIX_N;             // along the outputs
const uint TURN_BLOCKS = OUT_BLOCKS < KEY_BLOCKS ? OUT_BLOCKS : KEY_BLOCKS; // of outputs that stage_s takes at once
const uint OUT_TURNS = (OUT_BLOCKS + KEY_BLOCKS - 1u) / KEY_BLOCKS;
const uint COL_QUADS = COL_COUNT / 4u;

// In words of four elements, 16 bytes more than needed: that spreads rows over the banks.
const uint Q_STRIDE = DIM_PAD / 4u + 2u;
const uint V_STRIDE = VALUE_PAD / 4u + 2u;
const uint KV_STRIDE = Q_STRIDE > V_STRIDE ? Q_STRIDE : V_STRIDE;
const uint P_STRIDE = KEYS / 4u + 2u;
const uint S_STRIDE = KEYS / 4u + 1u;

shared f16vec4 stage_q[ROWS * Q_STRIDE];
shared f16vec4 stage_kv[KEYS * KV_STRIDE];
shared f16vec4 stage_p[ROWS * P_STRIDE];
shared vec4 stage_s[ROWS * S_STRIDE]; // scores, then factors; at either end of the loop also outputs

VT_MATRIX_C acc[ROW_BLOCKS * OUT_BLOCKS];
float row_out[ROW_COUNT]; // what a row's outputs are multiplied by at the end
uint first_row; // of this subgroup

// Four neighbouring columns are one lane's.
uint lane_col(uint j) { return (lane_in_row + LANES_PER_ROW * (j / 4u)) * 4u + j % 4u; }

// Four elements as they are stored; past the real dim they are 0.
#define VT_HALF_LOADER(NAME, ELEM, ELEM4, BOUND)                                                                     \
    f16vec4 NAME(uint row, uint d)                                                                                   \
    {                                                                                                                \
        f16vec4 x = f16vec4(0.0);                                                                                    \
        if (VECTOR != 0u) {                                                                                          \
            if (d < (BOUND)) {                                                                                       \
                uvec2 word = ELEM4[(row + d) >> 2];                                                                  \
                x = f16vec4(unpackFloat2x16(word.x), unpackFloat2x16(word.y));                                       \
            }                                                                                                        \
            return x;                                                                                                \
        }                                                                                                            \
        [[unroll]] for (uint e = 0u; e < 4u; ++e)                                                                    \
            if (d + e < (BOUND))                                                                                     \
                x[e] = ELEM[row + d + e];                                                                            \
        return x;                                                                                                    \
    }
VT_HALF_LOADER(half_q, q_elem, q_elem4, DIM)
VT_HALF_LOADER(half_k, k_elem, k_elem4, DIM)
VT_HALF_LOADER(half_v, v_elem, v_elem4, VALUE_DIM)

void stage_queries()
{
    uint origin = q_origin();
    for (uint i = gl_LocalInvocationIndex; i < ROWS * (DIM_PAD / 4u); i += WORKGROUP) {
        uint row = i / (DIM_PAD / 4u);
        uint d = i % (DIM_PAD / 4u);
        stage_q[row * Q_STRIDE + d] = half_q(origin + query_row(row), d * 4u);
    }
}

void stage_keys()
{
    uint origin = k_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * (DIM_PAD / 4u); i += WORKGROUP) {
        uint c = i / (DIM_PAD / 4u);
        uint d = i % (DIM_PAD / 4u);
        stage_kv[c * Q_STRIDE + d] = half_k(origin + k_place(map_key_token(c)), d * 4u);
    }
}

void stage_values()
{
    uint origin = v_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * (VALUE_PAD / 4u); i += WORKGROUP) {
        uint c = i / (VALUE_PAD / 4u);
        uint d = i % (VALUE_PAD / 4u);
        stage_kv[c * V_STRIDE + d] = half_v(origin + v_place(map_key_token(c)), d * 4u);
    }
}

// Where matrix (i, j) of this subgroup lies in stage_s.
uint block_at(uint i, uint j) { return (first_row + i * MATRIX_M) * S_STRIDE + j * (MATRIX_N / 4u); }

// Outputs pass through stage_s in turns, as many columns as there is room for. The loop over turns is a real one,
// so that the code stays short; as an array of matrices wants constant indices, each turn has the same place and
// the others move up or down by one turn.
void out_to_stage()
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        [[unroll]] for (uint j = 0u; j < TURN_BLOCKS; ++j)
            coopMatStore(acc[i * OUT_BLOCKS + j], stage_s, block_at(i, j), S_STRIDE, VT_BY_ROW);
        [[unroll]] for (uint n = 0u; n < OUT_BLOCKS - TURN_BLOCKS; ++n)
            acc[i * OUT_BLOCKS + n] = acc[i * OUT_BLOCKS + n + TURN_BLOCKS];
    }
}

void stage_to_out()
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        [[unroll]] for (uint n = 1u; n <= OUT_BLOCKS - TURN_BLOCKS; ++n)
            acc[(i + 1u) * OUT_BLOCKS - n] = acc[(i + 1u) * OUT_BLOCKS - n - TURN_BLOCKS];
        [[unroll]] for (uint j = 0u; j < TURN_BLOCKS; ++j)
            coopMatLoad(acc[i * OUT_BLOCKS + j], stage_s, block_at(i, j), S_STRIDE, VT_BY_ROW);
    }
}

// Words of four outputs of a row in turn t.
uint turn_quads(uint t) { return min(KEYS, VALUE_PAD - t * KEYS) / 4u; }

#ifdef VT_FULL
void resume_turn(uint t, uint at[ROW_COUNT])
{
    for (uint q = lane_in_row; q < turn_quads(t); q += LANES_PER_ROW)
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            [[unroll]] for (uint k = 0u; k < 4u; ++k)
                stage_s[lane_row(i) * S_STRIDE + q][k] = load_carry(at[i], t * KEYS + q * 4u + k);
}

void resume_rows()
{
    uint at[ROW_COUNT];
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        at[i] = resume_sums(i);
    for (uint t = OUT_TURNS; t > 0u; --t) {
        resume_turn(t - 1u, at);
        subgroupBarrier();
        stage_to_out();
        subgroupBarrier();
    }
}
#else
void resume_rows() {}
#endif

// The lanes of a row are neighbours by their number in the subgroup, whatever their number in the workgroup.
void layout_begin()
{
    uint lane = gl_SubgroupID * SUBGROUP + gl_SubgroupInvocationID;
    lane_in_row = lane % LANES_PER_ROW;
    lane_group = lane / LANES_PER_ROW;
    first_row = gl_SubgroupID * SUBGROUP_ROWS;
    if (!map_weighs())
        stage_queries();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        start_row(i);
    [[unroll]] for (uint n = 0u; n < ROW_BLOCKS * OUT_BLOCKS; ++n)
        acc[n] = VT_MATRIX_C(0.0);
    if (carry_in())
        resume_rows();
}

void score_tile()
{
    VT_MATRIX_C sum[ROW_BLOCKS * KEY_BLOCKS];
    [[unroll]] for (uint n = 0u; n < ROW_BLOCKS * KEY_BLOCKS; ++n)
        sum[n] = VT_MATRIX_C(0.0);
    for (uint d = 0u; d < DIM_PAD / 4u; d += MATRIX_K / 4u) {
        VT_MATRIX_A query[ROW_BLOCKS];
        [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
            coopMatLoad(query[i], stage_q, (first_row + i * MATRIX_M) * Q_STRIDE + d, Q_STRIDE, VT_BY_ROW);
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
            VT_MATRIX_B key;
            coopMatLoad(key, stage_kv, j * MATRIX_N * Q_STRIDE + d, Q_STRIDE, VT_BY_COLUMN);
            [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
                sum[i * KEY_BLOCKS + j] = coopMatMulAdd(query[i], key, sum[i * KEY_BLOCKS + j]);
        }
    }
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j)
            coopMatStore(sum[i * KEY_BLOCKS + j], stage_s, block_at(i, j), S_STRIDE, VT_BY_ROW);
}

void take_scores()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint j = 0u; j < COL_QUADS; ++j) {
            vec4 four = stage_s[lane_row(i) * S_STRIDE + lane_in_row + LANES_PER_ROW * j] * row_scale(lane_row(i));
            [[unroll]] for (uint k = 0u; k < 4u; ++k)
                score[i * COL_COUNT + j * 4u + k] = four[k];
        }
    subgroupBarrier(); // scores are read: their memory takes the factors
}

// Leaves P, and in the first MATRIX_N columns of the scores' memory the factor of each row.
void soften_tile()
{
    if (!map_weighs())
        exchange_max();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float shrink = map_weighs() ? 1.0 : soften_row(i, exchange_row_max(i) - P_HEADROOM);
        [[unroll]] for (uint j = 0u; j < COL_QUADS; ++j) {
            uint at = i * COL_COUNT + j * 4u;
            stage_p[lane_row(i) * P_STRIDE + lane_in_row + LANES_PER_ROW * j] =
                f16vec4(score[at], score[at + 1u], score[at + 2u], score[at + 3u]);
        }
        [[unroll]] for (uint n = 0u; n < MATRIX_N / 4u; ++n)
            if (n % LANES_PER_ROW == lane_in_row)
                stage_s[lane_row(i) * S_STRIDE + n] = vec4(shrink);
    }
}

void accumulate_tile()
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        VT_MATRIX_C shrink;
        coopMatLoad(shrink, stage_s, block_at(i, 0u), S_STRIDE, VT_BY_ROW);
        [[unroll]] for (uint n = 0u; n < OUT_BLOCKS; ++n)
            acc[i * OUT_BLOCKS + n] = acc[i * OUT_BLOCKS + n] * shrink;
    }
    for (uint c = 0u; c < KEYS; c += MATRIX_K) {
        VT_MATRIX_A p[ROW_BLOCKS];
        [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
            coopMatLoad(p[i], stage_p, (first_row + i * MATRIX_M) * P_STRIDE + c / 4u, P_STRIDE, VT_BY_ROW);
        [[unroll]] for (uint n = 0u; n < OUT_BLOCKS; ++n) {
            VT_MATRIX_B value;
            coopMatLoad(value, stage_kv, c * V_STRIDE + n * (MATRIX_N / 4u), V_STRIDE, VT_BY_ROW);
            [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
                acc[i * OUT_BLOCKS + n] = coopMatMulAdd(p[i], value, acc[i * OUT_BLOCKS + n]);
        }
    }
}

void layout_tile(bool full)
{
    barrier(); // nobody reads the staged values of before any more
    if (!map_weighs()) {
        stage_keys();
        barrier();
        score_tile();
        barrier(); // K is read: its memory takes V
    }
    stage_values();
    if (map_weighs()) {
        weigh_pairs();
    } else {
        take_scores();
        if (pairs_differ(full))
            settle_pairs();
    }
    soften_tile();
    barrier();
    accumulate_tile();
}

// Where the outputs of row i go: to the output, or to the carry.
uint row_end(uint i)
{
#ifdef VT_FULL
    if (carry_out())
        return carry_row(lane_row(i));
#endif
    return out_row(lane_row(i));
}

void write_quad(uint i, uint at, uint d, vec4 x)
{
#ifdef VT_FULL
    if (carry_out()) {
        [[unroll]] for (uint k = 0u; k < 4u; ++k)
            store_carry(at, d + k, x[k] * share_gain(lane_row(i)));
        return;
    }
#endif
    store_out4(at, d, x * row_out[i]);
}

void write_turn(uint t, uint at[ROW_COUNT])
{
    for (uint q = lane_in_row; q < turn_quads(t); q += LANES_PER_ROW)
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            if (map_row_valid(lane_row(i)))
                write_quad(i, at[i], t * KEYS + q * 4u, stage_s[lane_row(i) * S_STRIDE + q]);
}

void finish_sums()
{
    if (sums_meet())
        exchange_sum();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        if (!carry_out())
            row_out[i] = close_row(lane_row(i), row_max[i], row_sum[i]);
        if (!map_row_valid(lane_row(i)))
            continue;
#ifdef VT_FULL
        if (carry_out()) {
            suspend_sums(i);
            continue;
        }
#endif
        if (lane_in_row == 0u)
            store_lse(lane_row(i), row_max[i], row_sum[i]);
    }
}

void layout_end()
{
    uint at[ROW_COUNT];
    finish_sums();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        at[i] = row_end(i);
    for (uint t = 0u; t < OUT_TURNS; ++t) {
        subgroupBarrier(); // nobody reads factors or the turn before any more
        out_to_stage();
        subgroupBarrier();
        write_turn(t, at);
    }
}
