// SPDX-License-Identifier: MIT
//
// Layout for GPUs with matrix units, f16 and bf16. Both products are made by cooperative matrices with f32 sums
// (matrix_tiles.glsl):
//   scores [rows, KEYS]      = Q [rows, DIM] K^T
//   output [rows, VALUE_DIM] = output x shrink + P [rows, KEYS] V
// Which element of a matrix lies in which lane is nobody's business: scores pass through shared memory, where the
// lanes of a row find them, and P goes back the same way. The output never leaves its matrices before the end, so the
// factor that a new maximum brings comes as a matrix too, each row of it one value.

#include "row_lanes.glsl"
#include "matrix_tiles.glsl"

const uint TURN_BLOCKS = OUT_BLOCKS < KEY_BLOCKS ? OUT_BLOCKS : KEY_BLOCKS; // of outputs that stage_s takes at once
const uint OUT_TURNS = (OUT_BLOCKS + KEY_BLOCKS - 1u) / KEY_BLOCKS;
const uint COL_QUADS = COL_COUNT / 4u;

// In words of four elements, 16 bytes more than needed.
const uint P_STRIDE = KEYS / 4u + 2u;
const uint S_STRIDE = KEYS / 4u + 1u;

shared uvec2 stage_p[ROWS * P_STRIDE];
shared vec4 stage_s[ROWS * S_STRIDE]; // scores, then factors; at either end of the loop also outputs

float row_out[ROW_COUNT]; // what a row's outputs are multiplied by at the end

// Four neighbouring columns are one lane's.
uint lane_col(uint j) { return (lane_in_row + LANES_PER_ROW * (j / 4u)) * 4u + j % 4u; }

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
    begin_matrices();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        start_row(i);
    if (carry_in())
        resume_rows();
}

void leave_scores()
{
    VT_MATRIX_C sum[SCORE_BLOCKS];
    score_tile(sum);
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
                words_of(vec4(score[at], score[at + 1u], score[at + 2u], score[at + 3u]));
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
            coopMatLoad(value, stage, c * V_STRIDE + n * (MATRIX_N / 4u), V_STRIDE, VT_BY_ROW);
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
        leave_scores();
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
