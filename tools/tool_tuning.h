/* SPDX-License-Identifier: MIT
 *
 * Tuning files of the tools: the one that --tuning names, and those that vatten_tune --remember keeps for each device.
 */
#ifndef TOOLS_TOOL_TUNING_H
#define TOOLS_TOOL_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include <vatten/context.h>

#define TOOL_TUNING_REMEMBERED "remembered" /* in place of a path: that of the device */
#define TOOL_TUNING_PATH       4096         /* bytes that a path needs at most */

/* Reads a tuning file and holds it against its rules. False, and said, when it cannot be read or breaks one. What it held
 * stays until the next one, for devices that a tool makes on its own. */
bool tool_tuning_read(const char *path);

/* The text that was read last; "" and 0 without one. */
const char *tool_tuning_text(size_t *out_size);

/* Where the device's file is remembered: $XDG_CACHE_HOME/vatten or ~/.cache/vatten, named by vendor, device, driver and its
 * version and build, in numbers and words. False, and said, when the environment has no such place. */
bool tool_tuning_path(vatten_context *context, char out_path[TOOL_TUNING_PATH]);

bool tool_tuning_exists(const char *path);

/* Writes a tuning file as a whole or, and says why, not at all; with `folders` also makes the folders that are missing. */
bool tool_tuning_write(const char *path, const char *text, size_t size, bool folders);

#endif /* TOOLS_TOOL_TUNING_H */
