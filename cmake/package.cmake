# SPDX-License-Identifier: MIT
#
# cpack: archives (.tar.gz) and packages of Debian (.deb) of what is installed, one of programs' needs and one of developers'. The target
# source_archive: the sources with the kernels of this build, so that glslang is not needed where they are built.
set(CPACK_PACKAGE_NAME vatten)
set(CPACK_PACKAGE_VENDOR vatten)
set(CPACK_PACKAGE_CONTACT "vatten")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_FILE_NAME vatten-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})

set(CPACK_COMPONENTS_ALL development)
if(BUILD_SHARED_LIBS)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
endif()
if(VATTEN_TOOLS)
  list(APPEND CPACK_COMPONENTS_ALL tools)
endif()
find_program(VATTEN_DPKG dpkg)
if(VATTEN_DPKG)
  list(APPEND CPACK_GENERATOR DEB)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libvatten${VATTEN_ABI})
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libvatten-dev)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
  if(BUILD_SHARED_LIBS)
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libvatten${VATTEN_ABI} (= ${PROJECT_VERSION})")
  endif()
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME vatten-tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libvulkan1")
endif()
include(CPack)

set(archive ${PROJECT_BINARY_DIR}/vatten-${PROJECT_VERSION}-source.tar.xz)
add_custom_target(source_archive
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DKERNELS=${VATTEN_KERNEL_DIR} -DARCHIVE=${archive}
          -P ${PROJECT_SOURCE_DIR}/cmake/source_archive.cmake
  COMMENT "${archive}" VERBATIM)
if(TARGET vatten_kernels)
  add_dependencies(source_archive vatten_kernels)
endif()
