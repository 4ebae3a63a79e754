// SPDX-License-Identifier: MIT
//
// Compiles where the shader compiler knows GL_EXT_spirv_intrinsics, by which the layout MIXED names its dot product.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_spirv_intrinsics : require

layout(local_size_x = 1) in;
layout(set = 0, binding = 0, std430) buffer Sums { float sum[]; };

spirv_instruction(extensions = ["SPV_VALVE_mixed_float_dot_product"], capabilities = [6912], id = 6916)
float multiply_pair(f16vec2 a, f16vec2 b, float sum);

void main() { sum[0] = multiply_pair(f16vec2(sum[1]), f16vec2(sum[2]), sum[3]); }
