/* SPDX-License-Identifier: MIT */
#include "device.h"

#include "alloc.h"
#include "probe.h"
#include "quirks.h"
#include "steps.h"

#include <stdio.h>
#include <string.h>

bool vt_device_pushes(const vatten_device *device) {
    return device->vk.CmdPushDescriptorSetKHR != NULL;
}

static vatten_result check_desc(const vatten_device_desc *desc) {
    const char *missing = !desc->get_instance_proc_addr        ? "get_instance_proc_addr"
                          : !desc->instance                    ? "instance"
                          : !desc->physical_device             ? "physical_device"
                          : !desc->device                      ? "device"
                          : desc->tuning_size && !desc->tuning ? "tuning, of which there is a size,"
                                                               : NULL;
    if (missing) {
        vt_log(&desc->logger, VATTEN_LOG_ERROR, NULL, "device: %s is missing", missing);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (!desc->allocator.allocate != !desc->allocator.release) {
        vt_log(&desc->logger, VATTEN_LOG_ERROR, NULL,
               "device: the allocator needs both of its functions, or none");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    return vt_quirks_check(&desc->logger, desc->cap_quirks);
}

static vatten_result check_caps(const vt_caps *caps, const vatten_logger *logger) {
    if (caps->api_version < VK_API_VERSION_1_1) {
        vt_log(logger, VATTEN_LOG_ERROR, NULL, "device: %s has Vulkan %u.%u, at least 1.1 is needed",
               caps->name, VK_API_VERSION_MAJOR(caps->api_version), VK_API_VERSION_MINOR(caps->api_version));
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (caps->storage_buffers < VT_SLOT_COUNT_PLAIN || caps->push_bytes < sizeof(vt_push)) {
        vt_log(
            logger, VATTEN_LOG_ERROR, NULL,
            "device: %s has %u storage buffers per stage and %u bytes of push constants, 4 and %u are needed",
            caps->name, caps->storage_buffers, caps->push_bytes, (unsigned)sizeof(vt_push));
        return VATTEN_ERROR_UNSUPPORTED;
    }
    return VATTEN_SUCCESS;
}

/* Rows of the caller's tuning file, with their reasons behind them. */
static vatten_result load_tuning(vatten_device *device, const vatten_device_desc *desc) {
    vt_tuning *tuning = &device->tuning;
    if (desc->tuning_size == 0)
        return VATTEN_SUCCESS;
    vatten_result result =
        vt_tune_file_read(&device->caps, &device->logger, desc->tuning, desc->tuning_size, tuning);
    if (result != VATTEN_SUCCESS || tuning->count == 0)
        return result;
    const size_t rows_size = tuning->count * sizeof *tuning->rows;
    tuning->rows = vt_alloc(&device->allocator, rows_size + tuning->words_size);
    if (!tuning->rows)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    tuning->words = (char *)tuning->rows + rows_size;
    result = vt_tune_file_read(&device->caps, NULL, desc->tuning, desc->tuning_size, tuning);
    device->caps.tuned = tuning->rows;
    device->caps.tuned_count = tuning->count;
    vt_log(&device->logger, VATTEN_LOG_INFO, NULL, "tuning: %u rows for %s", tuning->count,
           device->caps.name);
    return result;
}

static vatten_result create_set_layout(vatten_device *device) {
    VkDescriptorSetLayoutBinding bindings[VT_SLOT_COUNT] = {0};
    for (int io = 0; io < VT_IO_COUNT && vt_io_slots((vt_io)io) <= device->caps.storage_buffers; ++io)
        device->slots = vt_io_slots((vt_io)io);
    for (uint32_t i = 0; i < device->slots; ++i) {
        bindings[i].binding = i;
        bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        bindings[i].descriptorCount = 1;
        bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    const VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .flags = vt_device_pushes(device) ? VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR : 0,
        .bindingCount = device->slots,
        .pBindings = bindings,
    };
    return vt_vk_check(
        device->vk.CreateDescriptorSetLayout(device->vk.handle, &info, NULL, &device->set_layout),
        "vkCreateDescriptorSetLayout", &device->logger);
}

static vatten_result create_pipeline_layout(vatten_device *device) {
    uint32_t behind = vt_caps_takes_addresses(&device->caps) ? sizeof(vt_address_push) : 0;
    const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(vt_push) + behind};
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &device->set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &push,
    };
    return vt_vk_check(
        device->vk.CreatePipelineLayout(device->vk.handle, &info, NULL, &device->pipeline_layout),
        "vkCreatePipelineLayout", &device->logger);
}

static vatten_result fill(vatten_device *device, const vatten_device_desc *desc) {
    vt_vk_instance vk;
    vatten_result result =
        vt_vk_load_instance(desc->get_instance_proc_addr, desc->instance, &device->logger, &vk);
    if (result != VATTEN_SUCCESS)
        return result;
    const vt_probe probe = {&vk, desc->physical_device, &device->allocator, &device->logger};
    result = vt_probe_caps(&probe, desc->features, &device->caps);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_caps_complete(&device->caps);
    vt_caps_lower(&device->caps, desc);
    result = check_caps(&device->caps, &device->logger);
    if (result == VATTEN_SUCCESS)
        result = load_tuning(device, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    result = vt_vk_load_device(&vk, desc->device, desc->features, &device->logger, &device->vk);
    if (result != VATTEN_SUCCESS)
        return result;
    vk.GetPhysicalDeviceMemoryProperties(desc->physical_device, &device->memory);
    result = vt_pipeline_map_init(&device->pipelines, desc->pipeline_cache);
    if (result == VATTEN_SUCCESS)
        result = create_set_layout(device);
    return result == VATTEN_SUCCESS ? create_pipeline_layout(device) : result;
}

vatten_result vatten_device_create(const vatten_device_desc *desc, vatten_device **out_device) {
    if (!out_device)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    *out_device = NULL;
    if (!desc)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vatten_result result = check_desc(desc);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_allocator allocator = vt_allocator_resolve(&desc->allocator);
    vatten_device *device = vt_alloc(&allocator, sizeof *device);
    if (!device)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    device->allocator = allocator;
    device->logger = desc->logger;
    result = fill(device, desc);
    if (result != VATTEN_SUCCESS) {
        vatten_device_destroy(device);
        return result;
    }
    char quirks[256];
    vt_quirks_names(device->caps.quirks, quirks, sizeof quirks);
    vt_log(&device->logger, VATTEN_LOG_INFO, NULL, "device: %s%s%s", device->caps.name,
           quirks[0] ? ", quirks: " : "", quirks);
    *out_device = device;
    return VATTEN_SUCCESS;
}

/* Also serves a device that is only partly filled. */
void vatten_device_destroy(vatten_device *device) {
    if (!device)
        return;
    const vt_vk_device *vk = &device->vk;
    vt_pipeline_map_destroy(device);
    if (device->pipeline_layout)
        vk->DestroyPipelineLayout(vk->handle, device->pipeline_layout, NULL);
    if (device->set_layout)
        vk->DestroyDescriptorSetLayout(vk->handle, device->set_layout, NULL);
    vatten_allocator allocator = device->allocator;
    vt_release(&allocator, device->tuning.rows);
    vt_release(&allocator, device);
}

void vatten_device_get_info(const vatten_device *device, vatten_device_info *out) {
    if (!device || !out)
        return;
    const vt_caps *caps = &device->caps;
    *out = (vatten_device_info){
        .cpu = vt_caps_is_cpu(caps),
        .features = caps->features,
        .subgroup_size = caps->subgroup_ops & VT_SUBGROUP_SHUFFLE ? caps->subgroup_size : 1,
        .subgroup_min = caps->subgroup_min,
        .subgroup_max = caps->subgroup_max,
        .shared_bytes = caps->shared_bytes,
        .invocations = caps->invocations,
        .storage_range = caps->storage_range,
        .storage_alignment = caps->storage_alignment,
        .storage_buffers = caps->storage_buffers,
        .max_dim = caps->max_dim,
        .max_macs = caps->max_macs,
        .max_moves = caps->max_moves,
        .vendor_id = caps->vendor_id,
        .device_id = caps->device_id,
        .driver_id = caps->driver_id,
        .driver_version = caps->driver_version,
        .tuned_rows = caps->tuned_count,
        .dots_accelerated = caps->dots_accelerated,
        .push_bytes = caps->push_bytes,
    };
    snprintf(out->name, sizeof out->name, "%s", caps->name);
    snprintf(out->driver_info, sizeof out->driver_info, "%s", caps->driver_info);
    vt_quirks_names(caps->quirks, out->quirks, sizeof out->quirks);
    vt_caps_matrix_names(caps, VATTEN_DTYPE_F16, out->matrices, sizeof out->matrices);
    vt_caps_matrix_names(caps, VATTEN_DTYPE_BF16, out->bf16_matrices, sizeof out->bf16_matrices);
    vt_caps_flexible_names(caps, VATTEN_DTYPE_F16, out->workgroup_matrices, sizeof out->workgroup_matrices);
    vt_caps_flexible_names(caps, VATTEN_DTYPE_BF16, out->bf16_workgroup_matrices,
                           sizeof out->bf16_workgroup_matrices);
}
