// SPDX-License-Identifier: MIT
//
// Signed bytes multiplied four at a time and summed up in an int: OpSDot of SPV_KHR_integer_dot_product, for which GLSL has no
// name of its own (GL_EXT_spirv_intrinsics gives it one). A module with it needs the device feature shaderIntegerDotProduct.

#define VT_PACKED_4X8 0 // PackedVectorFormat4x8Bit
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dot_of_bytes(uint a, uint b, spirv_literal int packed_format);

// Adds 16 products, one by one: compilers make a product and its sum one instruction.
int add_dot(int sum, uvec4 a, uvec4 b)
{
    [[unroll]] for (uint w = 0u; w < 4u; ++w)
        sum += dot_of_bytes(a[w], b[w], VT_PACKED_4X8);
    return sum;
}
