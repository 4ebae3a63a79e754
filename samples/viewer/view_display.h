/* SPDX-License-Identifier: MIT
 *
 * The Vulkan of the window: instance, surface, a device that can present to it, a queue. It shows pictures that are in host
 * memory and knows nothing of attention, so that the device that computes need not be able to present.
 */
#ifndef VIEWER_VIEW_DISPLAY_H
#define VIEWER_VIEW_DISPLAY_H

#include <volk.h>

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

#include <stdbool.h>

typedef struct view_display {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkSurfaceKHR surface;
    VkPhysicalDevice gpu;
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    uint32_t complaints; /* of the validation layer */
} view_display;

/* `preferred`: the device of this name, if it can present. False after a message; destroy it in either case. Must not move. */
bool view_display_create(view_display *d, GLFWwindow *window, const char *preferred, bool validation);
void view_display_destroy(view_display *d);

/* True for VK_SUCCESS; complains otherwise. */
bool view_display_good(const char *what, VkResult result);

#endif
