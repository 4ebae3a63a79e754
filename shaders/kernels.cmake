# SPDX-License-Identifier: MIT
#
# The manifest: one vatten_kernel line per SPIR-V. It drives the build and the generated table, and through the table the
# tests and the bench. A kernel's name is its address:
# attention_<map>_<dtype>_<layout>[_wide][_full|_bias|_rules|_bytes|_mass|_mass_bytes|_columns|_columns_bytes], <task>_<dtype>.

find_program(VATTEN_GLSLANG NAMES glslangValidator glslang REQUIRED DOC "glslang, the GLSL to SPIR-V compiler")

# The layout MATRIX_WORKGROUP: as devices have it, or for tests on those that have matrices of a subgroup only.
set(VATTEN_MATRIX_SCOPE workgroup CACHE STRING
    "workgroup, or for tests subgroup: whose matrices the layout matrix_workgroup is made of")
set_property(CACHE VATTEN_MATRIX_SCOPE PROPERTY STRINGS workgroup subgroup)
set(VATTEN_WORKGROUP_DEFINES VT_MATRIX VT_MATRIX2 VT_MATRIX_WORKGROUP)
if(VATTEN_MATRIX_SCOPE STREQUAL subgroup)
  list(APPEND VATTEN_WORKGROUP_DEFINES VT_MATRIX_SCOPE=gl_ScopeSubgroup)
elseif(VATTEN_MATRIX_SCOPE STREQUAL workgroup)
  list(APPEND VATTEN_WORKGROUP_DEFINES VT_TENSORS)
else()
  message(FATAL_ERROR "VATTEN_MATRIX_SCOPE is ${VATTEN_MATRIX_SCOPE}, neither workgroup nor subgroup")
endif()

set(VATTEN_SHADER_DIR ${CMAKE_CURRENT_LIST_DIR})
set(VATTEN_KERNEL_DIR ${CMAKE_CURRENT_BINARY_DIR}/kernels)
file(MAKE_DIRECTORY ${VATTEN_KERNEL_DIR})
file(GLOB VATTEN_SHADER_PARTS CONFIGURE_DEPENDS ${VATTEN_SHADER_DIR}/lib/*.glsl ${VATTEN_SHADER_DIR}/iface/*.h)
set(VATTEN_KERNEL_HEADERS)
set(VATTEN_KERNEL_ARGUMENTS -V --quiet -g0)
set(VATTEN_KERNEL_INCLUDES "")
set(VATTEN_KERNEL_ROWS "")

# vatten_kernel(NAME SOURCE TASK MAP DTYPE LAYOUT IO DEFINES...): TASK to IO are enumerators of lib/kernels.h and of the
# public header.
function(vatten_kernel NAME SOURCE TASK MAP DTYPE LAYOUT IO)
  set(header ${VATTEN_KERNEL_DIR}/${NAME}.h)
  set(defines ${ARGN})
  set(wide false)
  if("VT_WIDE" IN_LIST defines)
    set(wide true)
  endif()
  set(target vulkan1.1)
  if("VT_MATRIX2" IN_LIST defines) # an extension of SPIR-V 1.6
    set(target vulkan1.3)
  endif()
  set(arguments ${VATTEN_KERNEL_ARGUMENTS})
  if("VT_MIXED" IN_LIST defines) # names stay: stripping them asks for tools that know the extension
    list(REMOVE_ITEM arguments -g0)
  endif()
  list(TRANSFORM defines PREPEND -D)
  add_custom_command(OUTPUT ${header}
    COMMAND ${VATTEN_GLSLANG} ${arguments} --target-env ${target} -I${VATTEN_SHADER_DIR} ${defines}
            --vn vt_spirv_${NAME} -o ${header} ${VATTEN_SHADER_DIR}/${SOURCE}
    DEPENDS ${VATTEN_SHADER_DIR}/${SOURCE} ${VATTEN_SHADER_PARTS}
    COMMENT "SPIR-V ${NAME}" VERBATIM)
  set(VATTEN_KERNEL_HEADERS ${VATTEN_KERNEL_HEADERS} ${header} PARENT_SCOPE)
  set(VATTEN_KERNEL_INCLUDES "${VATTEN_KERNEL_INCLUDES}#include \"kernels/${NAME}.h\"\n" PARENT_SCOPE)
  set(VATTEN_KERNEL_ROWS "${VATTEN_KERNEL_ROWS}    {\"${NAME}\", ${TASK}, ${MAP}, ${DTYPE}, ${LAYOUT}, ${IO}, \
${wide}, vt_spirv_${NAME}, sizeof vt_spirv_${NAME}},\n" PARENT_SCOPE)
endfunction()

# vatten_probe(NAME TARGET RESULT): RESULT is 0 where the compiler takes probe/NAME.comp.
function(vatten_probe NAME TARGET RESULT)
  execute_process(COMMAND ${VATTEN_GLSLANG} ${VATTEN_KERNEL_ARGUMENTS} --target-env ${TARGET}
                          -o ${VATTEN_KERNEL_DIR}/${NAME}.spv ${VATTEN_SHADER_DIR}/probe/${NAME}.comp
                  RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  set(${RESULT} ${result} PARENT_SCOPE)
endfunction()

# glslang knows cooperative matrices since version 13, whose SPIR-V still had other numbers for them. Without, the
# build has no layout MATRIX.
execute_process(COMMAND ${VATTEN_GLSLANG} --version OUTPUT_VARIABLE VATTEN_GLSLANG_VERSION ERROR_QUIET)
vatten_probe(cooperative_matrix vulkan1.1 VATTEN_NO_MATRIX)
vatten_probe(bfloat16_matrix vulkan1.1 VATTEN_NO_BFLOAT16)
vatten_probe(cooperative_matrix2 vulkan1.3 VATTEN_NO_MATRIX2)
vatten_probe(cooperative_matrix_workgroup vulkan1.3 VATTEN_NO_MATRIX_WORKGROUP)
vatten_probe(spirv_intrinsics vulkan1.1 VATTEN_NO_INTRINSICS)
if(VATTEN_GLSLANG_VERSION MATCHES "[Gg]lslang Version: [0-9]+:13\\.")
  set(VATTEN_NO_MATRIX 13)
endif()
if(VATTEN_NO_MATRIX)
  message(STATUS "vatten: ${VATTEN_GLSLANG} has no GL_KHR_cooperative_matrix (14 has), so there is no layout MATRIX")
endif()
if(VATTEN_NO_MATRIX2)
  message(STATUS "vatten: ${VATTEN_GLSLANG} has no GL_NV_cooperative_matrix2 (15 has), so there is no layout MATRIX2")
endif()
if(VATTEN_NO_MATRIX_WORKGROUP)
  message(STATUS "vatten: ${VATTEN_GLSLANG} has no tensor layouts of GL_NV_cooperative_matrix2 (15 has), so there is no layout "
                 "MATRIX_WORKGROUP")
endif()
if(VATTEN_NO_INTRINSICS)
  message(STATUS "vatten: ${VATTEN_GLSLANG} has no GL_EXT_spirv_intrinsics (11.5 has), so there are no layouts MIXED and DOT")
endif()
if(VATTEN_NO_BFLOAT16)
  message(STATUS "vatten: ${VATTEN_GLSLANG} has no GL_EXT_bfloat16 (16 has), so layouts with matrices have no bf16")
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
