# SPDX-License-Identifier: MIT
#
# cmake -DLIBRARY=<libvatten.so> -DSTRIP=<strip> -DOUT=<file> -DMOST=<bytes> -P size.cmake: prints how many bytes the library has without symbols, and
# fails if there are more.
file(COPY_FILE ${LIBRARY} ${OUT})
execute_process(COMMAND ${STRIP} ${OUT} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${OUT} bytes)
message("${LIBRARY}, stripped: ${bytes} bytes of at most ${MOST}")
if(bytes GREATER MOST)
  message(FATAL_ERROR "the library has more than ${MOST} bytes")
endif()
