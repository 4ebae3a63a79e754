// SPDX-License-Identifier: MIT
//
// The device's f32 multiply-add roof: QUADS x 4 independent chains per invocation, held in registers, no memory access
// in the loop. Straight-line, so that neither loop nor address arithmetic is measured with it: FMA_PER_LOOP below is
// what the host counts.
#version 450

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
    uint loops;
    float factor; // 0.5 and 0.5: the chains converge to 1, far from denormals
    float addend;
    float never; // a sum that does not occur: keeps the chains alive without a store
} push;

layout(set = 0, binding = 0) writeonly buffer Sink {
    float sink[];
};

#ifdef SPLIT_MULTIPLY_ADD // some drivers keep fma() exact with a slow sequence, but contract this
#define ONE(x) x = x * a + b;
#else
#define ONE(x) x = fma(x, a, b);
#endif

#if QUADS == 1
#define ROUND ONE(x0)
#elif QUADS == 2
#define ROUND ONE(x0) ONE(x1)
#else
#define ROUND ONE(x0) ONE(x1) ONE(x2)
#endif
#define ROUND4 ROUND ROUND ROUND ROUND

void main() {
    vec4 a = vec4(push.factor);
    vec4 b = vec4(push.addend);
    vec4 x0 = vec4(gl_LocalInvocationIndex) + vec4(0.0, 0.1, 0.2, 0.3);
    vec4 x1 = x0 + 0.4;
    vec4 x2 = x0 + 0.8;
    for (uint i = 0; i < push.loops; ++i) {
        ROUND4 ROUND4 ROUND4 ROUND4
    }
    float sum = dot(x0 + x1 + x2, vec4(1.0));
    if (sum == push.never)
        sink[0] = sum;
}
