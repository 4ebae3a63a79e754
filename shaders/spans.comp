// SPDX-License-Identifier: MIT
//
// What the keys of a span have in common: least and largest segment, least and largest expiry. Attention with rules then
// skips spans of which a tile of queries sees nothing, and takes whole those of which it sees all. An invocation takes one
// span.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_SPANS_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(set = 0, binding = VT_SPANS_SLOT_TABLES, std430) buffer VtTables { uint table_word[]; };

uvec2 extremes(uint first, uint count)
{
    uvec2 result = uvec2(0xffffffffu, 0u);
    for (uint i = 0u; i < count; ++i) {
        uint x = table_word[first + i];
        result = uvec2(min(result.x, x), max(result.y, x));
    }
    return result;
}

void main()
{
    uint span = push.first + gl_GlobalInvocationID.x;
    uint key = span * VT_SPAN;
    uint spans = (push.keys + VT_SPAN - 1u) / VT_SPAN;
    if (span >= spans)
        return;
    uint count = min(push.keys - key, VT_SPAN);
    uint slice = gl_WorkGroupID.z * push.heads + gl_WorkGroupID.y;
    uint at = push.spans + (slice * spans + span) * VT_SPAN_WORDS;
    if (push.segments != 0xffffffffu) {
        uvec2 segments = extremes(push.segments + gl_WorkGroupID.z * push.keys + key, count);
        table_word[at] = segments.x;
        table_word[at + 1u] = segments.y;
    }
    if (push.expiry != 0xffffffffu) {
        uvec2 expiry = extremes(push.expiry + slice * push.keys + key, count);
        table_word[at + 2u] = expiry.x;
        table_word[at + 3u] = expiry.y;
    }
}
