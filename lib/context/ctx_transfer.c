/* SPDX-License-Identifier: MIT
 *
 * Upload and download: by a plain copy where the memory is mapped, else in pieces through one staging buffer.
 */
#include "ctx.h"

#include <string.h>

#define PIECE_BYTES (16ull * 1024 * 1024)

static vatten_result check_range(const vatten_memory *memory, uint64_t offset, const void *data,
                                 uint64_t size) {
    if (memory == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (offset > memory->size || size > memory->size - offset) {
        vt_ctx_log(memory->context, VATTEN_LOG_ERROR,
                   "context: transfer of %llu bytes at offset %llu in a buffer of %llu bytes",
                   (unsigned long long)size, (unsigned long long)offset, (unsigned long long)memory->size);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (data == NULL && size > 0) {
        vt_ctx_log(memory->context, VATTEN_LOG_ERROR, "context: transfer of %llu bytes, but data is NULL",
                   (unsigned long long)size);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    return VATTEN_SUCCESS;
}

static vatten_result get_staging(vatten_context *context, vatten_memory **out_staging) {
    vatten_result result = VATTEN_SUCCESS;
    if (context->staging == NULL)
        result = vt_ctx_memory_create(context, PIECE_BYTES, VT_CTX_MEMORY_STAGING, &context->staging);
    *out_staging = context->staging;
    return result;
}

static uint64_t piece_at(uint64_t done, uint64_t size) {
    return size - done < PIECE_BYTES ? size - done : PIECE_BYTES;
}

static vatten_result copy_and_wait(vatten_context *context, VkBuffer from, VkBuffer to,
                                   const VkBufferCopy *region) {
    vatten_result result = vt_ctx_submit_begin(context, &context->copy);
    if (result != VATTEN_SUCCESS)
        return result;
    context->vk.CmdCopyBuffer(context->copy.command_buffer, from, to, 1, region);
    return vt_ctx_submit_end(context, &context->copy, NULL);
}

static vatten_result upload_staged(vatten_memory *memory, uint64_t offset, const char *data, uint64_t size) {
    vatten_memory *staging = NULL;
    vatten_result result = get_staging(memory->context, &staging);
    for (uint64_t done = 0; result == VATTEN_SUCCESS && done < size; done += PIECE_BYTES) {
        VkBufferCopy region = {.dstOffset = offset + done, .size = piece_at(done, size)};
        memcpy(staging->mapped, data + done, (size_t)region.size);
        result = copy_and_wait(memory->context, staging->buffer, memory->buffer, &region);
    }
    return result;
}

static vatten_result download_staged(vatten_memory *memory, uint64_t offset, char *data, uint64_t size) {
    vatten_memory *staging = NULL;
    vatten_result result = get_staging(memory->context, &staging);
    for (uint64_t done = 0; result == VATTEN_SUCCESS && done < size; done += PIECE_BYTES) {
        VkBufferCopy region = {.srcOffset = offset + done, .size = piece_at(done, size)};
        result = copy_and_wait(memory->context, memory->buffer, staging->buffer, &region);
        if (result == VATTEN_SUCCESS)
            memcpy(data + done, staging->mapped, (size_t)region.size);
    }
    return result;
}

vatten_result vatten_memory_upload(vatten_memory *memory, uint64_t offset, const void *data, uint64_t size) {
    vatten_result result = check_range(memory, offset, data, size);
    if (result != VATTEN_SUCCESS || size == 0)
        return result;
    if (memory->mapped == NULL)
        return upload_staged(memory, offset, data, size);
    memcpy((char *)memory->mapped + offset, data, (size_t)size);
    return VATTEN_SUCCESS;
}

vatten_result vatten_memory_download(vatten_memory *memory, uint64_t offset, void *data, uint64_t size) {
    vatten_result result = check_range(memory, offset, data, size);
    if (result != VATTEN_SUCCESS || size == 0)
        return result;
    /* Reading uncached memory through a mapping is slower than copying it out by the GPU. */
    if (memory->mapped == NULL || !memory->cached)
        return download_staged(memory, offset, data, size);
    memcpy(data, (const char *)memory->mapped + offset, (size_t)size);
    return VATTEN_SUCCESS;
}
