/* SPDX-License-Identifier: MIT
 *
 * What vatten found on a device and decided about it, and which quirks of drivers are in force there, as JSON.
 */
#ifndef TOOLS_TOOL_LIMITS_H
#define TOOLS_TOOL_LIMITS_H

#include <cjson/cJSON.h>
#include <vatten/context.h>

/* Adds versions, features, limits, the names of quirks and shapes of matrices. */
void tool_json_limits(cJSON *object, vatten_context *context);

/* An array of the quirks that `names` (separated by spaces) has, with their effects and sources; NULL: of all. */
cJSON *tool_json_quirks(const char *names);

#endif /* TOOLS_TOOL_LIMITS_H */
