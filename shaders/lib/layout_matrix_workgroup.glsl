// SPDX-License-Identifier: MIT
//
// Layout for GPUs whose matrices belong to a whole workgroup (VK_NV_cooperative_matrix2), f16 and bf16. A tile is one matrix of
// queries, one of keys, one of scores, one of values and one of outputs: their sides are those of the tile, and how they are
// cut, who holds which part and what passes through shared memory is the compiler's affair. So no barrier stands between the
// steps of a tile, and no shared memory is declared. What becomes of single elements is in matrix_elements.glsl, how keys and
// values come in matrix_stretches.glsl.
//
// What a row has but one of is a matrix with equal columns, as many as there are keys in a tile; what outputs are multiplied
// by has as many as there are outputs, by a reduction of rows into another number of columns. Sums are kept apart by column
// until the end: KEYS of them for a row, which is what LANES_PER_ROW says here.
//
//   VT_MATRIX_SCOPE  whose matrices: gl_ScopeWorkgroup, or in builds for tests, on devices without that, gl_ScopeSubgroup, of a
//                    workgroup that is one subgroup
//   VT_TENSORS       keys and values are loaded by tensor layouts, else element by element

#ifndef VT_MATRIX_SCOPE
#define VT_MATRIX_SCOPE gl_ScopeWorkgroup
#endif

#include "matrix_type.glsl"
#include "matrix_elements.glsl"

#define VT_MATRIX_Q coopmat<VT_MATRIX_ELEM, VT_MATRIX_SCOPE, ROWS, DIM_PAD, gl_MatrixUseA>
#define VT_MATRIX_K coopmat<VT_MATRIX_ELEM, VT_MATRIX_SCOPE, DIM_PAD, KEYS, gl_MatrixUseB>
#define VT_MATRIX_S coopmat<float, VT_MATRIX_SCOPE, ROWS, KEYS, gl_MatrixUseAccumulator>
#define VT_MATRIX_P coopmat<VT_MATRIX_ELEM, VT_MATRIX_SCOPE, ROWS, KEYS, gl_MatrixUseA>
#define VT_MATRIX_V coopmat<VT_MATRIX_ELEM, VT_MATRIX_SCOPE, KEYS, VALUE_PAD, gl_MatrixUseB>
#define VT_MATRIX_O coopmat<float, VT_MATRIX_SCOPE, ROWS, VALUE_PAD, gl_MatrixUseAccumulator>

#include "matrix_stretches.glsl"

VT_MATRIX_Q queries;
VT_MATRIX_O acc;
VT_MATRIX_S row_top;
VT_MATRIX_S row_sum;

VT_MATRIX_ELEM query_element(const in uint row, const in uint d, const in VT_MATRIX_ELEM x, const in uint origin)
{
    return d < DIM ? q_matrix[origin + query_row(row) + d] : x;
}

#ifdef VT_FULL
void resume_rows()
{
    coopMatPerElementNV(row_top, row_top, resumed_max, 0u);
    coopMatPerElementNV(row_sum, row_sum, resumed_sum, 0u);
    coopMatPerElementNV(acc, acc, resumed_out, 0u, 0u);
    // All columns of a row have read the maximum, which whoever holds the first one may overwrite at the end.
    controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, gl_StorageSemanticsBuffer, gl_SemanticsAcquireRelease);
}

void suspend_rows()
{
    coopMatPerElementNV(row_sum, row_sum, suspended_sum, row_top, 0u);
    coopMatPerElementNV(acc, acc, suspended_out, 0u, 0u);
}
#else
void resume_rows() {}
void suspend_rows() {}
#endif

void layout_begin()
{
    queries = VT_MATRIX_Q(VT_MATRIX_ELEM(0.0));
    acc = VT_MATRIX_O(0.0);
    row_top = VT_MATRIX_S(0.0);
    row_sum = VT_MATRIX_S(0.0);
    if (!map_weighs())
        coopMatPerElementNV(queries, queries, query_element, q_origin());
    coopMatPerElementNV(row_top, row_top, first_max_element, 0u);
    coopMatPerElementNV(row_sum, row_sum, first_sum_element, 0u);
    if (carry_in())
        resume_rows();
}

// Multiplies outputs by a factor of each row.
void scale_outputs(VT_MATRIX_S factor)
{
    VT_MATRIX_O wide;
    coopMatReduceNV(wide, factor, VT_REDUCE_ROWS, larger_of);
    acc = acc * wide;
}

// From scores to probabilities. A new maximum rescales what was summed so far.
void soften_tile(inout VT_MATRIX_S score)
{
    VT_MATRIX_S top;
    VT_MATRIX_S shrink;
    coopMatReduceNV(top, score, VT_REDUCE_ROWS, larger_of);
    coopMatPerElementNV(top, top - VT_MATRIX_S(P_HEADROOM), larger_element, row_top);
    coopMatPerElementNV(shrink, row_top, power_element, top);
    row_top = top;
    coopMatPerElementNV(score, score, power_element, top);
    row_sum = row_sum * shrink + score;
    scale_outputs(shrink);
}

void score_tile(bool full, out VT_MATRIX_S score)
{
    VT_MATRIX_K key;
    load_keys(key);
    score = coopMatMulAdd(queries, key, VT_MATRIX_S(0.0));
#ifdef VT_RULES
    coopMatPerElementNV(score, score, scaled_element, 0u);
#else
    score = score * push.scale_log2;
#endif
    if (pairs_differ(full))
        coopMatPerElementNV(score, score, pair_element, 0u, 0u);
    soften_tile(score);
}

void layout_tile(bool full)
{
    VT_MATRIX_S score = VT_MATRIX_S(0.0);
    VT_MATRIX_V value;
    if (map_weighs())
        coopMatPerElementNV(score, score, weight_element, 0u, 0u);
    else
        score_tile(full, score);
    load_values(value);
    acc = coopMatMulAdd(VT_MATRIX_P(score), value, acc);
}

void finish_rows()
{
    VT_MATRIX_S factor;
    coopMatPerElementNV(factor, row_sum, closed_element, row_top, 0u);
    scale_outputs(factor);
    coopMatPerElementNV(acc, acc, out_element, 0u, 0u);
}

void layout_end()
{
    if (sums_meet())
        coopMatReduceNV(row_sum, row_sum, VT_REDUCE_ROWS, sum_of);
    if (carry_out())
        suspend_rows();
    else
        finish_rows();
}
