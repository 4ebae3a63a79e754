// SPDX-License-Identifier: MIT
//
// The layout of layout_split.glsl for attention mass: lanes of a row have the probabilities of its keys, or queries, between
// them. The first of them touches `out`; where each key has a number of its own, the lane that has the key.

void clear_sums()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        row_sum[i] = 0.0;
}

void find_lane()
{
    lane_in_row = gl_LocalInvocationIndex % LANES_PER_ROW;
    lane_group = gl_LocalInvocationIndex / LANES_PER_ROW;
}

bool owns(uint i) { return lane_in_row == 0u && map_row_valid(lane_row(i)); }

#ifdef VT_COLUMNS
void layout_begin()
{
    find_lane();
    clear_sums();
}

// Keys are staged again where each head has a scale.
void layout_run(uint r)
{
    barrier(); // nobody reads those of the head before any more
    if (r == 0u || has_field(VT_HEAD_SCALE))
        stage_queries();
}

void layout_tile(bool full)
{
    score_tile();
    if (pairs_differ(full))
        settle_pairs();
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        uint token = map_key_token(lane_col(j));
        float lse = query_lse(token);
        float weight = MASS_INPUT ? query_weight(token) : 1.0;
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            row_sum[i] += weight * exp2(log_share(score[i * COL_COUNT + j], lse));
    }
}

void layout_end()
{
    exchange_sum();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        if (owns(i)) {
            uint at = mass_row(lane_row(i));
            mass_elem[at] = row_sum[i] + (mass_resumes() ? mass_elem[at] : 0.0);
        }
}
#else
// By those who will touch them.
void clear_bins(uvec2 fresh)
{
    uint step = BY_ROWS ? LANES_PER_ROW : 1u;
    uint own = (lane_in_row + uint(seq_k0) - fresh.x) % LANES_PER_ROW; // which is a power of two
    for (uint n = fresh.x + (BY_ROWS ? own : 0u); n < fresh.y; n += step)
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            if (BY_ROWS ? map_row_valid(lane_row(i)) : owns(i))
                mass_elem[mass_row(lane_row(i)) + n] = 0.0;
}

void layout_begin()
{
    find_lane();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        row_max[i] = row_lse_known(lane_row(i));
    clear_sums();
    clear_bins(fresh_bins());
    stage_queries();
}

void layout_tile(bool full)
{
    score_tile();
    if (pairs_differ(full))
        settle_pairs();
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            score[i * COL_COUNT + j] = log_share(score[i * COL_COUNT + j], row_max[i]);
}

void mass_all()
{
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        int key = map_k0 + int(lane_col(j));
        bool own = key >= map_k_begin && key < map_k_end;
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
            float p = exp2(score[i * COL_COUNT + j]);
            if (!BY_ROWS)
                row_sum[i] -= p * score[i * COL_COUNT + j];
            else if (own && map_row_valid(lane_row(i)))
                mass_elem[mass_row(lane_row(i)) + key_number(uint(key))] = p;
        }
    }
}

void mass_part(uint from, uint to)
{
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        bool in_bin = lane_col(j) >= from && lane_col(j) < to;
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
            float p = in_bin ? exp2(score[i * COL_COUNT + j]) : 0.0;
            row_sum[i] = MAXIMA ? max(row_sum[i], p) : row_sum[i] + p;
        }
    }
}

void mass_flush(uint bin)
{
    if (MAXIMA)
        exchange_largest();
    else
        exchange_sum();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        if (owns(i) && bin < MASS_BINS) {
            uint at = mass_row(lane_row(i)) + bin;
            float before = mass_elem[at];
            mass_elem[at] = MAXIMA ? max(before, row_sum[i]) : before + row_sum[i];
        }
    clear_sums();
}

void layout_end()
{
    if (MASS_IS != VT_MASS_IS_ENTROPY)
        return;
    exchange_sum();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        if (owns(i)) {
            uint at = mass_row(lane_row(i));
            mass_elem[at] += row_sum[i] * LN2;
        }
}
#endif
