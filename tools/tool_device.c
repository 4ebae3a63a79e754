/* SPDX-License-Identifier: MIT */
#include "tool_device.h"

#include "family.h"
#include "say.h"
#include "tool_tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(tool_options, member)

static const option_spec common_options[] = {
    {"device", OPTION_TEXT, FIELD(device), "NAME|INDEX",
     "part of a device's name or its index; default: VATTEN_DEVICE"},
    {"tuning", OPTION_TEXT, FIELD(tuning), "FILE|remembered",
     "rows of tiles of vatten_tune; default: the built-in table alone"},
    {"validate", OPTION_FLAG, FIELD(validate), NULL,
     "run under the Vulkan validation layer; its errors fail the run"},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print JSON on one line"},
    {"verbose", OPTION_FLAG, FIELD(verbose), NULL, "also print what the library chose"},
    {"version", OPTION_FLAG, FIELD(version), NULL, "print the library's version and stop"},
};

option_table tool_option_table(tool_options *options) {
    option_table table = {"common", common_options, sizeof common_options / sizeof *common_options, options};
    return table;
}

static bool open_with(const tool_options *options, vatten_logger logger, const char *tuning,
                      vatten_context **out_context) {
    vatten_context_desc desc = {
        .device = options->device != NULL ? options->device : getenv("VATTEN_DEVICE"),
        .validation = options->validate,
        .statistics = options->statistics,
        .logger = logger,
        .tuning = tuning,
    };
    vatten_result result = vatten_context_create(&desc, out_context);
    if (result != VATTEN_SUCCESS)
        say_error("no device: %s", vatten_result_name(result));
    return result == VATTEN_SUCCESS;
}

/* The file is named by the device, so the context is made twice. */
static bool open_remembered(const tool_options *options, vatten_logger logger, vatten_context **out_context) {
    char path[TOOL_TUNING_PATH];
    if (!open_with(options, logger, NULL, out_context))
        return false;
    bool placed = tool_tuning_path(*out_context, path);
    if (placed && !tool_tuning_exists(path)) {
        say_note("warning: no tuning is remembered for this device and driver: there is no %s", path);
        return true;
    }
    vatten_context_destroy(*out_context);
    *out_context = NULL;
    return placed && tool_tuning_read(path) && open_with(options, logger, path, out_context);
}

static bool open_any(const tool_options *options, vatten_logger logger, vatten_context **out_context) {
    const char *tuning = options->tuning;
    if (tuning != NULL && strcmp(tuning, TOOL_TUNING_REMEMBERED) == 0)
        return open_remembered(options, logger, out_context);
    return (tuning == NULL || tool_tuning_read(tuning)) && open_with(options, logger, tuning, out_context);
}

bool tool_open(const tool_options *options, vatten_logger logger, vatten_context **out_context) {
    if (!open_any(options, logger, out_context))
        return false;
    vatten_context_info info;
    vatten_context_get_info(*out_context, &info);
    if (options->validate && !info.validation)
        say_note(
            "warning: the validation layer VK_LAYER_KHRONOS_validation is not installed; running without it");
    return true;
}

vatten_device_desc tool_device_desc(vatten_context *context, vatten_logger logger) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    vatten_device_desc desc = {.get_instance_proc_addr = vatten_context_get_instance_proc_addr(context),
                               .instance = vatten_context_instance(context),
                               .physical_device = vatten_context_physical_device(context),
                               .device = vatten_context_vk_device(context),
                               .features = info.enabled,
                               .logger = logger};
    desc.tuning = tool_tuning_text(&desc.tuning_size);
    return desc;
}

bool tool_found_invalid(const vatten_context *context) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    if (info.validation_errors != 0)
        say_error("the validation layer reported %u errors", info.validation_errors);
    return info.validation_errors != 0;
}

void tool_json_device(cJSON *object, const vatten_context *context) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    cJSON_AddStringToObject(object, "device", info.device_name);
    cJSON_AddStringToObject(object, "driver", info.driver);
    cJSON_AddBoolToObject(object, "validation", info.validation);
}

static void add_count(cJSON *object, const char *name, uint64_t count) {
    cJSON_AddNumberToObject(object, name, (double)count);
}

void tool_json_tile(cJSON *object, const vatten_tile *tile) {
    cJSON_AddStringToObject(object, "layout", family_layout_name(tile->layout));
    add_count(object, "workgroup", tile->workgroup);
    add_count(object, "rows", tile->rows);
    add_count(object, "keys", tile->keys);
    add_count(object, "lanes_per_row", tile->lanes_per_row);
}

void tool_json_plan(cJSON *object, const vatten_plan_info *info) {
    cJSON_AddStringToObject(object, "kernel", info->kernel);
    tool_json_tile(cJSON_AddObjectToObject(object, "tile"), &info->tile);
    cJSON_AddStringToObject(object, "tile_reason", info->tile_reason);
    if (info->box[0] != 0) {
        cJSON *box = cJSON_AddArrayToObject(object, "box");
        for (int a = 0; a < 3; ++a)
            cJSON_AddItemToArray(box, cJSON_CreateNumber(info->box[a]));
    }
    add_count(object, "dispatches", info->dispatches);
    add_count(object, "pipelines", info->pipelines);
    add_count(object, "workspace_bytes", info->workspace_bytes);
    add_count(object, "pairs", info->pairs);
    add_count(object, "flops", info->flops);
    add_count(object, "bytes", info->bytes);
    add_count(object, "max_macs", info->max_macs);
    add_count(object, "largest_macs", info->largest_macs);
    add_count(object, "max_moves", info->max_moves);
    add_count(object, "largest_moves", info->largest_moves);
}

static const struct {
    vatten_feature bit;
    const char *name;
} feature_names[] = {
    {VATTEN_FEATURE_STORAGE_16BIT, "storage_16bit"},
    {VATTEN_FEATURE_PUSH_DESCRIPTOR, "push_descriptor"},
    {VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL, "subgroup_size_control"},
    {VATTEN_FEATURE_PIPELINE_STATISTICS, "pipeline_statistics"},
    {VATTEN_FEATURE_COOPERATIVE_MATRIX, "cooperative_matrix"},
    {VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16, "cooperative_matrix_bf16"},
    {VATTEN_FEATURE_COOPERATIVE_MATRIX_2, "cooperative_matrix_2"},
    {VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS, "buffer_device_address"},
    {VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP, "cooperative_matrix_workgroup"},
    {VATTEN_FEATURE_SHADER_FLOAT16, "shader_float16"},
    {VATTEN_FEATURE_MIXED_DOT_PRODUCT, "mixed_dot_product"},
    {VATTEN_FEATURE_INTEGER_DOT_PRODUCT, "integer_dot_product"},
};

cJSON *tool_json_features(vatten_features features) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof feature_names / sizeof *feature_names; ++i) {
        if (features & (vatten_features)feature_names[i].bit)
            cJSON_AddItemToArray(array, cJSON_CreateString(feature_names[i].name));
    }
    return array;
}

void tool_features_text(vatten_features features, char *out, size_t out_size) {
    size_t used = 0;
    snprintf(out, out_size, "none");
    for (size_t i = 0; i < sizeof feature_names / sizeof *feature_names; ++i) {
        if ((features & (vatten_features)feature_names[i].bit) && used < out_size)
            used += (size_t)snprintf(out + used, out_size - used, used == 0 ? "%s" : " %s",
                                     feature_names[i].name);
    }
}

bool tool_json_print(cJSON *object, bool pretty) {
    char *text = object == NULL ? NULL : pretty ? cJSON_Print(object) : cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (text == NULL) {
        say_error("out of memory");
        return false;
    }
    puts(text);
    cJSON_free(text);
    return say_flush();
}

void tool_version_text(char *out, size_t out_size) {
    uint32_t version = vatten_version();
    snprintf(out, out_size, "%u.%u.%u", version >> 22, version >> 12 & 0x3ff, version & 0xfff);
}

void tool_print_version(const char *program) {
    char version[32];
    tool_version_text(version, sizeof version);
    printf("%s %s\n", program, version);
}

bool tool_parse(const char *program, int argc, char **argv, const option_table *tables, size_t table_count,
                const char *usage, const tool_options *options, int *status) {
    options_result parsed = options_parse(argc, argv, tables, table_count);
    *status = parsed == OPTIONS_BAD ? SAY_USAGE : SAY_OK;
    if (parsed == OPTIONS_HELP)
        options_help(usage, tables, table_count);
    if (parsed != OPTIONS_PARSED)
        return false;
    if (options->version)
        tool_print_version(program);
    return !options->version;
}
