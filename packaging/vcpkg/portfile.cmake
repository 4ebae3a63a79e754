# SPDX-License-Identifier: MIT
#
# A port that stands in the tree it builds, a checkout or an unpacked archive of sources:
#
#   vcpkg install "vatten[context]" --overlay-ports=<tree>/packaging/vcpkg
#
# vcpkg takes a package from its cache as long as the files of this folder are the same. Behind a change of the sources
# --no-binarycaching has it built anew.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  FEATURES
    context VATTEN_CONTEXT
)

# An archive of sources brings the kernels, and then nothing is compiled to SPIR-V.
set(KERNEL_OPTIONS "")
if(NOT EXISTS "${SOURCE_PATH}/shaders/prebuilt/digest.txt")
  find_program(GLSLANG NAMES glslangValidator glslang PATHS "${CURRENT_HOST_INSTALLED_DIR}/tools/glslang" REQUIRED
    NO_DEFAULT_PATH)
  set(KERNEL_OPTIONS "-DVATTEN_GLSLANG=${GLSLANG}")
endif()

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${FEATURE_OPTIONS}
    ${KERNEL_OPTIONS}
    -DVATTEN_INSTALL=ON
    -DVATTEN_TOOLS=OFF
    -DVATTEN_PYTHON=OFF
    -DVATTEN_SAMPLES=OFF
    -DVATTEN_TESTS=OFF
)
vcpkg_cmake_install()
vcpkg_copy_pdbs()
vcpkg_cmake_config_fixup(PACKAGE_NAME vatten CONFIG_PATH lib/cmake/vatten)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
