/* SPDX-License-Identifier: MIT */
#include "pipeline.h"

#include "alloc.h"
#include "device.h"
#include "log.h"

#include <string.h>

struct vt_pipeline {
    vt_pipeline *next;
    vt_variant variant;
    VkPipeline handle;
};

vatten_result vt_pipeline_map_init(vt_pipeline_map *map, VkPipelineCache cache) {
    map->cache = cache;
    map->ready = vt_mutex_init(&map->mutex);
    return map->ready ? VATTEN_SUCCESS : VATTEN_ERROR_OUT_OF_HOST_MEMORY;
}

void vt_pipeline_map_destroy(vatten_device *device) {
    vt_pipeline_map *map = &device->pipelines;
    while (map->first) {
        vt_pipeline *pipeline = map->first;
        map->first = pipeline->next;
        device->vk.DestroyPipeline(device->vk.handle, pipeline->handle, NULL);
        vt_release(&device->allocator, pipeline);
    }
    if (map->ready)
        vt_mutex_destroy(&map->mutex);
}

/* Which rows a subgroup owns follows from its size. */
static bool needs_size(const vt_variant *variant) {
    return vt_layout_has_matrices(vt_kernels[variant->kernel].layout);
}

/* Kernels that talk by shuffles want whole subgroups, and no more of their size than that the lanes of a row fit
 * the smallest: the compiler shall be free to choose a size whose registers suffice. */
static VkPipelineShaderStageCreateFlags stage_flags(const vt_caps *caps, const vt_variant *variant) {
    if (needs_size(variant))
        return VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    bool subgroups = vt_kernels[variant->kernel].layout == VATTEN_LAYOUT_SUBGROUP;
    if (!subgroups || !(caps->features & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL))
        return 0;
    VkPipelineShaderStageCreateFlags flags = VK_PIPELINE_SHADER_STAGE_CREATE_ALLOW_VARYING_SUBGROUP_SIZE_BIT;
    if (variant->spec[VT_SPEC_WORKGROUP] % caps->subgroup_max == 0)
        flags |= VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    return flags;
}

static VkResult create_pipeline(const vatten_device *device, const vt_variant *variant,
                                VkPipelineCreateFlags flags, VkShaderModule module, VkPipeline *out) {
    VkSpecializationMapEntry entries[VT_SPEC_COUNT];
    for (uint32_t i = 0; i < VT_SPEC_COUNT; ++i)
        entries[i] = (VkSpecializationMapEntry){i, i * (uint32_t)sizeof(uint32_t), sizeof(uint32_t)};
    const VkSpecializationInfo spec = {VT_SPEC_COUNT, entries, sizeof variant->spec, variant->spec};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = variant->spec[VT_SPEC_SUBGROUP]};
    bool capture = (device->caps.features & VATTEN_FEATURE_PIPELINE_STATISTICS) != 0;
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = flags | (capture ? (VkPipelineCreateFlags)VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR : 0),
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = needs_size(variant) && device->caps.subgroup_asked ? &size : NULL,
                .flags = stage_flags(&device->caps, variant),
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &spec,
            },
        .layout = device->pipeline_layout,
    };
    return device->vk.CreateComputePipelines(device->vk.handle, device->pipelines.cache, 1, &info, NULL, out);
}

static bool out_of_memory(VkResult result) {
    return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* Its SPIR-V is needed until the module is made, behind it the room that unpacking takes. */
static VkResult create_module(const vatten_device *device, const vt_kernel *kernel, VkShaderModule *out) {
    uint32_t *code =
        vt_alloc(&device->allocator, kernel->code_size + vt_kernel_pack.names * sizeof(uint32_t));
    if (!code)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    vt_kernel_code(kernel, code + kernel->code_size / sizeof *code, code);
    const VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = kernel->code_size,
        .pCode = code,
    };
    VkResult result = device->vk.CreateShaderModule(device->vk.handle, &info, NULL, out);
    vt_release(&device->allocator, code);
    return result;
}

static vatten_result compile(const vatten_device *device, const vt_variant *variant,
                             VkPipelineCreateFlags flags, VkPipeline *out, bool *out_refused) {
    const vt_kernel *kernel = &vt_kernels[variant->kernel];
    VkShaderModule module = VK_NULL_HANDLE;
    VkResult result = create_module(device, kernel, &module);
    if (result == VK_SUCCESS) {
        result = create_pipeline(device, variant, flags, module, out);
        device->vk.DestroyShaderModule(device->vk.handle, module, NULL);
    }
    *out_refused = result != VK_SUCCESS && !out_of_memory(result) && result != VK_ERROR_DEVICE_LOST;
    return vt_vk_check(result, kernel->name, &device->logger);
}

/* A kernel of attention that is refused has another tile to go on with. The others have one variant: they are compiled once more
 * as plainly as can be. */
static vatten_result compile_twice(const vatten_device *device, const vt_variant *variant, VkPipeline *out,
                                   bool *out_refused) {
    const vt_kernel *kernel = &vt_kernels[variant->kernel];
    vatten_result result = compile(device, variant, 0, out, out_refused);
    if (!*out_refused || kernel->task == VT_TASK_ATTEND)
        return result;
    vt_log(&device->logger, VATTEN_LOG_WARN, kernel->name,
           "%s refused the kernel, trying without optimization", device->caps.name);
    return compile(device, variant, VK_PIPELINE_CREATE_DISABLE_OPTIMIZATION_BIT, out, out_refused);
}

static vt_pipeline *find(const vt_pipeline_map *map, const vt_variant *variant) {
    vt_pipeline *pipeline = map->first;
    while (pipeline && memcmp(&pipeline->variant, variant, sizeof *variant) != 0)
        pipeline = pipeline->next;
    return pipeline;
}

static vatten_result add(vatten_device *device, const vt_variant *variant, VkPipeline *out,
                         bool *out_refused) {
    vt_pipeline *pipeline = vt_alloc(&device->allocator, sizeof *pipeline);
    if (!pipeline)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    pipeline->variant = *variant;
    vatten_result result = compile_twice(device, variant, &pipeline->handle, out_refused);
    if (result != VATTEN_SUCCESS) {
        vt_release(&device->allocator, pipeline);
        return result;
    }
    pipeline->next = device->pipelines.first;
    device->pipelines.first = pipeline;
    *out = pipeline->handle;
    return VATTEN_SUCCESS;
}

vatten_result vt_pipeline_get(vatten_device *device, const vt_variant *variant, VkPipeline *out,
                              bool *out_refused) {
    vatten_result result = VATTEN_SUCCESS;
    *out_refused = false;
    vt_mutex_lock(&device->pipelines.mutex);
    const vt_pipeline *pipeline = find(&device->pipelines, variant);
    if (pipeline)
        *out = pipeline->handle;
    else
        result = add(device, variant, out, out_refused);
    vt_mutex_unlock(&device->pipelines.mutex);
    return result;
}
