/* SPDX-License-Identifier: MIT
 *
 * The context's Vulkan function table. Each context has its own, so that two contexts, or an application that
 * uses volk for itself, never load over each other's pointers.
 */
#ifndef VT_CTX_VK_H
#define VT_CTX_VK_H

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan.h>

#include <stdbool.h>

/* Members are named as in Vulkan, without the "vk". */
#define VT_CTX_GLOBAL_FUNCTIONS(X)                                                                           \
    X(CreateInstance)                                                                                        \
    X(EnumerateInstanceExtensionProperties)

#define VT_CTX_INSTANCE_FUNCTIONS(X)                                                                         \
    X(CreateDevice)                                                                                          \
    X(DestroyInstance)                                                                                       \
    X(EnumerateDeviceExtensionProperties)                                                                    \
    X(EnumeratePhysicalDevices)                                                                              \
    X(GetDeviceProcAddr)                                                                                     \
    X(GetPhysicalDeviceFeatures2)                                                                            \
    X(GetPhysicalDeviceMemoryProperties)                                                                     \
    X(GetPhysicalDeviceProperties)                                                                           \
    X(GetPhysicalDeviceProperties2)                                                                          \
    X(GetPhysicalDeviceQueueFamilyProperties)

/* NULL where the instance was made without the extension, or before Vulkan 1.1. */
#define VT_CTX_OPTIONAL_FUNCTIONS(X)                                                                         \
    X(CreateDebugUtilsMessengerEXT)                                                                          \
    X(DestroyDebugUtilsMessengerEXT)

#define VT_CTX_DEVICE_FUNCTIONS(X)                                                                           \
    X(AllocateCommandBuffers)                                                                                \
    X(AllocateMemory)                                                                                        \
    X(BeginCommandBuffer)                                                                                    \
    X(BindBufferMemory)                                                                                      \
    X(CmdCopyBuffer)                                                                                         \
    X(CmdPipelineBarrier)                                                                                    \
    X(CmdResetQueryPool)                                                                                     \
    X(CmdWriteTimestamp)                                                                                     \
    X(CreateBuffer)                                                                                          \
    X(CreateCommandPool)                                                                                     \
    X(CreateFence)                                                                                           \
    X(CreatePipelineCache)                                                                                   \
    X(CreateQueryPool)                                                                                       \
    X(DestroyBuffer)                                                                                         \
    X(DestroyCommandPool)                                                                                    \
    X(DestroyDevice)                                                                                         \
    X(DestroyFence)                                                                                          \
    X(DestroyPipelineCache)                                                                                  \
    X(DestroyQueryPool)                                                                                      \
    X(DeviceWaitIdle)                                                                                        \
    X(EndCommandBuffer)                                                                                      \
    X(FreeMemory)                                                                                            \
    X(GetBufferMemoryRequirements)                                                                           \
    X(GetDeviceQueue)                                                                                        \
    X(GetPipelineCacheData)                                                                                  \
    X(GetQueryPoolResults)                                                                                   \
    X(MapMemory)                                                                                             \
    X(QueueSubmit)                                                                                           \
    X(ResetCommandPool)                                                                                      \
    X(ResetFences)                                                                                           \
    X(WaitForFences)

#define VT_CTX_MEMBER(name) PFN_vk##name name;
typedef struct vt_ctx_vk {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    VT_CTX_GLOBAL_FUNCTIONS(VT_CTX_MEMBER)
    VT_CTX_INSTANCE_FUNCTIONS(VT_CTX_MEMBER)
    VT_CTX_OPTIONAL_FUNCTIONS(VT_CTX_MEMBER)
    VT_CTX_DEVICE_FUNCTIONS(VT_CTX_MEMBER)
} vt_ctx_vk;
#undef VT_CTX_MEMBER

/* Opens the Vulkan loader; NULL if there is none. `out_version` gets the highest apiVersion an instance may
 * ask for. */
PFN_vkGetInstanceProcAddr vt_ctx_loader(uint32_t *out_version);

/* Opens it and asks it for what needs no instance; false if that cannot be had. */
bool vt_ctx_vk_open(vt_ctx_vk *vk, uint32_t *out_version);

/* Both return the name of a function that is missing, or NULL when the table is complete. */
const char *vt_ctx_vk_load_instance(vt_ctx_vk *vk, VkInstance instance);
const char *vt_ctx_vk_load_device(vt_ctx_vk *vk, VkDevice device);

/* "VK_ERROR_DEVICE_LOST" and so on; "an unknown VkResult" for what is not in the list. */
const char *vt_ctx_vk_result_name(VkResult result);

#endif /* VT_CTX_VK_H */
