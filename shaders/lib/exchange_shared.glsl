// SPDX-License-Identifier: MIT
//
// How the lanes of a row share maximum, sum and probabilities: through shared memory, for devices without
// subgroup shuffles, or whose subgroups are smaller than LANES_PER_ROW. Called by all lanes in uniform
// control flow.

shared float exchange_p[ROWS * (KEYS + 1u)];
shared float exchange_part[ROWS * LANES_PER_ROW];

void exchange_max()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float top = SCORE_HIDDEN;
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            top = max(top, score[i * COL_COUNT + j]);
        exchange_part[lane_row(i) * LANES_PER_ROW + lane_in_row] = top;
    }
    barrier();
}

float exchange_row_max(uint i)
{
    float top = SCORE_HIDDEN;
    for (uint lane = 0u; lane < LANES_PER_ROW; ++lane)
        top = max(top, exchange_part[lane_row(i) * LANES_PER_ROW + lane]);
    return top;
}

// Visible to the other lanes after the barrier that follows in layout_tile.
void exchange_publish()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            exchange_p[lane_row(i) * (KEYS + 1u) + lane_col(j)] = score[i * COL_COUNT + j];
}

uint exchange_lane(uint turn) { return turn; }

float exchange_probability(uint i, uint j, uint turn)
{
    return exchange_p[lane_row(i) * (KEYS + 1u) + turn + LANES_PER_ROW * j];
}

// The order of the sum is that of the lanes, so every lane gets the same bits.
void exchange_sum()
{
    barrier();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        exchange_part[lane_row(i) * LANES_PER_ROW + lane_in_row] = row_sum[i];
    barrier();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float sum = 0.0;
        for (uint lane = 0u; lane < LANES_PER_ROW; ++lane)
            sum += exchange_part[lane_row(i) * LANES_PER_ROW + lane];
        row_sum[i] = sum;
    }
}

// The largest of what lanes have in place of sums.
void exchange_largest()
{
    barrier();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        exchange_part[lane_row(i) * LANES_PER_ROW + lane_in_row] = row_sum[i];
    barrier();
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        for (uint lane = 0u; lane < LANES_PER_ROW; ++lane)
            row_sum[i] = max(row_sum[i], exchange_part[lane_row(i) * LANES_PER_ROW + lane]);
}
