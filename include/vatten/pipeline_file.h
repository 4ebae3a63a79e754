/* SPDX-License-Identifier: MIT
 *
 * What stands around the data of a VkPipelineCache in a file. For applications that keep their own device;
 * vatten::context does all of it with vatten_context_desc.pipeline_cache.
 *
 * Drivers are handed a cache's data by the application and have to trust it: what a crash cut off, a disk
 * damaged or another driver wrote is not always noticed. So a file is a head of VATTEN_PIPELINE_FILE_HEAD bytes
 * with length and checksum, then the data as vkGetPipelineCacheData gives them.
 *
 *   save   write head and data to a file beside the old one, then rename it over: a reader never sees half of it
 *   load   vatten_pipeline_file_open, and its data to vkCreatePipelineCache; where there are none, an empty cache
 *
 * Pure functions: no files, no memory, no Vulkan. Thread-safety: any.
 */
#ifndef VATTEN_PIPELINE_FILE_H
#define VATTEN_PIPELINE_FILE_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes in front of the data; a multiple of 16, so that the data stay aligned. */
#define VATTEN_PIPELINE_FILE_HEAD 32u

/* Whose pipelines they are: the fields of that name of VkPhysicalDeviceProperties. */
typedef struct vatten_pipeline_owner {
    uint32_t vendor_id;
    uint32_t device_id;
    uint8_t uuid[16]; /* pipelineCacheUUID, which changes with the driver */
} vatten_pipeline_owner;

/* Writes the head of a file with these data to out_head, VATTEN_PIPELINE_FILE_HEAD bytes. */
VATTEN_API void vatten_pipeline_file_head(const void *data, size_t size, void *out_head);

/* The data in a file's whole content, which stays the caller's, and their size. NULL, and in *out_why one of a
 * few words that end the sentence "the file is ...", when they must not be used: the file is not one of these,
 * cut short, longer than it says, damaged, or of another device or driver. `out_why` may be NULL. */
VATTEN_API const void *vatten_pipeline_file_open(const void *file, size_t size,
                                                 const vatten_pipeline_owner *owner, size_t *out_size,
                                                 const char **out_why);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_PIPELINE_FILE_H */
