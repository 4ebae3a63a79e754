// SPDX-License-Identifier: MIT
//
// Selection: which blocks a row goes by. An invocation owns one row of one list head; its scores lie `rows` apart, so
// that neighbours read neighbours. First the scores of all heads that share the list become one value for each block,
// in the place of the first head's; then a threshold is found, over the values as unsigned numbers of the same order:
// from the top down for short lists, else bit by bit; last the blocks at and above it are listed in ascending order.
//
// Blocks [0, own_last] are candidates under causality, else all. Some are in whatever their value (forced): they count
// towards the budget. Among equal values the higher block wins. NaN is below every number.
//
// Grid: x rows, y list heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
#define VT_FLOAT float
layout(push_constant, std430) uniform VtPush { VT_SELECT_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_SELECT_SPEC_FLAGS) const uint FLAGS = 0u;
layout(constant_id = VT_SELECT_SPEC_BUDGET) const uint BUDGET = 0u; // VT_BUDGET_*
layout(constant_id = VT_SELECT_SPEC_ENTRIES) const uint ENTRIES = 1u; // of a list; also the budget of VT_BUDGET_TOP
layout(constant_id = VT_SELECT_SPEC_LEAST) const uint LEAST = 0u;     // others than forced ones, at least
layout(constant_id = VT_SELECT_SPEC_GROUP) const uint GROUP = 1u;     // query heads that share a list
layout(constant_id = VT_SELECT_SPEC_FIRST) const uint FIRST = 0u;     // forced: blocks before this one
layout(constant_id = VT_SELECT_SPEC_LOCAL) const uint LOCAL = 0u;     // forced: so many up to the last own block
layout(constant_id = VT_SELECT_SPEC_SHARE) const float SHARE = 1.0;   // of VT_BUDGET_MASS; VT_BUDGET_THRESHOLD: the value

layout(set = 0, binding = VT_SELECT_SLOT_SCORES, std430) buffer VtScores { float score_elem[]; };
layout(set = 0, binding = VT_SELECT_SLOT_LISTS, std430) writeonly buffer VtLists { uint list_word[]; };
layout(set = 0, binding = VT_SELECT_SLOT_COUNTS, std430) writeonly buffer VtCounts { uint count_word[]; };

uint rows;
uint at_0;        // value of block 0
uint candidates;  // blocks [0, candidates)
int own_first;    // blocks that hold the row's tokens
int own_last;
float weight_low; // weight = (value - low) x factor
float weight_factor;

bool has(uint flag) { return (FLAGS & flag) != 0u; }

float value(uint n) { return score_elem[at_0 + n * rows]; }

bool forced(uint n)
{
    int block = int(n);
    bool result = n < FIRST;
    if (has(VT_SELECT_OWN))
        result = result || (block >= own_first && block <= own_last);
    if (LOCAL > 0u)
        result = result || (block <= own_last && block > own_last - int(LOCAL));
    return result;
}

bool is_number(float x) { return (floatBitsToUint(x) & 0x7fffffffu) <= 0x7f800000u; }

// Same order as the numbers, 1 for NaN, never 0.
uint order(float x)
{
    uint bits = floatBitsToUint(x);
    if (!is_number(x))
        return 1u;
    return (bits & 0x80000000u) != 0u ? max(~bits, 2u) : bits | 0x80000000u;
}

float weight(float x) { return !is_number(x) ? 0.0 : (x - weight_low) * weight_factor; }

// One value for each block: shares of a softmax over the candidates if asked for, summed over the heads.
void join_heads(uint head_0)
{
    for (uint g = 0u; g < GROUP; ++g) {
        uint from = head_0 + g * push.s_head;
        float top = -3.0e38;
        float sum = 0.0;
        if (has(VT_SELECT_SOFTMAX)) {
            for (uint n = 0u; n < candidates; ++n)
                top = max(top, score_elem[from + n * rows]);
            for (uint n = 0u; n < candidates; ++n)
                sum += exp(score_elem[from + n * rows] - top);
        }
        for (uint n = 0u; n < candidates; ++n) {
            float x = score_elem[from + n * rows];
            x = has(VT_SELECT_SOFTMAX) ? exp(x - top) / sum : x;
            score_elem[at_0 + n * rows] = g == 0u ? x : score_elem[at_0 + n * rows] + x;
        }
    }
}

// Weights are the values, or those from the least to the largest of the row made 0 to 1.
void set_weights()
{
    weight_low = 0.0;
    weight_factor = 1.0;
    if (!has(VT_SELECT_MIN_MAX))
        return;
    float least = uintBitsToFloat(0x7f800000u);
    float most = uintBitsToFloat(0xff800000u);
    for (uint n = 0u; n < candidates; ++n) {
        float x = value(n);
        least = is_number(x) ? min(least, x) : least;
        most = is_number(x) ? max(most, x) : most;
    }
    weight_low = least;
    weight_factor = most > least ? 1.0 / (most - least) : 0.0;
}

// Others than forced ones whose order is `from` or more: how many, and their weight.
uint count_from(uint from)
{
    uint count = 0u;
    for (uint n = 0u; n < candidates; ++n)
        count += !forced(n) && order(value(n)) >= from ? 1u : 0u;
    return count;
}

float weigh_from(uint from)
{
    float sum = 0.0;
    for (uint n = 0u; n < candidates; ++n)
        if (!forced(n) && order(value(n)) >= from)
            sum += weight(value(n));
    return sum;
}

// The same as order_of_count, from the top down: a walk finds the next lower order and who has it. For fewer than 32
// that is fewer walks than bits.
uint order_of_place(uint wanted)
{
    uint result = 0xffffffffu;
    uint above = 0u;
    for (uint walk = 0u; walk < wanted && above < wanted; ++walk) {
        uint next = 0u;
        uint ties = 0u;
        for (uint n = 0u; n < candidates; ++n) {
            uint x = forced(n) ? 0u : order(value(n));
            if (x >= next && x < result) {
                ties = x == next ? ties + 1u : 1u;
                next = x;
            }
        }
        above += ties;
        result = next;
    }
    return result;
}

// The largest order that so many others, or so much weight, have or pass. 0: all of them together do not.
uint order_of_count(uint wanted)
{
    if (wanted < 32u)
        return order_of_place(wanted);
    uint result = 0u;
    for (uint bit = 0x80000000u; bit != 0u; bit >>= 1)
        if (count_from(result | bit) >= wanted)
            result |= bit;
    return result;
}

uint order_of_weight(float wanted)
{
    uint result = 0u;
    for (uint bit = 0x80000000u; bit != 0u; bit >>= 1)
        if (weigh_from(result | bit) >= wanted)
            result |= bit;
    return result;
}

// Others in the smallest prefix, sorted by weight, whose share together with the forced ones' reaches SHARE.
uint count_of_mass(float forced_weight)
{
    float others = weigh_from(1u);
    float wanted = SHARE * (others + forced_weight) - forced_weight;
    if (!(wanted > 0.0))
        return 0u;
    uint limit = order_of_weight(wanted);
    if (limit == 0u)
        return count_from(1u);
    uint above = limit == 0xffffffffu ? 0u : count_from(limit + 1u);
    float rest = wanted - (limit == 0xffffffffu ? 0.0 : weigh_from(limit + 1u));
    uint ties = count_from(limit) - above;
    float each = (weigh_from(limit) - (wanted - rest)) / float(ties);
    uint taken = each > 0.0 ? clamp(uint(ceil(rest / each)), 1u, ties) : ties;
    return above + taken - (has(VT_SELECT_CROSSING_OUT) ? 1u : 0u);
}

// How many others than the forced ones the budget has.
uint budget(uint forced_count, float forced_weight)
{
    uint room = ENTRIES - min(ENTRIES, forced_count);
    uint wanted = room;
    if (BUDGET == VT_BUDGET_MASS)
        wanted = count_of_mass(forced_weight);
    if (BUDGET == VT_BUDGET_THRESHOLD)
        wanted = count_from(order(SHARE));
    return min(max(wanted, LEAST), room);
}

void list_blocks(uint limit, uint skipped_ties, uint list)
{
    uint used = 0u;
    uint ties = 0u;
    for (uint n = 0u; n < candidates && used < ENTRIES; ++n) {
        uint x = order(value(n));
        bool in_list = forced(n) || x > limit;
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

void find_own(uint row)
{
    own_first = -1;
    own_last = int(push.blocks) - 1;
    if (push.block_tokens != 0u) {
        uint token = (push.row_first + row) * push.row_tokens + push.row_shift;
        own_first = int(token / push.block_tokens);
        own_last = int((token + push.row_tokens - 1u) / push.block_tokens);
    }
    candidates = has(VT_SELECT_CAUSAL) ? min(uint(own_last) + 1u, push.blocks) : push.blocks;
}

void main()
{
    uint row = gl_GlobalInvocationID.x;
    rows = push.row_end - push.row_first;
    if (row >= rows)
        return;
    find_own(row);
    at_0 = push.s_base + gl_WorkGroupID.z * push.s_batch + gl_WorkGroupID.y * GROUP * push.s_head + row;
    join_heads(at_0);
    set_weights();
    uint forced_count = 0u;
    float forced_weight = 0.0;
    for (uint n = 0u; n < candidates; ++n)
        if (forced(n)) {
            ++forced_count;
            forced_weight += weight(value(n));
        }
    uint others = candidates - forced_count;
    uint wanted = budget(forced_count, forced_weight);
    // 0xffffffff is above every order: none
    uint limit = wanted == 0u ? 0xffffffffu : wanted >= others ? 0u : order_of_count(wanted);
    uint ties_left = limit == 0u || limit == 0xffffffffu ? 0u : count_from(limit) - wanted;
    uint list = push.list_base + gl_WorkGroupID.z * push.list_batch + gl_WorkGroupID.y * push.list_head +
                row * push.list_row;
    list_blocks(limit, ties_left, list);
}
