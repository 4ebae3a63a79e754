# SPDX-License-Identifier: MIT
#
# cmake -DSOURCE=<tree> -DKERNELS=<lib/kernels of a build> -DARCHIVE=<out.tar.xz> [-DUNPACK=TRUE] -P source_archive.cmake
#
# What git knows of the tree, and the kernels where shaders/spirv.cmake looks for them, under one folder of the archive's name. The
# same tree and kernels make the same bytes: all files are of one time, and the folder has them in order.
cmake_minimum_required(VERSION 3.21)

find_program(GIT git REQUIRED)
execute_process(COMMAND ${GIT} -C ${SOURCE} ls-files OUTPUT_VARIABLE names RESULT_VARIABLE failed
                OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC ${GIT} -C ${SOURCE} log -1 --format=%cd
                        "--date=format-local:%Y-%m-%d %H:%M:%S UTC"
                OUTPUT_VARIABLE time OUTPUT_STRIP_TRAILING_WHITESPACE)
if(failed)
  message(FATAL_ERROR "source_archive: ${SOURCE} is no checkout of git")
endif()
string(REPLACE "\n" ";" names "${names}")

get_filename_component(name ${ARCHIVE} NAME)
string(REGEX REPLACE "-source\\.tar\\.xz$" "" name ${name})
get_filename_component(folder ${ARCHIVE} DIRECTORY)
set(tree ${folder}/source_archive/${name})
file(REMOVE_RECURSE ${tree})
foreach(file ${names})
  get_filename_component(place ${file} DIRECTORY)
  file(COPY ${SOURCE}/${file} DESTINATION ${tree}/${place})
endforeach()
file(COPY ${KERNELS}/packed.h ${KERNELS}/digest.txt ${KERNELS}/known.cmake DESTINATION ${tree}/shaders/prebuilt)
file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${folder}/source_archive ${tree}/*)
list(SORT files)
file(WRITE ${folder}/source_archive/files.txt "")
foreach(file ${files})
  file(APPEND ${folder}/source_archive/files.txt "${file}\n")
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -E tar cJf ${ARCHIVE} "--mtime=${time}" --files-from=files.txt
                WORKING_DIRECTORY ${folder}/source_archive COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${folder}/source_archive)
if(UNPACK) # for tests
  file(REMOVE_RECURSE ${folder}/${name})
  file(ARCHIVE_EXTRACT INPUT ${ARCHIVE} DESTINATION ${folder})
endif()
