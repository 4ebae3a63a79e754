// SPDX-License-Identifier: MIT
//
// LANES_PER_ROW neighbouring invocations share a query row: which rows and keys of a tile are a lane's, their
// scores, and online softmax over them. Maximum over a row comes from exchange_subgroup.glsl or
// exchange_shared.glsl.
//
// The layout sets lane_in_row and lane_group before anything else, and says with lane_col which keys of the
// tile its lanes take.

const uint ROW_GROUPS = WORKGROUP / LANES_PER_ROW;
const uint ROW_COUNT = ROWS / ROW_GROUPS;                 // query rows of a lane
const uint COL_COUNT = KEYS / LANES_PER_ROW;              // scores of a lane per row

uint lane_in_row;
uint lane_group;
float score[ROW_COUNT * COL_COUNT];
float row_max[ROW_COUNT];
float row_sum[ROW_COUNT]; // of this lane's keys only; summed over the row's lanes at the end

// Row i of this lane in the tile, column j (a key of the tile).
uint lane_row(uint i) { return lane_group * ROW_COUNT + i; }
uint lane_col(uint j);

#include "exchange.glsl"

void start_row(uint i)
{
    row_max[i] = first_max(lane_row(i));
    row_sum[i] = lane_in_row == 0u ? first_sum(lane_row(i)) : 0.0;
}

#ifdef VT_FULL
// Returns where the row's outputs begin in the carry.
uint resume_sums(uint i)
{
    uint at = carry_row(lane_row(i));
    row_max[i] = carry_elem[at + CARRY_VALUES];
    row_sum[i] = carry_elem[at + CARRY_VALUES + 1u + (SUMS_JOIN ? 0u : lane_in_row)];
    if (SUMS_JOIN && lane_in_row != 0u)
        row_sum[i] = 0.0;
    return at;
}

uint suspend_sums(uint i)
{
    uint at = carry_row(lane_row(i));
    if (!SUMS_JOIN || lane_in_row == 0u)
        carry_elem[at + CARRY_VALUES + 1u + (SUMS_JOIN ? 0u : lane_in_row)] = row_sum[i];
    if (lane_in_row == 0u)
        carry_elem[at + CARRY_VALUES] = row_max[i];
    return at;
}
#endif

void settle_pairs()
{
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        MapKey key = map_key(lane_col(j));
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            score[i * COL_COUNT + j] = pair_score(score[i * COL_COUNT + j], map_row(lane_row(i)), key);
    }
}

// In place of scores and softmax.
void weigh_pairs()
{
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        MapKey key = map_key(lane_col(j));
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            score[i * COL_COUNT + j] = pair_weight(map_row(lane_row(i)), key);
    }
}

// From scores to probabilities. `seen` is the maximum of the row's scores in this tile. Returns the factor for
// what was summed up so far.
float soften_row(uint i, float seen)
{
#ifdef VT_RULES
    if (NORMALISER != 0u) {
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            score[i * COL_COUNT + j] = weight_of(score[i * COL_COUNT + j]);
        return 1.0;
    }
#endif
    float top = max(row_max[i], seen);
    float shrink = exp2(row_max[i] - top);
    row_max[i] = top;
    row_sum[i] *= shrink;
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        score[i * COL_COUNT + j] = exp2(score[i * COL_COUNT + j] - top);
        row_sum[i] += score[i * COL_COUNT + j];
    }
    return shrink;
}
