// SPDX-License-Identifier: MIT
//
// Layout for few query rows and very many keys: no barrier, no shared memory. A workgroup is one subgroup, and all
// its lanes share every row. K and V stream through the registers: each word is loaded once, by one lane, and serves
// all rows.
//   q . k    lanes across dims: a lane holds some dims of all queries and loads the same dims of a key; the sum over
//            the lanes is the score, which the lane of that key keeps
//   softmax  lanes across keys, one key each (row_lanes.glsl)
//   p . v    lanes across dims again: a lane owns some outputs of all rows, and takes p from the key's lane
//
// Loops over keys, and over rows at both ends, are real ones: code and compile time do not grow with the tile. What is
// in them is unrolled, and arrays are only indexed by constants, since some drivers keep others in memory: rows enter
// an array at its end and leave it at its front, and all others move on by one row.
//
// A load takes at most four elements. Eight of 16 bits are fewer instructions for CPUs, but were slower on lavapipe
// where the keys of a head do not lie side by side.

#include "row_lanes.glsl"

const uint QUAD = 4u;
const uint DIM_QUADS = DIM_PAD / (QUAD * WORKGROUP); // of a lane and a row
const uint VALUE_QUADS = VALUE_PAD / (QUAD * WORKGROUP);
const uint WORD = VECTOR == 0u ? 1u : QUAD;          // elements of one load
// Keys of a turn of the loops: two touch the outputs half as often, but more places of loads take longer to compile.
// Nested, because Mesa 22.3 refuses && of specialization constants.
const uint KEY_TURN = VECTOR == 0u ? 1u : KEYS % 2u != 0u ? 1u : DIM_PAD + VALUE_PAD > 512u ? 1u : 2u;

vec4 query[ROWS * DIM_QUADS];
vec4 acc[ROWS * VALUE_QUADS];

uint lane_col(uint j) { return lane_in_row; }

// Which dim of the row element e of this lane's quad n is. Neighbours load neighbours.
uint quad_dim(uint n, uint e)
{
    return WORD == 1u ? (n * QUAD + e) * WORKGROUP + lane_in_row : (n * WORKGROUP + lane_in_row) * QUAD + e;
}

// A lane's quads of a row. What stands past the dims is loaded from the last word that exists, and forgotten.
#define VT_ROW_LOADER(NAME, QUADS, PAD, BOUND, ELEM, ELEM4)                                                          \
    uint NAME##_at(uint row, uint d) { return row + (PAD == BOUND ? d : min(d, (BOUND) - WORD)); }                   \
    bool NAME##_past(uint d) { return PAD == BOUND ? false : d >= (BOUND); }                                         \
    void NAME(uint row, out vec4 x[QUADS])                                                                           \
    {                                                                                                                \
        [[unroll]] for (uint n = 0u; n < QUADS; ++n) {                                                               \
            if (WORD == QUAD) {                                                                                      \
                uint d = quad_dim(n, 0u);                                                                            \
                vec4 quad = vt_to_f32x4(ELEM4[NAME##_at(row, d) >> 2]);                                              \
                x[n] = NAME##_past(d) ? vec4(0.0) : quad;                                                            \
            } else {                                                                                                 \
                [[unroll]] for (uint e = 0u; e < QUAD; ++e) {                                                        \
                    uint d = quad_dim(n, e);                                                                         \
                    float one = vt_to_f32(ELEM[NAME##_at(row, d)]);                                                  \
                    x[n][e] = NAME##_past(d) ? 0.0 : one;                                                            \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }
VT_ROW_LOADER(row_q, DIM_QUADS, DIM_PAD, DIM, q_elem, q_elem4)
#ifdef VT_KV_BYTES
#define VT_BYTE_ROW_LOADER(NAME, LOAD, QUADS)                                                                        \
    void NAME(uint row, out vec4 x[QUADS])                                                                           \
    {                                                                                                                \
        [[unroll]] for (uint n = 0u; n < QUADS; ++n) {                                                               \
            if (WORD == QUAD) {                                                                                      \
                x[n] = LOAD##4(row, quad_dim(n, 0u));                                                                \
            } else {                                                                                                 \
                [[unroll]] for (uint e = 0u; e < QUAD; ++e)                                                          \
                    x[n][e] = LOAD(row, quad_dim(n, e));                                                             \
            }                                                                                                        \
        }                                                                                                            \
    }
VT_BYTE_ROW_LOADER(row_k, load_k, DIM_QUADS)
VT_BYTE_ROW_LOADER(row_v, load_v, VALUE_QUADS)
#else
VT_ROW_LOADER(row_k, DIM_QUADS, DIM_PAD, DIM, k_elem, k_elem4)
VT_ROW_LOADER(row_v, VALUE_QUADS, VALUE_PAD, VALUE_DIM, v_elem, v_elem4)
#endif

void load_queries()
{
    uint origin = q_origin();
    for (uint i = 0u; i < ROWS; ++i) {
        float scale = row_scale(i);
        vec4 x[DIM_QUADS];
        row_q(origin + query_row(i), x);
        [[unroll]] for (uint n = 0u; n < (ROWS - 1u) * DIM_QUADS; ++n)
            query[n] = query[n + DIM_QUADS];
        [[unroll]] for (uint n = 0u; n < DIM_QUADS; ++n)
            query[(ROWS - 1u) * DIM_QUADS + n] = x[n] * scale;
    }
}

// The first row goes to the end with another state.
void turn_rows(vec4 x[VALUE_QUADS], float top, float sum)
{
    [[unroll]] for (uint n = 0u; n < (ROWS - 1u) * VALUE_QUADS; ++n)
        acc[n] = acc[n + VALUE_QUADS];
    [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
        acc[(ROWS - 1u) * VALUE_QUADS + n] = x[n];
    [[unroll]] for (uint r = 0u; r + 1u < ROWS; ++r) {
        row_max[r] = row_max[r + 1u];
        row_sum[r] = row_sum[r + 1u];
    }
    row_max[ROWS - 1u] = top;
    row_sum[ROWS - 1u] = sum;
}

void first_row(out vec4 x[VALUE_QUADS])
{
    [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
        x[n] = acc[n];
}

void resume_rows()
{
    for (uint i = 0u; i < ROWS; ++i) {
        uint at = carry_row(i);
        vec4 x[VALUE_QUADS];
        [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
            [[unroll]] for (uint e = 0u; e < QUAD; ++e)
                x[n][e] = load_carry(at, quad_dim(n, e));
        float sum = carry_elem[at + CARRY_VALUES + 1u + (SUMS_JOIN ? 0u : lane_in_row)];
        turn_rows(x, carry_elem[at + CARRY_VALUES], SUMS_JOIN && lane_in_row != 0u ? 0.0 : sum);
    }
}

void suspend_rows()
{
    for (uint i = 0u; i < ROWS; ++i) {
        uint at = carry_row(i);
        vec4 x[VALUE_QUADS];
        first_row(x);
        if (map_row_valid(i)) {
            [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
                [[unroll]] for (uint e = 0u; e < QUAD; ++e)
                    store_carry(at, quad_dim(n, e), x[n][e] * share_gain(i));
            if (!SUMS_JOIN || lane_in_row == 0u)
                carry_elem[at + CARRY_VALUES + 1u + (SUMS_JOIN ? 0u : lane_in_row)] = row_sum[0];
            if (lane_in_row == 0u)
                carry_elem[at + CARRY_VALUES] = row_max[0];
        }
        turn_rows(x, row_max[0], row_sum[0]);
    }
}
void layout_begin()
{
    lane_in_row = gl_LocalInvocationIndex;
    lane_group = 0u;
    [[unroll]] for (uint n = 0u; n < ROWS * DIM_QUADS; ++n)
        query[n] = vec4(0.0);
    [[unroll]] for (uint n = 0u; n < ROWS * VALUE_QUADS; ++n)
        acc[n] = vec4(0.0);
    [[unroll]] for (uint r = 0u; r < ROWS; ++r)
        start_row(r);
    load_queries();
    if (carry_in())
        resume_rows();
}

// The products of a lane's dims, summed over the lanes: all of them get the same bits.
float whole_score(uint r, vec4 key[DIM_QUADS])
{
    vec4 sums = query[r * DIM_QUADS] * key[0];
    [[unroll]] for (uint n = 1u; n < DIM_QUADS; ++n)
        sums += query[r * DIM_QUADS + n] * key[n];
    float sum = (sums.x + sums.y) + (sums.z + sums.w);
    [[unroll]] for (uint bit = 0u; bit < LANE_BITS; ++bit)
        if (1u << bit < WORKGROUP)
            sum += subgroupShuffleXor(sum, 1u << bit);
    return sum;
}

void score_tile()
{
    uint row = k_row(map_key_token(lane_in_row));
    for (uint c = 0u; c < KEYS; c += KEY_TURN) {
        [[unroll]] for (uint u = 0u; u < KEY_TURN; ++u) {
            vec4 key[DIM_QUADS];
            row_k(subgroupShuffle(row, c + u), key);
            [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
                float sum = whole_score(r, key);
                score[r] = lane_in_row == c + u ? sum : score[r];
            }
        }
    }
}

void soften_tile()
{
    exchange_max();
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        float shrink = soften_row(r, exchange_row_max(r));
        [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
            acc[r * VALUE_QUADS + n] *= shrink;
    }
}

void accumulate_tile()
{
    uint row = v_row(map_key_token(lane_in_row));
    for (uint c = 0u; c < KEYS; c += KEY_TURN) {
        vec4 values[KEY_TURN * VALUE_QUADS];
        [[unroll]] for (uint u = 0u; u < KEY_TURN; ++u) {
            vec4 x[VALUE_QUADS];
            row_v(subgroupShuffle(row, c + u), x);
            [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
                values[u * VALUE_QUADS + n] = x[n];
        }
        [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
            float p[KEY_TURN];
            [[unroll]] for (uint u = 0u; u < KEY_TURN; ++u)
                p[u] = subgroupShuffle(score[r], c + u);
            [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n)
                [[unroll]] for (uint u = 0u; u < KEY_TURN; ++u)
                    acc[r * VALUE_QUADS + n] += p[u] * values[u * VALUE_QUADS + n];
        }
    }
}

void layout_tile(bool full)
{
    score_tile();
    if (pairs_differ(full))
        settle_pairs();
    soften_tile();
    accumulate_tile();
}

void store_row(uint row, vec4 x[VALUE_QUADS], float factor)
{
    [[unroll]] for (uint n = 0u; n < VALUE_QUADS; ++n) {
        if (WORD == 1u) {
            [[unroll]] for (uint e = 0u; e < QUAD; ++e)
                store_out(row, quad_dim(n, e), x[n][e] * factor);
        } else {
            store_out4(row, quad_dim(n, 0u), x[n] * factor);
        }
    }
}

void finish_rows()
{
    for (uint i = 0u; i < ROWS; ++i) {
        float top = row_max[0];
        float sum = row_sum[0];
        vec4 x[VALUE_QUADS];
        first_row(x);
        float factor = close_row(i, top, sum);
        if (map_row_valid(i)) {
            store_row(out_row(i), x, factor);
            if (lane_in_row == 0u)
                store_lse(i, top, sum);
        }
        turn_rows(x, top, sum);
    }
}

void layout_end()
{
    if (sums_meet())
        exchange_sum();
    if (carry_out())
        suspend_rows();
    else
        finish_rows();
}
