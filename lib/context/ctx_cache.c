/* SPDX-License-Identifier: MIT
 *
 * The pipeline cache file: what vkGetPipelineCacheData gives, behind the head of vatten/pipeline_file.h.
 */
#include "ctx.h"

#include <vatten/pipeline_file.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_CACHE_BYTES (256l * 1024 * 1024) /* a file beyond this is not a pipeline cache */
#define SUFFIX_BYTES    40u

static void warn(const vatten_context *context, const char *why) {
    vt_ctx_log(context, VATTEN_LOG_WARN, "context: pipeline cache %s is %s: starting an empty one",
               context->cache_path, why);
}

/* The data in the file's content; nothing, and a warning, if they are not whole or of another device or driver. */
static const void *open_data(const vatten_context *context, const vt_ctx_blob *content, size_t *out_size) {
    vatten_pipeline_owner owner = {.vendor_id = context->properties.vendorID,
                                   .device_id = context->properties.deviceID};
    memcpy(owner.uuid, context->properties.pipelineCacheUUID, sizeof owner.uuid);
    const char *why = NULL;
    const void *data = vatten_pipeline_file_open(content->data, content->size, &owner, out_size, &why);
    if (data == NULL)
        warn(context, why);
    return data;
}

static vatten_result make_cache(vatten_context *context, const void *data, size_t size) {
    VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = size, .pInitialData = data};
    VkResult made = context->vk.CreatePipelineCache(context->device, &info, NULL, &context->cache);
    return made == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkCreatePipelineCache", made);
}

vatten_result vt_ctx_cache_create(vatten_context *context, const char *path) {
    if (path == NULL || path[0] == '\0')
        return VATTEN_SUCCESS;
    size_t length = strlen(path);
    context->cache_path = vt_ctx_alloc(context, length + 1);
    if (context->cache_path == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    memcpy(context->cache_path, path, length);

    vt_ctx_blob content = {0};
    const char *why = NULL;
    vatten_result result = vt_ctx_file_read(context, path, MAX_CACHE_BYTES, &content, &why);
    if (result != VATTEN_SUCCESS)
        return result;
    if (why != NULL)
        warn(context, why);
    size_t size = 0;
    const void *data = content.data != NULL ? open_data(context, &content, &size) : NULL;
    result = make_cache(context, data, size);
    vt_ctx_release(context, content.data);
    return result;
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
    struct timespec now = vt_ctx_clock();
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
    uint8_t head[VATTEN_PIPELINE_FILE_HEAD];
    vatten_pipeline_file_head(blob->data, blob->size, head);
    bool written = file != NULL && fwrite(head, 1, sizeof head, file) == sizeof head &&
                   fwrite(blob->data, 1, blob->size, file) == blob->size;
    if (file != NULL && fclose(file) != 0)
        written = false;
    bool saved = written && replace_file(name, context->cache_path);
    if (file != NULL && !saved)
        remove(name);
    vt_ctx_release(context, name);
    return saved;
}

/* Without a whole header there is nothing that could be taken back: Mesa 26's lavapipe tells of a part of one. */
static void save(const vatten_context *context) {
    vt_ctx_blob blob = {0};
    bool given = get_data(context, &blob) == VATTEN_SUCCESS && blob.data != NULL;
    if (given && blob.size < sizeof(VkPipelineCacheHeaderVersionOne))
        vt_ctx_log(context, VATTEN_LOG_INFO, "context: the driver gives no pipelines to keep in %s",
                   context->cache_path);
    else if (given && !write_file(context, &blob))
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
