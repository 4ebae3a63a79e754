// SPDX-License-Identifier: MIT
//
// Pooling: of each block of tokens the mean, the maximum, or minimum and maximum, dim by dim, in f32. An invocation
// owns one dim of one block and walks its tokens, so that neighbours read neighbours and sums have one order.
//
//   VT_DTYPE  VT_F32, VT_F16 or VT_BF16: storage of what is pooled
//   VT_KEEP   what comes out is stored likewise; else it is f32
//
// Grid: x dims of blocks, y heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_16bit_storage : enable

#include "iface/interface.h"
#include "lib/element.glsl"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_POOL_PUSH_FIELDS } push;

#ifdef VT_KEEP
#define VT_OUT VT_ELEM
#define to_out(x) vt_from_f32(x)
#else
#define VT_OUT float
#define to_out(x) (x)
#endif

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_POOL_SPEC_DIM) const uint DIM = 64u;
layout(constant_id = VT_POOL_SPEC_KIND) const uint KIND = 0u;
layout(constant_id = VT_POOL_SPEC_SIDE + 0) const uint SIDE_0 = 1u;
layout(constant_id = VT_POOL_SPEC_SIDE + 1) const uint SIDE_1 = 1u;
layout(constant_id = VT_POOL_SPEC_SIDE + 2) const uint SIDE_2 = 1u;

layout(set = 0, binding = VT_POOL_SLOT_X, std430) readonly buffer VtX { VT_ELEM x_elem[]; };
layout(set = 0, binding = VT_POOL_SLOT_OUT, std430) writeonly buffer VtOut { VT_OUT out_elem[]; };

void main()
{
    uint block = push.first + gl_GlobalInvocationID.x / DIM;
    uint d = gl_GlobalInvocationID.x % DIM;
    if (block >= push.end)
        return;
    uvec3 side = uvec3(SIDE_0, SIDE_1, SIDE_2);
    uvec3 extent = uvec3(push.extent0, push.extent1, push.extent2);
    uvec3 begin = uvec3(block / push.blocks2 / push.blocks1, block / push.blocks2 % push.blocks1, block % push.blocks2);
    begin *= side;
    uvec3 end = min(begin + side, extent);
    uint origin = push.x_base + gl_WorkGroupID.z * push.x_batch + gl_WorkGroupID.y * push.x_head + d;
    float sum = 0.0;
    float least = uintBitsToFloat(0x7f800000u);
    float most = uintBitsToFloat(0xff800000u);
    for (uint z = begin.x; z < end.x; ++z)
        for (uint y = begin.y; y < end.y; ++y)
            for (uint x = begin.z; x < end.z; ++x) {
                uint token = (z * extent.y + y) * extent.z + x;
                float value = vt_to_f32(x_elem[origin + token * push.x_token]);
                sum += value;
                least = min(least, value);
                most = max(most, value);
            }
    uvec3 size = end - begin;
    uint at = push.out_base + gl_WorkGroupID.z * push.out_batch + gl_WorkGroupID.y * push.out_head +
              block * push.out_block + d;
    if (KIND == VT_POOL_MEAN)
        out_elem[at] = to_out(sum / float(size.x * size.y * size.z));
    else
        out_elem[at] = to_out(KIND == VT_POOL_MAX ? most : least);
    if (KIND == VT_POOL_MIN_MAX)
        out_elem[at + DIM] = to_out(most);
}
