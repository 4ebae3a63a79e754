/* SPDX-License-Identifier: MIT
 *
 * A Vulkan layer that raises the version a device claims to 1.1 and changes nothing else. Some drivers claim
 * 1.0 when their kernel side is faked, though the same driver on the device itself has 1.1 and later; vatten
 * would refuse them before their compiler is seen. Switched on for those devices alone, by device_list.py.
 */
#include "layer_chain.h"

static PFN_vkGetPhysicalDeviceProperties next_properties;
static PFN_vkGetPhysicalDeviceProperties2 next_properties2;

static void raise(VkPhysicalDeviceProperties *properties) {
    if (properties->apiVersion < VK_API_VERSION_1_1) {
        properties->apiVersion = VK_API_VERSION_1_1;
    }
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice device,
                                                 VkPhysicalDeviceProperties *properties) {
    next_properties(device, properties);
    raise(properties);
}

static VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice device,
                                                  VkPhysicalDeviceProperties2 *properties) {
    next_properties2(device, properties);
    raise(&properties->properties);
}

static void take_next(VkInstance instance) {
    next_properties =
        (PFN_vkGetPhysicalDeviceProperties)layer_next_of_instance(instance, "vkGetPhysicalDeviceProperties");
    next_properties2 = (PFN_vkGetPhysicalDeviceProperties2)layer_next_of_instance(
        instance, "vkGetPhysicalDeviceProperties2");
}

static const layer_function own[] = {
    {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)get_properties},
    {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties2},
    {"vkGetPhysicalDeviceProperties2KHR", (PFN_vkVoidFunction)get_properties2},
};

const layer layer_self = {own, sizeof own / sizeof own[0], take_next};
