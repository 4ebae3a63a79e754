# SPDX-License-Identifier: MIT
# cmake -DPREFIX=<folder> -P only_version.cmake
file(GLOB_RECURSE files RELATIVE ${PREFIX} ${PREFIX}/*)
if(NOT files MATCHES "^bin/version(\\.exe)?$")
  message(FATAL_ERROR "installed: ${files}")
endif()
