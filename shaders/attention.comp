// SPDX-License-Identifier: MIT
//
// Attention, one SPIR-V per line of kernels.cmake: this file only puts the parts together.
//
//   VT_DTYPE         VT_F32, VT_F16 or VT_BF16: storage of q, k, v and out
//   VT_NEIGHBORHOOD  index map: neighborhood; VT_LISTS: lists, seven buffers (with VT_FULL); else dense
//   VT_ROWS          layout: many rows per lane (CPU devices), else lanes share rows (GPUs)
//   VT_BY_ADDRESS    with VT_ROWS: keys and values are read by address, each word once for all lanes
//   VT_WIDE          keys and values are f32, whatever VT_DTYPE is (with VT_BY_ADDRESS)
//   VT_MATRIX        layout: lanes share rows, products are made by cooperative matrices (with VT_SUBGROUP)
//   VT_MATRIX2       layout: so is all between the products (with VT_MATRIX)
//   VT_MATRIX_WORKGROUP  layout: the matrices belong to the workgroup (with VT_MATRIX and VT_MATRIX2); see there for
//                    VT_TENSORS and VT_MATRIX_SCOPE
//   VT_BFLOAT16      the matrices are of bf16 (with VT_DTYPE)
//   VT_STREAM        layout: all lanes share all rows, few rows and very many keys (with VT_SUBGROUP)
//   VT_HALF          layout: lanes share rows, what is in shared memory is f16; products are f32, with VT_PACKED f16, with
//                    VT_MIXED of f16 with f32 sums
//   VT_SUBGROUP      lanes of a row talk by subgroup shuffles, else through shared memory
//   VT_FULL          also writes LSE and carries state between dispatches: six buffers instead of four
//   VT_RULES         dense with all rules of vatten_attention_desc: eight buffers (with VT_FULL)
//   VT_KV_BYTES      k and v are rows of bytes with scales (with VT_RULES)
//   VT_DOT           layout: lanes share rows, scores are made by integer dot products (with VT_KV_BYTES and VT_SUBGROUP)
//   VT_MASS          in place of values and softmax, with VT_RULES and a log-sum-exp that is known: sums of
//                    probabilities (lib/mass.glsl); with VT_COLUMNS rows are keys and the loop runs over queries
//   VT_BIAS          also adds a bias to scores (with VT_FULL): seven buffers, with VT_LISTS eight
//
// Grid: x query tiles, y heads, or groups of heads that share a tile, z batch, with rules x shares of the keys: heads lie
// side by side in memory, so those of one share are best read at the same time. Layout of the tensors: rows of contiguous dims, any strides between
// them.

#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : enable
#ifdef VT_BY_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#elif defined(VT_SUBGROUP) || defined(VT_ROWS) || defined(VT_STREAM)
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#ifdef VT_HALF
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif
#if defined(VT_MIXED) || defined(VT_DOT)
#extension GL_EXT_spirv_intrinsics : require
#endif
#ifdef VT_MATRIX
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#endif
#ifdef VT_BFLOAT16
#extension GL_EXT_bfloat16 : require
#endif
#ifdef VT_MATRIX2
#extension GL_NV_cooperative_matrix2 : require
#endif

#include "iface/interface.h"
#include "lib/spec.glsl"
#ifdef VT_RULES
#include "lib/rules_spec.glsl"
#endif
#ifdef VT_MASS
#include "lib/mass_spec.glsl"
#endif
#include "lib/storage.glsl"
#ifdef VT_NEIGHBORHOOD
#include "lib/map_neighborhood.glsl"
#elif defined(VT_LISTS)
#include "lib/map_lists.glsl"
#elif defined(VT_COLUMNS)
#include "lib/map_columns.glsl"
#elif defined(VT_RULES)
#include "lib/map_rules.glsl"
#else
#include "lib/map_dense.glsl"
#endif
#include "lib/pair.glsl"
#include "lib/state.glsl"
#ifdef VT_MASS
#include "lib/mass.glsl"
#endif
#ifdef VT_ROWS
#include "lib/layout_rows.glsl"
#elif defined(VT_MATRIX_WORKGROUP)
#include "lib/layout_matrix_workgroup.glsl"
#elif defined(VT_MATRIX2)
#include "lib/layout_matrix2.glsl"
#elif defined(VT_MATRIX)
#include "lib/layout_matrix.glsl"
#elif defined(VT_STREAM)
#include "lib/layout_stream.glsl"
#else
#include "lib/layout_split.glsl"
#endif
#ifdef VT_MASS
#include "lib/mass_loop.glsl"
#else
#include "lib/loop.glsl"
#endif

void main() { attend(); }
