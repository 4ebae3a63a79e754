/* SPDX-License-Identifier: MIT
 *
 * What every tool offers in common: the options that choose a device and an output form, the context made
 * from them, and the JSON pieces that say what ran.
 */
#ifndef TOOLS_TOOL_DEVICE_H
#define TOOLS_TOOL_DEVICE_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <vatten/context.h>

#include "options.h"

typedef struct tool_options {
    const char *device;
    const char *tuning; /* path, or TOOL_TUNING_REMEMBERED */
    bool validate;
    bool json;
    bool verbose;
    bool version;
    bool statistics; /* not an option: set by tools that ask for VATTEN_FEATURE_PIPELINE_STATISTICS */
} tool_options;

option_table tool_option_table(tool_options *options);

/* Makes the context: --device, else the environment's VATTEN_DEVICE, else the context's choice; with the tuning file of
 * --tuning. Says what went wrong; a validation layer that was asked for and is not installed is a warning, and so is
 * that nothing is remembered for the device. */
bool tool_open(const tool_options *options, vatten_logger logger, vatten_context **out_context);

/* What makes another vatten_device on the context's VkDevice: its handles and features, and the text of --tuning. */
vatten_device_desc tool_device_desc(vatten_context *context, vatten_logger logger);

/* True when the validation layer reported errors since the context was made; says so. */
bool tool_found_invalid(const vatten_context *context);

/* Adds device, driver and whether validation is on. */
void tool_json_device(cJSON *object, const vatten_context *context);

/* Adds layout and sizes. */
void tool_json_tile(cJSON *object, const vatten_tile *tile);

/* Adds kernel, tile and its reason, box, dispatches and the sizes and counts of a plan. */
void tool_json_plan(cJSON *object, const vatten_plan_info *info);

/* The array ["storage_16bit", ...]. */
cJSON *tool_json_features(vatten_features features);

/* "storage_16bit push_descriptor", or "none". */
void tool_features_text(vatten_features features, char *out, size_t out_size);

/* Prints on stdout, pretty or on one line, and deletes the object. False when that failed. */
bool tool_json_print(cJSON *object, bool pretty);

/* "0.1.0" */
void tool_version_text(char *out, size_t out_size);

void tool_print_version(const char *program);

/* Parses the command line of a tool, whose own options are in `options` by then. False: the tool is to end with *status,
 * as help or the version was asked for and printed, or an option is wrong and was told. */
bool tool_parse(const char *program, int argc, char **argv, const option_table *tables, size_t table_count,
                const char *usage, const tool_options *options, int *status);

#endif /* TOOLS_TOOL_DEVICE_H */
