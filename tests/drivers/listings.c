/* SPDX-License-Identifier: MIT
 *
 * A Vulkan layer that has drivers keep what they made of each compute pipeline, and prints it to stderr as soon as the
 * pipeline is there: all of its representations, of which loop_listing.py takes the last, the code of the device. Whoever
 * creates the pipeline has said before, on stderr too, what it is for. Switched on by run.sh --loops alone. Of a
 * driver that keeps nothing stand here only the heads, and before them what its own debug variable makes it print.
 */
#include "layer_chain.h"

#include <stdio.h>
#include <stdlib.h>

static void print_texts(const VkPipelineExecutableInternalRepresentationKHR *texts, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        if (texts[i].isText && texts[i].pData) {
            fprintf(stderr, "\n@@ text %s\n%.*s\n", texts[i].name, (int)texts[i].dataSize,
                    (const char *)texts[i].pData);
        }
    }
}

/* The first call says how many there are, the second how long each is, the third fills them. */
static void print_executable(VkDevice device, const VkPipelineExecutableInfoKHR *info) {
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
        (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)layer_next_of_device(
            device, "vkGetPipelineExecutableInternalRepresentationsKHR");
    uint32_t count = 0;
    if (!get || get(device, info, &count, NULL) != VK_SUCCESS || count == 0) {
        return;
    }
    VkPipelineExecutableInternalRepresentationKHR *texts = calloc(count, sizeof *texts);
    if (!texts) {
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        texts[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    }
    VkResult result = get(device, info, &count, texts);
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; ++i) {
        texts[i].pData = calloc(1, texts[i].dataSize + 1);
    }
    if (result == VK_SUCCESS && get(device, info, &count, texts) >= 0) {
        print_texts(texts, count);
    }
    for (uint32_t i = 0; i < count; ++i) {
        free(texts[i].pData);
    }
    free(texts);
}

static void print_pipeline(VkDevice device, VkPipeline pipeline) {
    enum { ROOM = 8 }; /* a compute shader has one executable, or one for each size of a subgroup */
    VkPipelineExecutablePropertiesKHR executables[ROOM] = {0};
    PFN_vkGetPipelineExecutablePropertiesKHR get =
        (PFN_vkGetPipelineExecutablePropertiesKHR)layer_next_of_device(
            device, "vkGetPipelineExecutablePropertiesKHR");
    const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
    uint32_t count = ROOM;
    for (uint32_t i = 0; i < ROOM; ++i) {
        executables[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
    }
    if (!get || get(device, &info, &count, executables) < 0) {
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        const VkPipelineExecutableInfoKHR executable = {.sType =
                                                            VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                                        .pipeline = pipeline,
                                                        .executableIndex = i};
        fprintf(stderr, "\n@@ executable %u %s\n", executables[i].subgroupSize, executables[i].name);
        print_executable(device, &executable);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                       const VkComputePipelineCreateInfo *infos,
                                                       const VkAllocationCallbacks *allocator,
                                                       VkPipeline *out_pipelines) {
    PFN_vkCreateComputePipelines create =
        (PFN_vkCreateComputePipelines)layer_next_of_device(device, "vkCreateComputePipelines");
    for (uint32_t i = 0; i < count; ++i) {
        VkComputePipelineCreateInfo info = infos[i];
        if (info.flags & VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR) { /* the device has the extension */
            info.flags |= VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
        }
        fprintf(stderr, "\n@@ pipeline\n");
        VkResult result = create(device, cache, 1, &info, allocator, &out_pipelines[i]);
        fflush(stdout); /* where some drivers print what they keep nothing of */
        if (result != VK_SUCCESS) {
            return result;
        }
        print_pipeline(device, out_pipelines[i]);
        fprintf(stderr, "\n@@ end\n");
    }
    return VK_SUCCESS;
}

static const layer_function own[] = {
    {"vkCreateComputePipelines", (PFN_vkVoidFunction)create_pipelines},
};

const layer layer_self = {own, sizeof own / sizeof own[0], NULL};
