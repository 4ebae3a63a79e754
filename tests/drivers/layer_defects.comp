#version 450
// SPDX-License-Identifier: MIT
// A shader for test_layers.c: right as it stands, with one defect under each define.
//   WRONG_BOUNDS   writes past the end of the buffer that is bound
//   WRONG_RACE     reads shared memory that another invocation writes, without a barrier in between

layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
shared uint exchange[64];

void main() {
    uint own = gl_LocalInvocationID.x;
    exchange[own] = data[own];
#ifndef WRONG_RACE
    barrier();
#endif
    uint other = exchange[(own + 1u) % 64u];
    barrier();
#ifdef WRONG_BOUNDS
    own += 64u;
#endif
    data[own] = other + 1u;
}
