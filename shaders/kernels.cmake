# SPDX-License-Identifier: MIT
#
# The manifest: one vatten_kernel line per SPIR-V. It drives the build and the generated table, and through the table the
# tests and the bench. A kernel's name is its address:
# attention_<map>_<dtype>_<layout>[_wide][_full|_bias|_rules|_bytes|_mass|_mass_bytes|_columns|_columns_bytes], <task>_<dtype>.

include(${CMAKE_CURRENT_LIST_DIR}/spirv.cmake)

set(VATTEN_WORKGROUP_DEFINES VT_MATRIX VT_MATRIX2 VT_MATRIX_WORKGROUP)
if(VATTEN_MATRIX_SCOPE STREQUAL subgroup)
  list(APPEND VATTEN_WORKGROUP_DEFINES VT_MATRIX_SCOPE=gl_ScopeSubgroup)
else()
  list(APPEND VATTEN_WORKGROUP_DEFINES VT_TENSORS)
endif()

if(VATTEN_NO_MATRIX)
  message(STATUS "vatten: the compiler of the kernels has no GL_KHR_cooperative_matrix (14 has), so there is no layout MATRIX")
endif()
if(VATTEN_NO_MATRIX2)
  message(STATUS "vatten: the compiler of the kernels has no GL_NV_cooperative_matrix2 (15 has), so there is no layout MATRIX2")
endif()
if(VATTEN_NO_MATRIX_WORKGROUP)
  message(STATUS "vatten: the compiler of the kernels has no tensor layouts of GL_NV_cooperative_matrix2 (15 has), so there is no layout "
                 "MATRIX_WORKGROUP")
endif()
if(VATTEN_NO_INTRINSICS)
  message(STATUS "vatten: the compiler of the kernels has no GL_EXT_spirv_intrinsics (11.5 has), so there are no layouts MIXED and DOT")
endif()
if(VATTEN_NO_BFLOAT16)
  message(STATUS "vatten: the compiler of the kernels has no GL_EXT_bfloat16 (16 has), so layouts with matrices have no bf16")
endif()

set(VATTEN_DEFINES_PLAIN)
set(VATTEN_DEFINES_FULL VT_FULL)
set(VATTEN_DEFINES_BIAS VT_FULL VT_BIAS)
set(VATTEN_MAPS_PLAIN dense neighborhood)
set(VATTEN_MAPS_FULL dense neighborhood)
set(VATTEN_MAPS_BIAS neighborhood)
set(VATTEN_DEFINES_RULES VT_FULL VT_RULES)
set(VATTEN_MAPS_RULES dense)
set(VATTEN_DEFINES_BYTES VT_FULL VT_RULES VT_KV_BYTES)
set(VATTEN_MAPS_BYTES dense)
set(VATTEN_DEFINES_MASS VT_RULES VT_MASS)
set(VATTEN_MAPS_MASS dense)
set(VATTEN_DEFINES_MASS_BYTES VT_RULES VT_MASS VT_KV_BYTES)
set(VATTEN_MAPS_MASS_BYTES dense)
set(VATTEN_DEFINES_COLUMNS VT_RULES VT_MASS VT_COLUMNS)
set(VATTEN_MAPS_COLUMNS dense)
set(VATTEN_DEFINES_COLUMNS_BYTES VT_RULES VT_MASS VT_COLUMNS VT_KV_BYTES)
set(VATTEN_MAPS_COLUMNS_BYTES dense)
set(VATTEN_DEFINES_LISTS VT_FULL VT_LISTS)
set(VATTEN_MAPS_LISTS lists)
set(VATTEN_DEFINES_LISTS_BIAS VT_FULL VT_LISTS VT_BIAS)
set(VATTEN_MAPS_LISTS_BIAS lists)

foreach(dtype F32 F16 BF16)
  string(TOLOWER ${dtype} d)
  foreach(io PLAIN FULL BIAS RULES BYTES MASS MASS_BYTES COLUMNS COLUMNS_BYTES LISTS LISTS_BIAS)
    set(suffix "")
    if(io STREQUAL FULL)
      set(suffix _full)
    elseif(io MATCHES "RULES|BYTES|MASS|COLUMNS")
      string(TOLOWER _${io} suffix)
    elseif(io MATCHES BIAS)
      set(suffix _bias)
    endif()
    foreach(map ${VATTEN_MAPS_${io}})
      string(TOUPPER ${map} MAP)
      set(index)
      if(map STREQUAL neighborhood)
        set(index VT_NEIGHBORHOOD)
      endif()
      set(common VT_DTYPE=VT_${dtype} ${VATTEN_DEFINES_${io}} ${index})
      vatten_kernel(attention_${map}_${d}_rows${suffix} attention.comp VT_TASK_ATTEND
        VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_ROWS VT_IO_${io} ${common} VT_ROWS)
      if(NOT io MATCHES "MASS|COLUMNS")
        vatten_kernel(attention_${map}_${d}_address${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_ADDRESS VT_IO_${io} ${common} VT_ROWS VT_BY_ADDRESS)
      endif()
      if(NOT io MATCHES "BYTES|MASS|COLUMNS" AND NOT dtype STREQUAL F32)
        vatten_kernel(attention_${map}_${d}_address_wide${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_ADDRESS VT_IO_${io} ${common} VT_ROWS VT_BY_ADDRESS VT_WIDE)
      endif()
      vatten_kernel(attention_${map}_${d}_subgroup${suffix} attention.comp VT_TASK_ATTEND
        VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_SUBGROUP VT_IO_${io} ${common} VT_SUBGROUP)
      vatten_kernel(attention_${map}_${d}_shared${suffix} attention.comp VT_TASK_ATTEND
        VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_SHARED VT_IO_${io} ${common})
      if(io STREQUAL BYTES)
        vatten_kernel(attention_${map}_${d}_dot${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_DOT VT_IO_${io} ${common} VT_SUBGROUP VT_DOT)
      endif()
      if(io STREQUAL RULES OR io STREQUAL BYTES)
        vatten_kernel(attention_${map}_${d}_stream${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_STREAM VT_IO_${io} ${common} VT_SUBGROUP VT_STREAM)
      endif()
      set(bfloat16_F16)
      set(bfloat16_BF16 VT_BFLOAT16)
      if(dtype STREQUAL F16 AND NOT io MATCHES "BYTES|MASS|COLUMNS")
        vatten_kernel(attention_${map}_${d}_packed${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_PACKED VT_IO_${io} ${common} VT_SUBGROUP VT_HALF VT_PACKED)
        vatten_kernel(attention_${map}_${d}_packed_shared${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_PACKED_SHARED VT_IO_${io} ${common} VT_HALF VT_PACKED)
        vatten_kernel(attention_${map}_${d}_half${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_HALF VT_IO_${io} ${common} VT_SUBGROUP VT_HALF)
        if(NOT VATTEN_NO_INTRINSICS)
          vatten_kernel(attention_${map}_${d}_mixed${suffix} attention.comp VT_TASK_ATTEND
            VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_MIXED VT_IO_${io} ${common} VT_SUBGROUP VT_HALF VT_MIXED)
        endif()
      endif()
      set(matrix VT_SUBGROUP VT_MATRIX ${bfloat16_${dtype}})
      if(io MATCHES "BYTES|MASS|COLUMNS" OR dtype STREQUAL F32 OR (dtype STREQUAL BF16 AND VATTEN_NO_BFLOAT16))
        continue()
      endif()
      if(NOT VATTEN_NO_MATRIX)
        vatten_kernel(attention_${map}_${d}_matrix${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_MATRIX VT_IO_${io} ${common} ${matrix})
      endif()
      if(NOT VATTEN_NO_MATRIX2)
        vatten_kernel(attention_${map}_${d}_matrix2${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_MATRIX2 VT_IO_${io} ${common} ${matrix} VT_MATRIX2)
      endif()
      if(NOT VATTEN_NO_MATRIX_WORKGROUP)
        vatten_kernel(attention_${map}_${d}_matrix_workgroup${suffix} attention.comp VT_TASK_ATTEND
          VT_MAP_${MAP} VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_MATRIX_WORKGROUP VT_IO_${io} ${common}
          ${VATTEN_WORKGROUP_DEFINES} ${bfloat16_${dtype}})
      endif()
    endforeach()
  endforeach()
  vatten_kernel(pool_${d} pool.comp VT_TASK_POOL
    VT_MAP_DENSE VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_DTYPE=VT_${dtype})
  if(NOT dtype STREQUAL F32)
    vatten_kernel(pool_keep_${d} pool.comp VT_TASK_POOL_KEEP
      VT_MAP_DENSE VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_DTYPE=VT_${dtype} VT_KEEP)
  endif()
  vatten_kernel(score_${d} score.comp VT_TASK_SCORE
    VT_MAP_DENSE VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_DTYPE=VT_${dtype})
  vatten_kernel(combine_${d} combine.comp VT_TASK_COMBINE
    VT_MAP_DENSE VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_DTYPE=VT_${dtype})
  foreach(cache F32 F16 BF16 I8)
    string(TOLOWER ${cache} c)
    vatten_kernel(append_${c}_${d} append.comp VT_TASK_APPEND_${cache}
      VT_MAP_DENSE VATTEN_DTYPE_${dtype} VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_DTYPE=VT_${dtype} VT_CACHE=VT_${cache})
  endforeach()
endforeach()
vatten_kernel(select_f32 select.comp VT_TASK_SELECT
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN)
vatten_kernel(mark_f32 mark.comp VT_TASK_MARK
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN)
vatten_kernel(spans_f32 spans.comp VT_TASK_SPANS
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN)
vatten_kernel(invert_f32 invert.comp VT_TASK_INVERT
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN)
vatten_kernel(rank_f32 rank.comp VT_TASK_RANK
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN)
vatten_kernel(topk_f32 rank.comp VT_TASK_TOPK
  VT_MAP_DENSE VATTEN_DTYPE_F32 VATTEN_LAYOUT_AUTO VT_IO_PLAIN VT_TOPK)

file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/kernels_table.c @ONLY CONTENT
"/* Generated from shaders/kernels.cmake. */
#include \"kernels.h\"

@VATTEN_KERNEL_INCLUDES@
const vt_kernel vt_kernels[] = {
@VATTEN_KERNEL_ROWS@};
const uint32_t vt_kernel_count = sizeof vt_kernels / sizeof vt_kernels[0];
")

vatten_kernels_target()
