/* SPDX-License-Identifier: MIT */
#include "profiles.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPUTE_STAGE 0x20 /* VK_SHADER_STAGE_COMPUTE_BIT */

static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        text = size > 0 ? calloc(1, (size_t)size + 1) : NULL;
        if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

/* A missing number would be a limit of 0 that no test should believe in. */
static double number(const cJSON *item, bool *complete) {
    *complete = *complete && (cJSON_IsNumber(item) || cJSON_IsBool(item));
    return cJSON_IsNumber(item) ? item->valuedouble : cJSON_IsTrue(item) ? 1 : 0;
}

static uint32_t field(const cJSON *row, const char *name, bool *complete) {
    return (uint32_t)number(cJSON_GetObjectItem(row, name), complete);
}

static uint32_t entry(const cJSON *row, const char *name, int i, bool *complete) {
    return (uint32_t)number(cJSON_GetArrayItem(cJSON_GetObjectItem(row, name), i), complete);
}

/* "llvmpipe Mesa 22.3.6 (...)" -> 22.3.6, packed as Mesa packs it. */
static uint32_t mesa_version(const char *driver) {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    const char *at = strstr(driver, "Mesa 2");
    if (at && sscanf(at, "Mesa %u.%u.%u", &major, &minor, &patch) < 2)
        major = 0;
    return major << 22 | minor << 12 | patch;
}

static bool fill(const cJSON *row, struct profile *out) {
    bool complete = true;
    vt_caps *caps = &out->caps;
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(row, "id"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(row, "name"));
    const char *driver = cJSON_GetStringValue(cJSON_GetObjectItem(row, "driver"));
    if (!id || !name || !driver)
        return false;
    memset(out, 0, sizeof *out);
    snprintf(out->id, sizeof out->id, "%s", id);
    snprintf(caps->name, sizeof caps->name, "%s", name);
    bool cpu = field(row, "cpu", &complete) != 0;
    caps->device_type = cpu ? VT_DEVICE_CPU : VT_DEVICE_INTEGRATED;
    caps->vendor_id = field(row, "vendor", &complete);
    caps->driver_id = field(row, "driver_id", &complete);
    caps->driver_version = mesa_version(driver);
    caps->api_version = 1u << 22 | 1u << 12;
    caps->shared_bytes = field(row, "shared", &complete);
    caps->invocations = field(row, "invocations", &complete);
    caps->workgroup_size_x = field(row, "size_x", &complete);
    for (int i = 0; i < 3; ++i)
        caps->groups[i] = entry(row, "groups", i, &complete);
    caps->storage_range = field(row, "storage_range", &complete);
    uint32_t alignment = field(row, "storage_alignment", &complete);
    caps->storage_alignment = alignment < 16 ? 16 : alignment; /* as probe.c raises it */
    caps->storage_buffers = field(row, "storage_buffers", &complete);
    caps->push_bytes = field(row, "push", &complete);
    caps->subgroup_size = entry(row, "subgroup", 0, &complete);
    caps->subgroup_min = entry(row, "subgroup", 1, &complete);
    caps->subgroup_max = entry(row, "subgroup", 2, &complete);
    bool compute = (field(row, "subgroup_stages", &complete) & COMPUTE_STAGE) != 0;
    caps->subgroup_ops = compute ? field(row, "subgroup_ops", &complete) : 0;
    caps->features = field(row, "storage16", &complete) ? VATTEN_FEATURE_STORAGE_16BIT : 0;
    vt_caps_complete(caps);
    return complete;
}

bool profiles_load(const char *path, profiles *out) {
    char *text = read_text(path);
    cJSON *rows = text ? cJSON_Parse(text) : NULL;
    free(text);
    bool good = cJSON_IsArray(rows);
    const cJSON *row;
    out->count = 0;
    cJSON_ArrayForEach(row, rows) {
        good = good && out->count < PROFILES_MAX && fill(row, &out->list[out->count]);
        if (!good)
            break;
        ++out->count;
    }
    cJSON_Delete(rows);
    if (!good)
        fprintf(stderr, "%s: row %u is not complete\n", path, (unsigned)out->count);
    return good;
}
