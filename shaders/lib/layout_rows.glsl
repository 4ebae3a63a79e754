// SPDX-License-Identifier: MIT
//
// Layout for Vulkan drivers that run on a CPU: no barrier, no shared memory. A workgroup is one subgroup; lane i owns the
// query rows i, i + WORKGROUP, i + 2 WORKGROUP ... and keeps their queries and outputs in registers (on a CPU: vectors
// over the lanes). The only long loop is the one over keys, KEYS at a time.
//
// What such drivers pay for, and what follows:
//  - A buffer load is a small loop over the lanes even if all lanes want the same word. So each lane loads another word
//    of a key, and a shuffle by a constant (two instructions; a broadcast is far slower) hands it to all: one load per
//    subgroup and word, shared by all rows of all lanes.
//  - Every place that touches a buffer costs compile time, faster than linearly. So queries enter and outputs leave
//    through short real loops that move DIM_CHUNK elements and shift the whole register array by as much.
//  - Branches are flattened, so the mask is always applied.

const uint ROW_COUNT = ROWS / WORKGROUP; // query rows of a lane
#if VT_DTYPE == VT_F32
const uint WORD = 1u; // elements of a word
#else
const uint WORD = VECTOR != 0u ? 2u : 1u;
#endif
const uint STEP = WORD * WORKGROUP;                // elements that the lanes load together
const bool WHOLE_DIM = DIM % STEP == 0u;           // no load passes the end of a row
const bool WHOLE_VALUE = VALUE_DIM % STEP == 0u;
const uint DIM_MOVES = DIM_PAD / DIM_CHUNK;        // chunks of a row
const uint VALUE_MOVES = VALUE_PAD / DIM_CHUNK;

float query[ROW_COUNT * DIM_PAD];
float acc[ROW_COUNT * VALUE_PAD];
float score[ROW_COUNT * KEYS];
float row_max[ROW_COUNT];
float row_sum[ROW_COUNT];
MapRow rule[ROW_COUNT];

uint lane() { return gl_LocalInvocationIndex; }
uint lane_row(uint i) { return i * WORKGROUP + lane(); }

// The word at element d of a row: x, and y where a word has two elements.
#define VT_WORD_LOADER(NAME, ELEM, WORDS, WHOLE, BOUND)                                                              \
    vec2 NAME(uint row, uint d)                                                                                      \
    {                                                                                                                \
        uint at = row + (WHOLE ? d : min(d, (BOUND) - WORD));                                                        \
        vec2 x = VT_WORD_AT(ELEM, WORDS, at);                                                                        \
        return WHOLE || d < (BOUND) ? x : vec2(0.0);                                                                 \
    }
#if VT_DTYPE == VT_F32
#define VT_WORD_AT(ELEM, WORDS, AT) vec2(ELEM[AT], 0.0)
#else
#define VT_WORD_AT(ELEM, WORDS, AT) (VECTOR != 0u ? vt_word_to_f32(WORDS[(AT) >> 1]) : vec2(vt_to_f32(ELEM[AT]), 0.0))
#endif
VT_WORD_LOADER(word_k, k_elem, k_word, WHOLE_DIM, DIM)
VT_WORD_LOADER(word_v, v_elem, v_word, WHOLE_VALUE, VALUE_DIM)

void load_queries()
{
    uint origin = q_origin();
    for (uint i = 0u; i < ROW_COUNT * DIM_MOVES; ++i) {
        uint row = origin + map_row_token(lane_row(i / DIM_MOVES)) * push.q_token;
        uint d0 = i % DIM_MOVES * DIM_CHUNK;
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_PAD - DIM_CHUNK; ++e)
            query[e] = query[e + DIM_CHUNK];
        [[unroll]] for (uint e = 0u; e < DIM_CHUNK; ++e) {
            float x = load_q(row, min(d0 + e, DIM - 1u));
            query[ROW_COUNT * DIM_PAD - DIM_CHUNK + e] = d0 + e < DIM ? x * push.scale_log2 : 0.0;
        }
    }
}

#ifdef VT_FULL
// Maximum and sum of all rows, one row per turn of the loop; the arrays come back to where they were.
void move_sums(bool resume)
{
    for (uint i = 0u; i < ROW_COUNT; ++i) {
        uint at = carry_row(map_row_token(lane_row(i))) + VALUE_PAD;
        float top = row_max[0];
        float sum = row_sum[0];
        if (resume) {
            top = carry_elem[at];
            sum = carry_elem[at + 1u];
        } else if (map_row_valid(lane_row(i))) {
            carry_elem[at] = top;
            carry_elem[at + 1u] = sum;
        }
        [[unroll]] for (uint r = 0u; r + 1u < ROW_COUNT; ++r) {
            row_max[r] = row_max[r + 1u];
            row_sum[r] = row_sum[r + 1u];
        }
        row_max[ROW_COUNT - 1u] = top;
        row_sum[ROW_COUNT - 1u] = sum;
    }
}

void resume_rows()
{
    move_sums(true);
    for (uint i = 0u; i < ROW_COUNT * VALUE_MOVES; ++i) {
        uint at = carry_row(map_row_token(lane_row(i / VALUE_MOVES))) + i % VALUE_MOVES * DIM_CHUNK;
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_PAD - DIM_CHUNK; ++e)
            acc[e] = acc[e + DIM_CHUNK];
        [[unroll]] for (uint e = 0u; e < DIM_CHUNK; ++e)
            acc[ROW_COUNT * VALUE_PAD - DIM_CHUNK + e] = carry_elem[at + e];
    }
}

void store_lses()
{
    for (uint i = 0u; i < ROW_COUNT; ++i) {
        if (map_row_valid(lane_row(i)))
            store_lse(map_row_token(lane_row(i)), row_max[0], row_sum[0]);
        [[unroll]] for (uint r = 0u; r + 1u < ROW_COUNT; ++r) {
            row_max[r] = row_max[r + 1u];
            row_sum[r] = row_sum[r + 1u];
        }
    }
}
#endif

void layout_begin()
{
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * DIM_PAD; ++e)
        query[e] = 0.0;
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_PAD; ++e)
        acc[e] = 0.0;
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
        row_max[r] = ROW_MAX_START;
        row_sum[r] = 0.0;
        rule[r] = map_row(lane_row(r));
    }
    load_queries();
#ifdef VT_FULL
    if (carry_in())
        resume_rows();
#endif
}

void score_tile(uint rows[KEYS])
{
    [[unroll]] for (uint e = 0u; e < ROW_COUNT * KEYS; ++e)
        score[e] = 0.0;
    [[unroll]] for (uint c = 0u; c < DIM_PAD; c += STEP) {
        vec2 word[KEYS];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u)
            word[u] = word_k(rows[u], c + lane() * WORD);
        [[unroll]] for (uint j = 0u; j < STEP; ++j)
            if (c + j < DIM_PAD) {
                [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
                    float x = subgroupShuffle(word[u][j % WORD], j / WORD);
                    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
                        score[r * KEYS + u] += query[r * DIM_PAD + c + j] * x;
                }
            }
    }
}

void mask_tile()
{
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        MapKey key = map_key(u);
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r)
            score[r * KEYS + u] = map_sees(rule[r], key) ? score[r * KEYS + u] : SCORE_HIDDEN;
    }
}

// From scores to probabilities; `shrink` is what the new maximum makes of all that was summed before.
void soften_tile(out float shrink[ROW_COUNT])
{
    [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
        float top = row_max[r];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u)
            top = max(top, score[r * KEYS + u]);
        shrink[r] = exp2(row_max[r] - top);
        row_max[r] = top;
        row_sum[r] *= shrink[r];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
            score[r * KEYS + u] = exp2(score[r * KEYS + u] - top);
            row_sum[r] += score[r * KEYS + u];
        }
    }
}

void accumulate_tile(uint rows[KEYS], float shrink[ROW_COUNT])
{
    [[unroll]] for (uint c = 0u; c < VALUE_PAD; c += STEP) {
        vec2 word[KEYS];
        [[unroll]] for (uint u = 0u; u < KEYS; ++u)
            word[u] = word_v(rows[u], c + lane() * WORD);
        [[unroll]] for (uint j = 0u; j < STEP; ++j)
            if (c + j < VALUE_PAD) {
                float x[KEYS];
                [[unroll]] for (uint u = 0u; u < KEYS; ++u)
                    x[u] = subgroupShuffle(word[u][j % WORD], j / WORD);
                [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
                    float y = acc[r * VALUE_PAD + c + j] * shrink[r];
                    [[unroll]] for (uint u = 0u; u < KEYS; ++u)
                        y += score[r * KEYS + u] * x[u];
                    acc[r * VALUE_PAD + c + j] = y;
                }
            }
    }
}

void layout_tile(bool full)
{
    uint k_rows[KEYS];
    uint v_rows[KEYS];
    float shrink[ROW_COUNT];
    [[unroll]] for (uint u = 0u; u < KEYS; ++u) {
        uint token = map_key_token(u);
        k_rows[u] = k_origin() + token * push.k_token;
        v_rows[u] = v_origin() + token * push.v_token;
    }
    score_tile(k_rows);
    mask_tile();
    soften_tile(shrink);
    accumulate_tile(v_rows, shrink);
}

// Chunk by chunk from the front of the register array, to `out`, or unnormalised to the carry.
void store_rows(bool suspend)
{
    for (uint i = 0u; i < ROW_COUNT * VALUE_MOVES; ++i) {
        uint row = lane_row(i / VALUE_MOVES);
        uint token = map_row_token(row);
        uint d0 = i % VALUE_MOVES * DIM_CHUNK;
        if (map_row_valid(row)) {
#ifdef VT_FULL
            if (suspend) {
                [[unroll]] for (uint e = 0u; e < DIM_CHUNK; ++e)
                    carry_elem[carry_row(token) + d0 + e] = acc[e];
            } else
#endif
            {
                [[unroll]] for (uint e = 0u; e < DIM_CHUNK; ++e)
                    store_out(out_origin() + token * push.out_token, d0 + e, acc[e]);
            }
        }
        [[unroll]] for (uint e = 0u; e < ROW_COUNT * VALUE_PAD - DIM_CHUNK; ++e)
            acc[e] = acc[e + DIM_CHUNK];
    }
}

void layout_end()
{
    bool suspend = carry_out();
    if (!suspend)
        [[unroll]] for (uint r = 0u; r < ROW_COUNT; ++r) {
            float factor = row_factor(row_sum[r]);
            [[unroll]] for (uint e = 0u; e < VALUE_PAD; ++e)
                acc[r * VALUE_PAD + e] *= factor;
        }
    store_rows(suspend);
#ifdef VT_FULL
    if (suspend)
        move_sums(false);
    else
        store_lses();
#endif
}
