// SPDX-License-Identifier: MIT
//
// How the lanes of a row share maximum, sum and probabilities: through shared memory, for devices without
// subgroup shuffles, or whose subgroups are smaller than LANES_PER_ROW. Called by all lanes in uniform
// control flow.

const uint EXCHANGE_STRIDE = KEYS / WEIGHT_COLS + 1u; // words of a row

shared WeightWord exchange_p[ROWS * EXCHANGE_STRIDE];
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
        [[unroll]] for (uint j = 0u; j < COL_COUNT; j += WEIGHT_COLS)
            exchange_p[lane_row(i) * EXCHANGE_STRIDE + lane_in_row + LANES_PER_ROW * (j / WEIGHT_COLS)] =
                weight_word(i, j);
}

uint exchange_lane(uint turn) { return turn; }

WeightWord exchange_weights(uint i, uint j, uint turn)
{
    return exchange_p[lane_row(i) * EXCHANGE_STRIDE + turn + LANES_PER_ROW * (j / WEIGHT_COLS)];
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
