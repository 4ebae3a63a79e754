/* SPDX-License-Identifier: MIT */
#define VOLK_IMPLEMENTATION
#include "view_display.h"

#include <string.h>

#include "complain.h"

enum { MAX_GPUS = 16, MAX_FAMILIES = 16, MAX_EXTENSIONS = 16 };

bool view_display_good(const char *what, VkResult result) {
    return result == VK_SUCCESS || complain("%s: VkResult %d", what, (int)result);
}

/* ---- Instance ----------------------------------------------------------------------------------------- */

static VKAPI_ATTR VkBool32 VKAPI_CALL hear(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                           VkDebugUtilsMessageTypeFlagsEXT types,
                                           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
    view_display *d = user;
    (void)severity;
    (void)types;
    d->complaints++;
    complain("window: %s", data->pMessage);
    return VK_FALSE;
}

/* Warnings too: a window that only works on forgiving drivers is no good. */
static VkDebugUtilsMessengerCreateInfoEXT messenger_of(view_display *d) {
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType =
            VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = hear,
        .pUserData = d};
}

static bool make_instance(view_display *d, bool validation) {
    static const char *const layer = "VK_LAYER_KHRONOS_validation";
    const char *extensions[MAX_EXTENSIONS];
    uint32_t count = 0;
    const char **needed = glfwGetRequiredInstanceExtensions(&count);
    if (!needed || count >= MAX_EXTENSIONS) {
        return complain("this desktop has no Vulkan surfaces; --headless --screenshot FILE needs none");
    }
    memcpy(extensions, needed, count * sizeof(extensions[0]));
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_of(d);
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .pApplicationName = "vatten viewer",
                                     .apiVersion = VK_API_VERSION_1_1};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &application,
                                 .ppEnabledExtensionNames = extensions};
    if (validation) {
        extensions[count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        info.pNext = &messenger;
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &layer;
    }
    info.enabledExtensionCount = count;
    volkInitializeCustom((PFN_vkGetInstanceProcAddr)glfwGetInstanceProcAddress);
    if (!view_display_good("vkCreateInstance", vkCreateInstance(&info, NULL, &d->instance))) {
        return false;
    }
    volkLoadInstance(d->instance);
    return !validation ||
           view_display_good("vkCreateDebugUtilsMessengerEXT",
                             vkCreateDebugUtilsMessengerEXT(d->instance, &messenger, NULL, &d->messenger));
}

/* ---- Device ------------------------------------------------------------------------------------------- */

static bool has_swapchains(VkPhysicalDevice gpu) {
    static VkExtensionProperties extensions[512];
    uint32_t count = sizeof(extensions) / sizeof(extensions[0]);
    VkResult result = vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, extensions);
    for (uint32_t i = 0; (result == VK_SUCCESS || result == VK_INCOMPLETE) && i < count; i++) {
        if (strcmp(extensions[i].extensionName, VK_KHR_SWAPCHAIN_EXTENSION_NAME) == 0) {
            return true;
        }
    }
    return false;
}

/* The first family that presents and copies without a thought of granularity; UINT32_MAX: there is none. */
static uint32_t presenting_family(const view_display *d, VkPhysicalDevice gpu) {
    VkQueueFamilyProperties families[MAX_FAMILIES];
    uint32_t count = MAX_FAMILIES;
    vkGetPhysicalDeviceQueueFamilyProperties(gpu, &count, families);
    for (uint32_t i = 0; i < count && has_swapchains(gpu); i++) {
        VkBool32 presents = VK_FALSE;
        bool asked = vkGetPhysicalDeviceSurfaceSupportKHR(gpu, i, d->surface, &presents) == VK_SUCCESS;
        if (asked && presents && (families[i].queueFlags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT))) {
            return i;
        }
    }
    return UINT32_MAX;
}

static bool choose_gpu(view_display *d, const char *preferred) {
    VkPhysicalDevice gpus[MAX_GPUS];
    uint32_t count = MAX_GPUS;
    VkResult result = vkEnumeratePhysicalDevices(d->instance, &count, gpus);
    for (uint32_t i = 0; (result == VK_SUCCESS || result == VK_INCOMPLETE) && i < count; i++) {
        VkPhysicalDeviceProperties properties;
        uint32_t family = presenting_family(d, gpus[i]);
        vkGetPhysicalDeviceProperties(gpus[i], &properties);
        bool wanted = strcmp(properties.deviceName, preferred) == 0;
        if (family != UINT32_MAX && (!d->gpu || wanted)) {
            d->gpu = gpus[i];
            d->family = family;
        }
        if (d->gpu == gpus[i] && wanted) {
            break;
        }
    }
    return d->gpu ||
           complain("no Vulkan device can present to this window; --headless --screenshot FILE needs none");
}

static bool make_device(view_display *d) {
    static const char *const swapchain = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = d->family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = 1,
                               .ppEnabledExtensionNames = &swapchain};
    if (!view_display_good("vkCreateDevice", vkCreateDevice(d->gpu, &info, NULL, &d->device))) {
        return false;
    }
    volkLoadDevice(d->device);
    vkGetDeviceQueue(d->device, d->family, 0, &d->queue);
    return true;
}

bool view_display_create(view_display *d, GLFWwindow *window, const char *preferred, bool validation) {
    *d = (view_display){0};
    return make_instance(d, validation) &&
           view_display_good("glfwCreateWindowSurface",
                             glfwCreateWindowSurface(d->instance, window, NULL, &d->surface)) &&
           choose_gpu(d, preferred) && make_device(d);
}

void view_display_destroy(view_display *d) {
    if (d->device) {
        vkDestroyDevice(d->device, NULL);
    }
    if (d->surface) {
        vkDestroySurfaceKHR(d->instance, d->surface, NULL);
    }
    if (d->messenger) {
        vkDestroyDebugUtilsMessengerEXT(d->instance, d->messenger, NULL);
    }
    if (d->instance) {
        vkDestroyInstance(d->instance, NULL);
    }
}
