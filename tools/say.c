/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program_name = "vatten";
static char last_error[512];

void say_begin(const char *program) {
    program_name = program;
}

void say_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: error: ", program_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void say_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

bool say_flush(void) {
    bool flushed = fflush(stdout) == 0 && !ferror(stdout); /* an earlier write may have failed */
    if (!flushed)
        say_error("stdout cannot be written");
    return flushed;
}

static void keep_error(vatten_log_level level, const char *message) {
    if (level == VATTEN_LOG_ERROR)
        snprintf(last_error, sizeof last_error, "%s", message);
}

static void write_quiet(void *user, vatten_log_level level, const char *message) {
    (void)user;
    keep_error(level, message);
    if (level == VATTEN_LOG_WARN)
        say_note("warning: %s", message);
}

static void write_plain(void *user, vatten_log_level level, const char *message) {
    (void)user;
    keep_error(level, message);
    if (level == VATTEN_LOG_ERROR)
        say_error("%s", message);
    else if (level == VATTEN_LOG_WARN)
        say_note("warning: %s", message);
}

static void write_verbose(void *user, vatten_log_level level, const char *message) {
    if (level == VATTEN_LOG_INFO)
        say_note("%s", message);
    else
        write_plain(user, level, message);
}

vatten_logger say_logger(bool verbose) {
    vatten_logger logger = {.write = verbose ? write_verbose : write_plain};
    return logger;
}

vatten_logger say_quiet_logger(void) {
    vatten_logger logger = {.write = write_quiet};
    return logger;
}

const char *say_last_error(void) {
    return last_error;
}

void say_forget(void) {
    last_error[0] = '\0';
}
