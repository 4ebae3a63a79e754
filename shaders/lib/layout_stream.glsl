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
// A load takes 16 bytes: a CPU driver pays for each load and lane, however wide it is. Where the keys of a head do not lie side
// by side (TOUCH) the CPU's own prefetching loses them, and each would be waited for alone. So each lane asks for all of one key
// ahead of its use: that many rows are then on their way at once. While keys of a tile are multiplied, its values are asked for,
// and while those are, the keys of the next tile; a little at each turn of the loops, since what a CPU waits for holds up all
// that is not yet in its window.

#include "row_lanes.glsl"

const uint QUAD = 4u;
const uint DIM_QUADS = DIM_PAD / (QUAD * WORKGROUP); // of a lane and a row
const uint VALUE_QUADS = VALUE_PAD / (QUAD * WORKGROUP);
const uint FITS = VECTOR == VT_VECTOR_NONE ? 1u : QUAD;
const uint EIGHT = VECTOR == VT_VECTOR_EIGHT ? 2u * QUAD : FITS;
const uint DIM_WORD = DIM_QUADS % 2u == 0u ? EIGHT : FITS; // elements of one load
const uint VALUE_WORD = VALUE_QUADS % 2u == 0u ? EIGHT : FITS;
// Keys of a turn of the loops: two touch the outputs half as often, but more places of loads take longer to compile.
// Nested, because Mesa 22.3 refuses && of specialization constants.
const uint KEY_TURN = VECTOR == 0u ? 1u : KEYS % 2u != 0u ? 1u : DIM_PAD + VALUE_PAD > 512u ? 1u : 2u;

vec4 query[ROWS * DIM_QUADS];
vec4 acc[ROWS * VALUE_QUADS];
uint asked = 0u; // all that came of asking

uint lane_col(uint j) { return lane_in_row; }

// Which dim of the row element e of this lane's quad n is. Neighbours load neighbours.
uint quad_dim(uint n, uint e, uint word)
{
    if (word == 1u)
        return (n * QUAD + e) * WORKGROUP + lane_in_row;
    uint quads = word / QUAD;
    return (n / quads * WORKGROUP + lane_in_row) * word + n % quads * QUAD + e;
}
uint value_at(uint n, uint e) { return quad_dim(n, e, VALUE_WORD); }

// A lane's quads of a row. What stands past the dims is loaded from the last word that exists, and forgotten.
#define VT_ROW_LOADER(NAME, QUADS, WORD, PAD, BOUND, ELEM)                                                           \
    uint NAME##_at(uint row, uint d) { return row + (PAD == BOUND ? d : min(d, (BOUND) - WORD)); }                   \
    float NAME##_known(float x, uint d) { return PAD == BOUND || d < (BOUND) ? x : 0.0; }                            \
    vec4 NAME##_quad(uint row, uint n)                                                                               \
    {                                                                                                                \
        vec4 quad;                                                                                                   \
        if (WORD == QUAD)                                                                                            \
            return vt_to_f32x4(ELEM##4[NAME##_at(row, quad_dim(n, 0u, WORD)) >> 2]);                                 \
        [[unroll]] for (uint e = 0u; e < QUAD; ++e)                                                                  \
            quad[e] = vt_to_f32(ELEM[NAME##_at(row, quad_dim(n, e, WORD))]);                                         \
        return quad;                                                                                                 \
    }                                                                                                                \
    void NAME##_pair(uint row, uint n, out vec4 first, out vec4 second)                                              \
    {                                                                                                                \
        VT_ELEM8 word = ELEM##8[NAME##_at(row, quad_dim(n, 0u, WORD)) >> 3];                                         \
        first = vt_quad_of8(word, 0u);                                                                               \
        second = vt_quad_of8(word, 1u);                                                                              \
    }                                                                                                                \
    void NAME(uint row, out vec4 x[QUADS])                                                                           \
    {                                                                                                                \
        if (WORD == 2u * QUAD) {                                                                                     \
            [[unroll]] for (uint n = 0u; n < QUADS; n += 2u)                                                         \
                NAME##_pair(row, n, x[n], x[min(n + 1u, QUADS - 1u)]);                                               \
        } else {                                                                                                     \
            [[unroll]] for (uint n = 0u; n < QUADS; ++n)                                                             \
                x[n] = NAME##_quad(row, n);                                                                          \
        }                                                                                                            \
        [[unroll]] for (uint n = 0u; n < QUADS; ++n)                                                                 \
            [[unroll]] for (uint e = 0u; e < QUAD; ++e)                                                              \
                x[n][e] = NAME##_known(x[n][e], quad_dim(n, e, WORD));                                               \
    }
VT_ROW_LOADER(row_q, DIM_QUADS, DIM_WORD, DIM_PAD, DIM, q_elem)
#ifdef VT_KV_BYTES
#define VT_BYTE_ROW_LOADER(NAME, LOAD, QUADS, WORD)                                                                  \
    void NAME(uint row, out vec4 x[QUADS])                                                                           \
    {                                                                                                                \
        [[unroll]] for (uint n = 0u; n < QUADS; ++n) {                                                               \
            if (WORD != 1u) {                                                                                        \
                x[n] = LOAD##4(row, quad_dim(n, 0u, WORD));                                                          \
            } else {                                                                                                 \
                [[unroll]] for (uint e = 0u; e < QUAD; ++e)                                                          \
                    x[n][e] = LOAD(row, quad_dim(n, e, WORD));                                                       \
            }                                                                                                        \
        }                                                                                                            \
    }
VT_BYTE_ROW_LOADER(row_k, load_k, DIM_QUADS, DIM_WORD)
VT_BYTE_ROW_LOADER(row_v, load_v, VALUE_QUADS, VALUE_WORD)
#else
VT_ROW_LOADER(row_k, DIM_QUADS, DIM_WORD, DIM_PAD, DIM, k_elem)
VT_ROW_LOADER(row_v, VALUE_QUADS, VALUE_WORD, VALUE_PAD, VALUE_DIM, v_elem)
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
                x[n][e] = load_carry(at, value_at(n, e));
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
                    store_carry(at, value_at(n, e), x[n][e] * share_gain(i));
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
        sums = fma(query[r * DIM_QUADS + n], key[n], sums);
    float sum = (sums.x + sums.y) + (sums.z + sums.w);
    [[unroll]] for (uint bit = 0u; bit < LANE_BITS; ++bit)
        if (1u << bit < WORKGROUP)
            sum += subgroupShuffleXor(sum, 1u << bit);
    return sum;
}

// What a CPU fetches at once, in elements of k and v or in words of bytes.
#ifdef VT_KV_BYTES
const uint LINE = 64u / 4u;
#define VT_LOOK(T, AT) T##_word[AT]
#define VT_LENGTH(D) ((D) / KV_BLOCK * (KV_BLOCK / 4u + 1u))
#else
const uint LINE = 64u / VT_ELEM_BYTES;
#define VT_LOOK(T, AT) floatBitsToUint(vt_to_f32(T##_elem[AT]))
#define VT_LENGTH(D) (D)
#endif

// In each turn of a loop over keys a load for some lines of one key, or value, of each lane, as long as there are any.
const uint TURNS = KEYS / KEY_TURN;
#define VT_ASKER(NAME, T, D)                                                                                         \
    const uint NAME##_lines = ((VT_LENGTH(D) + LINE - 1u) / LINE + TURNS - 1u) / TURNS;                              \
    void NAME(uint row, uint turn)                                                                                   \
    {                                                                                                                \
        if (TOUCH != 0u)                                                                                             \
            [[unroll]] for (uint i = 0u; i < NAME##_lines; ++i) {                                                    \
                uint d = (turn * NAME##_lines + i) * LINE;                                                           \
                if (d < VT_LENGTH(D))                                                                                \
                    asked |= VT_LOOK(T, row + d);                                                                    \
            }                                                                                                        \
    }
VT_ASKER(ask_for_key, k, DIM)
VT_ASKER(ask_for_value, v, VALUE_DIM)

// Never true, but no compiler knows; so what was asked for is loaded indeed.
void keep_asking()
{
    if (gl_NumWorkGroups.x == 0u)
        row_sum[0] += uintBitsToFloat(asked);
}

void score_tile()
{
    uint token = map_key_token(lane_in_row);
    uint row = k_row(token);
    uint value = TOUCH != 0u ? v_row(token) : 0u;
    for (uint c = 0u; c < KEYS; c += KEY_TURN) {
        ask_for_value(value, c / KEY_TURN);
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
    uint next = TOUCH != 0u ? k_row(map_key_token(KEYS + lane_in_row)) : 0u;
    for (uint c = 0u; c < KEYS; c += KEY_TURN) {
        ask_for_key(next, c / KEY_TURN);
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
                    acc[r * VALUE_QUADS + n] = fma(vec4(p[u]), values[u * VALUE_QUADS + n], acc[r * VALUE_QUADS + n]);
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
        if (VALUE_WORD == 1u) {
            [[unroll]] for (uint e = 0u; e < QUAD; ++e)
                store_out(row, value_at(n, e), x[n][e] * factor);
        } else {
            store_out4(row, value_at(n, 0u), x[n] * factor);
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
    if (TOUCH != 0u)
        keep_asking();
    if (sums_meet())
        exchange_sum();
    if (carry_out())
        suspend_rows();
    else
        finish_rows();
}
