/* SPDX-License-Identifier: MIT
 *
 * Vulkan as vatten sees it: the headers without prototypes and a table of the functions in use, filled
 * through the caller's vkGetInstanceProcAddr. Nothing here knows what attention is.
 */
#ifndef VT_VK_H
#define VT_VK_H

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include "newvulkan/newvulkan.h"

#include "newvulkan/matrix_scope.h"

#include "log.h"

#define VT_VK_INSTANCE_FUNCTIONS(X)                                                                          \
    X(GetPhysicalDeviceMemoryProperties)                                                                     \
    X(EnumerateDeviceExtensionProperties)                                                                    \
    X(GetDeviceProcAddr)

#define VT_VK_DEVICE_FUNCTIONS(X)                                                                            \
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
    X(CreateBuffer)                                                                                          \
    X(DestroyBuffer)                                                                                         \
    X(GetBufferMemoryRequirements)                                                                           \
    X(AllocateMemory)                                                                                        \
    X(FreeMemory)                                                                                            \
    X(BindBufferMemory)                                                                                      \
    X(CmdBindPipeline)                                                                                       \
    X(CmdBindDescriptorSets)                                                                                 \
    X(CmdPushConstants)                                                                                      \
    X(CmdDispatch)                                                                                           \
    X(CmdPipelineBarrier)

#define VT_VK_MEMBER(NAME) PFN_vk##NAME NAME;

typedef struct vt_vk_instance {
    VT_VK_INSTANCE_FUNCTIONS(VT_VK_MEMBER)
    PFN_vkGetPhysicalDeviceProperties2 GetPhysicalDeviceProperties2; /* core 1.1, or the KHR extension's */
    PFN_vkGetPhysicalDeviceFeatures2 GetPhysicalDeviceFeatures2;
    /* NULL where no driver of the instance has cooperative matrices */
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR GetPhysicalDeviceCooperativeMatrixPropertiesKHR;
    /* or none of any sides */
    PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV
        GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV;
} vt_vk_instance;

typedef struct vt_vk_device {
    VkDevice handle;
    VT_VK_DEVICE_FUNCTIONS(VT_VK_MEMBER)
    PFN_vkCmdPushDescriptorSetKHR CmdPushDescriptorSetKHR; /* NULL without push descriptors */
    PFN_vkGetBufferDeviceAddress
        GetBufferDeviceAddress; /* NULL without addresses; core 1.2, or the extension's */
    /* NULL without pipeline statistics */
    PFN_vkGetPipelineExecutablePropertiesKHR GetPipelineExecutablePropertiesKHR;
    PFN_vkGetPipelineExecutableStatisticsKHR GetPipelineExecutableStatisticsKHR;
} vt_vk_device;

/* Errors: INVALID_ARGUMENT, with a message that names the function that is missing. */
vatten_result vt_vk_load_instance(PFN_vkGetInstanceProcAddr get, VkInstance instance,
                                  const vatten_logger *logger, vt_vk_instance *out);
vatten_result vt_vk_load_device(const vt_vk_instance *vk, VkDevice device, vatten_features features,
                                const vatten_logger *logger, vt_vk_device *out);

/* Whether a call that fills a list filled it, perhaps not wholly: lists may have grown since their length was asked for. */
bool vt_vk_listed(VkResult result);

/* Translates a VkResult, with a message that names the call and the number unless it is VK_SUCCESS. */
vatten_result vt_vk_check(VkResult result, const char *call, const vatten_logger *logger);
/* The same of a call that fills a list: see vt_vk_listed. */
vatten_result vt_vk_check_list(VkResult result, const char *call, const vatten_logger *logger);

#endif /* VT_VK_H */
