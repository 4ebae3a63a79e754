/* SPDX-License-Identifier: MIT
 *
 * Which physical device: by index, by a part of its name, or the most capable kind.
 */
#include "ctx.h"

#include <ctype.h>
#include <string.h>

/* What choosing looks at; the index in the list is the index that users give. */
typedef struct candidates {
    VkPhysicalDevice devices[VT_CTX_MAX_DEVICES];
    VkPhysicalDeviceProperties properties[VT_CTX_MAX_DEVICES];
    uint32_t count;
} candidates;

vatten_result vt_ctx_enumerate(const vatten_context *context, VkPhysicalDevice *out_devices,
                               uint32_t *out_count) {
    *out_count = VT_CTX_MAX_DEVICES;
    VkResult result = context->vk.EnumeratePhysicalDevices(context->instance, out_count, out_devices);
    /* A driver whose hardware is absent may fail to initialise; to the user that is the same as no driver. */
    if (result == VK_ERROR_INITIALIZATION_FAILED)
        *out_count = 0;
    else if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return vt_ctx_vk_error(context, "vkEnumeratePhysicalDevices", result);
    if (*out_count == 0) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: no Vulkan device: " VT_CTX_GET_A_DRIVER);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    return VATTEN_SUCCESS;
}

static bool contains(const char *text, const char *part) {
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (part[i] != '\0' && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (part[i] == '\0')
            return true;
    }
    return false;
}

/* The number that `text` is, or `past` if it is none or is not below `past`. */
static uint32_t parse_index(const char *text, uint32_t past) {
    uint32_t index = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (!isdigit((unsigned char)*at))
            return past;
        index = index * 10 + (uint32_t)(*at - '0');
        if (index >= past)
            return past;
    }
    return *text != '\0' ? index : past;
}

static uint32_t rank(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return 1;
    default:
        return 0;
    }
}

/* NULL, or why the device cannot be taken. */
static const char *refusal(const VkPhysicalDeviceProperties *properties, bool no_software) {
    if (properties->apiVersion < VK_API_VERSION_1_1)
        return "older than Vulkan 1.1";
    if (no_software && properties->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU)
        return "a software device, and those are refused";
    return NULL;
}

/* The index of the device to take; list->count if none fits. */
static uint32_t pick(const candidates *list, const char *wanted, bool no_software) {
    uint32_t by_index = parse_index(wanted, list->count);
    uint32_t best = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        const VkPhysicalDeviceProperties *properties = &list->properties[i];
        if (refusal(properties, no_software) != NULL)
            continue;
        /* All digits but no index, such as "4090", is a part of a name. */
        bool meant = by_index < list->count ? i == by_index : contains(properties->deviceName, wanted);
        if (wanted[0] != '\0' && !meant)
            continue;
        if (best == list->count || rank(properties->deviceType) > rank(list->properties[best].deviceType))
            best = i;
    }
    return best;
}

static void explain(const vatten_context *context, const candidates *list, const char *wanted,
                    bool no_software) {
    if (wanted[0] != '\0')
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: no usable Vulkan device is \"%s\"; there are:", wanted);
    else
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: no usable Vulkan device: " VT_CTX_GET_A_DRIVER "; there are:");
    for (uint32_t i = 0; i < list->count; i++) {
        const char *why = refusal(&list->properties[i], no_software);
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context:   %u: %s%s%s", i, list->properties[i].deviceName,
                   why != NULL ? ": " : "", why != NULL ? why : "");
    }
}

static vatten_result choose_from(vatten_context *context, candidates *list, const char *wanted,
                                 bool no_software) {
    vatten_result result = vt_ctx_enumerate(context, list->devices, &list->count);
    if (result != VATTEN_SUCCESS)
        return result;
    for (uint32_t i = 0; i < list->count; i++)
        context->vk.GetPhysicalDeviceProperties(list->devices[i], &list->properties[i]);
    uint32_t index = pick(list, wanted, no_software);
    if (index == list->count) {
        explain(context, list, wanted, no_software);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    context->physical_device = list->devices[index];
    context->properties = list->properties[index];
    return VATTEN_SUCCESS;
}

vatten_result vt_ctx_choose(vatten_context *context, const char *wanted, bool no_software) {
    candidates *list = vt_ctx_alloc(context, sizeof *list); /* some 30 KB: not for the stack */
    if (list == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    vatten_result result = choose_from(context, list, wanted, no_software);
    vt_ctx_release(context, list);
    return result;
}
