// SPDX-License-Identifier: MIT
//
// Which keys a query sees by where they stand from its diagonal: causality, window, chunk and prefix. A map says with
// VT_LEFT, VT_RIGHT, VT_PREFIX and, if it has chunks, VT_CHUNK where the numbers are.

int diagonal_shift; // key on the diagonal of query 0
int diagonal_end;   // one past the last key

void diagonal_begin(int q_len, int kv_len, int key_end)
{
    diagonal_shift = (MASK & VT_MASK_ALIGN_FIRST) != 0u ? 0 : kv_len - q_len;
    diagonal_end = key_end;
}

#ifdef VT_CHUNK
int floor_divide(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

int chunk_begin(int diag) { return floor_divide(diag, VT_CHUNK) * VT_CHUNK; }
#endif

// First and last visible key of a row, prefix aside. 64-bit safe bounds are not needed: lengths stay below
// 2^31 and the host clamps left and right to 2^30.
int diagonal_low(int query)
{
    int low = (MASK & VT_MASK_LEFT) != 0u ? query + diagonal_shift - VT_LEFT : 0;
#ifdef VT_CHUNK
    if ((MASK & VT_MASK_CHUNK) != 0u)
        low = max(low, chunk_begin(query + diagonal_shift));
#endif
    return low;
}
int diagonal_high(int query)
{
    int high = diagonal_end - 1;
    if ((MASK & VT_MASK_RIGHT) != 0u)
        high = min(high, query + diagonal_shift + VT_RIGHT);
#ifdef VT_CHUNK
    if ((MASK & VT_MASK_CHUNK) != 0u)
        high = min(high, chunk_begin(query + diagonal_shift) + VT_CHUNK - 1);
#endif
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
