/* SPDX-License-Identifier: MIT */
#include "tool_limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tool_device.h"

static const char *device_type(uint32_t type) {
    static const char *const names[] = {"other", "integrated", "discrete", "virtual", "cpu"};
    return type < sizeof names / sizeof *names ? names[type] : "?";
}

static void add_count(cJSON *object, const char *name, uint64_t count) {
    cJSON_AddNumberToObject(object, name, (double)count);
}

void tool_json_limits(cJSON *object, vatten_context *context) {
    vatten_context_info info;
    vatten_device_info device;
    vatten_context_get_info(context, &info);
    vatten_device_get_info(vatten_context_device(context), &device);
    char version[32];
    snprintf(version, sizeof version, "%u.%u.%u", info.api_version >> 22 & 0x7f,
             info.api_version >> 12 & 0x3ff, info.api_version & 0xfff);
    cJSON_AddStringToObject(object, "api_version", version);
    cJSON_AddStringToObject(object, "type", device_type(info.device_type));
    cJSON_AddItemToObject(object, "features_supported", tool_json_features(info.supported));
    cJSON_AddItemToObject(object, "features_enabled", tool_json_features(info.enabled));
    cJSON_AddItemToObject(object, "features_used", tool_json_features(device.features));
    add_count(object, "subgroup_size", device.subgroup_size);
    add_count(object, "subgroup_min", device.subgroup_min);
    add_count(object, "subgroup_max", device.subgroup_max);
    add_count(object, "shared_bytes", device.shared_bytes);
    add_count(object, "invocations", device.invocations);
    add_count(object, "storage_range", device.storage_range);
    add_count(object, "storage_alignment", device.storage_alignment);
    add_count(object, "storage_buffers", device.storage_buffers);
    add_count(object, "max_dim", device.max_dim);
    add_count(object, "max_macs", device.max_macs);
    add_count(object, "max_moves", device.max_moves);
    cJSON_AddStringToObject(object, "quirks", device.quirks);
    cJSON_AddStringToObject(object, "matrices", device.matrices);
    cJSON_AddStringToObject(object, "bf16_matrices", device.bf16_matrices);
    cJSON_AddStringToObject(object, "workgroup_matrices", device.workgroup_matrices);
    cJSON_AddStringToObject(object, "bf16_workgroup_matrices", device.bf16_workgroup_matrices);
    cJSON_AddBoolToObject(object, "dots_accelerated", device.dots_accelerated);
    cJSON_AddNumberToObject(object, "push_bytes", device.push_bytes);
    add_count(object, "vendor_id", device.vendor_id);
    add_count(object, "device_id", device.device_id);
    add_count(object, "driver_id", device.driver_id);
    add_count(object, "driver_version", device.driver_version);
    cJSON_AddStringToObject(object, "driver_info", device.driver_info);
    add_count(object, "tuned_rows", device.tuned_rows);
}

/* Whether the word stands in a list that is separated by spaces. */
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[length] == '\0' || at[length] == ' '))
            return true;
    }
    return false;
}

cJSON *tool_json_quirks(const char *names) {
    cJSON *list = cJSON_CreateArray();
    vatten_quirk quirk;
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i) {
        if (names != NULL && !has_word(names, quirk.name))
            continue;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", quirk.name);
        cJSON_AddStringToObject(row, "devices", quirk.devices);
        cJSON_AddStringToObject(row, "effect", quirk.effect);
        cJSON_AddStringToObject(row, "source", quirk.source);
        cJSON_AddBoolToObject(row, "fault", quirk.fault);
        cJSON_AddItemToArray(list, row);
    }
    return list;
}
