/* SPDX-License-Identifier: MIT */
#include "view_swapchain.h"

#include "complain.h"

#define good view_display_good

/* Images come back late, or not at all, while nobody sees the window. */
#define PATIENCE_NS UINT64_C(100000000)

/* ---- Once --------------------------------------------------------------------------------------------- */

bool view_swapchain_create(view_swapchain *s, view_display *display, GLFWwindow *window) {
    *s = (view_swapchain){.display = display, .window = window, .stale = true};
    VkDevice device = display->device;
    VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                    .queueFamilyIndex = display->family};
    if (!good("vkCreateSemaphore", vkCreateSemaphore(device, &semaphore, NULL, &s->acquired)) ||
        !good("vkCreateFence", vkCreateFence(device, &fence, NULL, &s->done)) ||
        !good("vkCreateCommandPool", vkCreateCommandPool(device, &pool, NULL, &s->pool))) {
        return false;
    }
    VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = s->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    return good("vkAllocateCommandBuffers", vkAllocateCommandBuffers(device, &commands, &s->commands));
}

/* What goes by the size of the window, but for the chain. */
static void forget_size(view_swapchain *s) {
    VkDevice device = s->display->device;
    vkDeviceWaitIdle(device);
    for (uint32_t i = 0; i < VIEW_MAX_IMAGES; i++) {
        vkDestroySemaphore(device, s->drawn[i], NULL);
        s->drawn[i] = VK_NULL_HANDLE;
    }
    vkDestroyBuffer(device, s->staging, NULL);
    vkFreeMemory(device, s->memory, NULL);
    s->staging = VK_NULL_HANDLE;
    s->memory = VK_NULL_HANDLE;
    s->mapped = NULL;
}

void view_swapchain_destroy(view_swapchain *s) {
    if (!s->display || !s->display->device) {
        return;
    }
    VkDevice device = s->display->device;
    forget_size(s);
    vkDestroySwapchainKHR(device, s->chain, NULL);
    vkDestroyCommandPool(device, s->pool, NULL);
    vkDestroyFence(device, s->done, NULL);
    vkDestroySemaphore(device, s->acquired, NULL);
}

/* ---- For a size --------------------------------------------------------------------------------------- */

static bool choose_format(view_swapchain *s, VkSurfaceFormatKHR *out) {
    VkSurfaceFormatKHR formats[128];
    uint32_t count = sizeof(formats) / sizeof(formats[0]);
    VkResult result =
        vkGetPhysicalDeviceSurfaceFormatsKHR(s->display->gpu, s->display->surface, &count, formats);
    for (uint32_t i = 0; (result == VK_SUCCESS || result == VK_INCOMPLETE) && i < count; i++) {
        VkFormat format = formats[i].format;
        bool bgr = format == VK_FORMAT_B8G8R8A8_UNORM || format == VK_FORMAT_B8G8R8A8_SRGB;
        bool rgb = format == VK_FORMAT_R8G8B8A8_UNORM || format == VK_FORMAT_R8G8B8A8_SRGB;
        if ((bgr || rgb) && formats[i].colorSpace == VK_COLOR_SPACE_SRGB_NONLINEAR_KHR) {
            *out = formats[i];
            s->bgr = bgr;
            return true;
        }
    }
    return complain("the window takes no pictures of 8 bits a channel");
}

static bool find_memory(const view_swapchain *s, uint32_t allowed, uint32_t *out) {
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(s->display->gpu, &memory);
    for (uint32_t type = 0; type < memory.memoryTypeCount; type++) {
        if ((allowed & (1u << type)) && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) {
            *out = type;
            return true;
        }
    }
    return complain("the device has no mappable memory");
}

static bool make_staging(view_swapchain *s) {
    VkDevice device = s->display->device;
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = (VkDeviceSize)s->extent.width * s->extent.height * 4,
                               .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT};
    VkMemoryRequirements needs;
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    void *mapped = NULL;
    if (!good("vkCreateBuffer", vkCreateBuffer(device, &info, NULL, &s->staging))) {
        return false;
    }
    vkGetBufferMemoryRequirements(device, s->staging, &needs);
    memory.allocationSize = needs.size;
    bool made = find_memory(s, needs.memoryTypeBits, &memory.memoryTypeIndex) &&
                good("vkAllocateMemory", vkAllocateMemory(device, &memory, NULL, &s->memory)) &&
                good("vkBindBufferMemory", vkBindBufferMemory(device, s->staging, s->memory, 0)) &&
                good("vkMapMemory", vkMapMemory(device, s->memory, 0, VK_WHOLE_SIZE, 0, &mapped));
    s->mapped = mapped;
    return made;
}

static bool get_images(view_swapchain *s) {
    VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    s->images = VIEW_MAX_IMAGES;
    bool got = good("vkGetSwapchainImagesKHR",
                    vkGetSwapchainImagesKHR(s->display->device, s->chain, &s->images, s->image));
    for (uint32_t i = 0; got && i < s->images; i++) {
        got =
            good("vkCreateSemaphore", vkCreateSemaphore(s->display->device, &semaphore, NULL, &s->drawn[i]));
    }
    return got;
}

/* FIFO is the mode that every surface has. */
static bool make_chain(view_swapchain *s, const VkSurfaceCapabilitiesKHR *can) {
    VkSurfaceFormatKHR format = {0};
    VkSwapchainKHR before = s->chain;
    if (!(can->supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_DST_BIT)) {
        return complain("the window's images cannot be copied to");
    }
    if (!choose_format(s, &format)) {
        return false;
    }
    uint32_t images = can->minImageCount + 1;
    bool opaque = (can->supportedCompositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR) != 0;
    VkSwapchainCreateInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
        .surface = s->display->surface,
        .minImageCount = can->maxImageCount && images > can->maxImageCount ? can->maxImageCount : images,
        .imageFormat = format.format,
        .imageColorSpace = format.colorSpace,
        .imageExtent = s->extent,
        .imageArrayLayers = 1,
        .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
        .preTransform = can->currentTransform,
        .compositeAlpha = opaque ? VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR : VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR,
        .presentMode = VK_PRESENT_MODE_FIFO_KHR,
        .clipped = VK_TRUE,
        .oldSwapchain = before};
    s->chain = VK_NULL_HANDLE;
    bool made =
        good("vkCreateSwapchainKHR", vkCreateSwapchainKHR(s->display->device, &info, NULL, &s->chain));
    vkDestroySwapchainKHR(s->display->device, before, NULL);
    return made;
}

static uint32_t between(uint32_t value, uint32_t least, uint32_t most) {
    return value < least ? least : value > most ? most : value;
}

/* Where the surface leaves its size to the images, the window says it. */
static VkExtent2D extent_of(const view_swapchain *s, const VkSurfaceCapabilitiesKHR *can) {
    if (can->currentExtent.width != UINT32_MAX) {
        return can->currentExtent;
    }
    int width = 0, height = 0;
    glfwGetFramebufferSize(s->window, &width, &height);
    if (width <= 0 || height <= 0) {
        return (VkExtent2D){0, 0};
    }
    return (VkExtent2D){between((uint32_t)width, can->minImageExtent.width, can->maxImageExtent.width),
                        between((uint32_t)height, can->minImageExtent.height, can->maxImageExtent.height)};
}

bool view_swapchain_fit(view_swapchain *s, uint32_t *width, uint32_t *height) {
    VkSurfaceCapabilitiesKHR can;
    *width = *height = 0;
    if (!good("vkGetPhysicalDeviceSurfaceCapabilitiesKHR",
              vkGetPhysicalDeviceSurfaceCapabilitiesKHR(s->display->gpu, s->display->surface, &can))) {
        return false;
    }
    VkExtent2D extent = extent_of(s, &can);
    if (extent.width == 0 || extent.height == 0 || glfwGetWindowAttrib(s->window, GLFW_ICONIFIED)) {
        return true;
    }
    if (s->stale || extent.width != s->extent.width || extent.height != s->extent.height) {
        forget_size(s);
        s->extent = extent;
        s->stale = true; /* until all of it is there */
        if (!make_chain(s, &can) || !get_images(s) || !make_staging(s)) {
            return false;
        }
        s->stale = false;
        s->made++;
    }
    *width = extent.width;
    *height = extent.height;
    return true;
}

/* ---- For a frame -------------------------------------------------------------------------------------- */

static void write_staging(view_swapchain *s, const photo *frame) {
    const uint8_t *from = frame->rgb;
    uint8_t *to = s->mapped;
    size_t pixels = (size_t)frame->width * frame->height, red = s->bgr ? 2 : 0;
    for (size_t i = 0; i < pixels; i++, from += 3, to += 4) {
        to[red] = from[0];
        to[1] = from[1];
        to[2 - red] = from[2];
        to[3] = 255;
    }
}

static void move_image(const view_swapchain *s, VkImage image, bool before) {
    VkImageMemoryBarrier move = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = before ? 0 : VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = before ? VK_ACCESS_TRANSFER_WRITE_BIT : 0,
        .oldLayout = before ? VK_IMAGE_LAYOUT_UNDEFINED : VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
        .newLayout = before ? VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL : VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    vkCmdPipelineBarrier(s->commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         before ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                         NULL, 0, NULL, 1, &move);
}

static bool record(const view_swapchain *s, VkImage image) {
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                              .imageExtent = {s->extent.width, s->extent.height, 1}};
    if (!good("vkBeginCommandBuffer", vkBeginCommandBuffer(s->commands, &begin))) {
        return false;
    }
    move_image(s, image, true);
    vkCmdCopyBufferToImage(s->commands, s->staging, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
    move_image(s, image, false);
    return good("vkEndCommandBuffer", vkEndCommandBuffer(s->commands));
}

/* Waits, so that memory and commands are free for the next frame. */
static bool submit(const view_swapchain *s, VkSemaphore drawn) {
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .waitSemaphoreCount = 1,
                         .pWaitSemaphores = &s->acquired,
                         .pWaitDstStageMask = &stage,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &s->commands,
                         .signalSemaphoreCount = 1,
                         .pSignalSemaphores = &drawn};
    VkDevice device = s->display->device;
    return good("vkResetFences", vkResetFences(device, 1, &s->done)) &&
           good("vkQueueSubmit", vkQueueSubmit(s->display->queue, 1, &info, s->done)) &&
           good("vkWaitForFences", vkWaitForFences(device, 1, &s->done, VK_TRUE, UINT64_MAX));
}

static bool present(view_swapchain *s, uint32_t image, bool *shown) {
    VkPresentInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                             .waitSemaphoreCount = 1,
                             .pWaitSemaphores = &s->drawn[image],
                             .swapchainCount = 1,
                             .pSwapchains = &s->chain,
                             .pImageIndices = &image};
    VkResult result = vkQueuePresentKHR(s->display->queue, &info);
    s->stale = result == VK_ERROR_OUT_OF_DATE_KHR || result == VK_SUBOPTIMAL_KHR;
    *shown = result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR;
    return *shown || s->stale || good("vkQueuePresentKHR", result);
}

bool view_swapchain_show(view_swapchain *s, const photo *frame, bool *shown) {
    uint32_t image = 0;
    *shown = false;
    VkResult result =
        vkAcquireNextImageKHR(s->display->device, s->chain, PATIENCE_NS, s->acquired, VK_NULL_HANDLE, &image);
    if (result == VK_TIMEOUT || result == VK_NOT_READY) {
        return true;
    }
    if (result == VK_ERROR_OUT_OF_DATE_KHR) {
        s->stale = true;
        return true;
    }
    if (result != VK_SUBOPTIMAL_KHR && !good("vkAcquireNextImageKHR", result)) {
        return false;
    }
    write_staging(s, frame);
    return record(s, s->image[image]) && submit(s, s->drawn[image]) && present(s, image, shown);
}
