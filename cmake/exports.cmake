# SPDX-License-Identifier: MIT
#
# vatten_exports(TARGET): what its shared library is called and shows to others. Below 1.0 a minor version may change the interface,
# so the SONAME has it. Symbols carry the version of the interface too, where the linker knows scripts: a program that loads two
# versions of vatten, by plugins for example, then keeps them apart.
include(CheckLinkerFlag)

set(VATTEN_ABI ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(VATTEN_ABI 0.${PROJECT_VERSION_MINOR})
endif()
set(VATTEN_EXPORTS_MAP ${PROJECT_BINARY_DIR}/exports.map)
file(CONFIGURE OUTPUT ${VATTEN_EXPORTS_MAP} CONTENT "VATTEN_@VATTEN_ABI@ {\n  global: vatten_*;\n  local: *;\n};\n" @ONLY)
check_linker_flag(C "LINKER:--version-script=${VATTEN_EXPORTS_MAP}" VATTEN_HAS_VERSION_SCRIPT)

function(vatten_exports TARGET)
  set_target_properties(${TARGET} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${VATTEN_ABI})
  if(BUILD_SHARED_LIBS AND VATTEN_HAS_VERSION_SCRIPT)
    target_link_options(${TARGET} PRIVATE "LINKER:--version-script=${VATTEN_EXPORTS_MAP}")
    set_target_properties(${TARGET} PROPERTIES LINK_DEPENDS ${VATTEN_EXPORTS_MAP})
  endif()
  if(ANDROID) # devices may have pages of 16 KiB
    target_link_options(${TARGET} PRIVATE "LINKER:-z,max-page-size=16384")
  endif()
endfunction()
