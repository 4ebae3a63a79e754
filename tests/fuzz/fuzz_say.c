/* SPDX-License-Identifier: MIT */
#include "fuzz_say.h"

#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned errors;

/* Formatted all the same: what is printed is read to its end. */
static void format_to_nowhere(const char *format, va_list arguments) {
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
}

void say_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    format_to_nowhere(format, arguments);
    va_end(arguments);
    ++errors;
}

void say_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    format_to_nowhere(format, arguments);
    va_end(arguments);
}

void fuzz_say_start(void) {
    errors = 0;
}

const char *fuzz_say_broken(bool taken) {
    return errors == (taken ? 0u : 1u) ? NULL
           : taken                     ? "an error was told of what was taken"
           : errors                    ? "a refusal was told more than once"
                                       : "something was refused without a word";
}
