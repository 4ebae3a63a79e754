/* SPDX-License-Identifier: MIT
 *
 * What a sample says on stderr.
 */
#ifndef SAMPLES_COMPLAIN_H
#define SAMPLES_COMPLAIN_H

#include <stdbool.h>

#if defined(__GNUC__)
#define COMPLAIN_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define COMPLAIN_PRINTF
#endif

/* Names the program, whose name stands before each line; it must stay alive. Call it first. */
void complain_begin(const char *program);
const char *complain_program(void);

/* Prints "program: ..."; always false, so that a failing function can return it. */
COMPLAIN_PRINTF bool complain(const char *format, ...);

#endif
