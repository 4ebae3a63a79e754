# SPDX-License-Identifier: MIT
#
# cmake -DTREE=<sources> -DFEATURES=<list> -DVULKAN=<include> -DGENERATOR=<name> -DCC=<compiler> -DOUT=<folder> -P vcpkg_port.cmake
#
# The port of packaging/vcpkg without vcpkg: its functions are written anew here, as far as the port uses them. They refuse arguments that
# vcpkg's do not have, and really configure, build and install; what lies in OUT/packages then is held to what vcpkg checks
# after a build.
cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${OUT})
set(PORT vatten)
set(CURRENT_PACKAGES_DIR ${OUT}/packages)
set(CURRENT_BUILDTREES_DIR ${OUT}/buildtrees)
set(CURRENT_HOST_INSTALLED_DIR ${OUT}/host)
set(CURRENT_PORT_DIR ${TREE}/packaging/vcpkg)
set(called "")

# refuse_rest(FUNCTION, whatever cmake_parse_arguments left over, options without values)
macro(refuse_rest FUNCTION)
  if(_UNPARSED_ARGUMENTS OR _KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${FUNCTION}: wrong arguments: ${_UNPARSED_ARGUMENTS} ${_KEYWORDS_MISSING_VALUES}")
  endif()
  set(called "${called};${FUNCTION}" PARENT_SCOPE)
endmacro()

function(need FUNCTION VALUE)
  if(NOT VALUE)
    message(FATAL_ERROR "${FUNCTION}: an argument is missing")
  endif()
endfunction()

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 "" "" "OUT_FEATURE_OPTIONS;PREFIX" "FEATURES;INVERTED_FEATURES")
  refuse_rest(vcpkg_check_features)
  need(vcpkg_check_features "${_OUT_FEATURE_OPTIONS}")
  file(READ ${CURRENT_PORT_DIR}/vcpkg.json manifest)
  set(options "")
  while(_FEATURES)
    list(POP_FRONT _FEATURES feature variable)
    string(JSON known ERROR_VARIABLE unknown GET "${manifest}" features ${feature})
    if(unknown OR NOT variable)
      message(FATAL_ERROR "vcpkg_check_features: ${feature} ${variable}: ${unknown}")
    endif()
    set(value OFF)
    if(feature IN_LIST FEATURES)
      set(value ON)
    endif()
    list(APPEND options -D${variable}=${value})
  endwhile()
  set(${_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 "" "PREFER_NINJA;DISABLE_PARALLEL_CONFIGURE" "SOURCE_PATH;LOGFILE_BASE;GENERATOR"
    "OPTIONS;OPTIONS_DEBUG;OPTIONS_RELEASE;MAYBE_UNUSED_VARIABLES")
  refuse_rest(vcpkg_cmake_configure)
  need(vcpkg_cmake_configure "${_SOURCE_PATH}")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Release
      -DCMAKE_C_FLAGS_RELEASE=-O0 -DCMAKE_C_COMPILER=${CC} -DVATTEN_VULKAN_INCLUDE=${VULKAN} -DBUILD_SHARED_LIBS=OFF
      -DCMAKE_INSTALL_LIBDIR=lib ${_OPTIONS}
    ERROR_VARIABLE said RESULT_VARIABLE failed)
  if(failed OR said MATCHES "not used by the project") # of that vcpkg complains, too
    message(FATAL_ERROR "vcpkg_cmake_configure: ${said}")
  endif()
endfunction()

# Twice as vcpkg does, into the packages' folder and debug/; here both get the same build.
function(vcpkg_cmake_install)
  cmake_parse_arguments(PARSE_ARGV 0 "" "DISABLE_PARALLEL;ADD_BIN_TO_PATH" "" "")
  refuse_rest(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} COMMAND_ERROR_IS_FATAL ANY)
  foreach(prefix ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/debug)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${CURRENT_BUILDTREES_DIR} --prefix ${prefix} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()

function(vcpkg_copy_pdbs)
  cmake_parse_arguments(PARSE_ARGV 0 "" "" "" "BUILD_PATHS")
  refuse_rest(vcpkg_copy_pdbs)
endfunction()

# To share/, which lies two folders below the prefix and not three.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 "" "DO_NOT_DELETE_PARENT_CONFIG_PATH;NO_PREFIX_CORRECTION" "PACKAGE_NAME;CONFIG_PATH;TOOLS_PATH" "")
  refuse_rest(vcpkg_cmake_config_fixup)
  need(vcpkg_cmake_config_fixup "${_CONFIG_PATH}")
  set(share ${CURRENT_PACKAGES_DIR}/share/${_PACKAGE_NAME})
  file(MAKE_DIRECTORY ${CURRENT_PACKAGES_DIR}/share)
  file(RENAME ${CURRENT_PACKAGES_DIR}/${_CONFIG_PATH} ${share})
  foreach(prefix ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/debug)
    cmake_path(GET _CONFIG_PATH PARENT_PATH parent)
    file(REMOVE_RECURSE ${prefix}/${_CONFIG_PATH})
    file(REMOVE_RECURSE ${prefix}/${parent})
  endforeach()
  file(GLOB files ${share}/*.cmake)
  foreach(file ${files})
    file(READ ${file} text)
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
    string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component"
      "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component" text "${text}")
    file(WRITE ${file} "${text}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
  cmake_parse_arguments(PARSE_ARGV 0 "" "SKIP_CHECK" "" "FILES;RELEASE_FILES;DEBUG_FILES")
  refuse_rest(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 "" "" "COMMENT" "FILE_LIST")
  refuse_rest(vcpkg_install_copyright)
  need(vcpkg_install_copyright "${_FILE_LIST}")
  file(COPY_FILE ${_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright)
endfunction()

include(${CURRENT_PORT_DIR}/portfile.cmake)

# What vcpkg wants to see after a build.
function(check CONDITION_TEXT)
  if(${ARGN})
  else()
    message(FATAL_ERROR "after the build: ${CONDITION_TEXT}")
  endif()
endfunction()
set(p ${CURRENT_PACKAGES_DIR})
check("no header in debug/include" NOT EXISTS ${p}/debug/include)
check("nothing in debug/share" NOT EXISTS ${p}/debug/share)
check("headers" EXISTS ${p}/include/vatten/vatten.h)
check("a copyright" EXISTS ${p}/share/vatten/copyright)
check("a usage" EXISTS ${p}/share/vatten/usage)
check("CMake files in share only" NOT EXISTS ${p}/lib/cmake)
check("CMake files in share only" NOT EXISTS ${p}/debug/lib/cmake)
check("a config" EXISTS ${p}/share/vatten/vatten-config.cmake)
foreach(function vcpkg_cmake_configure vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_install_copyright vcpkg_copy_pdbs)
  check("${function} was called" function IN_LIST called)
endforeach()
file(GLOB_RECURSE texts ${p}/*.cmake ${p}/*.pc)
foreach(file ${texts})
  file(READ ${file} text)
  string(FIND "${text}" "${OUT}" at)
  check("no absolute path in ${file}" at EQUAL -1)
endforeach()
message(STATUS "the port was built: ${p}")
