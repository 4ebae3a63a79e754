/* SPDX-License-Identifier: MIT
 *
 * What the files of the context share. One file per noun:
 *
 *   ctx.c            create, destroy, info
 *   ctx_base.c       messages, host memory, VkResult -> vatten_result
 *   ctx_open.c       the loader
 *   ctx_vk.c         the function table
 *   ctx_instance.c   VkInstance and the validation layer
 *   ctx_messenger.c  what the validation layer says
 *   ctx_choose.c     which physical device
 *   ctx_device.c     VkDevice, its features and its queue
 *   ctx_file.c       reading files
 *   ctx_cache.c      the pipeline cache file
 *   ctx_tuning.c     the tuning file
 *   ctx_memory.c     buffers
 *   ctx_hardware.c   buffers of Android's, on Android alone
 *   ctx_transfer.c   upload and download
 *   ctx_submit.c     one command buffer: begin, submit, wait, time
 *   ctx_run.c        running plans
 */
#ifndef VT_CTX_H
#define VT_CTX_H

#include "ctx_vk.h"

#include <vatten/context.h>

#include <time.h>

#ifdef __STDC_NO_ATOMICS__
typedef uint32_t
    vt_ctx_counter; /* may miss a message that comes from two threads at once; counts are for humans */
#else
#include <stdatomic.h>
typedef atomic_uint vt_ctx_counter;
#endif

#define VT_CTX_MAX_DEVICES  32u
#define VT_CTX_GET_A_DRIVER "install a driver, for example the package mesa-vulkan-drivers"

/* One command buffer that is recorded, submitted and waited for, again and again. */
typedef struct vt_ctx_submit {
    VkCommandPool pool;
    VkCommandBuffer command_buffer;
    VkFence fence;
    VkQueryPool timestamps; /* null where the queue has none */
    bool recording;
} vt_ctx_submit;

struct vatten_context {
    vatten_logger logger;
    vatten_allocator allocator;

    vt_ctx_vk vk;
    uint32_t api_version; /* that the instance was made with */
    VkInstance instance;
    bool validation;
    VkDebugUtilsMessengerEXT messenger;
    vt_ctx_counter validation_errors;

    VkPhysicalDevice physical_device;
    VkPhysicalDeviceProperties properties;
    VkPhysicalDeviceMemoryProperties memory_properties;
    uint64_t max_allocation; /* bytes of one device memory */
    char driver[256];
    vatten_features supported;
    vatten_features enabled;
    uint32_t queue_family;
    uint32_t timestamp_bits; /* 0: the queue has no timestamps */
    bool hardware_buffers;   /* the device takes Android's */

    VkDevice device;
    VkQueue queue;
    VkPipelineCache cache;
    char *cache_path; /* NULL: no cache file */
    vatten_device *core;

    vt_ctx_submit work; /* begin, end and run */
    vt_ctx_submit copy; /* transfers, so that they may happen between begin and end */
    vatten_recorder *recorder;
    uint32_t recorder_dispatches;
    vatten_memory *workspace; /* made when a plan first needs one, then only grown */
    vatten_memory *staging;   /* made at the first transfer that needs it */
};

/* ---- ctx_base.c ---- */

#ifdef __GNUC__
#define VT_CTX_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define VT_CTX_PRINTF(format_at, first_at)
#endif

/* One line to the logger, cut at 1023 bytes. */
void vt_ctx_log(const vatten_context *context, vatten_log_level level, const char *format, ...)
    VT_CTX_PRINTF(3, 4);

/* Logs "context: <what>: <VK_ERROR_...>" and returns the vatten_result that stands for it. */
vatten_result vt_ctx_vk_error(const vatten_context *context, const char *what, VkResult result);

/* Zeroed memory from the context's allocator; logs and returns NULL when there is none. Release takes NULL.
 */
void *vt_ctx_alloc(const vatten_context *context, size_t size);
void vt_ctx_release(const vatten_context *context, void *memory);

/* Now, for differences and for names that differ. */
struct timespec vt_ctx_clock(void);

/* Whether `list` has an extension of that name. */
bool vt_ctx_has_extension(const VkExtensionProperties *list, uint32_t count, const char *name);

/* ---- ctx_instance.c, ctx_messenger.c ---- */

/* Opens the loader, makes the instance and loads its functions. A missing validation layer is a warning. */
vatten_result vt_ctx_instance_create(vatten_context *context, bool validation);
void vt_ctx_instance_destroy(vatten_context *context);

/* How the messenger is made; also chained to VkInstanceCreateInfo, which has messages of its own. */
VkDebugUtilsMessengerCreateInfoEXT vt_ctx_messenger_info(vatten_context *context);
vatten_result vt_ctx_messenger_create(vatten_context *context);

/* ---- ctx_choose.c ---- */

/* Fills at most VT_CTX_MAX_DEVICES handles. No device at all is UNSUPPORTED and says how to get one. */
vatten_result vt_ctx_enumerate(const vatten_context *context, VkPhysicalDevice *out_devices,
                               uint32_t *out_count);

/* Sets physical_device and properties. `wanted` as vatten_context_desc.device, already resolved from the
 * environment. */
vatten_result vt_ctx_choose(vatten_context *context, const char *wanted, bool no_software);

/* ---- ctx_device.c ---- */

/* Makes the device with what vatten can use of it and the desc does not leave out, and gets its one queue. */
vatten_result vt_ctx_device_create(vatten_context *context, const vatten_context_desc *desc);

/* ---- ctx_file.c ---- */

typedef struct vt_ctx_blob {
    void *data; /* NULL: nothing; release with vt_ctx_release */
    size_t size;
} vt_ctx_blob;

/* A file of at most `most` bytes. A missing one leaves `out` as it is; so does one that is empty, too large or cannot be
 * read, and `*out_why` says which. Errors: OUT_OF_HOST_MEMORY. */
vatten_result vt_ctx_file_read(const vatten_context *context, const char *path, long most, vt_ctx_blob *out,
                               const char **out_why);

/* ---- ctx_tuning.c ---- */

/* The text of a tuning file that keeps its rules; `path` NULL, a missing file, and one that breaks them, which is a
 * warning, leave `out` as it is. */
vatten_result vt_ctx_tuning_load(vatten_context *context, const char *path, vt_ctx_blob *out);

/* ---- ctx_cache.c ---- */

/* Loads `path` (NULL: no cache file). A missing file is normal, a file that does not fit is a warning. */
vatten_result vt_ctx_cache_create(vatten_context *context, const char *path);
/* Saves to the path and destroys the cache. A failed save is a warning. */
void vt_ctx_cache_destroy(vatten_context *context);

/* ---- ctx_memory.c ---- */

typedef enum vt_ctx_memory_kind {
    VT_CTX_MEMORY_DEVICE, /* where the GPU is fastest; mapped only on devices without memory of their own */
    VT_CTX_MEMORY_STAGING /* always mapped, fast to read for the CPU */
} vt_ctx_memory_kind;

struct vatten_memory {
    vatten_context *context;
    VkBuffer buffer;
    VkDeviceMemory memory;
    uint64_t size;
    void *mapped; /* NULL: transfers are staged */
    bool cached;  /* the mapping is fast to read */
};

vatten_result vt_ctx_memory_create(vatten_context *context, uint64_t size, vt_ctx_memory_kind kind,
                                   vatten_memory **out_memory);

/* Makes memory->buffer of memory->size bytes; `next` is chained to its VkBufferCreateInfo. */
vatten_result vt_ctx_buffer_create(vatten_memory *memory, const void *next);

#ifdef __ANDROID__
struct AHardwareBuffer_Desc;

/* ctx_open.c: AHardwareBuffer_describe, looked up when it is called, since Android has it from API level 26 on; false before. */
bool vt_ctx_describe_hardware(const struct AHardwareBuffer *buffer, struct AHardwareBuffer_Desc *out_desc);
#endif

/* ---- ctx_submit.c ---- */

vatten_result vt_ctx_submit_create(vatten_context *context, vt_ctx_submit *submit);
void vt_ctx_submit_destroy(vatten_context *context, vt_ctx_submit *submit);

/* Starts recording, dropping what was recorded and not submitted. All earlier work of the queue is visible to
 * it. */
vatten_result vt_ctx_submit_begin(vatten_context *context, vt_ctx_submit *submit);
/* Submits and waits; `out_ms` may be NULL. */
vatten_result vt_ctx_submit_end(vatten_context *context, vt_ctx_submit *submit, double *out_ms);

#endif /* VT_CTX_H */
