# SPDX-License-Identifier: MIT
#
# find_python(MODULES OUT): the first Python that has what is asked for ("numpy", "cffi, numpy"); another one may stand before the
# system's, whose packages hold it. Without any, OUT is the first Python and OUT_LACKS is true.
function(find_python MODULES OUT)
  set(${OUT} ${Python3_EXECUTABLE} PARENT_SCOPE)
  set(${OUT}_LACKS TRUE PARENT_SCOPE)
  foreach(candidate ${Python3_EXECUTABLE} /usr/bin/python3)
    execute_process(COMMAND ${candidate} -c "import ${MODULES}" RESULT_VARIABLE lacks OUTPUT_QUIET ERROR_QUIET)
    if(lacks STREQUAL 0)
      set(${OUT} ${candidate} PARENT_SCOPE)
      set(${OUT}_LACKS FALSE PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()
