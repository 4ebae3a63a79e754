/* SPDX-License-Identifier: MIT */
#include "bench_vk.h"

#include <string.h>

#include "say.h"

bool bench_vk_load(vatten_context *context, bench_vk *out_vk) {
    PFN_vkGetInstanceProcAddr instance_proc = vatten_context_get_instance_proc_addr(context);
    PFN_vkGetDeviceProcAddr device_proc =
        (PFN_vkGetDeviceProcAddr)instance_proc(vatten_context_instance(context), "vkGetDeviceProcAddr");
    out_vk->device = vatten_context_vk_device(context);
    bool ok = device_proc != NULL;
#define BENCH_VK_LOAD(name)                                                                                  \
    out_vk->name = ok ? (PFN_vk##name)device_proc(out_vk->device, "vk" #name) : NULL;                        \
    ok = ok && out_vk->name != NULL;
    BENCH_VK_FUNCTIONS(BENCH_VK_LOAD)
#undef BENCH_VK_LOAD
    if (!ok)
        say_error("the Vulkan device lacks a function of Vulkan 1.0");
    return ok;
}

static bool make_layouts(const bench_vk *vk, bench_kernel *kernel) {
    VkDescriptorSetLayoutBinding bindings[2] = {
        {.binding = 0,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT},
        {.binding = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT},
    };
    VkDescriptorSetLayoutCreateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                .bindingCount = 2,
                                                .pBindings = bindings};
    if (vk->CreateDescriptorSetLayout(vk->device, &set_info, NULL, &kernel->set_layout) != VK_SUCCESS)
        return false;
    VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 16};
    VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                       .setLayoutCount = 1,
                                       .pSetLayouts = &kernel->set_layout,
                                       .pushConstantRangeCount = 1,
                                       .pPushConstantRanges = &range};
    return vk->CreatePipelineLayout(vk->device, &info, NULL, &kernel->layout) == VK_SUCCESS;
}

static bool make_set(const bench_vk *vk, VkBuffer first, VkBuffer second, bench_kernel *kernel) {
    VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 2};
    VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = 1,
                                            .poolSizeCount = 1,
                                            .pPoolSizes = &size};
    if (vk->CreateDescriptorPool(vk->device, &pool_info, NULL, &kernel->pool) != VK_SUCCESS)
        return false;
    VkDescriptorSetAllocateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                            .descriptorPool = kernel->pool,
                                            .descriptorSetCount = 1,
                                            .pSetLayouts = &kernel->set_layout};
    if (vk->AllocateDescriptorSets(vk->device, &set_info, &kernel->set) != VK_SUCCESS)
        return false;
    VkDescriptorBufferInfo buffers[2] = {{.buffer = first, .range = VK_WHOLE_SIZE},
                                         {.buffer = second, .range = VK_WHOLE_SIZE}};
    VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                  .dstSet = kernel->set,
                                  .descriptorCount = 2, /* runs on into binding 1 */
                                  .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                  .pBufferInfo = buffers};
    vk->UpdateDescriptorSets(vk->device, 1, &write, 0, NULL);
    return true;
}

static bool make_pipeline(const bench_vk *vk, const bench_kernel_code *code, bench_kernel *kernel) {
    VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = code->bytes, .pCode = code->words};
    VkShaderModule module = VK_NULL_HANDLE;
    if (vk->CreateShaderModule(vk->device, &module_info, NULL, &module) != VK_SUCCESS)
        return false;
    VkSpecializationMapEntry entries[sizeof code->spec / sizeof *code->spec];
    for (uint32_t i = 0; i < code->spec_count; ++i)
        entries[i] = (VkSpecializationMapEntry){i, i * (uint32_t)sizeof *code->spec, sizeof *code->spec};
    VkSpecializationInfo special = {.mapEntryCount = code->spec_count,
                                    .pMapEntries = entries,
                                    .dataSize = sizeof code->spec,
                                    .pData = code->spec};
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .flags =
                      code->whole_subgroups ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &special},
        .layout = kernel->layout};
    VkResult result =
        vk->CreateComputePipelines(vk->device, VK_NULL_HANDLE, 1, &info, NULL, &kernel->pipeline);
    vk->DestroyShaderModule(vk->device, module, NULL);
    return result == VK_SUCCESS;
}

bool bench_kernel_create(const bench_vk *vk, const bench_kernel_code *code, VkBuffer first, VkBuffer second,
                         bench_kernel *out_kernel) {
    memset(out_kernel, 0, sizeof *out_kernel);
    out_kernel->width = code->spec[0];
    if (make_layouts(vk, out_kernel) && make_set(vk, first, second, out_kernel) &&
        make_pipeline(vk, code, out_kernel))
        return true;
    bench_kernel_destroy(vk, out_kernel);
    return false;
}

void bench_kernel_destroy(const bench_vk *vk, bench_kernel *kernel) {
    vk->DestroyPipeline(vk->device, kernel->pipeline, NULL);
    vk->DestroyDescriptorPool(vk->device, kernel->pool, NULL);
    vk->DestroyPipelineLayout(vk->device, kernel->layout, NULL);
    vk->DestroyDescriptorSetLayout(vk->device, kernel->set_layout, NULL);
    memset(kernel, 0, sizeof *kernel);
}

void bench_kernel_record(const bench_vk *vk, const bench_kernel *kernel, VkCommandBuffer cmd,
                         const uint32_t push[4], uint32_t groups) {
    vk->CmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
    vk->CmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->layout, 0, 1, &kernel->set, 0,
                              NULL);
    vk->CmdPushConstants(cmd, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 16, push);
    vk->CmdDispatch(cmd, groups, 1, 1);
}

void bench_vk_barrier(const bench_vk *vk, VkCommandBuffer cmd) {
    VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                                VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
    vk->CmdPipelineBarrier(cmd, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}
