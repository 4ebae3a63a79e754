// SPDX-License-Identifier: MIT
//
// Which keys a query sees by where they stand from its diagonal: causality, window and prefix. A map says with
// VT_LEFT, VT_RIGHT and VT_PREFIX where the numbers are.

int diagonal_shift; // key on the diagonal of query 0
int diagonal_end;   // one past the last key

void diagonal_begin(int key_end)
{
    diagonal_shift = (MASK & VT_MASK_ALIGN_FIRST) != 0u ? 0 : int(push.kv_len) - int(push.q_len);
    diagonal_end = key_end;
}

// First and last visible key of a row, prefix aside. 64-bit safe bounds are not needed: lengths stay below
// 2^31 and the host clamps left and right to 2^30.
int diagonal_low(int query) { return (MASK & VT_MASK_LEFT) != 0u ? query + diagonal_shift - VT_LEFT : 0; }
int diagonal_high(int query)
{
    int high = diagonal_end - 1;
    if ((MASK & VT_MASK_RIGHT) != 0u)
        high = min(high, query + diagonal_shift + VT_RIGHT);
    if ((MASK & VT_MASK_CAUSAL) != 0u)
        high = min(high, query + diagonal_shift);
    return high;
}

// One past the last key that any rule may show to a row.
int diagonal_limit(int query)
{
    return (MASK & VT_MASK_CAUSAL) != 0u ? min(diagonal_end, query + diagonal_shift + 1) : diagonal_end;
}

int diagonal_prefix_end(int query)
{
    int end = VT_PREFIX;
    if ((MASK & VT_MASK_CAUSAL) != 0u)
        end = min(end, query + diagonal_shift + 1);
    return end;
}
