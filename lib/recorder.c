/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "alloc.h"

#include <inttypes.h>

#define DEFAULT_DISPATCHES 256u
#define MOST_DISPATCHES    (1u << 20)

static vatten_result create_pool(vatten_recorder *recorder) {
    vatten_device *device = recorder->device;
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       recorder->set_count * device->slots};
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = recorder->set_count,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    return vt_vk_check(device->vk.CreateDescriptorPool(device->vk.handle, &info, NULL, &recorder->pool),
                       "vkCreateDescriptorPool", &device->logger);
}

static vatten_result allocate_sets(vatten_recorder *recorder) {
    vatten_device *device = recorder->device;
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = recorder->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &device->set_layout,
    };
    for (uint32_t i = 0; i < recorder->set_count; ++i) {
        VkResult result = device->vk.AllocateDescriptorSets(device->vk.handle, &info, &recorder->sets[i]);
        if (result != VK_SUCCESS)
            return vt_vk_check(result, "vkAllocateDescriptorSets", &device->logger);
    }
    return VATTEN_SUCCESS;
}

/* The first device-local type that the buffer may live in; every implementation has one. */
static uint32_t memory_type(const vatten_device *device, uint32_t allowed) {
    const VkPhysicalDeviceMemoryProperties *memory = &device->memory;
    uint32_t any = 0;
    for (uint32_t i = memory->memoryTypeCount; i-- > 0;) {
        if (!(allowed & (1u << i)))
            continue;
        any = i;
        if (memory->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)
            return i;
    }
    return any;
}

static vatten_result create_workspace(vatten_recorder *recorder, uint64_t bytes) {
    vatten_device *device = recorder->device;
    const vt_vk_device *vk = &device->vk;
    bool addressed = (device->caps.features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0;
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = bytes,
        .usage =
            VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | (addressed ? VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : 0),
    };
    vatten_result result = vt_vk_check(vk->CreateBuffer(vk->handle, &info, NULL, &recorder->workspace),
                                       "vkCreateBuffer for the workspace", &device->logger);
    if (result != VATTEN_SUCCESS)
        return result;
    VkMemoryRequirements need;
    vk->GetBufferMemoryRequirements(vk->handle, recorder->workspace, &need);
    const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                             .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const VkMemoryAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = addressed ? &flags : NULL,
        .allocationSize = need.size,
        .memoryTypeIndex = memory_type(device, need.memoryTypeBits),
    };
    result = vt_vk_check(vk->AllocateMemory(vk->handle, &allocate, NULL, &recorder->workspace_memory),
                         "vkAllocateMemory for the workspace", &device->logger);
    if (result != VATTEN_SUCCESS)
        return result;
    recorder->workspace_bytes = bytes;
    return vt_vk_check(vk->BindBufferMemory(vk->handle, recorder->workspace, recorder->workspace_memory, 0),
                       "vkBindBufferMemory for the workspace", &device->logger);
}

static vatten_result fill(vatten_recorder *recorder, const vatten_recorder_desc *desc) {
    vatten_result result = VATTEN_SUCCESS;
    if (recorder->set_count)
        result = create_pool(recorder);
    if (result == VATTEN_SUCCESS)
        result = allocate_sets(recorder);
    if (result == VATTEN_SUCCESS && desc->workspace_bytes)
        result = create_workspace(recorder, desc->workspace_bytes);
    return result;
}

vatten_result vatten_recorder_create(vatten_device *device, const vatten_recorder_desc *desc,
                                     vatten_recorder **out_recorder) {
    static const vatten_recorder_desc defaults = {0};
    if (out_recorder)
        *out_recorder = NULL;
    if (!device || !out_recorder)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    desc = desc ? desc : &defaults;
    uint32_t sets = desc->max_dispatches ? desc->max_dispatches : DEFAULT_DISPATCHES;
    if (sets > MOST_DISPATCHES) {
        vt_log(&device->logger, VATTEN_LOG_ERROR, NULL, "recorder: max_dispatches %" PRIu32 " is above %u",
               sets, MOST_DISPATCHES);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    sets = vt_device_pushes(device) ? 0 : sets;
    vatten_recorder *recorder =
        vt_alloc(&device->allocator, sizeof *recorder + sets * sizeof recorder->sets[0]);
    if (!recorder)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    recorder->device = device;
    recorder->set_count = sets;
    vatten_result result = fill(recorder, desc);
    if (result != VATTEN_SUCCESS) {
        vatten_recorder_destroy(recorder);
        return result;
    }
    *out_recorder = recorder;
    return VATTEN_SUCCESS;
}

void vatten_recorder_reset(vatten_recorder *recorder) {
    if (recorder)
        recorder->sets_used = 0;
}

void vatten_recorder_destroy(vatten_recorder *recorder) {
    if (!recorder)
        return;
    vatten_device *device = recorder->device;
    const vt_vk_device *vk = &device->vk;
    if (recorder->pool)
        vk->DestroyDescriptorPool(vk->handle, recorder->pool, NULL);
    if (recorder->workspace)
        vk->DestroyBuffer(vk->handle, recorder->workspace, NULL);
    if (recorder->workspace_memory)
        vk->FreeMemory(vk->handle, recorder->workspace_memory, NULL);
    vt_release(&device->allocator, recorder);
}
