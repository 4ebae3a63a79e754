// SPDX-License-Identifier: MIT
//
// What the layouts with matrix units share: rows of Q, K and V pass through shared memory as they are stored, and
// scores are products of cooperative matrices with f32 sums. A workgroup is several subgroups, each of which owns
// SUBGROUP_ROWS query rows of the tile. V takes the memory of K.
//
// Where registers abound (HOLD) Q is read into matrices once and stays there; its rows then pass through the memory of
// K as well. Else Q stays in shared memory, behind K.

#include "matrix_type.glsl"

layout(constant_id = VT_SPEC_SUBGROUP) const uint SUBGROUP = 32u;
layout(constant_id = VT_SPEC_MATRIX + 0) const uint MATRIX_M = 4u;
layout(constant_id = VT_SPEC_MATRIX + 1) const uint MATRIX_N = 4u;
layout(constant_id = VT_SPEC_MATRIX + 2) const uint MATRIX_K = 4u;
layout(constant_id = VT_SPEC_HOLD) const uint HOLD = 0u;

#if VT_DTYPE == VT_BF16
uvec2 words_of(vec4 x) { return vt_from_f32x4(x); }
#else
// Not packHalf2x16, which some devices round towards zero.
uvec2 words_of(vec4 x) { return uvec2(packFloat2x16(f16vec2(x.xy)), packFloat2x16(f16vec2(x.zw))); }
#endif

#define VT_MATRIX_A coopmat<VT_MATRIX_ELEM, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA>
#define VT_MATRIX_B coopmat<VT_MATRIX_ELEM, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB>
#define VT_MATRIX_C coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>
#define VT_BY_ROW gl_CooperativeMatrixLayoutRowMajor
#define VT_BY_COLUMN gl_CooperativeMatrixLayoutColumnMajor

const uint SUBGROUP_ROWS = ROWS / (WORKGROUP / SUBGROUP);
const uint ROW_BLOCKS = SUBGROUP_ROWS / MATRIX_M; // matrices of a subgroup, along rows
const uint DIM_BLOCKS = DIM_PAD / MATRIX_K;       // along q . k
const uint KEY_BLOCKS = KEYS / MATRIX_N;          // along the keys of a tile
const uint OUT_BLOCKS = VALUE_PAD / MATRIX_N;     // along the outputs
const bool HELD = HOLD != 0u;
const uint HELD_BLOCKS = HELD ? DIM_BLOCKS : 1u;

// Lengths of arrays, each a constant of its own: arrays whose lengths are alike by an expression have different types.
const uint QUERY_BLOCKS = ROW_BLOCKS * HELD_BLOCKS;
const uint SCORE_BLOCKS = ROW_BLOCKS * KEY_BLOCKS;
const uint SUM_BLOCKS = ROW_BLOCKS * OUT_BLOCKS;

// In words of four elements, 16 bytes more than needed: that spreads rows over the banks.
const uint Q_STRIDE = DIM_PAD / 4u + 2u;
const uint V_STRIDE = VALUE_PAD / 4u + 2u;
const uint KV_SIZE = KEYS * (Q_STRIDE > V_STRIDE ? Q_STRIDE : V_STRIDE);
const uint Q_SIZE = ROWS * Q_STRIDE;
const uint Q_PLACE = HELD ? 0u : KV_SIZE;

shared uvec2 stage[HELD ? (KV_SIZE > Q_SIZE ? KV_SIZE : Q_SIZE) : KV_SIZE + Q_SIZE];

VT_MATRIX_A held[QUERY_BLOCKS];
VT_MATRIX_C acc[SUM_BLOCKS];
uint first_row; // of this subgroup

// Four elements as they are stored; past the real dim they are 0.
#define VT_WORD_LOADER(NAME, LOAD4, ELEM4, BOUND)                                                                    \
    uvec2 NAME(uint row, uint d)                                                                                     \
    {                                                                                                                \
        if (VECTOR != 0u)                                                                                            \
            return d < (BOUND) ? ELEM4[(row + d) >> 2] : uvec2(0u);                                                  \
        return words_of(LOAD4(row, d));                                                                              \
    }
VT_WORD_LOADER(word_q, load_q4, q_elem4, DIM)
VT_WORD_LOADER(word_k, load_k4, k_elem4, DIM)
VT_WORD_LOADER(word_v, load_v4, v_elem4, VALUE_DIM)

void stage_queries()
{
    uint origin = q_origin();
    for (uint i = gl_LocalInvocationIndex; i < ROWS * (DIM_PAD / 4u); i += WORKGROUP) {
        uint row = i / (DIM_PAD / 4u);
        uint d = i % (DIM_PAD / 4u);
        stage[Q_PLACE + row * Q_STRIDE + d] = word_q(origin + query_row(row), d * 4u);
    }
}

void stage_keys()
{
    uint origin = k_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * (DIM_PAD / 4u); i += WORKGROUP) {
        uint c = i / (DIM_PAD / 4u);
        uint d = i % (DIM_PAD / 4u);
        stage[c * Q_STRIDE + d] = word_k(origin + k_place(map_key_token(c)), d * 4u);
    }
}

void stage_values()
{
    uint origin = v_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * (VALUE_PAD / 4u); i += WORKGROUP) {
        uint c = i / (VALUE_PAD / 4u);
        uint d = i % (VALUE_PAD / 4u);
        stage[c * V_STRIDE + d] = word_v(origin + v_place(map_key_token(c)), d * 4u);
    }
}

// Block d of the dims of all rows of this subgroup.
void load_queries(uint d, out VT_MATRIX_A query[ROW_BLOCKS])
{
    [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
        coopMatLoad(query[i], stage, Q_PLACE + (first_row + i * MATRIX_M) * Q_STRIDE + d * (MATRIX_K / 4u), Q_STRIDE,
                    VT_BY_ROW);
}

void hold_queries()
{
    [[unroll]] for (uint d = 0u; d < HELD_BLOCKS; ++d) {
        VT_MATRIX_A query[ROW_BLOCKS];
        load_queries(d, query);
        [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
            held[d * ROW_BLOCKS + i] = query[i];
    }
}

// A tile begins with a barrier, and only then its keys are staged.
void begin_matrices()
{
    first_row = gl_SubgroupID * SUBGROUP_ROWS;
    [[unroll]] for (uint n = 0u; n < SUM_BLOCKS; ++n)
        acc[n] = VT_MATRIX_C(0.0);
    if (!map_weighs())
        stage_queries();
    if (HELD && !map_weighs()) {
        barrier();
        hold_queries();
    }
}

void add_products(uint d, VT_MATRIX_A query[ROW_BLOCKS], inout VT_MATRIX_C sum[SCORE_BLOCKS])
{
    [[unroll]] for (uint j = 0u; j < KEY_BLOCKS; ++j) {
        VT_MATRIX_B key;
        coopMatLoad(key, stage, j * MATRIX_N * Q_STRIDE + d * (MATRIX_K / 4u), Q_STRIDE, VT_BY_COLUMN);
        [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
            sum[i * KEY_BLOCKS + j] = coopMatMulAdd(query[i], key, sum[i * KEY_BLOCKS + j]);
    }
}

// Of this subgroup's rows and the staged keys, without scale.
void score_tile(out VT_MATRIX_C sum[SCORE_BLOCKS])
{
    VT_MATRIX_A query[ROW_BLOCKS];
    [[unroll]] for (uint n = 0u; n < SCORE_BLOCKS; ++n)
        sum[n] = VT_MATRIX_C(0.0);
    if (HELD) {
        [[unroll]] for (uint d = 0u; d < HELD_BLOCKS; ++d) {
            [[unroll]] for (uint i = 0u; i < ROW_BLOCKS; ++i)
                query[i] = held[d * ROW_BLOCKS + i];
            add_products(d, query, sum);
        }
    } else {
        for (uint d = 0u; d < DIM_BLOCKS; ++d) {
            load_queries(d, query);
            add_products(d, query, sum);
        }
    }
}
