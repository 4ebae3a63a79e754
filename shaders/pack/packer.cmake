# SPDX-License-Identifier: MIT
#
# The packer runs where the library is built. VATTEN_PACKER is its command, VATTEN_PACKER_DEPENDS what must be there first. When the
# library is for another machine, a compiler for this one makes it, VATTEN_HOST_CC, or an emulator runs it.
set(folder ${CMAKE_CURRENT_LIST_DIR})
set(parts ${folder}/arena.c ${folder}/bytes.c ${folder}/operands.c ${folder}/pack.c ${folder}/shared_names.c ${folder}/spirv_module.c
    ${folder}/texts.c)
set(program ${folder}/vatten_pack.c ${PROJECT_SOURCE_DIR}/lib/unpack.c)

if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  add_library(vatten_pack_parts STATIC ${parts}) # tests have them, too
  target_include_directories(vatten_pack_parts PUBLIC ${folder} ${PROJECT_SOURCE_DIR}/lib)
  target_link_libraries(vatten_pack_parts PRIVATE vatten_flags)
  add_executable(vatten_pack ${program})
  target_link_libraries(vatten_pack PRIVATE vatten_pack_parts vatten_flags)
  set(VATTEN_PACKER vatten_pack)
  set(VATTEN_PACKER_DEPENDS vatten_pack)
  return()
endif()

find_program(VATTEN_HOST_CC NAMES cc gcc clang NO_CMAKE_FIND_ROOT_PATH DOC "C compiler for this machine, when vatten is for another")
if(NOT VATTEN_HOST_CC)
  message(FATAL_ERROR "The kernels are packed by a program of this machine, and there is no C compiler for it. VATTEN_HOST_CC names one, or "
                      "VATTEN_PREBUILT_SPIRV the lib/kernels of another build")
endif()
file(GLOB headers ${folder}/*.h)
set(VATTEN_PACKER ${CMAKE_CURRENT_BINARY_DIR}/vatten_pack_host)
set(VATTEN_PACKER_DEPENDS ${VATTEN_PACKER})
add_custom_command(OUTPUT ${VATTEN_PACKER}
  COMMAND ${VATTEN_HOST_CC} -std=c11 -O1 -I${PROJECT_SOURCE_DIR}/lib -o ${VATTEN_PACKER} ${program} ${parts}
  DEPENDS ${program} ${parts} ${headers} ${PROJECT_SOURCE_DIR}/lib/unpack.h VERBATIM)
