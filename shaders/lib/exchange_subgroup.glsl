// SPDX-License-Identifier: MIT
//
// How the lanes of a row share maximum, sum and probabilities: by subgroup shuffles. The lanes of a row are
// LANES_PER_ROW neighbours of one subgroup, which the host makes sure of (LANES_PER_ROW divides the smallest
// subgroup size).

// Not by doubling a step: Mesa 22.3 does not unroll such a loop, nor the one over rows around it.
const uint LANE_BITS = 7u; // of the largest subgroup's lanes

float exchange_top[ROW_COUNT];

void exchange_max()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float top = SCORE_HIDDEN;
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            top = max(top, score[i * COL_COUNT + j]);
        [[unroll]] for (uint bit = 0u; bit < LANE_BITS; ++bit)
            if (1u << bit < LANES_PER_ROW)
                top = max(top, subgroupShuffleXor(top, 1u << bit));
        exchange_top[i] = top;
    }
}

float exchange_row_max(uint i) { return exchange_top[i]; }

void exchange_publish() {}

// Each lane takes its row's weights in an order of its own, so that a turn is an exchange in pairs: one
// instruction on most devices, where a lane index that is not a constant is a loop or passes through memory.
// The values that go with them lie in another row of V for each lane, but still in another bank.
uint exchange_lane(uint turn) { return lane_in_row ^ turn; }

WeightWord exchange_weights(uint i, uint j, uint turn) { return subgroupShuffleXor(weight_word(i, j), turn); }

void exchange_sum()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint bit = 0u; bit < LANE_BITS; ++bit)
            if (1u << bit < LANES_PER_ROW)
                row_sum[i] += subgroupShuffleXor(row_sum[i], 1u << bit);
}

void exchange_largest()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint bit = 0u; bit < LANE_BITS; ++bit)
            if (1u << bit < LANES_PER_ROW)
                row_sum[i] = max(row_sum[i], subgroupShuffleXor(row_sum[i], 1u << bit));
}
