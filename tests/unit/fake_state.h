/* SPDX-License-Identifier: MIT
 *
 * What the files of the fake Vulkan share: fake_state.c (objects, calls, commands), fake_physical.c (what the physical device
 * says), fake_vulkan.c (a device's functions), fake_queue.c (instances, memory that is mapped, work that is submitted).
 */
#ifndef VATTEN_FAKE_STATE_H
#define VATTEN_FAKE_STATE_H

#include "fake_vulkan.h"

#include <stdatomic.h>

/* ---- Objects ---- */

typedef enum fake_kind {
    FAKE_NONE = 0,
    FAKE_INSTANCE,
    FAKE_DEVICE,
    FAKE_MODULE,
    FAKE_SET_LAYOUT,
    FAKE_PIPELINE_LAYOUT,
    FAKE_PIPELINE,
    FAKE_DESCRIPTOR_POOL,
    FAKE_SET,
    FAKE_BUFFER,
    FAKE_MEMORY,
    FAKE_COMMAND_POOL,
    FAKE_COMMAND_BUFFER,
    FAKE_FENCE,
    FAKE_QUERY_POOL,
    FAKE_CACHE,
    FAKE_MESSENGER,
    FAKE_GONE /* was destroyed: places are never given twice, so that a second time is seen */
} fake_kind;

/* A handle is the address of one. */
typedef struct fake_object {
    void *loader; /* dispatchable handles begin so */
    _Atomic fake_kind kind;
    bool given; /* the test's own */
    struct fake_object *owner;
    uint64_t
        size; /* buffer, memory: bytes; pipeline layout: bytes of push constants; pool: sets that are left */
    void *mapped;                                 /* memory */
    bool recording;                               /* command buffer */
    bool bound;                                   /* command buffer: a pipeline is; buffer: memory is */
    uint32_t signals;                             /* fence */
    VkDescriptorBufferInfo buffers[FAKE_BUFFERS]; /* set */
} fake_object;

#define FAKE_OBJECT(HANDLE)       ((fake_object *)(uintptr_t)(HANDLE))
#define FAKE_HANDLE(TYPE, OBJECT) ((TYPE)(uintptr_t)(OBJECT))

fake_object *fake_add(fake_kind kind, fake_object *owner);

/* The object, or NULL and a complaint of `call` unless it is alive, of that kind, and `owner`'s (NULL: anybody's). */
fake_object *fake_find(fake_object *object, fake_kind kind, const fake_object *owner, const char *call);

/* And with it what it owns, for kinds that do; a device must own nothing. NULL is nothing. */
void fake_remove(fake_object *object, fake_kind kind, const fake_object *owner, const char *call);

void fake_complain(const char *format, ...);

/* ---- Calls that may fail, with what each may return ---- */

#define FAKE_NO_MEMORY VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY

/* A function that returns VkResult has a row, or does not compile. */
#define FAKE_FALLIBLE(X)                                                                                     \
    X(CreateInstance, FAKE_NO_MEMORY, VK_ERROR_INITIALIZATION_FAILED, VK_ERROR_LAYER_NOT_PRESENT,            \
      VK_ERROR_EXTENSION_NOT_PRESENT, VK_ERROR_INCOMPATIBLE_DRIVER)                                          \
    X(EnumerateInstanceExtensionProperties, FAKE_NO_MEMORY, VK_INCOMPLETE, VK_ERROR_LAYER_NOT_PRESENT)       \
    X(EnumeratePhysicalDevices, FAKE_NO_MEMORY, VK_INCOMPLETE, VK_ERROR_INITIALIZATION_FAILED)               \
    X(EnumerateDeviceExtensionProperties, FAKE_NO_MEMORY, VK_INCOMPLETE, VK_ERROR_LAYER_NOT_PRESENT)         \
    X(GetPhysicalDeviceCooperativeMatrixPropertiesKHR, FAKE_NO_MEMORY, VK_INCOMPLETE)                        \
    X(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV, FAKE_NO_MEMORY, VK_INCOMPLETE)       \
    X(CreateDebugUtilsMessengerEXT, VK_ERROR_OUT_OF_HOST_MEMORY)                                             \
    X(CreateDevice, FAKE_NO_MEMORY, VK_ERROR_INITIALIZATION_FAILED, VK_ERROR_EXTENSION_NOT_PRESENT,          \
      VK_ERROR_FEATURE_NOT_PRESENT, VK_ERROR_TOO_MANY_OBJECTS)                                               \
    X(CreateShaderModule, FAKE_NO_MEMORY, VK_ERROR_INVALID_SHADER_NV)                                        \
    X(CreateDescriptorSetLayout, FAKE_NO_MEMORY)                                                             \
    X(CreatePipelineLayout, FAKE_NO_MEMORY)                                                                  \
    X(CreateComputePipelines, FAKE_NO_MEMORY, VK_ERROR_INVALID_SHADER_NV)                                    \
    X(CreateDescriptorPool, FAKE_NO_MEMORY, VK_ERROR_FRAGMENTATION)                                          \
    X(AllocateDescriptorSets, FAKE_NO_MEMORY, VK_ERROR_FRAGMENTED_POOL, VK_ERROR_OUT_OF_POOL_MEMORY)         \
    X(CreateBuffer, FAKE_NO_MEMORY, VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS)                                 \
    X(AllocateMemory, FAKE_NO_MEMORY, VK_ERROR_TOO_MANY_OBJECTS, VK_ERROR_INVALID_EXTERNAL_HANDLE,           \
      VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS)                                                               \
    X(GetAndroidHardwareBufferPropertiesANDROID, VK_ERROR_OUT_OF_HOST_MEMORY,                                \
      VK_ERROR_INVALID_EXTERNAL_HANDLE)                                                                      \
    X(BindBufferMemory, FAKE_NO_MEMORY, VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS)                             \
    X(GetPipelineExecutablePropertiesKHR, FAKE_NO_MEMORY, VK_INCOMPLETE)                                     \
    X(GetPipelineExecutableStatisticsKHR, FAKE_NO_MEMORY, VK_INCOMPLETE)                                     \
    X(MapMemory, FAKE_NO_MEMORY, VK_ERROR_MEMORY_MAP_FAILED)                                                 \
    X(CreateCommandPool, FAKE_NO_MEMORY)                                                                     \
    X(ResetCommandPool, FAKE_NO_MEMORY)                                                                      \
    X(AllocateCommandBuffers, FAKE_NO_MEMORY)                                                                \
    X(BeginCommandBuffer, FAKE_NO_MEMORY)                                                                    \
    X(EndCommandBuffer, FAKE_NO_MEMORY)                                                                      \
    X(CreateFence, FAKE_NO_MEMORY)                                                                           \
    X(ResetFences, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                                            \
    X(WaitForFences, FAKE_NO_MEMORY, VK_TIMEOUT)                                                             \
    X(QueueSubmit, FAKE_NO_MEMORY)                                                                           \
    X(DeviceWaitIdle, FAKE_NO_MEMORY)                                                                        \
    X(CreateQueryPool, FAKE_NO_MEMORY)                                                                       \
    X(GetQueryPoolResults, FAKE_NO_MEMORY, VK_NOT_READY)                                                     \
    X(CreatePipelineCache, FAKE_NO_MEMORY)                                                                   \
    X(GetPipelineCacheData, FAKE_NO_MEMORY, VK_INCOMPLETE)

typedef enum fake_fallible {
#define FAKE_ENUM(NAME, ...) FAKE_CALL_##NAME,
    FAKE_FALLIBLE(FAKE_ENUM)
#undef FAKE_ENUM
        FAKE_CALL_COUNT
} fake_fallible;

/* Counts a call; VK_SUCCESS unless it is one to fail. */
VkResult fake_enter(fake_fallible call);
#define FAKE_ENTER(NAME)                                                                                     \
    do {                                                                                                     \
        VkResult entered = fake_enter(FAKE_CALL_##NAME);                                                     \
        if (entered != VK_SUCCESS)                                                                           \
            return entered;                                                                                  \
    } while (0)

/* Counts a call for a list of `have` entries in two steps, as Vulkan's are: `*fill` of them are to be written. Of one that is
 * made to be incomplete the last entry is missing. */
VkResult fake_enter_list(fake_fallible call, uint32_t have, bool filled, uint32_t *count, uint32_t *fill);

/* ---- The rest ---- */

/* A place for a command of that op; complains unless the command buffer records. */
fake_command *fake_log(VkCommandBuffer into, fake_op op, const char *call);

const vt_caps *fake_caps(void);
bool fake_hidden(const char *name);
extern fake_object fake_physical; /* the one physical device */
extern fake_object fake_queue;

typedef struct fake_entry {
    const char *name;
    PFN_vkVoidFunction function;
} fake_entry;
#define FAKE_ENTRY(NAME)                                                                                     \
    { "vk" #NAME, (PFN_vkVoidFunction)fake_##NAME }

/* Each ends with an entry without a name. */
extern const fake_entry fake_physical_functions[];
extern const fake_entry fake_device_functions[];
extern const fake_entry fake_queue_functions[];

#endif /* VATTEN_FAKE_STATE_H */
