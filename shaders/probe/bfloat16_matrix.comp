// SPDX-License-Identifier: MIT
//
// Compiles where the shader compiler knows what layouts with matrices need for bf16. Part of no kernel.

#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_bfloat16 : require

layout(local_size_x = 32) in;
layout(constant_id = 0) const uint SIDE = 16u;
shared uvec2 stage[64];
shared vec4 result[64];

void main()
{
    coopmat<bfloat16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA> a;
    coopmat<bfloat16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB> b;
    coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator> c =
        coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>(0.0);
    coopMatLoad(a, stage, 0u, SIDE / 4u, gl_CooperativeMatrixLayoutRowMajor);
    coopMatLoad(b, stage, 0u, SIDE / 4u, gl_CooperativeMatrixLayoutColumnMajor);
    c = coopMatMulAdd(a, b, c);
    coopMatStore(c, result, 0u, SIDE / 4u, gl_CooperativeMatrixLayoutRowMajor);
}
