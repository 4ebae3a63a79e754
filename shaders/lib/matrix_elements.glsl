// SPDX-License-Identifier: MIT
//
// What layouts do with single elements of matrices that can be looked into (VK_NV_cooperative_matrix2): functions that are
// given row and column in the matrix, and in row0, col0 or d where the matrix stands in the tile or among the outputs.

#define VT_ELEMENT const in uint row, const in uint col, const in float x
#define VT_REDUCE_ROWS gl_CooperativeMatrixReduceRowNV

float larger_of(const in float a, const in float b) { return max(a, b); }
float sum_of(const in float a, const in float b) { return a + b; }
float larger_element(VT_ELEMENT, const in float y) { return max(x, y); }
float power_element(VT_ELEMENT, const in float top) { return exp2(x - top); }
float scaled_element(VT_ELEMENT, const in uint row0) { return x * row_scale(row0 + row); }
float first_max_element(VT_ELEMENT, const in uint row0) { return first_max(row0 + row); }
float first_sum_element(VT_ELEMENT, const in uint row0) { return col == 0u ? first_sum(row0 + row) : 0.0; }

float pair_element(VT_ELEMENT, const in uint row0, const in uint col0)
{
    return pair_score(x, map_row(row0 + row), map_key(col0 + col));
}

float weight_element(VT_ELEMENT, const in uint row0, const in uint col0)
{
    return pair_weight(map_row(row0 + row), map_key(col0 + col));
}

// The end of a row of the tile, told by its first column. Returns what its outputs are multiplied by.
float closed_element(VT_ELEMENT, const in float top, const in uint row0)
{
    float row_max = top;
    float sum = x;
    float factor = close_row(row0 + row, row_max, sum);
    if (col == 0u && map_row_valid(row0 + row))
        store_lse(row0 + row, row_max, sum);
    return factor;
}

float out_element(VT_ELEMENT, const in uint row0, const in uint d)
{
    if (map_row_valid(row0 + row))
        store_out(out_row(row0 + row), d + col, x);
    return x;
}

#ifdef VT_FULL
uint sum_place(uint row, uint col) { return carry_row(row) + CARRY_VALUES + 1u + (SUMS_JOIN ? 0u : col); }

float resumed_max(VT_ELEMENT, const in uint row0) { return carry_elem[carry_row(row0 + row) + CARRY_VALUES]; }
float resumed_sum(VT_ELEMENT, const in uint row0)
{
    return SUMS_JOIN && col != 0u ? 0.0 : carry_elem[sum_place(row0 + row, col)];
}
float resumed_out(VT_ELEMENT, const in uint row0, const in uint d) { return load_carry(carry_row(row0 + row), d + col); }

float suspended_sum(VT_ELEMENT, const in float top, const in uint row0)
{
    bool valid = map_row_valid(row0 + row);
    if (valid && (!SUMS_JOIN || col == 0u))
        carry_elem[sum_place(row0 + row, col)] = x;
    if (valid && col == 0u)
        carry_elem[carry_row(row0 + row) + CARRY_VALUES] = top;
    return x;
}

float suspended_out(VT_ELEMENT, const in uint row0, const in uint d)
{
    if (map_row_valid(row0 + row))
        store_carry(carry_row(row0 + row), d + col, x * share_gain(row0 + row));
    return x;
}
#endif
