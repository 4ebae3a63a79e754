/* SPDX-License-Identifier: MIT */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program_name = "sample";

void complain_begin(const char *program) {
    program_name = program;
}

const char *complain_program(void) {
    return program_name;
}

bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}
