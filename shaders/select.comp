// SPDX-License-Identifier: MIT
//
// Selection: which blocks a row goes by, each row by a budget of its own. An invocation owns one row of one list head; its
// scores lie `rows` apart, so that neighbours read neighbours. First the scores of all heads that share the list become one
// order for each block (join.glsl); then a limit is found among the orders (limit.glsl); last the forced blocks and those
// above the limit are listed in ascending order. Rows that share a budget are rank.comp's.
//
// Grid: x rows, y list heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_SELECT_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_SELECT_SPEC_BUDGET) const uint BUDGET = 0u; // VT_BUDGET_*
layout(constant_id = VT_SELECT_SPEC_ENTRIES) const uint ENTRIES = 1u; // of a list; also the budget of VT_BUDGET_TOP
layout(constant_id = VT_SELECT_SPEC_LEAST) const uint LEAST = 0u;     // others than forced ones, at least
layout(constant_id = VT_SELECT_SPEC_SHARE) const float SHARE = 1.0;   // of VT_BUDGET_MASS; VT_BUDGET_THRESHOLD: the value

layout(set = 0, binding = VT_SELECT_SLOT_SCORES, std430) buffer VtScores { uint score_word[]; };
layout(set = 0, binding = VT_SELECT_SLOT_LISTS, std430) writeonly buffer VtLists { uint list_word[]; };
layout(set = 0, binding = VT_SELECT_SLOT_COUNTS, std430) writeonly buffer VtCounts { uint count_word[]; };
layout(set = 0, binding = VT_SELECT_SLOT_BIAS, std430) readonly buffer VtBias { float bias_elem[]; };

#include "lib/order.glsl"
#include "lib/places.glsl"
#include "lib/join.glsl"

uint rows;
uint at_0; // order of block 0

uint order_at(uint n) { return score_word[at_0 + n * rows]; }

#include "lib/limit.glsl"

float weight_low; // weight = (value - low) x factor
float weight_factor;

float weight(uint order) { return order == ORDER_NAN ? 0.0 : (value_of(order) - weight_low) * weight_factor; }

// Weights are the values, or those from the least to the largest of the row made 0 to 1.
void set_weights()
{
    weight_low = 0.0;
    weight_factor = 1.0;
    if (!has(VT_SELECT_MIN_MAX))
        return;
    bool spread = lowest < highest;
    weight_low = spread ? value_of(lowest) : 0.0;
    weight_factor = spread ? 1.0 / (value_of(highest) - weight_low) : 0.0;
}

// Weight of the others whose order is `from` or more; not for 0.
float weigh_from(uint from)
{
    float sum = 0.0;
    for (uint n = 0u; n < line_end; ++n) {
        uint order = order_at(n);
        if (is_other(order, from))
            sum += weight(order);
    }
    return sum;
}

// The largest order whose others, from there up, weigh so much. 0: all of them together do not.
uint limit_of_weight(float wanted)
{
    uint result = 0u;
    for (uint bit = 0x80000000u; bit != 0u; bit >>= 1)
        if (weigh_from(result | bit) >= wanted)
            result |= bit;
    return result;
}

// Others in the smallest prefix, sorted by weight, whose share together with the forced ones' reaches SHARE.
uint count_of_mass()
{
    float held = (forced_sum - float(forced_numbers) * weight_low) * weight_factor;
    float wanted = SHARE * (weigh_from(ORDER_NAN) + held) - held;
    if (!(wanted > 0.0))
        return 0u;
    uint limit = limit_of_weight(wanted);
    if (limit == 0u)
        return others_count;
    bool last = limit == ORDER_FORCED;
    uint above = last ? 0u : count_from(limit + 1u);
    float weight_above = last ? 0.0 : weigh_from(limit + 1u);
    uint ties = count_from(limit) - above;
    float each = (weigh_from(limit) - weight_above) / float(ties);
    uint taken = each > 0.0 ? clamp(uint(ceil((wanted - weight_above) / each)), 1u, ties) : ties;
    return above + taken - (has(VT_SELECT_CROSSING_OUT) ? 1u : 0u);
}

// How many others than the forced ones are in.
uint budget()
{
    uint room = ENTRIES - min(ENTRIES, forced_count);
    uint wanted = room;
    if (BUDGET == VT_BUDGET_MASS)
        wanted = count_of_mass();
    if (BUDGET == VT_BUDGET_THRESHOLD)
        wanted = count_from(order_of(floatBitsToUint(SHARE)));
    return min(min(max(wanted, LEAST), room), others_count);
}

void list_blocks(uint limit, uint skipped_ties, uint list)
{
    uint used = 0u;
    uint ties = 0u;
    for (uint n = 0u; n < line_end && used < ENTRIES; ++n) {
        uint x = order_at(n);
        bool in_list = x == ORDER_FORCED || x > limit;
        if (!in_list && x == limit)
            in_list = ties++ >= skipped_ties;
        if (in_list)
            list_word[list + used++] = n;
    }
    if (has(VT_SELECT_COUNTS))
        count_word[push.count_base + gl_WorkGroupID.z * push.count_batch + gl_WorkGroupID.y * push.count_head +
                   gl_GlobalInvocationID.x] = used;
    for (; used < ENTRIES; ++used)
        list_word[list + used] = VT_LIST_END;
}

void main()
{
    uint row = gl_GlobalInvocationID.x;
    rows = push.row_end - push.row_first;
    if (row >= rows)
        return;
    find_place(push.row_first + row);
    line_end = listable;
    at_0 = push.s_base + gl_WorkGroupID.z * push.s_batch + gl_WorkGroupID.y * GROUP * push.s_head + row;
    join_heads(at_0, rows, push.bias_base + gl_WorkGroupID.z * push.bias_batch + gl_WorkGroupID.y * push.bias_head +
                               row * push.bias_row);
    set_weights();
    uint wanted = budget();
    uint limit = wanted == others_count && wanted > 0u ? ORDER_NAN : limit_of_count(wanted);
    uint ties_left = limit == ORDER_FORCED ? 0u : count_from(limit) - wanted;
    uint list = push.list_base + gl_WorkGroupID.z * push.list_batch + gl_WorkGroupID.y * push.list_head +
                row * push.list_row;
    list_blocks(limit, ties_left, list);
}
