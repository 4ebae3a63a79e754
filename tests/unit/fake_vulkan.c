/* SPDX-License-Identifier: MIT
 *
 * The fake Vulkan's device, and how its functions are found.
 */
#include "fake_state.h"

#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan_android.h>

static uint32_t imported;

/* ---- Objects that have no more to them than being there ---- */

#define CREATE(NAME, INFO, HANDLE, KIND)                                                                     \
    static VKAPI_ATTR VkResult VKAPI_CALL fake_Create##NAME(                                                 \
        VkDevice device, const INFO *info, const VkAllocationCallbacks *host, HANDLE *out) {                 \
        (void)info;                                                                                          \
        (void)host;                                                                                          \
        FAKE_ENTER(Create##NAME);                                                                            \
        fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkCreate" #NAME);                                 \
        *out = FAKE_HANDLE(HANDLE, fake_add(KIND, FAKE_OBJECT(device)));                                     \
        return VK_SUCCESS;                                                                                   \
    }
#define DESTROY(NAME, HANDLE, KIND)                                                                          \
    static VKAPI_ATTR void VKAPI_CALL fake_##NAME(VkDevice device, HANDLE handle,                            \
                                                  const VkAllocationCallbacks *host) {                       \
        (void)host;                                                                                          \
        fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vk" #NAME);                                       \
        fake_remove(FAKE_OBJECT(handle), KIND, FAKE_OBJECT(device), "vk" #NAME);                             \
    }

CREATE(ShaderModule, VkShaderModuleCreateInfo, VkShaderModule, FAKE_MODULE)
CREATE(DescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout, FAKE_SET_LAYOUT)
CREATE(Fence, VkFenceCreateInfo, VkFence, FAKE_FENCE)
CREATE(QueryPool, VkQueryPoolCreateInfo, VkQueryPool, FAKE_QUERY_POOL)
CREATE(CommandPool, VkCommandPoolCreateInfo, VkCommandPool, FAKE_COMMAND_POOL)
CREATE(PipelineCache, VkPipelineCacheCreateInfo, VkPipelineCache, FAKE_CACHE)
DESTROY(DestroyShaderModule, VkShaderModule, FAKE_MODULE)
DESTROY(DestroyDescriptorSetLayout, VkDescriptorSetLayout, FAKE_SET_LAYOUT)
DESTROY(DestroyPipelineLayout, VkPipelineLayout, FAKE_PIPELINE_LAYOUT)
DESTROY(DestroyPipeline, VkPipeline, FAKE_PIPELINE)
DESTROY(DestroyDescriptorPool, VkDescriptorPool, FAKE_DESCRIPTOR_POOL)
DESTROY(DestroyBuffer, VkBuffer, FAKE_BUFFER)
DESTROY(FreeMemory, VkDeviceMemory, FAKE_MEMORY)
DESTROY(DestroyFence, VkFence, FAKE_FENCE)
DESTROY(DestroyQueryPool, VkQueryPool, FAKE_QUERY_POOL)
DESTROY(DestroyCommandPool, VkCommandPool, FAKE_COMMAND_POOL)
DESTROY(DestroyPipelineCache, VkPipelineCache, FAKE_CACHE)

/* ---- Pipelines ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_CreatePipelineLayout(VkDevice device,
                                                                const VkPipelineLayoutCreateInfo *info,
                                                                const VkAllocationCallbacks *host,
                                                                VkPipelineLayout *out) {
    (void)host;
    FAKE_ENTER(CreatePipelineLayout);
    for (uint32_t i = 0; i < info->setLayoutCount; ++i)
        fake_find(FAKE_OBJECT(info->pSetLayouts[i]), FAKE_SET_LAYOUT, FAKE_OBJECT(device),
                  "vkCreatePipelineLayout");
    fake_object *layout = fake_add(FAKE_PIPELINE_LAYOUT, FAKE_OBJECT(device));
    for (uint32_t i = 0; i < info->pushConstantRangeCount; ++i)
        layout->size += info->pPushConstantRanges[i].size;
    *out = FAKE_HANDLE(VkPipelineLayout, layout);
    return VK_SUCCESS;
}

static uint32_t plain_pipelines;

uint32_t fake_plain_pipelines(void) {
    return plain_pipelines;
}

/* As drivers may, it writes null handles when it fails. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_CreateComputePipelines(VkDevice device, VkPipelineCache cache,
                                                                  uint32_t count,
                                                                  const VkComputePipelineCreateInfo *infos,
                                                                  const VkAllocationCallbacks *host,
                                                                  VkPipeline *out) {
    static const char call[] = "vkCreateComputePipelines";
    fake_object *owner = FAKE_OBJECT(device);
    (void)host;
    memset(out, 0, count * sizeof *out);
    FAKE_ENTER(CreateComputePipelines);
    if (cache)
        fake_find(FAKE_OBJECT(cache), FAKE_CACHE, owner, call);
    for (uint32_t i = 0; i < count; ++i) {
        fake_find(FAKE_OBJECT(infos[i].stage.module), FAKE_MODULE, owner, call);
        fake_find(FAKE_OBJECT(infos[i].layout), FAKE_PIPELINE_LAYOUT, owner, call);
        if (infos[i].flags & VK_PIPELINE_CREATE_DISABLE_OPTIMIZATION_BIT)
            ++plain_pipelines; /* not from threads */
        out[i] = FAKE_HANDLE(VkPipeline, fake_add(FAKE_PIPELINE, owner));
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_GetPipelineExecutablePropertiesKHR(
    VkDevice device, const VkPipelineInfoKHR *info, uint32_t *count, VkPipelineExecutablePropertiesKHR *out) {
    uint32_t fill;
    VkResult result =
        fake_enter_list(FAKE_CALL_GetPipelineExecutablePropertiesKHR, 2, out != NULL, count, &fill);
    fake_find(FAKE_OBJECT(info->pipeline), FAKE_PIPELINE, FAKE_OBJECT(device),
              "vkGetPipelineExecutablePropertiesKHR");
    for (uint32_t i = 0; i < fill; ++i) {
        out[i].subgroupSize = 16u << i;
        snprintf(out[i].name, sizeof out[i].name, "SIMD%u", 16u << i);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
fake_GetPipelineExecutableStatisticsKHR(VkDevice device, const VkPipelineExecutableInfoKHR *info,
                                        uint32_t *count, VkPipelineExecutableStatisticKHR *out) {
    uint32_t fill;
    VkResult result =
        fake_enter_list(FAKE_CALL_GetPipelineExecutableStatisticsKHR, 3, out != NULL, count, &fill);
    fake_find(FAKE_OBJECT(info->pipeline), FAKE_PIPELINE, FAKE_OBJECT(device),
              "vkGetPipelineExecutableStatisticsKHR");
    for (uint32_t i = 0; i < fill; ++i) {
        snprintf(out[i].name, sizeof out[i].name, "figure %u", i);
        out[i].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR;
        out[i].value.u64 = i + 1;
    }
    return result;
}

/* ---- Descriptors ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_CreateDescriptorPool(VkDevice device,
                                                                const VkDescriptorPoolCreateInfo *info,
                                                                const VkAllocationCallbacks *host,
                                                                VkDescriptorPool *out) {
    (void)host;
    FAKE_ENTER(CreateDescriptorPool);
    fake_object *pool = fake_add(FAKE_DESCRIPTOR_POOL, FAKE_OBJECT(device));
    pool->size = info->maxSets;
    *out = FAKE_HANDLE(VkDescriptorPool, pool);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_AllocateDescriptorSets(VkDevice device,
                                                                  const VkDescriptorSetAllocateInfo *info,
                                                                  VkDescriptorSet *out) {
    static const char call[] = "vkAllocateDescriptorSets";
    FAKE_ENTER(AllocateDescriptorSets);
    fake_object *pool =
        fake_find(FAKE_OBJECT(info->descriptorPool), FAKE_DESCRIPTOR_POOL, FAKE_OBJECT(device), call);
    if (!pool || pool->size < info->descriptorSetCount) {
        fake_complain("%s: the pool has not so many sets", call);
        return VK_ERROR_OUT_OF_POOL_MEMORY;
    }
    pool->size -= info->descriptorSetCount;
    for (uint32_t i = 0; i < info->descriptorSetCount; ++i) {
        fake_find(FAKE_OBJECT(info->pSetLayouts[i]), FAKE_SET_LAYOUT, FAKE_OBJECT(device), call);
        out[i] = FAKE_HANDLE(VkDescriptorSet, fake_add(FAKE_SET, pool));
    }
    return VK_SUCCESS;
}

/* One buffer, as all writes of vatten's are. */
static void write_buffer(VkDescriptorBufferInfo buffers[FAKE_BUFFERS], const VkWriteDescriptorSet *write,
                         const char *call) {
    const VkDescriptorBufferInfo *info = write->pBufferInfo;
    const fake_object *buffer = fake_find(FAKE_OBJECT(info->buffer), FAKE_BUFFER, NULL, call);
    uint64_t alignment = fake_caps()->storage_alignment;
    if (write->dstBinding >= FAKE_BUFFERS) {
        fake_complain("%s: binding %u", call, write->dstBinding);
        return;
    }
    if (buffer && (info->offset > buffer->size || info->range > buffer->size - info->offset))
        fake_complain("%s: binding %u reaches past the end of its buffer", call, write->dstBinding);
    if (info->offset % alignment != 0 || info->range > fake_caps()->storage_range || info->range == 0)
        fake_complain("%s: binding %u keeps not to the limits", call, write->dstBinding);
    buffers[write->dstBinding] = *info;
}

static VKAPI_ATTR void VKAPI_CALL fake_UpdateDescriptorSets(VkDevice device, uint32_t count,
                                                            const VkWriteDescriptorSet *writes,
                                                            uint32_t copy_count,
                                                            const VkCopyDescriptorSet *copies) {
    static const char call[] = "vkUpdateDescriptorSets";
    (void)copy_count;
    (void)copies;
    fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, call);
    for (uint32_t i = 0; i < count; ++i) {
        fake_object *set = fake_find(FAKE_OBJECT(writes[i].dstSet), FAKE_SET, NULL, call);
        if (set)
            write_buffer(set->buffers, &writes[i], call);
    }
}

/* ---- Buffers and their memory ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_CreateBuffer(VkDevice device, const VkBufferCreateInfo *info,
                                                        const VkAllocationCallbacks *host, VkBuffer *out) {
    (void)host;
    FAKE_ENTER(CreateBuffer);
    fake_object *buffer = fake_add(FAKE_BUFFER, FAKE_OBJECT(device));
    buffer->size = info->size;
    *out = FAKE_HANDLE(VkBuffer, buffer);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_GetBufferMemoryRequirements(VkDevice device, VkBuffer handle,
                                                                   VkMemoryRequirements *out) {
    const fake_object *buffer =
        fake_find(FAKE_OBJECT(handle), FAKE_BUFFER, FAKE_OBJECT(device), "vkGetBufferMemoryRequirements");
    *out = (VkMemoryRequirements){buffer ? buffer->size : 0, 256, 3};
}

uint32_t fake_imported(void) {
    return imported;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_AllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
                                                          const VkAllocationCallbacks *host,
                                                          VkDeviceMemory *out) {
    (void)host;
    FAKE_ENTER(AllocateMemory);
    for (const VkBaseInStructure *at = info->pNext; at; at = at->pNext)
        imported += at->sType == VK_STRUCTURE_TYPE_IMPORT_ANDROID_HARDWARE_BUFFER_INFO_ANDROID;
    fake_object *memory = fake_add(FAKE_MEMORY, FAKE_OBJECT(device));
    memory->size = info->allocationSize;
    *out = FAKE_HANDLE(VkDeviceMemory, memory);
    return VK_SUCCESS;
}

/* A hardware buffer of the fake's is a number of bytes. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_GetAndroidHardwareBufferPropertiesANDROID(
    VkDevice device, const struct AHardwareBuffer *buffer, VkAndroidHardwareBufferPropertiesANDROID *out) {
    fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkGetAndroidHardwareBufferPropertiesANDROID");
    FAKE_ENTER(GetAndroidHardwareBufferPropertiesANDROID);
    out->allocationSize = *(const uint64_t *)(const void *)buffer;
    out->memoryTypeBits = 2;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_BindBufferMemory(VkDevice device, VkBuffer handle,
                                                            VkDeviceMemory memory_handle,
                                                            VkDeviceSize offset) {
    static const char call[] = "vkBindBufferMemory";
    FAKE_ENTER(BindBufferMemory);
    fake_object *buffer = fake_find(FAKE_OBJECT(handle), FAKE_BUFFER, FAKE_OBJECT(device), call);
    const fake_object *memory = fake_find(FAKE_OBJECT(memory_handle), FAKE_MEMORY, FAKE_OBJECT(device), call);
    if (!buffer || !memory || buffer->bound || memory->size < offset + buffer->size)
        fake_complain("%s: not for that memory", call);
    else
        buffer->bound = true;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkDeviceAddress VKAPI_CALL
fake_GetBufferDeviceAddress(VkDevice device, const VkBufferDeviceAddressInfo *info) {
    const fake_object *buffer =
        fake_find(FAKE_OBJECT(info->buffer), FAKE_BUFFER, FAKE_OBJECT(device), "vkGetBufferDeviceAddress");
    return buffer ? (VkDeviceAddress)(uintptr_t)buffer << 16 : 0;
}

/* ---- Commands ---- */

static VKAPI_ATTR void VKAPI_CALL fake_CmdBindPipeline(VkCommandBuffer into, VkPipelineBindPoint point,
                                                       VkPipeline pipeline) {
    (void)point;
    fake_find(FAKE_OBJECT(pipeline), FAKE_PIPELINE, NULL, "vkCmdBindPipeline");
    fake_log(into, FAKE_BIND_PIPELINE, "vkCmdBindPipeline")->pipeline = pipeline;
    FAKE_OBJECT(into)->bound = true;
}

static void copy_buffers(fake_command *command, const VkDescriptorBufferInfo buffers[FAKE_BUFFERS]) {
    memcpy(command->buffers, buffers, sizeof command->buffers);
    while (command->count < FAKE_BUFFERS && buffers[command->count].buffer)
        ++command->count;
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdBindDescriptorSets(VkCommandBuffer into, VkPipelineBindPoint point,
                                                             VkPipelineLayout layout, uint32_t first,
                                                             uint32_t count, const VkDescriptorSet *sets,
                                                             uint32_t dynamic_count,
                                                             const uint32_t *dynamic) {
    static const char call[] = "vkCmdBindDescriptorSets";
    (void)point;
    (void)dynamic_count;
    (void)dynamic;
    fake_find(FAKE_OBJECT(layout), FAKE_PIPELINE_LAYOUT, NULL, call);
    const fake_object *set = fake_find(FAKE_OBJECT(sets[0]), FAKE_SET, NULL, call);
    if (first != 0 || count != 1)
        fake_complain("%s: not set 0 alone", call);
    if (set)
        copy_buffers(fake_log(into, FAKE_BIND_BUFFERS, call), set->buffers);
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdPushDescriptorSetKHR(VkCommandBuffer into,
                                                               VkPipelineBindPoint point,
                                                               VkPipelineLayout layout, uint32_t set,
                                                               uint32_t count,
                                                               const VkWriteDescriptorSet *writes) {
    static const char call[] = "vkCmdPushDescriptorSetKHR";
    VkDescriptorBufferInfo buffers[FAKE_BUFFERS] = {0};
    (void)point;
    (void)set;
    fake_find(FAKE_OBJECT(layout), FAKE_PIPELINE_LAYOUT, NULL, call);
    for (uint32_t i = 0; i < count; ++i)
        write_buffer(buffers, &writes[i], call);
    copy_buffers(fake_log(into, FAKE_BIND_BUFFERS, call), buffers);
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdPushConstants(VkCommandBuffer into, VkPipelineLayout handle,
                                                        VkShaderStageFlags stages, uint32_t offset,
                                                        uint32_t size, const void *bytes) {
    static const char call[] = "vkCmdPushConstants";
    (void)stages;
    const fake_object *layout = fake_find(FAKE_OBJECT(handle), FAKE_PIPELINE_LAYOUT, NULL, call);
    fake_command *command = fake_log(into, FAKE_PUSH, call);
    if (!layout || size > FAKE_PUSHED || offset + size > layout->size) {
        fake_complain("%s: %u bytes at %u", call, size, offset);
        return;
    }
    command->offset = offset;
    command->size = size;
    memcpy(command->bytes, bytes, size);
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdDispatch(VkCommandBuffer into, uint32_t x, uint32_t y, uint32_t z) {
    static const char call[] = "vkCmdDispatch";
    const uint32_t groups[3] = {x, y, z};
    fake_command *command = fake_log(into, FAKE_DISPATCH, call);
    if (!FAKE_OBJECT(into)->bound)
        fake_complain("%s: no pipeline is bound", call);
    memcpy(command->groups, groups, sizeof groups);
    for (int a = 0; a < 3; ++a)
        if (groups[a] > fake_caps()->groups[a])
            fake_complain("%s: %u workgroups along axis %d", call, groups[a], a);
}

static VKAPI_ATTR void VKAPI_CALL fake_CmdPipelineBarrier(VkCommandBuffer into, VkPipelineStageFlags from,
                                                          VkPipelineStageFlags to, VkDependencyFlags flags,
                                                          uint32_t count, const VkMemoryBarrier *barriers,
                                                          uint32_t buffer_count,
                                                          const VkBufferMemoryBarrier *buffer_barriers,
                                                          uint32_t image_count,
                                                          const VkImageMemoryBarrier *image_barriers) {
    (void)from;
    (void)to;
    (void)flags;
    (void)barriers;
    (void)buffer_barriers;
    (void)image_barriers;
    if (count + buffer_count + image_count == 0)
        fake_complain("vkCmdPipelineBarrier: of nothing");
    fake_log(into, FAKE_BARRIER, "vkCmdPipelineBarrier");
}

/* ---- How functions are found ---- */

const fake_entry fake_device_functions[] = {
    FAKE_ENTRY(CreateShaderModule),
    FAKE_ENTRY(DestroyShaderModule),
    FAKE_ENTRY(CreateDescriptorSetLayout),
    FAKE_ENTRY(DestroyDescriptorSetLayout),
    FAKE_ENTRY(CreatePipelineLayout),
    FAKE_ENTRY(DestroyPipelineLayout),
    FAKE_ENTRY(CreateComputePipelines),
    FAKE_ENTRY(DestroyPipeline),
    FAKE_ENTRY(GetPipelineExecutablePropertiesKHR),
    FAKE_ENTRY(GetPipelineExecutableStatisticsKHR),
    FAKE_ENTRY(CreateDescriptorPool),
    FAKE_ENTRY(DestroyDescriptorPool),
    FAKE_ENTRY(AllocateDescriptorSets),
    FAKE_ENTRY(UpdateDescriptorSets),
    FAKE_ENTRY(CreateBuffer),
    FAKE_ENTRY(DestroyBuffer),
    FAKE_ENTRY(GetBufferMemoryRequirements),
    FAKE_ENTRY(AllocateMemory),
    FAKE_ENTRY(FreeMemory),
    FAKE_ENTRY(BindBufferMemory),
    FAKE_ENTRY(GetAndroidHardwareBufferPropertiesANDROID),
    FAKE_ENTRY(GetBufferDeviceAddress),
    FAKE_ENTRY(CreateFence),
    FAKE_ENTRY(DestroyFence),
    FAKE_ENTRY(CreateQueryPool),
    FAKE_ENTRY(DestroyQueryPool),
    FAKE_ENTRY(CreateCommandPool),
    FAKE_ENTRY(DestroyCommandPool),
    FAKE_ENTRY(CreatePipelineCache),
    FAKE_ENTRY(DestroyPipelineCache),
    FAKE_ENTRY(CmdBindPipeline),
    FAKE_ENTRY(CmdBindDescriptorSets),
    FAKE_ENTRY(CmdPushDescriptorSetKHR),
    FAKE_ENTRY(CmdPushConstants),
    FAKE_ENTRY(CmdDispatch),
    FAKE_ENTRY(CmdPipelineBarrier),
    {NULL, NULL},
};

static PFN_vkVoidFunction find(const fake_entry *entries, const char *name) {
    for (; entries->name; ++entries)
        if (strcmp(entries->name, name) == 0)
            return entries->function;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_GetDeviceProcAddr(VkDevice device, const char *name) {
    fake_find(FAKE_OBJECT(device), FAKE_DEVICE, NULL, "vkGetDeviceProcAddr");
    PFN_vkVoidFunction function = find(fake_device_functions, name);
    return fake_hidden(name) ? NULL : function ? function : find(fake_queue_functions, name);
}

PFN_vkVoidFunction VKAPI_CALL fake_get_instance_proc_addr(VkInstance instance, const char *name) {
    static const fake_entry own = FAKE_ENTRY(GetDeviceProcAddr);
    if (instance)
        fake_find(FAKE_OBJECT(instance), FAKE_INSTANCE, NULL, "vkGetInstanceProcAddr");
    if (fake_hidden(name))
        return NULL;
    PFN_vkVoidFunction function = find(fake_physical_functions, name);
    function = function ? function : find(fake_queue_functions, name);
    return function || strcmp(name, own.name) != 0 ? function : own.function;
}
