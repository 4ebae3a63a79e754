// SPDX-License-Identifier: MIT
//
// Scores of query rows and pooled key blocks: one product for each pair and query head, f32, not scaled but by
// push.scale. An invocation owns a few rows, WORKGROUP apart, and a few blocks, so that what it loads serves several
// products; the blocks of neighbours are the same, their rows follow each other, and so do the scores that they write.
//
//   VT_DTYPE  VT_F32, VT_F16 or VT_BF16: storage of q
//
// Grid: x rows, then groups of blocks; y heads; z batch.

#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : enable

#include "iface/interface.h"
#include "lib/element.glsl"

#define VT_UINT uint
#define VT_FLOAT float
layout(push_constant, std430) uniform VtPush { VT_SCORE_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_SPEC_WORKGROUP) const uint WORKGROUP = 64u;
layout(constant_id = VT_SELECT_SPEC_DIM) const uint DIM = 64u;
layout(constant_id = VT_SELECT_SPEC_VECTOR) const uint VECTOR = 0u; // 1: rows start at multiples of 4 and DIM is one

layout(set = 0, binding = VT_SCORE_SLOT_Q, std430) readonly buffer VtQ { VT_ELEM q_elem[]; };
layout(set = 0, binding = VT_SCORE_SLOT_Q, std430) readonly buffer VtQ4 { VT_ELEM4 q_elem4[]; };
layout(set = 0, binding = VT_SCORE_SLOT_K, std430) readonly buffer VtK { float k_elem[]; };
layout(set = 0, binding = VT_SCORE_SLOT_K, std430) readonly buffer VtK4 { vec4 k_elem4[]; };
layout(set = 0, binding = VT_SCORE_SLOT_SCORES, std430) writeonly buffer VtScores { float score_elem[]; };

const uint BLOCKS = VT_SELECT_BLOCKS_AT_ONCE;
const uint ROWS = VT_SELECT_ROWS_AT_ONCE;

uint q_at[ROWS];
uint k_at[BLOCKS];
float sum[ROWS * BLOCKS];

void add_products_by_four()
{
    for (uint d = 0u; d < DIM; d += 4u) {
        vec4 q[ROWS];
        [[unroll]] for (uint r = 0u; r < ROWS; ++r)
            q[r] = vt_to_f32x4(q_elem4[(q_at[r] + d) >> 2]);
        [[unroll]] for (uint i = 0u; i < BLOCKS; ++i) {
            vec4 k = k_elem4[(k_at[i] + d) >> 2];
            [[unroll]] for (uint r = 0u; r < ROWS; ++r)
                sum[r * BLOCKS + i] += dot(q[r], k);
        }
    }
}

void add_products()
{
    for (uint d = 0u; d < DIM; ++d) {
        float q[ROWS];
        [[unroll]] for (uint r = 0u; r < ROWS; ++r)
            q[r] = vt_to_f32(q_elem[q_at[r] + d]);
        [[unroll]] for (uint i = 0u; i < BLOCKS; ++i) {
            float k = k_elem[k_at[i] + d];
            [[unroll]] for (uint r = 0u; r < ROWS; ++r)
                sum[r * BLOCKS + i] += q[r] * k;
        }
    }
}

void main()
{
    uint rows = push.rows;
    uint row_groups = (rows + WORKGROUP * ROWS - 1u) / (WORKGROUP * ROWS);
    uint row = gl_WorkGroupID.x % row_groups * WORKGROUP * ROWS + gl_LocalInvocationIndex;
    uint first = gl_WorkGroupID.x / row_groups * BLOCKS;
    uint head = gl_WorkGroupID.y;
    if (row >= rows)
        return;
    uint kv_head = (push.head_first + head) / push.group - push.head_first / push.group;
    [[unroll]] for (uint r = 0u; r < ROWS; ++r)
        q_at[r] = push.q_base + gl_WorkGroupID.z * push.q_batch + head * push.q_head +
                  min(row + r * WORKGROUP, rows - 1u) * push.q_token;
    [[unroll]] for (uint i = 0u; i < BLOCKS; ++i)
        k_at[i] = push.k_base + gl_WorkGroupID.z * push.k_batch + kv_head * push.k_head +
                  min(first + i, push.blocks - 1u) * push.k_block;
    [[unroll]] for (uint n = 0u; n < ROWS * BLOCKS; ++n)
        sum[n] = 0.0;
    if (VECTOR != 0u)
        add_products_by_four();
    else
        add_products();
    uint at = push.s_base + gl_WorkGroupID.z * push.s_batch + head * push.s_head + row;
    [[unroll]] for (uint i = 0u; i < BLOCKS; ++i)
        [[unroll]] for (uint r = 0u; r < ROWS; ++r)
            if (first + i < push.blocks && row + r * WORKGROUP < rows)
                score_elem[at + r * WORKGROUP + (first + i) * rows] = sum[r * BLOCKS + i] * push.scale;
}
