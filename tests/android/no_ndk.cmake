# SPDX-License-Identifier: MIT
#
# A toolchain for arm64-v8a where there is no NDK, for tests: clang compiles for Android (__ANDROID__ is defined, so that Android's parts are
# compiled), with the C headers of Debian's cross glibc in place of bionic's, headers of ndk_stub/ in place of the NDK's, and libraries
# without content in place of Android's. What it makes has the form of Android's libraries, and cannot run anywhere: names that glibc's
# headers give to functions (__errno_location) are not bionic's.
set(CMAKE_SYSTEM_NAME Android)
set(CMAKE_SYSTEM_VERSION 1) # what the NDK's own file says, too: CMake then looks for no NDK
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-android24)
set(stubs ${CMAKE_BINARY_DIR}/no_ndk)
if(NOT EXISTS ${stubs}/libdl.so)
  file(MAKE_DIRECTORY ${stubs})
  file(WRITE ${stubs}/none.c "")
  foreach(name c m dl)
    execute_process(COMMAND clang --target=${CMAKE_C_COMPILER_TARGET} -fuse-ld=lld -nostdlib -shared -Wl,-soname,lib${name}.so
      -o ${stubs}/lib${name}.so ${stubs}/none.c COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endif()
set(CMAKE_C_FLAGS_INIT "-O0 -D_POSIX_C_SOURCE=200809L -isystem ${CMAKE_CURRENT_LIST_DIR}/ndk_stub -isystem /usr/aarch64-linux-gnu/include")
foreach(kind EXE SHARED MODULE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT "-fuse-ld=lld -nostdlib -L${stubs} -Wl,--unresolved-symbols=ignore-all")
endforeach()
set(CMAKE_C_STANDARD_LIBRARIES_INIT -lc)
set(CMAKE_LIBRARY_PATH ${stubs})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
