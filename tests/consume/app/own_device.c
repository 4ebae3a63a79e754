/* SPDX-License-Identifier: MIT
 *
 * An application with a Vulkan device of its own makes a plan and a recorder. How it comes by Vulkan is what
 * is tested:
 *   USE_VOLK_FIRST  volk.h before vatten.h
 *   USE_VOLK_LAST   volk.h after it
 *   neither         prototypes, linked with the loader, vulkan.h after vatten.h
 * Exits with 77 where there is no device.
 */
#ifdef USE_VOLK_FIRST
#define VOLK_IMPLEMENTATION
#include <volk.h>
#endif

#include <vatten/vatten.h>

#ifdef USE_VOLK_LAST
#define VOLK_IMPLEMENTATION
#include <volk.h>
#endif

#if !defined(USE_VOLK_FIRST) && !defined(USE_VOLK_LAST)
#include <vulkan/vulkan.h>
#endif

#include <stdio.h>

#define NO_DEVICE 77

static void say(void *user, vatten_log_level level, const char *message) {
    (void)user;
    printf("[%d] %s\n", (int)level, message);
}

static VkInstance make_instance(void) {
    VkInstance instance = VK_NULL_HANDLE;
    const VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                   .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                       .pApplicationInfo = &app};
#ifdef VOLK_H_
    if (volkInitialize() != VK_SUCCESS)
        return VK_NULL_HANDLE;
#endif
    if (vkCreateInstance(&info, NULL, &instance) != VK_SUCCESS)
        return VK_NULL_HANDLE;
#ifdef VOLK_H_
    volkLoadInstance(instance);
#endif
    return instance;
}

static VkDevice make_device(VkPhysicalDevice physical_device) {
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queue};
    VkDevice device = VK_NULL_HANDLE;
    return vkCreateDevice(physical_device, &info, NULL, &device) == VK_SUCCESS ? device : VK_NULL_HANDLE;
}

static int use_vatten(VkInstance instance, VkPhysicalDevice physical_device, VkDevice vk_device) {
    const vatten_device_desc desc = {.get_instance_proc_addr = vkGetInstanceProcAddr,
                                     .instance = instance,
                                     .physical_device = physical_device,
                                     .device = vk_device,
                                     .logger = {say, NULL}};
    const vatten_attention_desc attention = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 2, .kv_heads = 1, .dim = 8},
        .q_len = 5,
        .kv_len = 7};
    vatten_device *device;
    vatten_plan *plan = NULL;
    vatten_recorder *recorder = NULL;
    vatten_result result = vatten_device_create(&desc, &device);
    if (result == VATTEN_SUCCESS)
        result = vatten_attention_create(device, &attention, &plan);
    if (result == VATTEN_SUCCESS)
        result = vatten_recorder_create(device, NULL, &recorder);
    vatten_plan_info info = {.q_bytes = 0};
    vatten_plan_get_info(plan, &info);
    printf("%s, %s, q %u bytes\n", vatten_result_name(result), info.kernel, (unsigned)info.q_bytes);
    vatten_recorder_destroy(recorder);
    vatten_plan_destroy(plan);
    vatten_device_destroy(device);
    return result == VATTEN_SUCCESS && info.q_bytes == 5 * 2 * 8 * 4 ? 0 : 1;
}

int main(void) {
    uint32_t count = 1;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    VkInstance instance = make_instance();
    if (!instance)
        return NO_DEVICE;
    VkResult found = vkEnumeratePhysicalDevices(instance, &count, &physical_device);
    VkDevice device =
        (found == VK_SUCCESS || found == VK_INCOMPLETE) && count ? make_device(physical_device) : NULL;
    int status = NO_DEVICE;
    if (device) {
#ifdef VOLK_H_
        volkLoadDevice(device);
#endif
        status = use_vatten(instance, physical_device, device);
        vkDestroyDevice(device, NULL);
    }
    vkDestroyInstance(instance, NULL);
    return status;
}
