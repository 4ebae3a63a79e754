// SPDX-License-Identifier: MIT
//
// The layout of layout_rows.glsl for attention mass: a lane has the probabilities of its rows, row_sum what they sum up to,
// and row_max the log-sum-exp.

uint tile_rows[KEYS];

void place_tile()
{
    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
        tile_rows[u] = step_origin() + step_place(map_key_token(u));
}

void clear_sums()
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
        row_sum[r] = 0.0;
}

#ifdef VT_COLUMNS
void layout_begin()
{
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_QUADS; ++e)
        query[e] = vec4(0.0);
    clear_sums();
}

// What rows have of a head; the keys themselves are there already unless each head has a scale.
void layout_run(uint r)
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        rule[i] = map_row(lane_row(i));
    if (r == 0u || has_field(VT_HEAD_SCALE))
        load_queries();
}

// Each lane loads what belongs to one of the tile's queries.
void layout_tile(bool full)
{
    place_tile();
    score_tile(tile_rows);
    settle_pairs();
    uint token = map_key_token(lane() % KEYS);
    float lse = query_lse(token);
    float weight = MASS_INPUT ? query_weight(token) : 1.0;
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        float own = KEYS <= WORKGROUP ? subgroupShuffle(lse, u) : query_lse(map_key_token(u));
        float by = !MASS_INPUT ? 1.0 : KEYS <= WORKGROUP ? subgroupShuffle(weight, u) : query_weight(map_key_token(u));
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            row_sum[r] += by * exp2(log_share(score[r * KEYS + u], own));
    }
}

void layout_end()
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
        if (map_row_valid(lane_row(r))) {
            uint at = mass_row(lane_row(r));
            mass_elem[at] = row_sum[r] + (mass_resumes() ? mass_elem[at] : 0.0);
        }
}
#else
void clear_bins(uvec2 fresh)
{
    for (uint n = fresh.x; n < fresh.y; ++n)
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            if (map_row_valid(lane_row(r)))
                mass_elem[mass_row(lane_row(r)) + n] = 0.0;
}

void layout_begin()
{
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_QUADS; ++e)
        query[e] = vec4(0.0);
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
        row_max[r] = row_lse_known(lane_row(r));
        rule[r] = map_row(lane_row(r));
    }
    clear_sums();
    clear_bins(fresh_bins());
    load_queries();
}

void layout_tile(bool full)
{
    place_tile();
    score_tile(tile_rows);
    settle_pairs();
    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            score[r * KEYS + u] = log_share(score[r * KEYS + u], row_max[r]);
}

void mass_all()
{
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        int key = map_k0 + int(u);
        bool own = key >= map_k_begin && key < map_k_end;
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
            float p = exp2(score[r * KEYS + u]);
            if (!BY_ROWS)
                row_sum[r] -= p * score[r * KEYS + u];
            else if (own && map_row_valid(lane_row(r)))
                mass_elem[mass_row(lane_row(r)) + key_number(uint(key))] = p;
        }
    }
}

void mass_part(uint from, uint to)
{
    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
            float p = u >= from && u < to ? exp2(score[r * KEYS + u]) : 0.0;
            row_sum[r] = MAXIMA ? max(row_sum[r], p) : row_sum[r] + p;
        }
}

void mass_flush(uint bin)
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
        if (bin < MASS_BINS && map_row_valid(lane_row(r))) {
            uint at = mass_row(lane_row(r)) + bin;
            float before = mass_elem[at];
            mass_elem[at] = MAXIMA ? max(before, row_sum[r]) : before + row_sum[r];
        }
    clear_sums();
}

void layout_end()
{
    if (MASS_IS != VT_MASS_IS_ENTROPY)
        return;
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
        if (map_row_valid(lane_row(r))) {
            uint at = mass_row(lane_row(r));
            mass_elem[at] += row_sum[r] * LN2;
        }
}
#endif
