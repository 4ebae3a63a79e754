/* SPDX-License-Identifier: MIT
 *
 * What the driver's compiler says about a plan's pipelines. Asks and copies; knows what no figure means.
 */
#include "plan.h"

#include "alloc.h"

#include <stdio.h>

/* The caller's array and how far it is filled. */
typedef struct sink {
    vatten_statistic *statistics; /* NULL: only count */
    uint32_t room;
    uint32_t count;
} sink;

static double number(const VkPipelineExecutableStatisticKHR *from) {
    switch (from->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return from->value.b32 ? 1 : 0;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double)from->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double)from->value.u64;
    default:
        return from->value.f64;
    }
}

static void put(sink *out, const char *kernel, const VkPipelineExecutablePropertiesKHR *executable,
                const VkPipelineExecutableStatisticKHR *from) {
    if (out->statistics && out->count == out->room)
        return;
    if (out->statistics) {
        vatten_statistic *to = &out->statistics[out->count];
        snprintf(to->kernel, sizeof to->kernel, "%s", kernel);
        snprintf(to->executable, sizeof to->executable, "%s", executable->name);
        to->subgroup_size = executable->subgroupSize;
        snprintf(to->name, sizeof to->name, "%s", from->name);
        snprintf(to->description, sizeof to->description, "%s", from->description);
        to->value = number(from);
    }
    ++out->count;
}

static vatten_result ask_executable(const vatten_device *device, VkPipeline pipeline, const char *kernel,
                                    uint32_t index, const VkPipelineExecutablePropertiesKHR *executable,
                                    sink *out) {
    const VkPipelineExecutableInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                              .pipeline = pipeline,
                                              .executableIndex = index};
    uint32_t count = 0;
    VkResult result = device->vk.GetPipelineExecutableStatisticsKHR(device->vk.handle, &info, &count, NULL);
    if (result != VK_SUCCESS || count == 0)
        return vt_vk_check(result, "vkGetPipelineExecutableStatisticsKHR", &device->logger);
    VkPipelineExecutableStatisticKHR *list = vt_alloc(&device->allocator, count * sizeof *list);
    if (!list)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; ++i)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    result = device->vk.GetPipelineExecutableStatisticsKHR(device->vk.handle, &info, &count, list);
    for (uint32_t i = 0; vt_vk_listed(result) && i < count; ++i)
        put(out, kernel, executable, &list[i]);
    vt_release(&device->allocator, list);
    return vt_vk_check_list(result, "vkGetPipelineExecutableStatisticsKHR", &device->logger);
}

static vatten_result ask_pipeline(const vatten_device *device, VkPipeline pipeline, const char *kernel,
                                  sink *out) {
    const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
    uint32_t count = 0;
    VkResult result = device->vk.GetPipelineExecutablePropertiesKHR(device->vk.handle, &info, &count, NULL);
    if (result != VK_SUCCESS || count == 0)
        return vt_vk_check(result, "vkGetPipelineExecutablePropertiesKHR", &device->logger);
    VkPipelineExecutablePropertiesKHR *list = vt_alloc(&device->allocator, count * sizeof *list);
    if (!list)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; ++i)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
    result = device->vk.GetPipelineExecutablePropertiesKHR(device->vk.handle, &info, &count, list);
    vatten_result status = vt_vk_check_list(result, "vkGetPipelineExecutablePropertiesKHR", &device->logger);
    for (uint32_t i = 0; status == VATTEN_SUCCESS && i < count; ++i)
        status = ask_executable(device, pipeline, kernel, i, &list[i], out);
    vt_release(&device->allocator, list);
    return status;
}

vatten_result vatten_plan_get_statistics(const vatten_plan *plan, vatten_statistic *statistics,
                                         uint32_t *count) {
    if (!count)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    sink out = {statistics, *count, 0};
    *count = 0;
    if (!plan)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    const vatten_device *device = plan->device;
    if (!(device->caps.features & VATTEN_FEATURE_PIPELINE_STATISTICS)) {
        vt_log(
            &device->logger, VATTEN_LOG_ERROR, plan->label,
            "statistics need VATTEN_FEATURE_PIPELINE_STATISTICS (pipelineExecutableInfo), which is not among "
            "the enabled features");
        return VATTEN_ERROR_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < plan->program.variant_count; ++i) {
        const char *kernel = vt_kernels[plan->program.variants[i].kernel].name;
        vatten_result result = ask_pipeline(device, plan->pipelines[i], kernel, &out);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    *count = out.count;
    return VATTEN_SUCCESS;
}
