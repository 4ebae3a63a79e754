// SPDX-License-Identifier: MIT
//
// Several parts of one output: their sum, each times a gain and with a residual; their merge by log-sum-exps; or the same of
// running states, as attention leaves them (VT_FLAG_CARRY_OUT), of the entries of a row's list or the shares of its keys. An invocation owns a few
// words of one row and reads all that it needs before it writes, so that the output may be one of the parts. f32 inside.
// Parts that no one binding holds together are several dispatches', which hand on what each invocation has so far.
//
//   VT_DTYPE  VT_F32, VT_F16 or VT_BF16: storage of parts, residual and output (states are f32)
//
// Grid: x words of rows, y heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : enable

#include "iface/interface.h"
#include "lib/element.glsl"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_COMBINE_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_COMBINE_SPEC_MODE) const uint MODE = 0u;
layout(constant_id = VT_COMBINE_SPEC_DIM) const uint DIM = 64u;
layout(constant_id = VT_COMBINE_SPEC_VECTOR) const uint VECTOR = 0u;
layout(constant_id = VT_COMBINE_SPEC_PAD) const uint PAD = 64u;
layout(constant_id = VT_COMBINE_SPEC_LANES) const uint LANES = 1u;
layout(constant_id = VT_COMBINE_SPEC_HEADS) const uint HEADS = 1u;
layout(constant_id = VT_COMBINE_SPEC_GROUP) const uint GROUP = 1u;
layout(constant_id = VT_COMBINE_SPEC_LENGTHS) const uint LENGTHS = 0u;
layout(constant_id = VT_COMBINE_SPEC_LENGTHS_AT) const uint LENGTHS_AT = 0u;

layout(set = 0, binding = VT_COMBINE_SLOT_PARTS, std430) readonly buffer VtParts { VT_ELEM part_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_PARTS, std430) readonly buffer VtParts4 { VT_ELEM4 part_elem4[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_PARTS, std430) readonly buffer VtStates { float state_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_WEIGHTS, std430) readonly buffer VtWeights { float weight_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_WEIGHTS, std430) readonly buffer VtLists { uint list_word[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_RESIDUAL, std430) readonly buffer VtResidual { VT_ELEM residual_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_RESIDUAL, std430) readonly buffer VtResidual4 { VT_ELEM4 residual_elem4[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_OUT, std430) writeonly buffer VtOut { VT_ELEM out_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_OUT, std430) writeonly buffer VtOut4 { VT_ELEM4 out_elem4[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_LSE, std430) writeonly buffer VtLse { float lse_elem[]; };
layout(set = 0, binding = VT_COMBINE_SLOT_CARRY, std430) buffer VtCarry { float carry_elem[]; };

const uint WIDTH = VECTOR != 0u ? 4u : 1u;             // elements of a word
const uint WORDS = DIM / WIDTH;                        // of a row
const uint QUADS = VT_COMBINE_QUADS;                   // words of an invocation, ROW_LANES apart
const uint ROW_LANES = (WORDS + QUADS - 1u) / QUADS;   // invocations of a row
const bool OF_STATES = MODE >= VT_COMBINE_STATE;
const float LOWEST = -3.0e38;
const float LN2 = 0.69314718055994531;

vec4 acc[QUADS]; // a word of one element is x
float row_top;   // of a merge, and the sum of weights by it
float row_total;
uint lane;
uint row;
uint head;

// First element of word i of this invocation, or of one that exists.
uint word_at(uint i) { return min(lane + i * ROW_LANES, WORDS - 1u) * WIDTH; }

vec4 load_part(uint at)
{
    if (OF_STATES) {
        vec4 x = vec4(state_elem[at], 0.0, 0.0, 0.0);
        if (VECTOR != 0u)
            x = vec4(x.x, state_elem[at + 1u], state_elem[at + 2u], state_elem[at + 3u]);
        return x;
    }
    return VECTOR != 0u ? vt_to_f32x4(part_elem4[at >> 2]) : vec4(vt_to_f32(part_elem[at]), 0.0, 0.0, 0.0);
}

vec4 load_residual(uint at)
{
    return VECTOR != 0u ? vt_to_f32x4(residual_elem4[at >> 2]) : vec4(vt_to_f32(residual_elem[at]), 0.0, 0.0, 0.0);
}

uint part_at(uint part)
{
    uint state = PAD + 1u + LANES;
    uint own = OF_STATES ? head % HEADS * state : 0u;
    return push.x_base + gl_WorkGroupID.z * push.x_batch + head / HEADS * push.x_head + row * push.x_token +
           part * push.x_part + own;
}

uint weight_at(uint part)
{
    return push.w_base + gl_WorkGroupID.z * push.w_batch + head / GROUP * push.w_head + row * push.w_token +
           part * push.w_part;
}

void add_up()
{
    for (uint part = 0u; part < push.parts; ++part) {
        float gain = (push.flags & VT_COMBINE_WEIGHTED) != 0u ? weight_elem[weight_at(part)] : 1.0;
        uint at = part_at(part);
        [[unroll]] for (uint i = 0u; i < QUADS; ++i)
            acc[i] += gain * load_part(at + word_at(i));
    }
    if ((push.flags & VT_COMBINE_RESIDUAL) == 0u)
        return;
    uint at = push.r_base + gl_WorkGroupID.z * push.r_batch + head * push.r_head + row * push.r_token;
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        acc[i] += load_residual(at + word_at(i));
}

// Maximum (of a merge: the log-sum-exp) and sum of a part. False: it has nothing, and what it holds is not looked at.
bool weigh(uint part, out float top, out float sum)
{
    top = LOWEST;
    sum = 1.0;
    if (MODE == VT_COMBINE_MERGE) {
        top = weight_elem[weight_at(part)];
        return top != uintBitsToFloat(0xff800000u);
    }
    if (MODE == VT_COMBINE_STATE && list_word[weight_at(part)] == VT_LIST_END)
        return false;
    uint at = part_at(part) + PAD;
    top = state_elem[at];
    sum = 0.0;
    for (uint i = 1u; i <= LANES; ++i)
        sum += state_elem[at + i];
    return sum != 0.0;
}

// Base e in a merge, base 2 among states.
float power(float x) { return MODE == VT_COMBINE_MERGE ? exp(x) : exp2(x); }

// The parts that have anything join what there is.
void merge()
{
    float before = row_top;
    for (uint part = 0u; part < push.parts; ++part) {
        float own;
        float sum;
        if (weigh(part, own, sum))
            row_top = max(row_top, own);
    }
    float shrink = power(before - row_top);
    row_total *= shrink;
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        acc[i] *= shrink;
    for (uint part = 0u; part < push.parts; ++part) {
        float own;
        float sum;
        if (weigh(part, own, sum)) {
            float weight = power(own - row_top);
            uint at = part_at(part);
            row_total += weight * sum;
            [[unroll]] for (uint i = 0u; i < QUADS; ++i)
                acc[i] += weight * load_part(at + word_at(i));
        }
    }
}

// A row of which no part has anything gives 0 and -inf.
void close_merge()
{
    float factor = row_total != 0.0 ? 1.0 / row_total : 0.0;
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        acc[i] *= factor;
    float lse = (MODE == VT_COMBINE_MERGE ? row_top : row_top * LN2) + log(row_total);
    if ((push.flags & VT_COMBINE_LSE) != 0u && lane == 0u)
        lse_elem[push.l_base + gl_WorkGroupID.z * push.l_batch + head * push.l_head + row] =
            row_total != 0.0 ? lse : uintBitsToFloat(0xff800000u);
}

// Where this invocation keeps what it has so far.
uint carry_at()
{
    uint slice = gl_WorkGroupID.z * gl_NumWorkGroups.y + head;
    return ((slice * push.rows + row) * ROW_LANES + lane) * (QUADS * 4u + 2u);
}

void resume()
{
    uint at = carry_at();
    row_top = carry_elem[at];
    row_total = carry_elem[at + 1u];
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        [[unroll]] for (uint e = 0u; e < 4u; ++e)
            acc[i][e] = carry_elem[at + 2u + i * 4u + e];
}

void suspend()
{
    uint at = carry_at();
    carry_elem[at] = row_top;
    carry_elem[at + 1u] = row_total;
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        [[unroll]] for (uint e = 0u; e < 4u; ++e)
            carry_elem[at + 2u + i * 4u + e] = acc[i][e];
}

void write_word(uint at, uint i)
{
    if (lane + i * ROW_LANES >= WORDS)
        return;
    if (VECTOR != 0u)
        out_elem4[(at + word_at(i)) >> 2] = vt_from_f32x4(acc[i]);
    else
        out_elem[at + word_at(i)] = vt_from_f32(acc[i].x);
}

// Spelt out (lib/combine.c sees to their number): V3D's compiler does not unroll a loop with a condition inside, and then
// keeps acc in memory.
void write_out()
{
    uint at = push.o_base + gl_WorkGroupID.z * push.o_batch + head * push.o_head + row * push.o_token;
    write_word(at, 0u);
    write_word(at, 1u);
    write_word(at, 2u);
    write_word(at, 3u);
}

// Whether attention has left states for the row at all.
bool row_exists()
{
    if (row >= push.rows)
        return false;
    if (LENGTHS == 0u)
        return true;
    uint entry = LENGTHS == VT_COMBINE_OF_ENTRIES ? push.w_batch + gl_WorkGroupID.z : 0u;
    return push.w_base + row < list_word[LENGTHS_AT + entry];
}

void main()
{
    row = gl_GlobalInvocationID.x / ROW_LANES;
    lane = gl_GlobalInvocationID.x % ROW_LANES;
    head = gl_WorkGroupID.y;
    if (!row_exists())
        return;
    [[unroll]] for (uint i = 0u; i < QUADS; ++i)
        acc[i] = vec4(0.0);
    row_top = LOWEST;
    row_total = 0.0;
    if ((push.flags & VT_COMBINE_CARRY_IN) != 0u)
        resume();
    if (MODE == VT_COMBINE_SUM)
        add_up();
    else
        merge();
    if ((push.flags & VT_COMBINE_CARRY_OUT) != 0u) {
        suspend();
        return;
    }
    if (MODE != VT_COMBINE_SUM)
        close_merge();
    write_out();
}
