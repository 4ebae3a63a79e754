/* SPDX-License-Identifier: MIT
 *
 * The pipeline cache file. It holds what vkGetPipelineCacheData gives, nothing around it.
 */
#include "ctx.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_CACHE_BYTES (256l * 1024 * 1024) /* a file beyond this is not a pipeline cache */
#define SUFFIX_BYTES    40u

/* NULL, or why the blob is not a cache of this device and driver. Drivers check this too, but not all of them
 * do it well, and the user should be told. */
static const char *misfit(const vatten_context *context, const vt_ctx_blob *blob) {
    struct {
        uint32_t size;
        uint32_t version;
        uint32_t vendor;
        uint32_t device;
        uint8_t uuid[VK_UUID_SIZE];
    } header;
    if (blob->size < sizeof header)
        return "too short";
    memcpy(&header, blob->data, sizeof header);
    if (header.size < sizeof header || header.size > blob->size ||
        header.version != VK_PIPELINE_CACHE_HEADER_VERSION_ONE)
        return "broken";
    if (header.vendor != context->properties.vendorID || header.device != context->properties.deviceID ||
        memcmp(header.uuid, context->properties.pipelineCacheUUID, VK_UUID_SIZE) != 0)
        return "of another device or driver";
    return NULL;
}

static void drop_misfit(const vatten_context *context, vt_ctx_blob *blob) {
    const char *why = blob->data != NULL ? misfit(context, blob) : NULL;
    if (why == NULL)
        return;
    vt_ctx_log(context, VATTEN_LOG_WARN, "context: pipeline cache %s is %s: starting an empty one",
               context->cache_path, why);
    vt_ctx_release(context, blob->data);
    *blob = (vt_ctx_blob){0};
}

static VkResult make_cache(vatten_context *context, const vt_ctx_blob *blob) {
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                      .initialDataSize = blob->size,
                                      .pInitialData = blob->data};
    return context->vk.CreatePipelineCache(context->device, &info, NULL, &context->cache);
}

vatten_result vt_ctx_cache_create(vatten_context *context, const char *path) {
    if (path == NULL || path[0] == '\0')
        return VATTEN_SUCCESS;
    size_t length = strlen(path);
    context->cache_path = vt_ctx_alloc(context, length + 1);
    if (context->cache_path == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    memcpy(context->cache_path, path, length);

    vt_ctx_blob blob = {0};
    vatten_result result =
        vt_ctx_file_read(context, context->cache_path, MAX_CACHE_BYTES, "pipeline cache", &blob);
    if (result != VATTEN_SUCCESS)
        return result;
    drop_misfit(context, &blob);
    VkResult made = make_cache(context, &blob);
    vt_ctx_release(context, blob.data);
    return made == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkCreatePipelineCache", made);
}

static vatten_result get_data(const vatten_context *context, vt_ctx_blob *blob) {
    VkResult result = context->vk.GetPipelineCacheData(context->device, context->cache, &blob->size, NULL);
    if (result != VK_SUCCESS || blob->size == 0)
        return result == VK_SUCCESS ? VATTEN_SUCCESS
                                    : vt_ctx_vk_error(context, "vkGetPipelineCacheData", result);
    blob->data = vt_ctx_alloc(context, blob->size);
    if (blob->data == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    result = context->vk.GetPipelineCacheData(context->device, context->cache, &blob->size, blob->data);
    return result == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkGetPipelineCacheData", result);
}

/* A name beside the file that no other process writes: opened with "x", and the clock differs. */
static FILE *open_temporary(const vatten_context *context, char *out_name, size_t name_size) {
    struct timespec now = {0};
    timespec_get(&now, TIME_UTC);
    snprintf(out_name, name_size, "%s.%llx-%lx.tmp", context->cache_path, (unsigned long long)now.tv_sec,
             (unsigned long)now.tv_nsec);
    return fopen(out_name, "wbx");
}

static bool replace_file(const char *from, const char *to) {
    if (rename(from, to) == 0)
        return true;
#ifdef _WIN32
    /* Windows renames onto no existing file. */
    return remove(to) == 0 && rename(from, to) == 0;
#else
    return false;
#endif
}

/* Written aside and renamed, so that a reader, or a crash in between, never sees half a file. */
static bool write_file(const vatten_context *context, const vt_ctx_blob *blob) {
    size_t name_size = strlen(context->cache_path) + SUFFIX_BYTES;
    char *name = vt_ctx_alloc(context, name_size);
    if (name == NULL)
        return false;
    FILE *file = open_temporary(context, name, name_size);
    bool written = file != NULL && fwrite(blob->data, 1, blob->size, file) == blob->size;
    if (file != NULL && fclose(file) != 0)
        written = false;
    bool saved = written && replace_file(name, context->cache_path);
    if (file != NULL && !saved)
        remove(name);
    vt_ctx_release(context, name);
    return saved;
}

static void save(const vatten_context *context) {
    vt_ctx_blob blob = {0};
    if (get_data(context, &blob) == VATTEN_SUCCESS && blob.data != NULL && !write_file(context, &blob))
        vt_ctx_log(context, VATTEN_LOG_WARN, "context: pipeline cache %s could not be written",
                   context->cache_path);
    vt_ctx_release(context, blob.data);
}

void vt_ctx_cache_destroy(vatten_context *context) {
    if (context->cache != VK_NULL_HANDLE) {
        save(context);
        context->vk.DestroyPipelineCache(context->device, context->cache, NULL);
    }
    vt_ctx_release(context, context->cache_path);
    context->cache = VK_NULL_HANDLE;
    context->cache_path = NULL;
}
