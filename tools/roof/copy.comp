// SPDX-License-Identifier: MIT
//
// The device's copy roof as a shader sees it: four vec4 per invocation, neighbours side by side.
#version 450

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
    uint invocations; // a quarter of the vec4s
} push;

layout(set = 0, binding = 0) readonly buffer Source {
    vec4 source[];
};
layout(set = 0, binding = 1) writeonly buffer Target {
    vec4 target[];
};

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= push.invocations)
        return;
    uint n = push.invocations;
    vec4 x0 = source[i];
    vec4 x1 = source[i + n];
    vec4 x2 = source[i + 2u * n];
    vec4 x3 = source[i + 3u * n];
    target[i] = x0;
    target[i + n] = x1;
    target[i + 2u * n] = x2;
    target[i + 3u * n] = x3;
}
