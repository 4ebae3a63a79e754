# SPDX-License-Identifier: MIT
# Cross build for arm64 Linux: VATTEN_ARM64_ROOT is a folder with arm64 packages (cJSON, cmocka, volk, Vulkan's headers).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VATTEN_ARM64_ROOT)
set(CMAKE_FIND_ROOT_PATH ${VATTEN_ARM64_ROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# cmocka's CMake package names its library without a folder.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${VATTEN_ARM64_ROOT}/usr/lib/aarch64-linux-gnu")
