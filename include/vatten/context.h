/* SPDX-License-Identifier: MIT
 *
 * vatten::context: for those who have no Vulkan yet. Makes a VkDevice, buffers, uploads, downloads, and runs
 * a plan and waits. Tests, samples and tools stand on it. Applications with a renderer want vatten.h alone:
 * see samples/your_device. Opens the Vulkan loader at run time and links none.
 *
 * Thread-safety: one thread at a time per context.
 */
#ifndef VATTEN_CONTEXT_H
#define VATTEN_CONTEXT_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vatten_context vatten_context;

typedef struct vatten_context_desc {
    const char *device; /* part of a device's name, case-insensitive, or its index ("0"); NULL or "" = what
                           the environment variable VATTEN_DEVICE says, else the first discrete, else
                           integrated, else virtual, else CPU device */
    bool no_software;   /* refuse CPU devices (lavapipe) when choosing */
    bool validation;    /* enable VK_LAYER_KHRONOS_validation with synchronization validation, if installed */
    /* Path of a pipeline cache file (pipeline_file.h) to load and, on destroy, save by a rename; NULL = none. A
     * file that is damaged, cut short, of another device or driver, or not to be read is a warning, and the
     * cache starts empty. Drivers that have nothing to keep leave no file. */
    const char *pipeline_cache;
    vatten_features without; /* features not to enable, to test the paths that do without them */
    bool statistics; /* enable VATTEN_FEATURE_PIPELINE_STATISTICS where the device has it, which info tells */
    vatten_logger logger;       /* optional; gets the library's and the validation layer's messages */
    vatten_allocator allocator; /* optional; for the context's host memory and the library's */
    uint32_t cap_shared_bytes;  /* as in vatten_device_desc */
    uint32_t cap_invocations;
    uint64_t cap_storage_range;
    bool cap_no_subgroups;
    /* Path of a tuning file, as vatten_tune writes them, for vatten_device_desc.tuning; NULL = none. Unlike there a file that
     * breaks a rule is a warning and is ignored; a missing one is normal. */
    const char *tuning;
    const char *cap_quirks; /* as in vatten_device_desc */
    uint32_t cap_push_bytes;
} vatten_context_desc;

/* `desc` may be NULL. With no loader or no usable device the result is UNSUPPORTED and the message names the
 * way to get one. Two contexts may live side by side; create them one after the other. */
VATTEN_API vatten_result vatten_context_create(const vatten_context_desc *desc, vatten_context **out_context);

/* Its memories and plans must be destroyed before. Saves the pipeline cache file. */
VATTEN_API void vatten_context_destroy(vatten_context *context);

/* Lists the names of all devices, one per call: returns false when `index` is past the last. `name` gets at
 * most `name_size` bytes including the end. Needs no context. */
VATTEN_API bool vatten_context_device_name(uint32_t index, char *name, size_t name_size);

typedef struct vatten_context_info {
    char device_name[256];
    char driver[256]; /* driver name and version text */
    uint32_t api_version;
    uint32_t device_type;      /* VkPhysicalDeviceType */
    vatten_features supported; /* what the device has */
    vatten_features enabled;   /* what the context enabled */
    uint32_t queue_family;
    bool validation;            /* the layer was found and is on */
    uint32_t validation_errors; /* messages of severity error so far */
    uint8_t cache_uuid[16]; /* pipelineCacheUUID: another one when device, driver or its build is another */
} vatten_context_info;

VATTEN_API void vatten_context_get_info(const vatten_context *context, vatten_context_info *out_info);

/* What the context is made of, for callers who record on their own. */
VATTEN_API vatten_device *vatten_context_device(vatten_context *context);
VATTEN_API VkInstance vatten_context_instance(vatten_context *context);
VATTEN_API VkPhysicalDevice vatten_context_physical_device(vatten_context *context);
VATTEN_API VkDevice vatten_context_vk_device(vatten_context *context);
VATTEN_API PFN_vkGetInstanceProcAddr vatten_context_get_instance_proc_addr(vatten_context *context);

/* ---- Buffers ---- */

typedef struct vatten_memory vatten_memory; /* one VkBuffer with its own device memory */

/* `size` bytes, usable as storage buffer and for copies; content undefined. size 0 is an error. */
VATTEN_API vatten_result vatten_memory_create(vatten_context *context, uint64_t size,
                                              vatten_memory **out_memory);
VATTEN_API void vatten_memory_destroy(vatten_memory *memory);
VATTEN_API uint64_t vatten_memory_size(const vatten_memory *memory);

/* The whole memory as an argument of vatten_record. NULL gives a zero struct. */
VATTEN_API vatten_buffer vatten_memory_buffer(const vatten_memory *memory);

/* Host to device and back, any size (staged in pieces), complete when the call returns. */
VATTEN_API vatten_result vatten_memory_upload(vatten_memory *memory, uint64_t offset, const void *data,
                                              uint64_t size);
VATTEN_API vatten_result vatten_memory_download(vatten_memory *memory, uint64_t offset, void *data,
                                                uint64_t size);

#ifdef __ANDROID__
struct AHardwareBuffer;

/* A hardware buffer as a memory, in place: nothing is copied. Android alone has this function, from API level 26 on.
 *
 * Format: AHARDWAREBUFFER_FORMAT_BLOB, of which `width` is the size in bytes and of the memory. Pictures (RGBA, YUV) are images to Vulkan
 * and are refused. Usage: AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER, and whatever else its other users need.
 * Ownership: the memory holds a reference of its own until it is destroyed, so that the caller may release his at once.
 * Order: who writes it elsewhere must be done (a fence, AHardwareBuffer_unlock) before work with it is submitted; Vulkan also wants
 * barriers from and to VK_QUEUE_FAMILY_FOREIGN_EXT around that work, which are yours to record after vatten_context_begin.
 * Uploads and downloads work and are staged; to the CPU AHardwareBuffer_lock is the shorter way.
 * Errors: INVALID_ARGUMENT for another format or usage; UNSUPPORTED where the device has no
 * VK_ANDROID_external_memory_android_hardware_buffer (with VK_EXT_queue_family_foreign), the system no AHardwareBuffer_describe, or the
 * driver no memory type for it; else what Vulkan's import says. */
VATTEN_API vatten_result vatten_memory_import_hardware_buffer(vatten_context *context,
                                                              struct AHardwareBuffer *buffer,
                                                              vatten_memory **out_memory);
#endif

/* ---- Running ---- */

/* Records the plan once into the context's own command buffer, submits and waits. Supplies workspace when
 * `args` has none. `out_gpu_ms` (optional) gets the GPU time by timestamps, or wall time where the queue has
 * no timestamps, or, with a warning, where the driver does not give them. */
VATTEN_API vatten_result vatten_context_run(vatten_context *context, const vatten_plan *plan,
                                            const vatten_args *args, double *out_gpu_ms);

/* The same for caller-recorded work: begin returns a command buffer in the recording state, end submits it
 * and waits. What was submitted before is visible to it; barriers within it are yours. A second begin without
 * end starts over. Transfers may happen in between, runs may not. */
VATTEN_API vatten_result vatten_context_begin(vatten_context *context, VkCommandBuffer *out_command_buffer);
VATTEN_API vatten_result vatten_context_end(vatten_context *context, double *out_gpu_ms);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_CONTEXT_H */
