# SPDX-License-Identifier: MIT
#
# cpack: archives (.tar.gz) and packages of Debian (.deb) of what is installed, one of programs' needs and one of developers'. The target
# source_archive: the sources with the kernels of this build, so that glslang is not needed where they are built.
set(CPACK_PACKAGE_NAME vatten)
set(CPACK_PACKAGE_VENDOR vatten)
# Who packs for others says who they are; `.invalid` is nobody's, by RFC 2606.
set(CPACK_PACKAGE_CONTACT "The vatten authors <vatten@vatten.invalid>" CACHE STRING "Maintainer of the packages that cpack makes: name <address>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_FILE_NAME vatten-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_tree.cmake)

set(CPACK_COMPONENTS_ALL development)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "Headers, what the linker needs, a CMake package and pkg-config files,\nto build programs that use vatten.")
if(BUILD_SHARED_LIBS)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
  set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "The shared libraries: vatten itself, which calls Vulkan through its\ncaller's functions, and vatten_context, which opens Vulkan's loader when it is\nasked for a device.")
  set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS runtime)
  set(CPACK_COMPONENT_TOOLS_DEPENDS runtime)
endif()
if(VATTEN_TOOLS)
  list(APPEND CPACK_COMPONENTS_ALL tools)
  set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "Programs that tell what a Vulkan device can do for attention, run it on files\nof arrays, measure it and tune it.")
endif()
# Both find out which packages of the system are needed; without them packages would be made all the same, and ask for none.
find_program(VATTEN_SHLIBDEPS dpkg-shlibdeps DOC "To make packages of Debian")
find_program(VATTEN_FILE file DOC "To make packages of Debian")
if(VATTEN_SHLIBDEPS AND VATTEN_FILE)
  set(VATTEN_PACKS_DEBS TRUE) # the name that tests go by: CPack changes CPACK_GENERATOR
  list(APPEND CPACK_GENERATOR DEB)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  # Within an ABI later libraries do for programs of earlier ones.
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
  # The tools find the libraries here while their needs are looked up; that those are of a package is told above.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib ${PROJECT_BINARY_DIR}/lib/context)

  # No file names the loader as needed: vatten_context opens it. The core does without one.
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libvatten${VATTEN_ABI})
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS libvulkan1)
  file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)
  # vatten's headers include none of Vulkan, but who has a device of their own has its headers from somewhere.
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libvatten-dev)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS libvulkan-dev)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME vatten-tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS libvulkan1)
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
