/* SPDX-License-Identifier: MIT
 *
 * One line to the caller's logger, with the plan's label in front where there is one.
 */
#ifndef VT_LOG_H
#define VT_LOG_H

#include <vatten/vatten.h>

#if defined(__GNUC__)
#define VT_PRINTF(FORMAT, FIRST) __attribute__((format(printf, FORMAT, FIRST)))
#else
#define VT_PRINTF(FORMAT, FIRST)
#endif

/* `label` may be NULL or "". Messages are cut at 511 bytes. */
void vt_log(const vatten_logger *logger, vatten_log_level level, const char *label, const char *format, ...)
    VT_PRINTF(4, 5);

#endif /* VT_LOG_H */
