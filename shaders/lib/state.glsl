// SPDX-License-Identifier: MIT
//
// What leaves a workgroup besides the output rows: the log-sum-exp, and the running state (unnormalised
// output, maximum, sum) that lets a later dispatch go on where this one stopped. Maximum and sum are in base
// 2, as the loop keeps them. And where the query, the output and the key rows are that they belong to.

uint query_row(uint row)
{
    uint at = map_row_token(row) * push.q_token;
#ifdef VT_LISTS
    if (LIST_OF_ROWS)
        at += rows_head(row) * push.q_head;
#elif defined(VT_RULES)
    at += row_tile_head(row) * push.q_head;
#endif
    return at;
}

uint out_row(uint row)
{
    uint at = out_origin() + map_row_token(row) * push.out_token;
#ifdef VT_RULES
    at += row_tile_head(row) * push.out_head;
#endif
    return at;
}

// By what the products of a row are multiplied: with log2(e), for the loop works with exp2.
float row_scale(uint row)
{
#ifdef VT_RULES
    if (has_field(VT_HEAD_SCALE))
        return head_float(row, 0u) * LOG2E;
#endif
    return push.scale_log2;
}

// Of rows of k and v, from their origin: loops add it to one that was found before them, which compilers do not take out.
#ifdef VT_RULES
uint k_place(uint key) { return key_place(key, push.k_batch, push.k_token); }
uint v_place(uint key) { return key_place(key, push.v_batch, push.v_token); }
#else
uint k_place(uint token) { return token * push.k_token; }
uint v_place(uint token) { return token * push.v_token; }
#endif
uint k_row(uint key) { return k_origin() + k_place(key); }
uint v_row(uint key) { return v_origin() + v_place(key); }

// Where a row of the tile and what the loop runs over begin: queries and keys, or the other way round.
#ifdef VT_COLUMNS
uint row_origin() { return k_origin(); }
uint row_place(uint row) { return k_place(map_row_token(row)); }
uint step_origin() { return q_origin(); }
uint step_place(uint token) { return token * push.q_token; }
#define ROW_ELEM k_elem
#define ROW_ELEM4 k_elem4
#define load_row4 load_k4
#define load_step4 load_q4
#else
uint row_origin() { return q_origin(); }
uint row_place(uint row) { return query_row(row); }
uint step_origin() { return k_origin(); }
uint step_place(uint token) { return k_place(token); }
#define ROW_ELEM q_elem
#define ROW_ELEM4 q_elem4
#define load_row4 load_q4
#define load_step4 load_k4
#endif

// Maximum and sum of a row before its first key: a sink has come before all keys.
#ifdef VT_RULES
bool has_sink(uint row) { return has_field(VT_HEAD_SINK) && seq_split == 0u && head_gain(row) != 0.0; }
float first_max(uint row) { return has_sink(row) ? max(head_sink(row) * LOG2E, ROW_MAX_START) : ROW_MAX_START; }
float first_sum(uint row) { return has_sink(row) && head_sink(row) * LOG2E > ROW_MAX_START ? 1.0 : 0.0; }
#else
float first_max(uint row) { return ROW_MAX_START; }
float first_sum(uint row) { return 0.0; }
#endif

float row_lse(float row_max, float row_sum)
{
    return row_sum > 0.0 ? row_max * LN2 + log(row_sum) : uintBitsToFloat(0xff800000u);
}

// `count` keys with this score and value 0 join a row. Returns the factor for what was summed up so far.
float join_zero_keys(float count, float score, inout float row_max, inout float row_sum)
{
    float top = max(row_max, score);
    float shrink = exp2(row_max - top);
    row_sum = row_sum * shrink + count * exp2(score - top);
    row_max = top;
    return shrink;
}

#ifdef VT_BIAS
// Joins the key with value 0 at a position, if there is one.
float join_zero_position(uint row, uint position, inout float row_max, inout float row_sum)
{
    uint entry;
    if (!map_zero_key(row, position, entry))
        return 1.0;
    return join_zero_keys(1.0, bias_elem[entry] * LOG2E, row_max, row_sum);
}
#else
uint map_zero_positions() { return 0u; }
float join_zero_position(uint row, uint position, inout float row_max, inout float row_sum) { return 1.0; }
#endif

// The end of a row whose positions have joined and gave `shrink`. Returns what its outputs are multiplied by; a row without
// visible keys has sum 0 and gives 0.
float end_row(uint row, float shrink, inout float row_max, inout float row_sum)
{
    if (map_weighs())
        return 1.0;
#ifdef VT_RULES
    if (NORMALISER != 0u)
        return head_gain(row);
    if (has_field(VT_HEAD_GAIN))
        shrink *= head_gain(row);
#endif
#ifndef VT_BIAS
    float zero_keys = map_zero_keys(row);
    if (zero_keys > 0.0)
        shrink = join_zero_keys(zero_keys, 0.0, row_max, row_sum);
#endif
    return row_sum > 0.0 ? shrink / row_sum : 0.0;
}

// The end of a row: keys with value 0 join, which change maximum and sum, as end_row says.
float close_row(uint row, inout float row_max, inout float row_sum)
{
    float shrink = 1.0;
    uint positions = map_weighs() ? 0u : map_zero_positions();
    for (uint n = 0u; n < positions; ++n)
        shrink *= join_zero_position(row, n, row_max, row_sum);
    return end_row(row, shrink, row_max, row_sum);
}

#ifdef VT_FULL
bool carry_in()
{
#ifdef VT_LISTS
    if (LIST_OF_ROWS && !rows_resume())
        return false;
#endif
    return (push.flags & VT_FLAG_CARRY_IN) != 0u;
}
bool carry_out() { return (push.flags & VT_FLAG_CARRY_OUT) != 0u; }

#ifdef VT_MAP_LSE // the map knows the strides, whose places in the push block it uses otherwise
uint lse_head() { return map_lse_head(); }
uint lse_batch() { return map_lse_batch(); }
#else
uint lse_head() { return push.lse_head; }
uint lse_batch() { return push.lse_batch; }
#endif

void store_lse(uint row, float row_max, float row_sum)
{
    uint at = push.lse_base + own_batch() * lse_batch() + own_head() * lse_head() + map_row_token(row);
#ifdef VT_RULES
    at += row_tile_head(row) * lse_head();
    row_sum = head_gain(row) != 0.0 ? row_sum : 0.0; // skipped, whatever an earlier state says
#endif
    if ((push.flags & VT_FLAG_LSE) != 0u)
        lse_elem[at] = row_lse(row_max, row_sum);
}

// Where the carried state of a row of the tile starts: CARRY_VALUES outputs, the maximum, the sum of each of its lanes.
// The sums stay apart so that resuming adds in the same order as never having stopped; in a caller's state they are one.
#ifdef VT_RULES
const uint CARRY_VALUES = STATE_VALUES;
const uint CARRY_LANES = STATE_LANES;

uint carry_row(uint row)
{
    uint token = map_row_token(row);
    uint slice = own_batch() * gl_NumWorkGroups.y + gl_WorkGroupID.y;
    uint first = PACKED ? 0u : push.q_first;
    uint rows = PACKED ? Q_CAPACITY : push.q_last - push.q_first;
    uint at = ((slice * rows + token - first) * SPLITS + seq_split) * TILE_HEADS + row_tile_head(row);
    if (STATE_CALLER != 0u)
        at = ((push.map1 + own_batch()) * HEADS + push.head_first + row_own_head(row)) * Q_CAPACITY + token;
    return at * (CARRY_VALUES + 1u + CARRY_LANES);
}
#else
const uint CARRY_VALUES = VALUE_PAD;
const uint CARRY_LANES = LANES_PER_ROW;

uint carry_row(uint row)
{
    uint slice = own_batch() * gl_NumWorkGroups.y + gl_WorkGroupID.y;
    uint plane = VT_PLANE;
    uint rows = (push.q_last - push.q_first) * plane;
    uint at = slice * rows + map_row_token(row) - push.q_first * plane;
#ifdef VT_LISTS
    if (LIST_OF_ROWS)
        at = rows_state(slice, row);
#endif
    return at * (CARRY_VALUES + 1u + CARRY_LANES);
}
#endif

const bool SUMS_JOIN = CARRY_LANES < LANES_PER_ROW; // the carry has one sum for all lanes of a row

// Whether sums of lanes are added up at the end.
bool sums_meet() { return !carry_out() || SUMS_JOIN; }

// What the state of a share is multiplied by when it is left for good.
float share_gain(uint row)
{
#ifdef VT_RULES
    if ((push.flags & VT_FLAG_SHARE) != 0u)
        return head_gain(row);
#endif
    return 1.0;
}

// Outputs past the real dim are 0, and no part of a caller's state.
const bool CARRY_WHOLE = CARRY_VALUES == VALUE_PAD;
float load_carry(uint at, uint d) { return CARRY_WHOLE || d < CARRY_VALUES ? carry_elem[at + d] : 0.0; }
void store_carry(uint at, uint d, float x)
{
    if (CARRY_WHOLE || d < CARRY_VALUES)
        carry_elem[at + d] = x;
}
#else
bool carry_in() { return false; }
bool carry_out() { return false; }
bool sums_meet() { return true; }
void store_lse(uint row, float row_max, float row_sum) {}
#endif
