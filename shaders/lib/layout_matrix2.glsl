// SPDX-License-Identifier: MIT
//
// Layout for GPUs whose matrices can be looked into (VK_NV_cooperative_matrix2), f16 and bf16. The same products as in
// layout_matrix.glsl, but scores, P and the state of a row never leave their matrices: functions of single elements
// know row and column, rows are reduced as a whole, and a matrix of sums becomes one of factors. Shared memory holds
// rows of Q, K and V only (matrix_tiles.glsl).
//
// What a row has but one of (its maximum, a factor) is a matrix with equal columns. Sums are kept apart by column until
// the end: MATRIX_N of them for a row, which is what LANES_PER_ROW says here, so that a carry holds them like those of
// lanes. As P becomes a factor as it is, a product takes as many keys as a matrix of scores has columns.

#include "matrix_tiles.glsl"
#include "matrix_elements.glsl"

#define VT_MATRIX_P coopmat<VT_MATRIX_ELEM, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseA>
#define VT_MATRIX_V coopmat<VT_MATRIX_ELEM, gl_ScopeSubgroup, MATRIX_N, MATRIX_N, gl_MatrixUseB>

VT_MATRIX_C row_top[ROW_BLOCKS];
VT_MATRIX_C row_sum[ROW_BLOCKS];

// ---- Matrices ----

uint block_row(uint i) { return first_row + i * MATRIX_M; }

// Outputs come and go in a real loop, so that the code stays short; as an array of matrices wants constant indices, all pass
// the first place of their rows, and the others move up or down by one.
void outs_up(uint i)
{
    [[unroll]] for (uint n = 1u; n < OUT_BLOCKS; ++n)
        acc[(i + 1u) * OUT_BLOCKS - n] = acc[(i + 1u) * OUT_BLOCKS - n - 1u];
}

void outs_down(uint i)
{
    [[unroll]] for (uint n = 1u; n < OUT_BLOCKS; ++n)
        acc[i * OUT_BLOCKS + n - 1u] = acc[i * OUT_BLOCKS + n];
}

#ifdef VT_FULL
void resume_rows(uint i)
{
    coopMatPerElementNV(row_top[i], row_top[i], resumed_max, block_row(i));
    coopMatPerElementNV(row_sum[i], row_sum[i], resumed_sum, block_row(i));
    for (uint n = OUT_BLOCKS; n > 0u; --n) {
        VT_MATRIX_C x = VT_MATRIX_C(0.0);
        coopMatPerElementNV(x, x, resumed_out, block_row(i), (n - 1u) * MATRIX_N);
        outs_up(i);
        acc[i * OUT_BLOCKS] = x;
    }
}

void suspend_rows(uint i)
{
    coopMatPerElementNV(row_sum[i], row_sum[i], suspended_sum, row_top[i], block_row(i));
    for (uint n = 0u; n < OUT_BLOCKS; ++n) {
        VT_MATRIX_C x = acc[i * OUT_BLOCKS];
        coopMatPerElementNV(x, x, suspended_out, block_row(i), n * MATRIX_N);
        outs_down(i);
    }
}
#else
void resume_rows(uint i) {}
void suspend_rows(uint i) {}
#endif

void layout_begin()
{
    begin_matrices();
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        row_top[i] = VT_MATRIX_C(0.0);
        row_sum[i] = VT_MATRIX_C(0.0);
        coopMatPerElementNV(row_top[i], row_top[i], first_max_element, block_row(i));
        coopMatPerElementNV(row_sum[i], row_sum[i], first_sum_element, block_row(i));
        if (carry_in())
            resume_rows(i);
    }
}

void scale_tile(inout VT_MATRIX_C score[SCORE_BLOCKS])
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
#ifdef VT_RULES
            coopMatPerElementNV(score[i * KEY_BLOCKS + j], score[i * KEY_BLOCKS + j], scaled_element, block_row(i));
#else
            score[i * KEY_BLOCKS + j] = score[i * KEY_BLOCKS + j] * push.scale_log2;
#endif
        }
}

void settle_tile(inout VT_MATRIX_C score[SCORE_BLOCKS])
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j)
            coopMatPerElementNV(score[i * KEY_BLOCKS + j], score[i * KEY_BLOCKS + j], pair_element, block_row(i),
                                j * MATRIX_N);
}

// In place of scores and softmax.
void weigh_tile(inout VT_MATRIX_C score[SCORE_BLOCKS])
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
            score[i * KEY_BLOCKS + j] = VT_MATRIX_C(0.0);
            coopMatPerElementNV(score[i * KEY_BLOCKS + j], score[i * KEY_BLOCKS + j], weight_element, block_row(i),
                                j * MATRIX_N);
        }
}

// The new maximum of rows i rescales what was summed so far.
void raise_rows(uint i, VT_MATRIX_C seen)
{
    VT_MATRIX_C top;
    VT_MATRIX_C shrink;
    coopMatReduceNV(seen, seen, VT_REDUCE_ROWS, larger_of);
    coopMatPerElementNV(top, seen - VT_MATRIX_C(P_HEADROOM), larger_element, row_top[i]);
    coopMatPerElementNV(shrink, row_top[i], power_element, top);
    row_top[i] = top;
    row_sum[i] = row_sum[i] * shrink;
    [[unroll]] for (uint n = 0u; n < OUT_BLOCKS; ++n)
        acc[i * OUT_BLOCKS + n] = acc[i * OUT_BLOCKS + n] * shrink;
}

// From scores to probabilities.
void soften_tile(inout VT_MATRIX_C score[SCORE_BLOCKS])
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        VT_MATRIX_C seen = score[i * KEY_BLOCKS];
        [[unroll]] for (uint j = 1u; j < KEY_BLOCKS; ++j)
            coopMatPerElementNV(seen, seen, larger_element, score[i * KEY_BLOCKS + j]);
        raise_rows(i, seen);
        [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
            coopMatPerElementNV(score[i * KEY_BLOCKS + j], score[i * KEY_BLOCKS + j], power_element, row_top[i]);
            row_sum[i] = row_sum[i] + score[i * KEY_BLOCKS + j];
        }
    }
}

void accumulate_tile(VT_MATRIX_C score[SCORE_BLOCKS])
{
    [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
        VT_MATRIX_P p[ROW_BLOCKS];
        [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
            p[i] = VT_MATRIX_P(score[i * KEY_BLOCKS + j]);
        [[unroll]] for (uint n = 0u; n < OUT_BLOCKS; ++n) {
            VT_MATRIX_V value;
            coopMatLoad(value, stage, j * MATRIX_N * V_STRIDE + n * (MATRIX_N / 4u), V_STRIDE, VT_BY_ROW);
            [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
                acc[i * OUT_BLOCKS + n] = coopMatMulAdd(p[i], value, acc[i * OUT_BLOCKS + n]);
        }
    }
}

void layout_tile(bool full)
{
    VT_MATRIX_C score[SCORE_BLOCKS];
    barrier(); // nobody reads the staged values of before any more
    if (!map_weighs()) {
        stage_keys();
        barrier();
        score_tile(score);
        barrier(); // K is read: its memory takes V
    }
    stage_values();
    if (map_weighs()) {
        weigh_tile(score);
    } else {
        scale_tile(score);
        if (pairs_differ(full))
            settle_tile(score);
        soften_tile(score);
    }
    barrier();
    accumulate_tile(score);
}

void finish_rows(uint i)
{
    VT_MATRIX_C factor;
    coopMatPerElementNV(factor, row_sum[i], closed_element, row_top[i], block_row(i));
    for (uint n = 0u; n < OUT_BLOCKS; ++n) {
        VT_MATRIX_C x = acc[i * OUT_BLOCKS] * factor;
        coopMatPerElementNV(x, x, out_element, block_row(i), n * MATRIX_N);
        outs_down(i);
    }
}

void layout_end()
{
    bool suspend = carry_out();
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i) {
        if (sums_meet())
            coopMatReduceNV(row_sum[i], row_sum[i], VT_REDUCE_ROWS, sum_of);
        if (suspend)
            suspend_rows(i);
        else
            finish_rows(i);
    }
}
