# SPDX-License-Identifier: MIT
#
# cmake --install: headers, libraries, a CMake package (find_package(vatten), targets vatten::vatten and, where it was built,
# vatten::context) and pkg-config files of the same names. Everything installed may be moved elsewhere as a whole. Components:
# `runtime` is what programs need that are linked with shared libraries, `tools` the programs, `development` all else.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(VATTEN_INSTALL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/vatten)
set(VATTEN_INSTALL_TARGETS vatten)
install(FILES include/vatten/vatten.h include/vatten/dense.h include/vatten/cache.h include/vatten/mass.h
  include/vatten/neighborhood.h include/vatten/lists.h include/vatten/presets.h include/vatten/pipeline_file.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vatten COMPONENT development)
if(TARGET vatten_context)
  list(APPEND VATTEN_INSTALL_TARGETS vatten_context)
  install(FILES include/vatten/context.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vatten COMPONENT development)
endif()

install(TARGETS ${VATTEN_INSTALL_TARGETS} EXPORT vatten-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(EXPORT vatten-targets NAMESPACE vatten:: DESTINATION ${VATTEN_INSTALL_CMAKE_DIR} COMPONENT development)

configure_package_config_file(cmake/vatten-config.cmake.in ${PROJECT_BINARY_DIR}/vatten-config.cmake
  INSTALL_DESTINATION ${VATTEN_INSTALL_CMAKE_DIR})
# Below 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vatten-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vatten-config.cmake ${PROJECT_BINARY_DIR}/vatten-config-version.cmake
  DESTINATION ${VATTEN_INSTALL_CMAKE_DIR} COMPONENT development)

# pkg-config: ${pcfiledir} keeps the files true wherever the tree is moved to.
file(RELATIVE_PATH VATTEN_PC_UP ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" VATTEN_PC_UP "${VATTEN_PC_UP}")
# Who links a static library links what it needs; a shared one names it itself.
set(VATTEN_PC_CFLAGS)
set(VATTEN_PC_LIBS)
set(VATTEN_PC_CONTEXT_LIBS)
if(BUILD_SHARED_LIBS)
  set(VATTEN_PC_CFLAGS " -DVATTEN_SHARED")
else()
  if(VATTEN_LIBM)
    string(APPEND VATTEN_PC_LIBS " -lm")
  endif()
  if(CMAKE_THREAD_LIBS_INIT)
    string(APPEND VATTEN_PC_LIBS " ${CMAKE_THREAD_LIBS_INIT}")
  endif()
  if(CMAKE_DL_LIBS)
    string(APPEND VATTEN_PC_CONTEXT_LIBS " -l${CMAKE_DL_LIBS}")
  endif()
endif()
foreach(target ${VATTEN_INSTALL_TARGETS})
  string(REPLACE _ - name ${target})
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
