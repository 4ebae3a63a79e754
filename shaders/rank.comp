// SPDX-License-Identifier: MIT
//
// A budget over many lines of values, which many workgroups share: lines are rows of blocks that have one budget together,
// or with VT_TOPK the pieces of one long row. Passes alternate: in one over lines an invocation owns a line, and its
// workgroup leaves what it counted as a partial; in one over groups a workgroup adds up the partials of its group, in an
// order that is always the same, and decides. The limit that is found that way, two bits at a time, is the one that
// select.comp finds alone: what is above it is in, and of what equals it the last ones.
//
// Lines of a group follow each other by head, then row; of VT_TOPK by place.
//
// Where each block has a budget (VT_SELECT_BY_BLOCK), lines are rows at first and at last: in between they are pairs of a row
// and the group's block. Those that are not in lose their orders, and rows list what they still have.
//
// Grid: x groups of rows, in passes over lines by the workgroups of a group; y groups of heads, where groups are of blocks
// by the blocks of each; z batch. A dispatch may be a piece of it along x and y: workgroups of a pass write what no other
// reads or writes, so it does not matter which run together.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_SELECT_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_SPEC_WORKGROUP) const uint WORKGROUP = 64u; // a power of two
layout(constant_id = VT_SELECT_SPEC_PASS) const uint PASS = 0u;
layout(constant_id = VT_SELECT_SPEC_BUDGET) const uint BUDGET = 0u;
layout(constant_id = VT_SELECT_SPEC_ENTRIES) const uint ENTRIES = 1u;
layout(constant_id = VT_SELECT_SPEC_LEAST) const uint LEAST = 0u;
layout(constant_id = VT_SELECT_SPEC_SHARE) const float SHARE = 1.0;
layout(constant_id = VT_SELECT_SPEC_HEADS) const uint HEADS = 1u;

layout(set = 0, binding = VT_RANK_SLOT_STATE, std430) buffer VtState { uint state_word[]; };
layout(set = 0, binding = VT_RANK_SLOT_LISTS, std430) writeonly buffer VtLists { uint list_word[]; };
layout(set = 0, binding = VT_RANK_SLOT_COUNTS, std430) writeonly buffer VtCounts { uint count_word[]; };
#ifdef VT_TOPK
layout(set = 0, binding = VT_RANK_SLOT_VALUES, std430) readonly buffer VtValues { uint value_word[]; };
layout(constant_id = VT_SELECT_SPEC_FLAGS) const uint FLAGS = 0u;
bool has(uint flag) { return (FLAGS & flag) != 0u; }
#else
layout(set = 0, binding = VT_RANK_SLOT_VALUES, std430) buffer VtScores { uint score_word[]; };
layout(set = 0, binding = VT_RANK_SLOT_LISTS, std430) readonly buffer VtBias { float bias_elem[]; };
#endif

#include "lib/order.glsl"
#ifndef VT_TOPK
#include "lib/places.glsl"
#include "lib/join.glsl"
#endif

// Words of a group's state.
const uint STATE_LIMIT = 0u;
const uint STATE_WANTED = 1u; // others
const uint STATE_OTHERS = 2u; // all there are
const uint STATE_ROOM = 3u;   // for others
const uint STATE_LOW = 4u;    // weight = (value - low) x factor
const uint STATE_FACTOR = 5u;
const uint STATE_GOAL = 6u;   // weight that others shall reach; before that, what forced ones have
const uint STATE_SKIPPED = 7u; // of those that equal the limit

shared uvec4 shared_words[WORKGROUP];

uint lane;
uint place_y;      // among the workgroups of the pass
uint group;        // along x
uint part;         // workgroup of the group, in passes over lines
uint parts;        // of a group
uint group_rows;   // rows of this group
uint state;        // where its state begins
uint row;          // of the dispatch
uint head;
uint line_at;      // the line's first order
uint line_first;   // and which value that is

#ifdef VT_TOPK
uint order_at(uint n) { return order_of(value_word[line_at + n]); }
#else
uint order_at(uint n) { return score_word[line_at + n * push.s_block]; }
#endif

#include "lib/limit.glsl"

// ---- Sums over a workgroup, in an order that is always the same ----

uvec4 sum_lanes(uvec4 x)
{
    barrier();
    shared_words[lane] = x;
    barrier();
    for (uint half_size = WORKGROUP / 2u; half_size > 0u; half_size /= 2u) {
        if (lane < half_size)
            shared_words[lane] += shared_words[lane + half_size];
        barrier();
    }
    return shared_words[0];
}

vec4 sum_lanes(vec4 x)
{
    barrier();
    shared_words[lane] = floatBitsToUint(x);
    barrier();
    for (uint half_size = WORKGROUP / 2u; half_size > 0u; half_size /= 2u) {
        if (lane < half_size)
            shared_words[lane] = floatBitsToUint(uintBitsToFloat(shared_words[lane]) +
                                                 uintBitsToFloat(shared_words[lane + half_size]));
        barrier();
    }
    return uintBitsToFloat(shared_words[0]);
}

uvec4 most_of_lanes(uvec4 x)
{
    barrier();
    shared_words[lane] = x;
    barrier();
    for (uint half_size = WORKGROUP / 2u; half_size > 0u; half_size /= 2u) {
        if (lane < half_size)
            shared_words[lane] = max(shared_words[lane], shared_words[lane + half_size]);
        barrier();
    }
    return shared_words[0];
}

// Sums of the lanes before this one; `all`: of all lanes.
uvec2 sum_before(uvec2 x, out uvec2 all)
{
    barrier();
    shared_words[lane].xy = x;
    barrier();
    for (uint step = 1u; step < WORKGROUP; step *= 2u) {
        uvec2 before = lane >= step ? shared_words[lane - step].xy : uvec2(0u);
        barrier();
        shared_words[lane].xy += before;
        barrier();
    }
    all = shared_words[WORKGROUP - 1u].xy;
    return shared_words[lane].xy - x;
}

// ---- Where things are ----

uint partial(uint workgroup) { return state + VT_RANK_STATE_WORDS + workgroup * VT_RANK_PARTIAL_WORDS; }

float state_float(uint word) { return uintBitsToFloat(state_word[state + word]); }

bool over_lines()
{
    return PASS == VT_RANK_JOIN || PASS == VT_RANK_MEASURE || PASS == VT_RANK_MASS || PASS == VT_RANK_WEIGH ||
           PASS == VT_RANK_TIES || PASS == VT_RANK_COUNT || PASS == VT_RANK_ENDS || PASS == VT_RANK_MARK ||
           PASS == VT_RANK_LIST;
}

bool by_block() { return has(VT_SELECT_BY_BLOCK) && PASS != VT_RANK_JOIN && PASS != VT_RANK_LIST; }

void find_group()
{
    lane = gl_LocalInvocationIndex;
    parts = push.workgroups;
    uint place_x = push.first_x + gl_WorkGroupID.x;
    place_y = push.first_y + gl_WorkGroupID.y;
    group = over_lines() ? place_x / parts : place_x;
    part = over_lines() ? place_x % parts : 0u;
    uint rows = push.row_end - push.row_first;
    uint groups = (rows - 1u) / push.budget_rows + 1u;
    uint slice = gl_WorkGroupID.z * push.count_y + place_y;
    state = (slice * groups + group) * (VT_RANK_STATE_WORDS + parts * VT_RANK_PARTIAL_WORDS);
    group_rows = min(push.budget_rows, rows - group * push.budget_rows);
}

#ifdef VT_TOPK
// Values [0, result) of the group's row are candidates.
uint candidates()
{
    int last = int(push.row_first + group + push.row_shift);
    return has(VT_SELECT_CAUSAL) ? uint(clamp(last + 1, 0, int(push.blocks))) : push.blocks;
}
#endif

// A line of no length for invocations that have none.
void find_line()
{
    uint line = part * WORKGROUP + lane;
    line_end = 0u;
    line_first = 0u;
#ifdef VT_TOPK
    row = group;
    head = place_y;
    line_first = line * VT_RANK_CHUNK;
    line_end = min(candidates() - min(candidates(), line_first), VT_RANK_CHUNK);
    line_at = push.s_base + gl_WorkGroupID.z * push.s_batch + head * push.s_head + row * push.s_row + line_first;
#else
    uint heads = by_block() ? place_y / push.blocks : place_y; // which group of them
    row = group * push.budget_rows + line % group_rows;
    head = heads * HEADS + line / group_rows;
    line_at = push.s_base + gl_WorkGroupID.z * push.s_batch + head * GROUP * push.s_head + row * push.s_row;
    if (line >= group_rows * HEADS)
        return;
    find_place(push.row_first + row);
    line_end = listable;
    if (by_block()) {
        line_first = place_y % push.blocks;
        line_end = line_first < listable ? 1u : 0u;
        line_at += line_first * push.s_block;
    }
#endif
}

// ---- Passes over lines ----

void leave(uvec4 words)
{
    if (lane == 0u)
        for (uint i = 0u; i < 4u; ++i)
            state_word[partial(part) + i] = words[i];
}

#ifndef VT_TOPK
uint bias_of_line()
{
    return push.bias_base + gl_WorkGroupID.z * push.bias_batch + head * push.bias_head + row * push.bias_row;
}

// What was kept of the lines.
void leave_sums()
{
    uvec4 counts = sum_lanes(uvec4(forced_count, others_count, forced_numbers, 0u));
    vec4 sums = sum_lanes(vec4(forced_sum, 0.0, 0.0, 0.0));
    uvec4 ends = most_of_lanes(uvec4(~lowest, highest, 0u, 0u));
    leave(uvec4(counts.xyz, floatBitsToUint(sums.x)));
    if (lane == 0u) {
        state_word[partial(part) + 4u] = ends.x;
        state_word[partial(part) + 5u] = ends.y;
    }
}

void join_line()
{
    forget();
    if (line_end > 0u)
        join_heads(line_at, push.s_block, bias_of_line());
    if (!has(VT_SELECT_BY_BLOCK))
        leave_sums();
}

void measure_line()
{
    float bias;
    forget();
    if (line_end > 0u)
        score_word[line_at] = note(judge(line_first, bias_of_line(), bias), score_word[line_at]);
    leave_sums();
}
#endif

float weight(uint order)
{
    return order == ORDER_NAN ? 0.0 : (value_of(order) - state_float(STATE_LOW)) * state_float(STATE_FACTOR);
}

uvec3 limits() { return state_word[state + STATE_LIMIT] | (uvec3(1u, 2u, 3u) << push.shift); }

void weigh_line(uvec3 from)
{
    vec3 sums = vec3(0.0);
    for (uint n = 0u; n < line_end; ++n) {
        uint order = order_at(n);
        float x = order >= from.x && is_other(order, 1u) ? weight(order) : 0.0;
        sums += vec3(x, order >= from.y ? x : 0.0, order >= from.z ? x : 0.0);
    }
    leave(floatBitsToUint(sum_lanes(vec4(sums, 0.0))));
}

uvec3 count_line(uvec3 from)
{
    uvec3 counts = uvec3(0u);
    for (uint n = 0u; n < line_end; ++n) {
        uint order = order_at(n);
        counts += order == ORDER_FORCED ? uvec3(0u) : uvec3(greaterThanEqual(uvec3(order), from));
    }
    return counts;
}

// Others above the limit, others at it. A limit of ORDER_NONE is none's.
uvec2 ends_of_line(uint limit)
{
    uvec2 ends = uvec2(0u);
    for (uint n = 0u; n < line_end; ++n) {
        uint order = order_at(n);
        ends.x += order > limit && order != ORDER_FORCED ? 1u : 0u;
        ends.y += order == limit && is_other(order, 1u) ? 1u : 0u;
    }
    return ends;
}

void ties_of_line()
{
    uint limit = state_word[state + STATE_LIMIT];
    vec2 sums = vec2(0.0);
    for (uint n = 0u; n < line_end; ++n) {
        uint order = order_at(n);
        float x = order >= limit && is_other(order, 1u) ? weight(order) : 0.0;
        sums += vec2(order > limit ? x : 0.0, x);
    }
    uvec2 counts = sum_lanes(uvec4(ends_of_line(limit), 0u, 0u)).xy;
    leave(uvec4(counts, floatBitsToUint(sum_lanes(vec4(sums, 0.0, 0.0)).xy)));
}

// ---- Lists ----

uint list_of()
{
    return push.list_base + gl_WorkGroupID.z * push.list_batch + head * push.list_head + row * push.list_row;
}

void write_count(uint count)
{
    if (has(VT_SELECT_COUNTS))
        count_word[push.count_base + gl_WorkGroupID.z * push.count_batch + head * push.count_head + row] = count;
}

// Whether an order of the line is in: the first `skipped` of those that equal the limit are not. `ties` counts those.
bool is_in(uint x, uint limit, uint skipped, inout uint ties)
{
    bool result = x == ORDER_FORCED || x > limit;
    if (!result && x == limit && x != ORDER_NONE)
        result = ties++ >= skipped;
    return result;
}

uint list_line(uint limit, uint skipped, uint list, uint room)
{
    uint used = 0u;
    uint ties = 0u;
    for (uint n = 0u; n < line_end && used < room; ++n)
        if (is_in(order_at(n), limit, skipped, ties))
            list_word[list + used++] = line_first + n;
    return used;
}

// Others of the lines before this one, above the limit and at it.
uvec2 ends_before(uvec2 ends)
{
    uvec2 all;
    return sum_before(ends, all) + uvec2(state_word[partial(part)], state_word[partial(part) + 1u]);
}

uint skipped_here(uvec2 ends, uvec2 before)
{
    uint skipped = state_word[state + STATE_SKIPPED];
    return min(skipped - min(skipped, before.y), ends.y);
}

#ifdef VT_TOPK
// Where the line's part of the list begins follows from what was before it: above the limit, and at it without the skipped
// ones.
void list_lines()
{
    uint limit = state_word[state + STATE_LIMIT];
    uint skipped = state_word[state + STATE_SKIPPED];
    uint wanted = state_word[state + STATE_WANTED];
    uvec2 ends = ends_of_line(limit);
    uvec2 before = ends_before(ends);
    if (line_end > 0u)
        list_line(limit, skipped_here(ends, before), list_of() + before.x + before.y - min(skipped, before.y), line_end);
    for (uint i = wanted + part * WORKGROUP + lane; i < ENTRIES; i += parts * WORKGROUP)
        list_word[list_of() + i] = VT_LIST_END;
    if (part == 0u && lane == 0u)
        write_count(wanted);
}
#else
// `ends` are in, but for the first `skipped` of those that equal the limit; the row has room for the best of them.
void list_row(uint limit, uvec2 ends, uint skipped)
{
    uint forced = 0u;
    for (uint n = 0u; n < line_end; ++n)
        forced += order_at(n) == ORDER_FORCED ? 1u : 0u;
    uint room = ENTRIES - min(ENTRIES, forced);
    if (ends.x + ends.y - skipped > room) {
        limit = limit_of_count(room);
        skipped = limit == ORDER_FORCED ? 0u : count_from(limit) - room;
    }
    uint used = list_line(limit, skipped, list_of(), ENTRIES);
    write_count(used);
    for (; used < ENTRIES; ++used)
        list_word[list_of() + used] = VT_LIST_END;
}

void list_lines()
{
    uint limit = has(VT_SELECT_BY_BLOCK) ? ORDER_NONE : state_word[state + STATE_LIMIT];
    uvec2 ends = ends_of_line(limit);
    uint skipped = has(VT_SELECT_BY_BLOCK) ? 0u : skipped_here(ends, ends_before(ends));
    if (line_end > 0u)
        list_row(limit, ends, skipped);
}

void mark_line()
{
    uint limit = state_word[state + STATE_LIMIT];
    uint ties = 0u;
    uvec2 ends = ends_of_line(limit);
    uint skipped = skipped_here(ends, ends_before(ends));
    if (line_end > 0u && !is_in(score_word[line_at], limit, skipped, ties))
        score_word[line_at] = ORDER_NONE;
}
#endif

// ---- Passes over groups ----

uvec4 add_up()
{
    uvec4 sum = uvec4(0u);
    for (uint i = lane; i < parts; i += WORKGROUP)
        for (uint n = 0u; n < 4u; ++n)
            sum[n] += state_word[partial(i) + n];
    return sum_lanes(sum);
}

vec4 weigh_up(uint first)
{
    vec4 sum = vec4(0.0);
    for (uint i = lane; i < parts; i += WORKGROUP)
        for (uint n = 0u; n < 3u; ++n)
            sum[n] += uintBitsToFloat(state_word[partial(i) + first + n]);
    return sum_lanes(sum);
}

void set_state(uint word, uint value)
{
    if (lane == 0u)
        state_word[state + word] = value;
}

void start()
{
#ifdef VT_TOPK
    uint others = candidates();
    uint room = ENTRIES;
#else
    uvec4 counts = add_up();
    vec4 sums = weigh_up(3u);
    uvec4 ends = uvec4(0u);
    for (uint i = lane; i < parts; i += WORKGROUP)
        ends.xy = max(ends.xy, uvec2(state_word[partial(i) + 4u], state_word[partial(i) + 5u]));
    ends = most_of_lanes(ends);
    uint least = ~ends.x;
    bool spread = least < ends.y;
    float low = has(VT_SELECT_MIN_MAX) && spread ? value_of(least) : 0.0;
    float factor = !has(VT_SELECT_MIN_MAX) ? 1.0 : spread ? 1.0 / (value_of(ends.y) - low) : 0.0;
    uint others = counts.y;
    uint total = group_rows == push.budget_rows ? push.total : push.total_last;
    uint room = total - min(total, counts.x);
    set_state(STATE_LOW, floatBitsToUint(low));
    set_state(STATE_FACTOR, floatBitsToUint(factor));
    set_state(STATE_GOAL, floatBitsToUint((sums.x - float(counts.z) * low) * factor));
#endif
    set_state(STATE_ROOM, room);
    set_state(STATE_OTHERS, others);
    set_state(STATE_WANTED, min(room, others));
    set_state(STATE_LIMIT, BUDGET == VT_BUDGET_THRESHOLD ? order_of(floatBitsToUint(SHARE)) : 0u);
}

void set_goal()
{
    float all = weigh_up(0u).x;
    float held = state_float(STATE_GOAL);
    barrier();
    set_state(STATE_GOAL, floatBitsToUint(SHARE * (all + held) - held));
}

void pick(bvec3 reached)
{
    uint digit = reached.z ? 3u : reached.y ? 2u : reached.x ? 1u : 0u;
    uint limit = state_word[state + STATE_LIMIT];
    barrier();
    set_state(STATE_LIMIT, limit | digit << push.shift);
}

// Others in the smallest prefix, sorted by weight, whose share together with the forced ones' reaches SHARE.
uint count_of_mass(uvec2 ends, vec2 weights)
{
    float wanted = state_float(STATE_GOAL);
    if (!(wanted > 0.0))
        return 0u;
    if (state_word[state + STATE_LIMIT] == ORDER_NONE)
        return state_word[state + STATE_OTHERS];
    float each = (weights.y - weights.x) / float(ends.y);
    uint taken = each > 0.0 ? clamp(uint(ceil((wanted - weights.x) / each)), 1u, max(ends.y, 1u)) : ends.y;
    return ends.x + taken - (has(VT_SELECT_CROSSING_OUT) ? 1u : 0u);
}

void set_budget()
{
    uvec2 ends = add_up().xy;
    vec2 weights = weigh_up(2u).xy;
    uint wanted = BUDGET == VT_BUDGET_MASS ? count_of_mass(ends, weights) : ends.x + ends.y;
    wanted = min(min(max(wanted, LEAST), state_word[state + STATE_ROOM]), state_word[state + STATE_OTHERS]);
    barrier();
    set_state(STATE_WANTED, wanted);
    set_state(STATE_LIMIT, 0u);
}

void scan()
{
    uvec2 before = uvec2(0u);
    for (uint first = 0u; first < parts; first += WORKGROUP) {
        uint i = first + lane;
        uvec2 ends = uvec2(0u);
        uvec2 all;
        if (i < parts)
            ends = uvec2(state_word[partial(i)], state_word[partial(i) + 1u]);
        uvec2 sums = before + sum_before(ends, all);
        if (i < parts) {
            state_word[partial(i)] = sums.x;
            state_word[partial(i) + 1u] = sums.y;
        }
        before += all;
    }
    set_state(STATE_SKIPPED, before.x + before.y - state_word[state + STATE_WANTED]);
}

void main()
{
    find_group();
    if (over_lines())
        find_line();
#ifndef VT_TOPK
    if (PASS == VT_RANK_JOIN)
        join_line();
    if (PASS == VT_RANK_MEASURE)
        measure_line();
    if (PASS == VT_RANK_MASS)
        weigh_line(uvec3(1u));
    if (PASS == VT_RANK_GOAL)
        set_goal();
    if (PASS == VT_RANK_WEIGH)
        weigh_line(limits());
    if (PASS == VT_RANK_PICK_WEIGHT)
        pick(greaterThanEqual(weigh_up(0u).xyz, vec3(state_float(STATE_GOAL))));
    if (PASS == VT_RANK_TIES)
        ties_of_line();
    if (PASS == VT_RANK_BUDGET)
        set_budget();
    if (PASS == VT_RANK_MARK)
        mark_line();
#endif
    if (PASS == VT_RANK_START)
        start();
    if (PASS == VT_RANK_COUNT)
        leave(sum_lanes(uvec4(count_line(limits()), 0u)));
    if (PASS == VT_RANK_PICK)
        pick(greaterThanEqual(add_up().xyz, uvec3(state_word[state + STATE_WANTED])));
    if (PASS == VT_RANK_ENDS)
        leave(sum_lanes(uvec4(ends_of_line(state_word[state + STATE_LIMIT]), 0u, 0u)));
    if (PASS == VT_RANK_SCAN)
        scan();
    if (PASS == VT_RANK_LIST)
        list_lines();
}
