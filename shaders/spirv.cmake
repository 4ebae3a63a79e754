# SPDX-License-Identifier: MIT
#
# Where SPIR-V comes from: glslang compiles the kernels of the manifest, or VATTEN_PREBUILT_SPIRV names the folder in which a build
# of the same sources left them (lib/kernels in its build folder, complete once its target vatten_kernels is made). The
# archives of sources bring such a folder, and it is found by itself.
include(${CMAKE_CURRENT_LIST_DIR}/digest.cmake)

set(prebuilt "")
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/prebuilt/digest.txt)
  set(prebuilt ${CMAKE_CURRENT_LIST_DIR}/prebuilt)
endif()
set(VATTEN_PREBUILT_SPIRV "${prebuilt}" CACHE PATH "Folder of kernels compiled before, in place of glslang")
set(glslang_needed REQUIRED)
if(VATTEN_PREBUILT_SPIRV)
  set(glslang_needed "")
endif()
find_program(VATTEN_GLSLANG NAMES glslangValidator glslang ${glslang_needed} DOC "glslang, the GLSL to SPIR-V compiler")

# The layout MATRIX_WORKGROUP: as devices have it, or for tests on those that have matrices of a subgroup only.
set(VATTEN_MATRIX_SCOPE workgroup CACHE STRING
    "workgroup, or for tests subgroup: whose matrices the layout matrix_workgroup is made of")
set_property(CACHE VATTEN_MATRIX_SCOPE PROPERTY STRINGS workgroup subgroup)
if(NOT VATTEN_MATRIX_SCOPE MATCHES "^(workgroup|subgroup)$")
  message(FATAL_ERROR "VATTEN_MATRIX_SCOPE is ${VATTEN_MATRIX_SCOPE}, neither workgroup nor subgroup")
endif()

set(VATTEN_SHADER_DIR ${CMAKE_CURRENT_LIST_DIR})
if(VATTEN_PREBUILT_SPIRV)
  set(VATTEN_KERNEL_DIR ${VATTEN_PREBUILT_SPIRV})
else()
  set(VATTEN_KERNEL_DIR ${CMAKE_CURRENT_BINARY_DIR}/kernels)
  file(MAKE_DIRECTORY ${VATTEN_KERNEL_DIR})
endif()
file(GLOB VATTEN_SHADER_PARTS CONFIGURE_DEPENDS ${VATTEN_SHADER_DIR}/lib/*.glsl ${VATTEN_SHADER_DIR}/iface/*.h)
set(VATTEN_KERNEL_NAMES "")
set(VATTEN_KERNEL_ARGUMENTS -V --quiet -g0)
set(VATTEN_KERNEL_INCLUDES "#include \"packed.h\"

const vt_pack vt_kernel_pack = {vt_pack_bytes, vt_pack_templates, vt_pack_blocks, vt_pack_names};
")
set(VATTEN_KERNEL_ROWS "")

# Compiles a kernel: vatten_compile(NAME SOURCE DEFINES...)
function(vatten_compile NAME SOURCE)
  set(defines ${ARGN})
  set(target vulkan1.1)
  if("VT_MATRIX2" IN_LIST defines) # an extension of SPIR-V 1.6
    set(target vulkan1.3)
  endif()
  set(arguments ${VATTEN_KERNEL_ARGUMENTS})
  if("VT_MIXED" IN_LIST defines) # names stay: stripping them asks for tools that know the extension
    list(REMOVE_ITEM arguments -g0)
  endif()
  list(TRANSFORM defines PREPEND -D)
  set(file ${VATTEN_KERNEL_DIR}/${NAME}.spv)
  add_custom_command(OUTPUT ${file}
    COMMAND ${VATTEN_GLSLANG} ${arguments} --target-env ${target} -I${VATTEN_SHADER_DIR} ${defines}
            -o ${file} ${VATTEN_SHADER_DIR}/${SOURCE}
    DEPENDS ${VATTEN_SHADER_DIR}/${SOURCE} ${VATTEN_SHADER_PARTS}
    COMMENT "SPIR-V ${NAME}" VERBATIM)
endfunction()

# vatten_kernel(NAME SOURCE TASK MAP DTYPE LAYOUT IO DEFINES...): TASK to IO are enumerators of lib/kernels.h and of the
# public header.
function(vatten_kernel NAME SOURCE TASK MAP DTYPE LAYOUT IO)
  set(wide false)
  if("VT_WIDE" IN_LIST ARGN)
    set(wide true)
  endif()
  if(NOT VATTEN_PREBUILT_SPIRV)
    vatten_compile(${NAME} ${SOURCE} ${ARGN})
  endif()
  set(VATTEN_KERNEL_NAMES ${VATTEN_KERNEL_NAMES} ${NAME} PARENT_SCOPE)
  set(VATTEN_KERNEL_ROWS "${VATTEN_KERNEL_ROWS}    {\"${NAME}\", ${TASK}, ${MAP}, ${DTYPE}, ${LAYOUT}, ${IO}, \
${wide}, vt_at_${NAME}, vt_size_${NAME}},\n" PARENT_SCOPE)
endfunction()

# vatten_probe(NAME TARGET RESULT): RESULT is 0 where the compiler takes probe/NAME.comp.
function(vatten_probe NAME TARGET RESULT)
  execute_process(COMMAND ${VATTEN_GLSLANG} ${VATTEN_KERNEL_ARGUMENTS} --target-env ${TARGET}
                          -o ${CMAKE_CURRENT_BINARY_DIR}/probe.spv ${VATTEN_SHADER_DIR}/probe/${NAME}.comp
                  RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  set(${RESULT} ${result} PARENT_SCOPE)
endfunction()

# Writes down what the compiler does not know, so that layouts are missing: VATTEN_NO_...
function(vatten_probe_compiler FILE)
  # glslang knows cooperative matrices since version 13, whose SPIR-V still had other numbers for them.
  execute_process(COMMAND ${VATTEN_GLSLANG} --version OUTPUT_VARIABLE VATTEN_GLSLANG_VERSION ERROR_QUIET)
  vatten_probe(cooperative_matrix vulkan1.1 VATTEN_NO_MATRIX)
  vatten_probe(bfloat16_matrix vulkan1.1 VATTEN_NO_BFLOAT16)
  vatten_probe(cooperative_matrix2 vulkan1.3 VATTEN_NO_MATRIX2)
  vatten_probe(cooperative_matrix_workgroup vulkan1.3 VATTEN_NO_MATRIX_WORKGROUP)
  vatten_probe(spirv_intrinsics vulkan1.1 VATTEN_NO_INTRINSICS)
  if(VATTEN_GLSLANG_VERSION MATCHES "[Gg]lslang Version: [0-9]+:13\\.")
    set(VATTEN_NO_MATRIX 13)
  endif()
  set(known "set(VATTEN_KERNEL_SCOPE ${VATTEN_MATRIX_SCOPE})\n")
  foreach(lack NO_MATRIX NO_BFLOAT16 NO_MATRIX2 NO_MATRIX_WORKGROUP NO_INTRINSICS)
    string(APPEND known "set(VATTEN_${lack} \"${VATTEN_${lack}}\")\n")
  endforeach()
  file(WRITE ${FILE} "${known}")
endfunction()

# Kernels of other sources would be told what they do not understand.
function(vatten_check_sources)
  foreach(file digest.txt known.cmake packed.h)
    if(NOT EXISTS ${VATTEN_PREBUILT_SPIRV}/${file})
      message(FATAL_ERROR "VATTEN_PREBUILT_SPIRV: ${VATTEN_PREBUILT_SPIRV} has no ${file}; it must be lib/kernels of a build whose "
                          "target vatten_kernels is made")
    endif()
  endforeach()
  file(READ ${VATTEN_PREBUILT_SPIRV}/digest.txt digest)
  vatten_shader_digest(own)
  if(NOT digest STREQUAL own)
    message(FATAL_ERROR "VATTEN_PREBUILT_SPIRV: the kernels of ${VATTEN_PREBUILT_SPIRV} are of other sources: theirs are ${digest}, "
                        "these ${own}")
  endif()
endfunction()

if(VATTEN_PREBUILT_SPIRV)
  vatten_check_sources()
  message(STATUS "vatten: kernels of ${VATTEN_PREBUILT_SPIRV}")
else()
  vatten_probe_compiler(${VATTEN_KERNEL_DIR}/known.cmake)
endif()
include(${VATTEN_KERNEL_DIR}/known.cmake)
if(NOT VATTEN_KERNEL_SCOPE STREQUAL VATTEN_MATRIX_SCOPE)
  message(FATAL_ERROR "VATTEN_PREBUILT_SPIRV: the kernels of ${VATTEN_PREBUILT_SPIRV} have matrices of a ${VATTEN_KERNEL_SCOPE}, and "
                      "VATTEN_MATRIX_SCOPE is ${VATTEN_MATRIX_SCOPE}")
endif()

# Behind the manifest: what all kernels become in the library, and the target vatten_kernels, after which the folder is complete.
function(vatten_kernels_target)
  if(NOT VATTEN_PREBUILT_SPIRV OR (VATTEN_TESTS AND NOT CMAKE_CROSSCOMPILING)) # the packer has tests, whoever packed
    include(${VATTEN_SHADER_DIR}/pack/packer.cmake)
  endif()
  if(VATTEN_PREBUILT_SPIRV)
    return()
  endif()
  list(TRANSFORM VATTEN_KERNEL_NAMES REPLACE "(.+)" "${VATTEN_KERNEL_DIR}/\\1.spv" OUTPUT_VARIABLE files)
  list(JOIN VATTEN_KERNEL_NAMES "\n" names)
  file(CONFIGURE OUTPUT ${VATTEN_KERNEL_DIR}/names.txt CONTENT "${names}\n")
  add_custom_command(OUTPUT ${VATTEN_KERNEL_DIR}/packed.h
    COMMAND ${VATTEN_PACKER} ${VATTEN_KERNEL_DIR}/packed.h ${VATTEN_KERNEL_DIR} ${VATTEN_KERNEL_DIR}/names.txt
    DEPENDS ${VATTEN_PACKER_DEPENDS} ${VATTEN_KERNEL_DIR}/names.txt ${files}
    COMMENT "Packing the kernels" VERBATIM)
  set(digest ${VATTEN_KERNEL_DIR}/digest.txt)
  add_custom_command(OUTPUT ${digest}
    COMMAND ${CMAKE_COMMAND} -DFILE=${digest} -P ${VATTEN_SHADER_DIR}/digest.cmake
    DEPENDS ${VATTEN_KERNEL_DIR}/packed.h ${VATTEN_SHADER_DIR}/digest.cmake VERBATIM)
  add_custom_target(vatten_kernels ALL DEPENDS ${digest})
endfunction()
