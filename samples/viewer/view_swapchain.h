/* SPDX-License-Identifier: MIT
 *
 * Shows pictures on a surface: each is copied to an image of the swapchain, level by level, without a shader.
 */
#ifndef VIEWER_VIEW_SWAPCHAIN_H
#define VIEWER_VIEW_SWAPCHAIN_H

#include "photo.h"
#include "view_display.h"

enum { VIEW_MAX_IMAGES = 16 };

typedef struct view_swapchain {
    view_display *display;
    GLFWwindow *window;
    VkSwapchainKHR chain;
    VkExtent2D extent;
    bool bgr; /* order of the channels */
    uint32_t images;
    VkImage image[VIEW_MAX_IMAGES];
    VkSemaphore drawn[VIEW_MAX_IMAGES]; /* one each, as nothing tells when presenting is done with one */
    VkSemaphore acquired;
    VkFence done;
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkBuffer staging;
    VkDeviceMemory memory;
    uint8_t *mapped;
    uint32_t made; /* how often the chain was */
    bool stale;    /* it must be made anew */
} view_swapchain;

/* False after a message; destroy it in either case, before the display. */
bool view_swapchain_create(view_swapchain *s, view_display *display, GLFWwindow *window);
void view_swapchain_destroy(view_swapchain *s);

/* Makes the chain anew if the window has another size, which it tells: 0 x 0 while there is nothing to draw on. */
bool view_swapchain_fit(view_swapchain *s, uint32_t *width, uint32_t *height);

/* Shows a picture of the size that was just told. `shown`: false if the window has changed meanwhile, or has no image to
 * spare; try again. */
bool view_swapchain_show(view_swapchain *s, const photo *frame, bool *shown);

#endif
