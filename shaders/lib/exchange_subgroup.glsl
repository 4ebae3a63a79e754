// SPDX-License-Identifier: MIT
//
// How the lanes of a row share maximum, sum and probabilities: by subgroup shuffles. The lanes of a row are
// LANES_PER_ROW neighbours of one subgroup, which the host makes sure of (LANES_PER_ROW divides the smallest
// subgroup size).

float exchange_top[ROW_COUNT];

void exchange_max()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
        float top = SCORE_HIDDEN;
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            top = max(top, score[i * COL_COUNT + j]);
        [[unroll]] for (uint step = 1u; step < LANES_PER_ROW; step *= 2u)
            top = max(top, subgroupShuffleXor(top, step));
        exchange_top[i] = top;
    }
}

float exchange_row_max(uint i) { return exchange_top[i]; }

void exchange_publish() {}

float exchange_probability(uint i, uint j, uint lane)
{
    uint first = gl_SubgroupInvocationID & ~(LANES_PER_ROW - 1u);
    return subgroupShuffle(score[i * COL_COUNT + j], first + lane);
}

void exchange_sum()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint step = 1u; step < LANES_PER_ROW; step *= 2u)
            row_sum[i] += subgroupShuffleXor(row_sum[i], step);
}
