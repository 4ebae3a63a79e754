/* SPDX-License-Identifier: MIT
 *
 * The rest of the fake Vulkan: instances and devices, memory that is mapped, and work, which is done as soon as it is submitted.
 */
#include "fake_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MAPPED ((uint64_t)64 << 20)

/* ---- Instance and device ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_CreateInstance(const VkInstanceCreateInfo *info,
                                                          const VkAllocationCallbacks *host,
                                                          VkInstance *out) {
    (void)info;
    (void)host;
    FAKE_ENTER(CreateInstance);
    *out = FAKE_HANDLE(VkInstance, fake_add(FAKE_INSTANCE, NULL));
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_DestroyInstance(VkInstance instance,
                                                       const VkAllocationCallbacks *host) {
    (void)host;
    fake_remove(FAKE_OBJECT(instance), FAKE_INSTANCE, NULL, "vkDestroyInstance");
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_EnumerateInstanceExtensionProperties(const char *layer,
                                                                                uint32_t *count,
                                                                                VkExtensionProperties *out) {
    static const char *const names[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                        VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME, "VK_KHR_last_of_all"};
    uint32_t fill;
    (void)layer;
    VkResult result =
        fake_enter_list(FAKE_CALL_EnumerateInstanceExtensionProperties, 3, out != NULL, count, &fill);
    for (uint32_t i = 0; i < fill; ++i)
        snprintf(out[i].extensionName, sizeof out[i].extensionName, "%s", names[i]);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_EnumeratePhysicalDevices(VkInstance instance, uint32_t *count,
                                                                    VkPhysicalDevice *out) {
    uint32_t fill;
    fake_find(FAKE_OBJECT(instance), FAKE_INSTANCE, NULL, "vkEnumeratePhysicalDevices");
    VkResult result = fake_enter_list(FAKE_CALL_EnumeratePhysicalDevices, 1, out != NULL, count, &fill);
    if (fill)
        out[0] = FAKE_HANDLE(VkPhysicalDevice, &fake_physical);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
fake_CreateDebugUtilsMessengerEXT(VkInstance instance, const VkDebugUtilsMessengerCreateInfoEXT *info,
                                  const VkAllocationCallbacks *host, VkDebugUtilsMessengerEXT *out) {
    (void)info;
    (void)host;
    FAKE_ENTER(CreateDebugUtilsMessengerEXT);
    *out = FAKE_HANDLE(VkDebugUtilsMessengerEXT, fake_add(FAKE_MESSENGER, FAKE_OBJECT(instance)));
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_DestroyDebugUtilsMessengerEXT(VkInstance instance,
                                                                     VkDebugUtilsMessengerEXT messenger,
                                                                     const VkAllocationCallbacks *host) {
    (void)host;
    fake_remove(FAKE_OBJECT(messenger), FAKE_MESSENGER, FAKE_OBJECT(instance),
                "vkDestroyDebugUtilsMessengerEXT");
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_CreateDevice(VkPhysicalDevice physical,
                                                        const VkDeviceCreateInfo *info,
                                                        const VkAllocationCallbacks *host, VkDevice *out) {
    (void)info;
    (void)host;
    FAKE_ENTER(CreateDevice);
    if (FAKE_OBJECT(physical) != &fake_physical)
        fake_complain("vkCreateDevice: of another physical device");
    *out = FAKE_HANDLE(VkDevice, fake_add(FAKE_DEVICE, NULL));
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_DestroyDevice(VkDevice device, const VkAllocationCallbacks *host) {
    (void)host;
    fake_remove(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkDestroyDevice");
}

static VKAPI_ATTR void VKAPI_CALL fake_GetDeviceQueue(VkDevice device, uint32_t family, uint32_t index,
                                                      VkQueue *out) {
    fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkGetDeviceQueue");
    if (family + index != 0)
        fake_complain("vkGetDeviceQueue: there is one queue");
    *out = FAKE_HANDLE(VkQueue, &fake_queue);
}

/* ---- Memory ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_MapMemory(VkDevice device, VkDeviceMemory handle,
                                                     VkDeviceSize offset, VkDeviceSize size,
                                                     VkMemoryMapFlags flags, void **out) {
    (void)size;
    (void)flags;
    FAKE_ENTER(MapMemory);
    fake_object *memory = fake_find(FAKE_OBJECT(handle), FAKE_MEMORY, FAKE_OBJECT(device), "vkMapMemory");
    if (!memory || memory->mapped || offset != 0 || memory->size > MOST_MAPPED)
        fake_complain("vkMapMemory: mapped before, or too large to fake");
    else
        memory->mapped = calloc(1, (size_t)memory->size);
    *out = memory ? memory->mapped : NULL;
    return VK_SUCCESS;
}

/* Its head is as Vulkan wants it, so that it is taken back. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_GetPipelineCacheData(VkDevice device, VkPipelineCache cache,
                                                                size_t *size, void *out) {
    const uint32_t data[16] = {32, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, fake_caps()->vendor_id,
                               fake_caps()->device_id};
    uint32_t count = (uint32_t)*size, fill;
    fake_find(FAKE_OBJECT(cache), FAKE_CACHE, FAKE_OBJECT(device), "vkGetPipelineCacheData");
    VkResult result =
        fake_enter_list(FAKE_CALL_GetPipelineCacheData, sizeof data, out != NULL, &count, &fill);
    if (out)
        memcpy(out, data, fill);
    *size = count;
    return result;
}

/* ---- Work ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_AllocateCommandBuffers(VkDevice device,
                                                                  const VkCommandBufferAllocateInfo *info,
                                                                  VkCommandBuffer *out) {
    FAKE_ENTER(AllocateCommandBuffers);
    fake_object *pool = fake_find(FAKE_OBJECT(info->commandPool), FAKE_COMMAND_POOL, FAKE_OBJECT(device),
                                  "vkAllocateCommandBuffers");
    for (uint32_t i = 0; i < info->commandBufferCount; ++i)
        out[i] = FAKE_HANDLE(VkCommandBuffer, fake_add(FAKE_COMMAND_BUFFER, pool));
    return VK_SUCCESS;
}

/* What was allocated from it records no more: begin does not look back. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_ResetCommandPool(VkDevice device, VkCommandPool pool,
                                                            VkCommandPoolResetFlags flags) {
    (void)flags;
    FAKE_ENTER(ResetCommandPool);
    fake_find(FAKE_OBJECT(pool), FAKE_COMMAND_POOL, FAKE_OBJECT(device), "vkResetCommandPool");
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_BeginCommandBuffer(VkCommandBuffer handle,
                                                              const VkCommandBufferBeginInfo *info) {
    (void)info;
    FAKE_ENTER(BeginCommandBuffer);
    fake_object *buffer = fake_find(FAKE_OBJECT(handle), FAKE_COMMAND_BUFFER, NULL, "vkBeginCommandBuffer");
    if (buffer) {
        buffer->recording = true;
        buffer->bound = false;
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_EndCommandBuffer(VkCommandBuffer handle) {
    fake_object *buffer = fake_find(FAKE_OBJECT(handle), FAKE_COMMAND_BUFFER, NULL, "vkEndCommandBuffer");
    if (buffer && !buffer->recording)
        fake_complain("vkEndCommandBuffer: it is not recording");
    if (buffer)
        buffer->recording = false;
    FAKE_ENTER(EndCommandBuffer);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_ResetFences(VkDevice device, uint32_t count,
                                                       const VkFence *fences) {
    FAKE_ENTER(ResetFences);
    for (uint32_t i = 0; i < count; ++i) {
        fake_object *fence =
            fake_find(FAKE_OBJECT(fences[i]), FAKE_FENCE, FAKE_OBJECT(device), "vkResetFences");
        if (fence)
            fence->signals = 0;
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_QueueSubmit(VkQueue queue, uint32_t count,
                                                       const VkSubmitInfo *infos, VkFence handle) {
    static const char call[] = "vkQueueSubmit";
    FAKE_ENTER(QueueSubmit);
    if (FAKE_OBJECT(queue) != &fake_queue)
        fake_complain("%s: to another queue", call);
    for (uint32_t i = 0; i < count; ++i) {
        const fake_object *buffer =
            fake_find(FAKE_OBJECT(infos[i].pCommandBuffers[0]), FAKE_COMMAND_BUFFER, NULL, call);
        if (buffer && buffer->recording)
            fake_complain("%s: a command buffer that is recording", call);
    }
    fake_object *fence = fake_find(FAKE_OBJECT(handle), FAKE_FENCE, NULL, call);
    if (fence && ++fence->signals > 1)
        fake_complain("%s: a fence that is signalled", call);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_WaitForFences(VkDevice device, uint32_t count,
                                                         const VkFence *fences, VkBool32 all,
                                                         uint64_t timeout) {
    (void)all;
    (void)timeout;
    FAKE_ENTER(WaitForFences);
    for (uint32_t i = 0; i < count; ++i) {
        const fake_object *fence =
            fake_find(FAKE_OBJECT(fences[i]), FAKE_FENCE, FAKE_OBJECT(device), "vkWaitForFences");
        if (fence && fence->signals == 0)
            fake_complain("vkWaitForFences: for ever");
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_DeviceWaitIdle(VkDevice device) {
    FAKE_ENTER(DeviceWaitIdle);
    fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkDeviceWaitIdle");
    return VK_SUCCESS;
}

/* A dispatch takes 2.5 ms of a clock that is about to wrap. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_GetQueryPoolResults(VkDevice device, VkQueryPool pool,
                                                               uint32_t first, uint32_t count, size_t size,
                                                               void *out, VkDeviceSize stride,
                                                               VkQueryResultFlags flags) {
    static const uint64_t ticks[2] = {((uint64_t)1 << 36) - 500000, 2000000};
    (void)first;
    (void)stride;
    (void)flags;
    FAKE_ENTER(GetQueryPoolResults);
    fake_find(FAKE_OBJECT(pool), FAKE_QUERY_POOL, FAKE_OBJECT(device), "vkGetQueryPoolResults");
    if (count != 2 || size != sizeof ticks)
        fake_complain("vkGetQueryPoolResults: of two timestamps");
    else
        memcpy(out, ticks, sizeof ticks);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdCopyBuffer(VkCommandBuffer into, VkBuffer from, VkBuffer to,
                                                     uint32_t count, const VkBufferCopy *regions) {
    static const char call[] = "vkCmdCopyBuffer";
    const fake_object *source = fake_find(FAKE_OBJECT(from), FAKE_BUFFER, NULL, call);
    const fake_object *target = fake_find(FAKE_OBJECT(to), FAKE_BUFFER, NULL, call);
    fake_log(into, FAKE_COPY, call);
    for (uint32_t i = 0; source && target && i < count; ++i)
        if (regions[i].srcOffset + regions[i].size > source->size ||
            regions[i].dstOffset + regions[i].size > target->size)
            fake_complain("%s: past the end of a buffer", call);
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdResetQueryPool(VkCommandBuffer into, VkQueryPool pool,
                                                         uint32_t first, uint32_t count) {
    (void)first;
    (void)count;
    fake_find(FAKE_OBJECT(pool), FAKE_QUERY_POOL, NULL, "vkCmdResetQueryPool");
    fake_log(into, FAKE_RESET_QUERIES, "vkCmdResetQueryPool");
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdWriteTimestamp(VkCommandBuffer into, VkPipelineStageFlagBits stage,
                                                         VkQueryPool pool, uint32_t query) {
    (void)stage;
    (void)query;
    fake_find(FAKE_OBJECT(pool), FAKE_QUERY_POOL, NULL, "vkCmdWriteTimestamp");
    fake_log(into, FAKE_TIMESTAMP, "vkCmdWriteTimestamp");
}

const fake_entry fake_queue_functions[] = {
    FAKE_ENTRY(CreateInstance),
    FAKE_ENTRY(DestroyInstance),
    FAKE_ENTRY(EnumerateInstanceExtensionProperties),
    FAKE_ENTRY(EnumeratePhysicalDevices),
    FAKE_ENTRY(CreateDebugUtilsMessengerEXT),
    FAKE_ENTRY(DestroyDebugUtilsMessengerEXT),
    FAKE_ENTRY(CreateDevice),
    FAKE_ENTRY(DestroyDevice),
    FAKE_ENTRY(GetDeviceQueue),
    FAKE_ENTRY(MapMemory),
    FAKE_ENTRY(GetPipelineCacheData),
    FAKE_ENTRY(AllocateCommandBuffers),
    FAKE_ENTRY(ResetCommandPool),
    FAKE_ENTRY(BeginCommandBuffer),
    FAKE_ENTRY(EndCommandBuffer),
    FAKE_ENTRY(ResetFences),
    FAKE_ENTRY(QueueSubmit),
    FAKE_ENTRY(WaitForFences),
    FAKE_ENTRY(DeviceWaitIdle),
    FAKE_ENTRY(GetQueryPoolResults),
    FAKE_ENTRY(CmdCopyBuffer),
    FAKE_ENTRY(CmdResetQueryPool),
    FAKE_ENTRY(CmdWriteTimestamp),
    {NULL, NULL},
};

/* ---- What a test brings ---- */

static fake_object *give(fake_kind kind, fake_object *owner) {
    fake_object *object = fake_add(kind, owner);
    object->given = true;
    return object;
}

VkCommandBuffer fake_command_buffer(VkDevice device) {
    fake_object *commands = give(FAKE_COMMAND_BUFFER, give(FAKE_COMMAND_POOL, FAKE_OBJECT(device)));
    commands->recording = true;
    return FAKE_HANDLE(VkCommandBuffer, commands);
}

fake_things fake_make(void) {
    VkDevice device = FAKE_HANDLE(VkDevice, give(FAKE_DEVICE, NULL));
    return (fake_things){
        .instance = FAKE_HANDLE(VkInstance, give(FAKE_INSTANCE, NULL)),
        .physical_device = FAKE_HANDLE(VkPhysicalDevice, &fake_physical),
        .device = device,
        .commands = fake_command_buffer(device),
    };
}

VkBuffer fake_buffer(VkDevice device, uint64_t size) {
    fake_object *buffer = give(FAKE_BUFFER, FAKE_OBJECT(device));
    buffer->size = size;
    return FAKE_HANDLE(VkBuffer, buffer);
}
