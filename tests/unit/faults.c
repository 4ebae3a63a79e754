/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include <string.h>

static PFN_vkGetInstanceProcAddr real_instance;
static PFN_vkGetDeviceProcAddr real_device;
static const char *failing;
static const char *hidden;
static int fail_call;
static VkResult fail_result;
static int calls;
static int alive;

void faults_wrap(PFN_vkGetInstanceProcAddr real) {
    real_instance = real;
}

void faults_start(const char *function, int fail_at, int32_t result) {
    failing = function;
    hidden = NULL;
    fail_call = fail_at;
    fail_result = (VkResult)result;
    calls = alive = 0;
}

void faults_hide(const char *function) {
    hidden = function;
}

int faults_calls(void) {
    return calls;
}

int faults_alive(void) {
    return alive;
}

/* Whether this call of `name` is one to fail. */
static int fails(const char *name) {
    if (!failing || strcmp(name, failing) != 0)
        return 0;
    ++calls;
    return fail_call == FAULTS_ALL || calls == fail_call;
}

/* The driver's function behind the wrapper of the same name. */
#define REAL(NAME) ((PFN_##NAME)real_device(device, #NAME))

#define WRAP_CREATE(NAME, INFO, HANDLE)                                                                      \
    static VKAPI_ATTR VkResult VKAPI_CALL wrap_##NAME(VkDevice device, const INFO *info,                     \
                                                      const VkAllocationCallbacks *allocator, HANDLE *out) { \
        if (fails(#NAME))                                                                                    \
            return fail_result;                                                                              \
        VkResult result = REAL(NAME)(device, info, allocator, out);                                          \
        alive += result == VK_SUCCESS;                                                                       \
        return result;                                                                                       \
    }
#define WRAP_DESTROY(NAME, HANDLE)                                                                           \
    static VKAPI_ATTR void VKAPI_CALL wrap_##NAME(VkDevice device, HANDLE handle,                            \
                                                  const VkAllocationCallbacks *allocator) {                  \
        alive -= handle != VK_NULL_HANDLE;                                                                   \
        REAL(NAME)(device, handle, allocator);                                                               \
    }

WRAP_CREATE(vkCreateShaderModule, VkShaderModuleCreateInfo, VkShaderModule)
WRAP_CREATE(vkCreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout)
WRAP_CREATE(vkCreatePipelineLayout, VkPipelineLayoutCreateInfo, VkPipelineLayout)
WRAP_CREATE(vkCreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)
WRAP_CREATE(vkCreateBuffer, VkBufferCreateInfo, VkBuffer)
WRAP_CREATE(vkAllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)
WRAP_DESTROY(vkDestroyShaderModule, VkShaderModule)
WRAP_DESTROY(vkDestroyDescriptorSetLayout, VkDescriptorSetLayout)
WRAP_DESTROY(vkDestroyPipelineLayout, VkPipelineLayout)
WRAP_DESTROY(vkDestroyDescriptorPool, VkDescriptorPool)
WRAP_DESTROY(vkDestroyBuffer, VkBuffer)
WRAP_DESTROY(vkFreeMemory, VkDeviceMemory)
WRAP_DESTROY(vkDestroyPipeline, VkPipeline)

/* Drivers may write null handles when they fail; a caller must not take that for granted. */
static VKAPI_ATTR VkResult VKAPI_CALL wrap_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache,
                                                                    uint32_t count,
                                                                    const VkComputePipelineCreateInfo *infos,
                                                                    const VkAllocationCallbacks *allocator,
                                                                    VkPipeline *out) {
    if (fails("vkCreateComputePipelines")) {
        memset(out, 0, count * sizeof *out);
        return fail_result;
    }
    VkResult result = REAL(vkCreateComputePipelines)(device, cache, count, infos, allocator, out);
    alive += result == VK_SUCCESS ? (int)count : 0;
    return result;
}

/* Sets go with their pool: only failing matters. */
static VKAPI_ATTR VkResult VKAPI_CALL wrap_vkAllocateDescriptorSets(VkDevice device,
                                                                    const VkDescriptorSetAllocateInfo *info,
                                                                    VkDescriptorSet *out) {
    return fails("vkAllocateDescriptorSets") ? fail_result
                                             : REAL(vkAllocateDescriptorSets)(device, info, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL wrap_vkBindBufferMemory(VkDevice device, VkBuffer buffer,
                                                              VkDeviceMemory memory, VkDeviceSize offset) {
    return fails("vkBindBufferMemory") ? fail_result
                                       : REAL(vkBindBufferMemory)(device, buffer, memory, offset);
}

#define ENTRY(NAME)                                                                                          \
    { #NAME, (PFN_vkVoidFunction)wrap_##NAME }

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL wrap_vkGetDeviceProcAddr(VkDevice device, const char *name) {
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } wrapped[] = {
        ENTRY(vkCreateShaderModule),
        ENTRY(vkDestroyShaderModule),
        ENTRY(vkCreateDescriptorSetLayout),
        ENTRY(vkDestroyDescriptorSetLayout),
        ENTRY(vkCreatePipelineLayout),
        ENTRY(vkDestroyPipelineLayout),
        ENTRY(vkCreateDescriptorPool),
        ENTRY(vkDestroyDescriptorPool),
        ENTRY(vkCreateBuffer),
        ENTRY(vkDestroyBuffer),
        ENTRY(vkAllocateMemory),
        ENTRY(vkFreeMemory),
        ENTRY(vkCreateComputePipelines),
        ENTRY(vkDestroyPipeline),
        ENTRY(vkAllocateDescriptorSets),
        ENTRY(vkBindBufferMemory),
    };
    if (hidden && strcmp(name, hidden) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof wrapped / sizeof wrapped[0]; ++i)
        if (strcmp(name, wrapped[i].name) == 0)
            return wrapped[i].function;
    return real_device(device, name);
}

PFN_vkVoidFunction VKAPI_CALL faults_get_instance_proc_addr(VkInstance instance, const char *name) {
    if (hidden && strcmp(name, hidden) == 0)
        return NULL;
    PFN_vkVoidFunction real = real_instance(instance, name);
    if (strcmp(name, "vkGetDeviceProcAddr") != 0)
        return real;
    real_device = (PFN_vkGetDeviceProcAddr)real;
    return (PFN_vkVoidFunction)wrap_vkGetDeviceProcAddr;
}
