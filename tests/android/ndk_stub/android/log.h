/* SPDX-License-Identifier: MIT
 *
 * Of the NDK's header of this name what samples/android uses, for a compiler that has no NDK. Numbers are those of Android's stable interface.
 */
#pragma once
enum { ANDROID_LOG_WARN = 5, ANDROID_LOG_ERROR = 6 };
int __android_log_write(int priority, const char *tag, const char *text);
