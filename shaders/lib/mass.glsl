// SPDX-License-Identifier: MIT
//
// What attention mass needs beside scores: the log-sum-exp of a query, from which p = exp2(score - lse) follows, and where a
// row's numbers stand in `out`. They stand there from the first dispatch of a chain on, and the next ones add to them; each
// is touched by one invocation only.

bool mass_resumes() { return (push.flags & VT_FLAG_CARRY_IN) != 0u; }

// In base 2. A row without keys has -inf, a query that is not there none: with a huge number in its place all of its probabilities are 0.
float known_lse(uint at, bool there)
{
    float lse = lse_elem[at];
    return there && lse > -1.0e37 ? lse * LOG2E : 1.0e37;
}

// A bias of -inf is as good as hidden, but infinities are nothing to count with.
float log_share(float score, float lse) { return max(score - lse, SCORE_HIDDEN); }

#ifdef VT_COLUMNS
float query_lse(uint token)
{
    return known_lse(push.lse_base + own_batch() * push.lse_batch + own_head() * push.lse_head + token, true);
}

float query_weight(uint token)
{
    uint at = push.v_base + own_batch() * push.v_batch + own_head() * push.v_head + token * push.v_token;
    return uintBitsToFloat(mass_word[at]);
}

uint mass_row(uint row)
{
    uint entry = PACKED && PAGE != 0u ? seq : own_batch();
    return push.out_base + entry * push.out_batch + gl_WorkGroupID.y * push.out_head + map_row_column(row);
}
#else
float row_lse_known(uint row)
{
    uint at = own_batch() * push.lse_batch + row_own_head(row) * push.lse_head + map_row_token(row);
    return known_lse(push.lse_base + at, map_row_there(row));
}

uint mass_row(uint row)
{
    uint token = BY_ROWS ? asked_row(row) : map_row_token(row);
    return push.out_base + own_batch() * push.out_batch + row_own_head(row) * push.out_head + token * push.out_token;
}

// ---- Bins: runs of keys whose probabilities make one number ----

uint key_id(uint key)
{
    if (!MASS_INPUT)
        return key_segment(key);
    uint entry = PACKED && PAGE != 0u ? seq : own_batch();
    return mass_word[push.v_base + entry * push.v_batch + key_number(key)];
}

// Key c of the current tile.
uint bin_of(uint c) { return SEGMENT_SUMS ? key_id(map_key_token(c)) : uint(map_k0 + int(c)) / MASS_SIZE; }

// One past the last key of the tile that has the bin of key `first`.
uint bin_end(uint bin, uint first)
{
    if (!SEGMENT_SUMS)
        return min(KEYS, uint(max(int((bin + 1u) * MASS_SIZE) - map_k0, 1)));
    uint end = first + 1u;
    while (end < KEYS && key_id(map_key_token(end)) == bin)
        ++end;
    return end;
}

// In packed sequences keys of a range are anywhere; else rows are written from their first number to their last.
const bool IN_ORDER = BY_ROWS ? PACKED ? PAGE != 0u : true : false;
uint row_done; // of the numbers of this dispatch, all before it are written

// Numbers [first, end) of each row that this dispatch has to begin with 0.
uvec2 fresh_bins()
{
    if (IN_ORDER)
        return uvec2(0u);
    if (MAXIMA)
        return (uvec2(push.k_first, push.k_last) + MASS_SIZE - 1u) / MASS_SIZE;
    return uvec2(0u, mass_resumes() ? 0u : MASS_BINS);
}
#endif
