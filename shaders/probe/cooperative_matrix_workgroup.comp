// SPDX-License-Identifier: MIT
//
// Compiles where the shader compiler knows all that layout_matrix_workgroup.glsl needs. Part of no kernel.

#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint SIDE = 32u;
const uint WIDTH = 2u * SIDE;
layout(set = 0, binding = 0, std430) buffer Data { float16_t data[]; };

float larger(const in float a, const in float b) { return max(a, b); }
float16_t filled(const in uint row, const in uint col, const in float16_t x) { return data[row + col]; }
float stored(const in uint row, const in uint col, const in float x)
{
    data[row * SIDE + col] = float16_t(x);
    return x;
}

void main()
{
    coopmat<float16_t, gl_ScopeWorkgroup, SIDE, SIDE, gl_MatrixUseA> a;
    coopmat<float16_t, gl_ScopeWorkgroup, SIDE, SIDE, gl_MatrixUseB> b;
    coopmat<float, gl_ScopeWorkgroup, SIDE, SIDE, gl_MatrixUseAccumulator> c =
        coopmat<float, gl_ScopeWorkgroup, SIDE, SIDE, gl_MatrixUseAccumulator>(1.0);
    coopmat<float, gl_ScopeWorkgroup, SIDE, WIDTH, gl_MatrixUseAccumulator> wide;
    tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV> tensor =
        createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    tensor = setTensorLayoutDimensionNV(tensor, SIDE, SIDE);
    tensor = setTensorLayoutStrideNV(tensor, SIDE, 1u);
    tensor = sliceTensorLayoutNV(tensor, -1, SIDE, 0, SIDE);
    tensorViewNV<2, false, 1, 0> view = setTensorViewClipNV(createTensorViewNV(2, false, 1, 0), 0u, SIDE, 0u, SIDE);
    coopMatPerElementNV(a, coopmat<float16_t, gl_ScopeWorkgroup, SIDE, SIDE, gl_MatrixUseA>(1.0), filled);
    coopMatLoadTensorNV(b, data, 0u, tensor, view);
    c = coopMatMulAdd(a, b, c);
    coopMatReduceNV(wide, c, gl_CooperativeMatrixReduceRowNV, larger);
    coopMatReduceNV(c, wide, gl_CooperativeMatrixReduceRowNV, larger);
    coopMatPerElementNV(c, c, stored);
}
