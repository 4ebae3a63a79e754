# SPDX-License-Identifier: MIT
#
# cmake -DBUILD=<build folder> -DOUT=<folder> -P unpack.cmake
#
# Packs what the build installs and unpacks that as its users do: OUT/tgz and, where there are packages of Debian, OUT/deb are
# folders as / would be after it.
cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${OUT})
execute_process(COMMAND ${CMAKE_CPACK_COMMAND} --config ${BUILD}/CPackConfig.cmake -B ${OUT}/packages
                COMMAND_ERROR_IS_FATAL ANY)
file(GLOB archives ${OUT}/packages/*.tar.gz)
file(GLOB debs ${OUT}/packages/*.deb)
list(LENGTH archives count)
if(NOT count EQUAL 1)
  message(FATAL_ERROR "cpack made ${count} archives, not one")
endif()
file(ARCHIVE_EXTRACT INPUT ${archives} DESTINATION ${OUT}/tgz)
file(GLOB inside ${OUT}/tgz/*) # one folder, of the archive's name
file(RENAME ${inside} ${OUT}/tgz/usr)
foreach(deb ${debs})
  execute_process(COMMAND dpkg-deb -x ${deb} ${OUT}/deb COMMAND_ERROR_IS_FATAL ANY)
endforeach()
