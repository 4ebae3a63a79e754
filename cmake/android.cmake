# SPDX-License-Identifier: MIT
#
# The target aar: vatten for Android Studio projects. VATTEN_ANDROID_NDK is the NDK's folder; kernels are those of this build, which is the
# machine's own.
set(VATTEN_ANDROID_NDK "$ENV{ANDROID_NDK_HOME}" CACHE PATH "Folder of Android's NDK, for the target aar")
set(VATTEN_ANDROID_ABIS "arm64-v8a;armeabi-v7a;x86_64" CACHE STRING "ABIs of the target aar")
set(VATTEN_ANDROID_MIN_SDK 28 CACHE STRING "Lowest API level of the target aar, at least 24")

set(major 0)
if(EXISTS ${VATTEN_ANDROID_NDK}/source.properties)
  file(READ ${VATTEN_ANDROID_NDK}/source.properties properties)
  if(properties MATCHES "Pkg.Revision *= *([0-9]+)")
    set(major ${CMAKE_MATCH_1})
  endif()
endif()
if(major)
  add_custom_target(aar
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DKERNELS=${VATTEN_KERNEL_DIR} -DNDK_MAJOR=${major}
      -DTOOLCHAIN=${VATTEN_ANDROID_NDK}/build/cmake/android.toolchain.cmake "-DABIS=${VATTEN_ANDROID_ABIS}"
      -DMIN_SDK=${VATTEN_ANDROID_MIN_SDK} -DVERSION=${PROJECT_VERSION} -DOUT=${PROJECT_BINARY_DIR}/android
      -P ${PROJECT_SOURCE_DIR}/cmake/aar.cmake
    VERBATIM)
  if(TARGET vatten_kernels)
    add_dependencies(aar vatten_kernels)
  endif()
endif()
