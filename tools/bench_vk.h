/* SPDX-License-Identifier: MIT
 *
 * The little Vulkan that vatten_bench does on its own: the functions it calls, compute kernels over two
 * storage buffers (for the roof), and pipeline caches (for warm compile times). Device, queue and command
 * buffer are the context's.
 */
#ifndef TOOLS_BENCH_VK_H
#define TOOLS_BENCH_VK_H

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/context.h>

#define BENCH_VK_FUNCTIONS(X)                                                                                \
    X(CreateShaderModule)                                                                                    \
    X(DestroyShaderModule)                                                                                   \
    X(CreateDescriptorSetLayout)                                                                             \
    X(DestroyDescriptorSetLayout)                                                                            \
    X(CreatePipelineLayout)                                                                                  \
    X(DestroyPipelineLayout)                                                                                 \
    X(CreateDescriptorPool)                                                                                  \
    X(DestroyDescriptorPool)                                                                                 \
    X(AllocateDescriptorSets)                                                                                \
    X(UpdateDescriptorSets)                                                                                  \
    X(CreateComputePipelines)                                                                                \
    X(DestroyPipeline)                                                                                       \
    X(CreatePipelineCache)                                                                                   \
    X(DestroyPipelineCache)                                                                                  \
    X(CmdBindPipeline)                                                                                       \
    X(CmdBindDescriptorSets)                                                                                 \
    X(CmdPushConstants)                                                                                      \
    X(CmdDispatch)                                                                                           \
    X(CmdCopyBuffer)                                                                                         \
    X(CmdPipelineBarrier)

typedef struct bench_vk {
    VkDevice device;
#define BENCH_VK_FIELD(name) PFN_vk##name name;
    BENCH_VK_FUNCTIONS(BENCH_VK_FIELD)
#undef BENCH_VK_FIELD
} bench_vk;

/* False, and said, when the device lacks one of the functions. */
bool bench_vk_load(vatten_context *context, bench_vk *out_vk);

/* A compute pipeline that knows its two storage buffers (binding 0 and 1) and 16 bytes of push constants;
 * spec constant 0 is the workgroup size. */
typedef struct bench_kernel {
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkDescriptorPool pool;
    VkDescriptorSet set;
    VkPipeline pipeline;
    uint32_t width;
} bench_kernel;

/* What a kernel is made of. */
typedef struct bench_kernel_code {
    const uint32_t *words;
    size_t bytes;
    uint32_t spec[4];     /* constants 0, 1, ...: the workgroup size comes first */
    uint32_t spec_count;  /* 1 or more */
    bool whole_subgroups; /* asks for them: needs VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL */
} bench_kernel_code;

/* False when Vulkan refuses; the kernel is then empty. Destroy takes empty kernels. */
bool bench_kernel_create(const bench_vk *vk, const bench_kernel_code *code, VkBuffer first, VkBuffer second,
                         bench_kernel *out_kernel);
void bench_kernel_destroy(const bench_vk *vk, bench_kernel *kernel);

/* Binds everything and dispatches `groups` x 1 x 1. */
void bench_kernel_record(const bench_vk *vk, const bench_kernel *kernel, VkCommandBuffer cmd,
                         const uint32_t push[4], uint32_t groups);

/* Everything written before is visible to everything after. */
void bench_vk_barrier(const bench_vk *vk, VkCommandBuffer cmd);

#endif /* TOOLS_BENCH_VK_H */
