// SPDX-License-Identifier: MIT
//
// The device's matrix roof: CHAINS independent sums of products of cooperative matrices per subgroup, f16 factors and f32
// sums, no memory access in the loop. What the host counts: 16 x CHAINS products per loop and subgroup.
#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint M = 16u;
layout(constant_id = 2) const uint N = 16u;
layout(constant_id = 3) const uint K = 16u;

layout(push_constant) uniform Push {
    uint loops;
    float factor; // 0.5; with an addend so small that sums stay finite, however long it runs
    float addend;
    float never; // a sum that does not occur: keeps the chains alive without a store
} push;

layout(set = 0, binding = 0) writeonly buffer Sink {
    float sink[];
};

#define FACTOR_A coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA>
#define FACTOR_B coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>

// No two products have the same factors: a compiler that writes them out would compute such a product once. `keep` is 1,
// which it cannot know.
#define ONE(n) x##n = coopMatMulAdd(a##n, b, x##n);
#if CHAINS == 1
#define ROUND ONE(0) b = b * keep;
#elif CHAINS == 2
#define ROUND ONE(0) ONE(1) b = b * keep;
#else
#define ROUND ONE(0) ONE(1) ONE(2) ONE(3) b = b * keep;
#endif
#define ROUND4 ROUND ROUND ROUND ROUND

void main() {
    FACTOR_A a0 = FACTOR_A(float16_t(push.factor));
    FACTOR_A a1 = a0 + a0, a2 = a1 + a0, a3 = a1 + a1;
    FACTOR_B b = FACTOR_B(float16_t(push.addend));
    float16_t keep = float16_t(push.factor + push.factor);
    SUM x0 = SUM(0.0), x1 = SUM(0.1), x2 = SUM(0.2), x3 = SUM(0.3);
    for (uint i = 0; i < push.loops; ++i) {
        ROUND4 ROUND4 ROUND4 ROUND4
    }
    SUM all = x0 + x1 + x2 + x3;
    float sum = 0.0; // of every element: one that nobody asks for would not be computed
    for (int n = 0; n < all.length(); ++n)
        sum += all[n];
    if (sum == push.never)
        sink[0] = sum;
    // How many subgroups a workgroup is made of the driver decides.
    if (gl_GlobalInvocationID.x == 0u)
        sink[1] = float(gl_NumSubgroups);
}
