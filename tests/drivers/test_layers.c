/* SPDX-License-Identifier: MIT
 *
 * A validation layer that says nothing proves nothing unless it would have spoken: does on purpose what a check
 * is there to find, and holds the layer to it.
 *
 *   test_layers barrier|bounds|race
 *
 *   barrier   two dispatches write one buffer without a barrier between them
 *   bounds    a shader writes past the end of a buffer
 *   race      a shader reads shared memory that another invocation writes
 *
 * First the same work without the defect, which must be found right. Exit status: 0 both as they should be.
 */
#include <vatten/context.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <stdio.h>
#include <string.h>

#include "layers_bounds.h"
#include "layers_race.h"
#include "layers_right.h"

#define BUFFER_BYTES (64 * 4)

/* The functions that this needs, loaded by name. */
#define FUNCTIONS(X)                                                                                         \
    X(CreateShaderModule)                                                                                    \
    X(DestroyShaderModule)                                                                                   \
    X(CreateDescriptorSetLayout)                                                                             \
    X(DestroyDescriptorSetLayout)                                                                            \
    X(CreatePipelineLayout)                                                                                  \
    X(DestroyPipelineLayout)                                                                                 \
    X(CreateComputePipelines)                                                                                \
    X(DestroyPipeline)                                                                                       \
    X(CreateDescriptorPool)                                                                                  \
    X(DestroyDescriptorPool)                                                                                 \
    X(AllocateDescriptorSets)                                                                                \
    X(UpdateDescriptorSets)                                                                                  \
    X(CmdBindPipeline)                                                                                       \
    X(CmdBindDescriptorSets)                                                                                 \
    X(CmdPipelineBarrier)                                                                                    \
    X(CmdDispatch)

#define DECLARE(name) PFN_vk##name name;

typedef struct bench {
    vatten_context *context;
    VkDevice device;
    vatten_memory *memory;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkDescriptorPool pool;
    VkDescriptorSet set;
    FUNCTIONS(DECLARE)
} bench;

static void hear(void *user, vatten_log_level level, const char *message) {
    (void)user;
    printf("  [%d] %s\n", (int)level, message);
}

static void load(bench *b) {
    PFN_vkGetInstanceProcAddr get = vatten_context_get_instance_proc_addr(b->context);
    VkInstance instance = vatten_context_instance(b->context);
#define LOAD(name) b->name = (PFN_vk##name)get(instance, "vk" #name);
    FUNCTIONS(LOAD)
#undef LOAD
}

static VkResult make_layouts(bench *b) {
    VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                            .descriptorCount = 1,
                                            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
    VkDescriptorSetLayoutCreateInfo set = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                           .bindingCount = 1,
                                           .pBindings = &binding};
    VkResult result = b->CreateDescriptorSetLayout(b->device, &set, NULL, &b->set_layout);
    if (result != VK_SUCCESS) {
        return result;
    }
    VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                         .setLayoutCount = 1,
                                         .pSetLayouts = &b->set_layout};
    return b->CreatePipelineLayout(b->device, &layout, NULL, &b->layout);
}

static VkResult make_set(bench *b) {
    VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1};
    VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                       .maxSets = 1,
                                       .poolSizeCount = 1,
                                       .pPoolSizes = &size};
    VkResult result = b->CreateDescriptorPool(b->device, &pool, NULL, &b->pool);
    if (result != VK_SUCCESS) {
        return result;
    }
    VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                            .descriptorPool = b->pool,
                                            .descriptorSetCount = 1,
                                            .pSetLayouts = &b->set_layout};
    result = b->AllocateDescriptorSets(b->device, &allocate, &b->set);
    if (result != VK_SUCCESS) {
        return result;
    }
    VkDescriptorBufferInfo buffer = {.buffer = vatten_memory_buffer(b->memory).buffer, .range = BUFFER_BYTES};
    VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                  .dstSet = b->set,
                                  .descriptorCount = 1,
                                  .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                  .pBufferInfo = &buffer};
    b->UpdateDescriptorSets(b->device, 1, &write, 0, NULL);
    return VK_SUCCESS;
}

static VkResult make_pipeline(bench *b, const uint32_t *words, size_t bytes, VkPipeline *out_pipeline) {
    VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = words};
    VkShaderModule module = VK_NULL_HANDLE;
    VkResult result = b->CreateShaderModule(b->device, &code, NULL, &module);
    if (result != VK_SUCCESS) {
        return result;
    }
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .layout = b->layout,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main"}};
    result = b->CreateComputePipelines(b->device, VK_NULL_HANDLE, 1, &info, NULL, out_pipeline);
    b->DestroyShaderModule(b->device, module, NULL);
    return result;
}

static void barrier(const bench *b, VkCommandBuffer commands) {
    VkMemoryBarrier all = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                           .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                           .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT};
    b->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                          VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &all, 0, NULL, 0, NULL);
}

/* Two dispatches; how many errors the layer has told by then, -1 if it could not be done. */
static int dispatch_twice(bench *b, const uint32_t *words, size_t bytes, bool with_barrier) {
    VkPipeline pipeline = VK_NULL_HANDLE;
    VkCommandBuffer commands;
    vatten_context_info info;
    VkResult made = make_pipeline(b, words, bytes, &pipeline);
    if (made != VK_SUCCESS || vatten_context_begin(b->context, &commands) != VATTEN_SUCCESS) {
        printf("no pipeline or command buffer: %d\n", (int)made);
        return -1;
    }
    b->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    b->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, b->layout, 0, 1, &b->set, 0, NULL);
    b->CmdDispatch(commands, 1, 1, 1);
    if (with_barrier) {
        barrier(b, commands);
    }
    b->CmdDispatch(commands, 1, 1, 1);
    vatten_context_end(b->context, NULL); /* with the defect some layers refuse the submission */
    b->DestroyPipeline(b->device, pipeline, NULL);
    vatten_context_get_info(b->context, &info);
    return (int)info.validation_errors;
}

static int run_defect(bench *b, const char *defect) {
    bool no_barrier = strcmp(defect, "barrier") == 0;
    bool bounds = strcmp(defect, "bounds") == 0;
    const uint32_t *words = no_barrier ? layers_right : bounds ? layers_bounds : layers_race;
    size_t bytes = no_barrier ? sizeof layers_right : bounds ? sizeof layers_bounds : sizeof layers_race;

    int right = dispatch_twice(b, layers_right, sizeof layers_right, true);
    if (right != 0) {
        printf("%s: the right shader: %d errors instead of none\n", defect, right);
        return 1;
    }
    int wrong = dispatch_twice(b, words, bytes, !no_barrier);
    if (wrong < 1) {
        printf("%s: the layer did not report the defect made on purpose: the check is not on\n", defect);
        return 1;
    }
    printf("%s: the layer reports the defect made on purpose\n", defect);
    return 0;
}

static int open_bench(bench *b) {
    const vatten_context_desc desc = {.validation = true, .logger.write = hear};
    vatten_context_info info;
    if (vatten_context_create(&desc, &b->context) != VATTEN_SUCCESS) {
        printf("no device\n");
        return 1;
    }
    vatten_context_get_info(b->context, &info);
    if (!info.validation) {
        printf("the validation layer is not there\n");
        return 1;
    }
    b->device = vatten_context_vk_device(b->context);
    load(b);
    if (vatten_memory_create(b->context, BUFFER_BYTES, &b->memory) != VATTEN_SUCCESS ||
        make_layouts(b) != VK_SUCCESS || make_set(b) != VK_SUCCESS) {
        printf("no buffer, layout or descriptor set\n");
        return 1;
    }
    return 0;
}

static void close_bench(bench *b) {
    if (!b->context) {
        return;
    }
    if (b->layout) {
        b->DestroyDescriptorPool(b->device, b->pool, NULL);
        b->DestroyPipelineLayout(b->device, b->layout, NULL);
        b->DestroyDescriptorSetLayout(b->device, b->set_layout, NULL);
    }
    vatten_memory_destroy(b->memory);
    vatten_context_destroy(b->context);
}

int main(int argc, char **argv) {
    const char *defect = argc == 2 ? argv[1] : "";
    if (strcmp(defect, "barrier") != 0 && strcmp(defect, "bounds") != 0 && strcmp(defect, "race") != 0) {
        fprintf(stderr, "usage: test_layers barrier|bounds|race\n");
        return 2;
    }
    bench b = {0};
    int failed = open_bench(&b) || run_defect(&b, defect);
    close_bench(&b);
    return failed;
}
