// SPDX-License-Identifier: MIT
//
// Compiles where the shader compiler knows all that layout_matrix2.glsl needs. Part of no kernel.

#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x = 32) in;
layout(constant_id = 0) const uint SIDE = 16u;
shared uvec2 stage[64];
shared vec4 result[64];

float larger(const in float a, const in float b) { return max(a, b); }
float less(const in uint row, const in uint col, const in float x, const in float y) { return x - y; }

void main()
{
    coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB> b;
    coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator> c =
        coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>(1.0);
    coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator> top;
    coopMatLoad(b, stage, 0u, SIDE / 4u, gl_CooperativeMatrixLayoutRowMajor);
    coopMatReduceNV(top, c, gl_CooperativeMatrixReduceRowNV, larger);
    coopMatPerElementNV(c, c, less, top);
    c = coopMatMulAdd(coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA>(c), b, c);
    coopMatStore(c, result, 0u, SIDE / 4u, gl_CooperativeMatrixLayoutRowMajor);
}
