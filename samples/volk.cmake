# SPDX-License-Identifier: MIT
#
# The target vatten_volk, for samples that call Vulkan themselves, by volk. Any volk will do: one that the surrounding project
# already has, an installed CMake package, or just volk.h beside volk.c (the Debian package libvulkan-volk-dev, the Vulkan
# SDK). It is compiled into the user (VOLK_IMPLEMENTATION); only the path is needed.
if(NOT TARGET volk::volk_headers)
  find_package(volk CONFIG QUIET)
endif()
if(TARGET volk::volk_headers)
  get_target_property(vatten_volk_hint volk::volk_headers INTERFACE_INCLUDE_DIRECTORIES)
endif()
find_path(VATTEN_VOLK_INCLUDE volk.c HINTS ${vatten_volk_hint} ENV VULKAN_SDK PATH_SUFFIXES include Volk include/Volk
  DOC "Folder of volk.h and volk.c")
if(NOT VATTEN_VOLK_INCLUDE)
  message(STATUS "samples/your_device and decode are left out: volk.h and volk.c not found (package libvulkan-volk-dev); "
                 "VATTEN_VOLK_INCLUDE may name their folder")
  return()
endif()
add_library(vatten_volk INTERFACE)
target_include_directories(vatten_volk SYSTEM INTERFACE ${VATTEN_VOLK_INCLUDE} ${VATTEN_VULKAN_INCLUDE})
target_compile_definitions(vatten_volk INTERFACE VK_NO_PROTOTYPES)
target_link_libraries(vatten_volk INTERFACE ${CMAKE_DL_LIBS})
