# SPDX-License-Identifier: MIT
#
# One number for all sources of kernels, so that kernels which were compiled before are known to be theirs. As a script it
# writes the number down: cmake -DFILE=<file> -P digest.cmake
set(VATTEN_DIGEST_DIR ${CMAKE_CURRENT_LIST_DIR})

function(vatten_shader_digest RESULT)
  file(GLOB sources RELATIVE ${VATTEN_DIGEST_DIR} ${VATTEN_DIGEST_DIR}/*.comp ${VATTEN_DIGEST_DIR}/lib/*.glsl
       ${VATTEN_DIGEST_DIR}/iface/*.h ${VATTEN_DIGEST_DIR}/kernels.cmake)
  list(SORT sources)
  set(all "")
  foreach(source ${sources})
    file(SHA256 ${VATTEN_DIGEST_DIR}/${source} digest)
    string(APPEND all "${source} ${digest}\n")
  endforeach()
  string(SHA256 digest "${all}")
  set(${RESULT} ${digest} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  vatten_shader_digest(digest)
  file(WRITE ${FILE} ${digest})
endif()
