/* SPDX-License-Identifier: MIT
 *
 * A file, byte by byte, numbers with their lowest byte first:
 *
 *    0   8  magic
 *    8   4  version of this format, 1
 *   12   4  0
 *   16   8  bytes of data
 *   24   8  checksum of the data
 *   32      data, which begin with a VkPipelineCacheHeaderVersionOne
 */
#include <vatten/pipeline_file.h>

#include <string.h>

enum {
    VERSION_AT = 8,
    ZERO_AT = 12,
    SIZE_AT = 16,
    CHECKSUM_AT = 24,
    FORMAT = 1,
    VULKAN_HEADER = 32 /* bytes of a VkPipelineCacheHeaderVersionOne: size, version, vendor, device, UUID */
};

static const uint8_t magic[8] = {'V', 'A', 'T', 'T', 'E', 'N', 'P', 'C'};

static void put(uint8_t *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
        out[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *in, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i)
        value |= (uint64_t)in[i] << 8 * i;
    return value;
}

/* FNV-1a: each step can be turned around, so that one changed byte always changes the sum. */
static uint64_t checksum(const uint8_t *data, size_t size) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; ++i)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    return sum;
}

void vatten_pipeline_file_head(const void *data, size_t size, void *out_head) {
    uint8_t *head = out_head;
    memset(head, 0, VATTEN_PIPELINE_FILE_HEAD);
    memcpy(head, magic, sizeof magic);
    put(head + VERSION_AT, FORMAT, 4);
    put(head + SIZE_AT, size, 8);
    put(head + CHECKSUM_AT, checksum(data, size), 8);
}

static const char *fault_of_file(const uint8_t *file, size_t size) {
    if (size < sizeof magic || memcmp(file, magic, sizeof magic) != 0)
        return size == 0 ? "empty" : "no file of pipelines";
    if (size < VATTEN_PIPELINE_FILE_HEAD)
        return "cut short";
    if (get(file + VERSION_AT, 4) != FORMAT || get(file + ZERO_AT, 4) != 0)
        return "of another version of vatten";
    uint64_t told = get(file + SIZE_AT, 8), there = size - VATTEN_PIPELINE_FILE_HEAD;
    if (told != there)
        return told > there ? "cut short" : "longer than it says";
    if (get(file + CHECKSUM_AT, 8) != checksum(file + VATTEN_PIPELINE_FILE_HEAD, (size_t)there))
        return "damaged";
    return NULL;
}

/* Vulkan writes this header in the byte order of the host, which is that of the numbers in memory. */
static const char *fault_of_data(const uint8_t *data, size_t size, const vatten_pipeline_owner *owner) {
    uint32_t header[4];
    if (size < VULKAN_HEADER)
        return "without a header of Vulkan";
    memcpy(header, data, sizeof header);
    if (header[0] < VULKAN_HEADER || header[0] > size || header[1] != 1)
        return "without a header of Vulkan that is known";
    if (header[2] != owner->vendor_id || header[3] != owner->device_id ||
        memcmp(data + sizeof header, owner->uuid, sizeof owner->uuid) != 0)
        return "of another device or driver";
    return NULL;
}

const void *vatten_pipeline_file_open(const void *file, size_t size, const vatten_pipeline_owner *owner,
                                      size_t *out_size, const char **out_why) {
    const char *why = fault_of_file(file, size);
    const uint8_t *data = why == NULL ? (const uint8_t *)file + VATTEN_PIPELINE_FILE_HEAD : NULL;
    if (why == NULL)
        why = fault_of_data(data, size - VATTEN_PIPELINE_FILE_HEAD, owner);
    *out_size = why == NULL ? size - VATTEN_PIPELINE_FILE_HEAD : 0;
    if (out_why != NULL)
        *out_why = why;
    return why == NULL ? data : NULL;
}
