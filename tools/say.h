/* SPDX-License-Identifier: MIT
 *
 * What a tool says on stderr: its own errors and those of the library, each line led by the program's name.
 */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

#include <stdbool.h>

#include <vatten/vatten.h>

#if defined(__GNUC__)
#define SAY_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define SAY_FORMAT(text, first)
#endif

/* Exit codes of all tools. */
typedef enum say_exit {
    SAY_OK = 0,
    SAY_FAILED = 1, /* refused by the library, a broken file, a wrong result */
    SAY_USAGE = 2   /* the command line itself is wrong */
} say_exit;

/* Names the program in all later lines; call it first. `program` must stay alive. */
void say_begin(const char *program);

/* One error line without a line end. */
void say_error(const char *format, ...) SAY_FORMAT(1, 2);

/* One line of progress or warning, printed as it is. */
void say_note(const char *format, ...) SAY_FORMAT(1, 2);

/* Ends what a tool prints on stdout; false, and said, if not all of it could be written. */
bool say_flush(void);

/* The library's messages go to stderr: errors and warnings always, information when `verbose`. */
vatten_logger say_logger(bool verbose);

/* Errors are only kept for say_last_error: for a sweep, where a refused problem is a result. Warnings are
 * printed. */
vatten_logger say_quiet_logger(void);

/* The last error that either logger got, "" if there was none since the last say_forget. */
const char *say_last_error(void);
void say_forget(void);

#endif /* TOOLS_SAY_H */
