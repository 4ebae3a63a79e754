/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

void vt_log(const vatten_logger *logger, vatten_log_level level, const char *label, const char *format, ...) {
    if (!logger || !logger->write)
        return;
    char text[512];
    int used = label && label[0] ? snprintf(text, sizeof text, "%s: ", label) : 0;
    size_t at = used > 0 ? (size_t)used : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(text + at, sizeof text - at, format, args);
    va_end(args);
    logger->write(logger->user, level, text);
}
