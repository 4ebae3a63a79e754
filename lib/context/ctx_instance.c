/* SPDX-License-Identifier: MIT
 *
 * The VkInstance, with the validation layer if it is asked for and there.
 */
#include "ctx.h"

/* Newer than the oldest headers that vatten builds against (1.3.204). */
#ifndef VK_KHR_portability_enumeration
#define VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME    "VK_KHR_portability_enumeration"
#define VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR 0x00000001
#endif

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

/* What an instance is asked for, gathered before it is made. */
typedef struct instance_wishes {
    bool layer;
    const char *extensions[4];
    uint32_t extension_count;
    bool portability;     /* list drivers that are not fully conformant, such as MoltenVK */
    bool debug_utils;     /* so that messages reach the logger */
    bool synchronization; /* the layer takes VkValidationFeaturesEXT */
} instance_wishes;

/* The instance extensions of the loader and drivers (`layer` NULL) or of one layer.
 * VK_ERROR_LAYER_NOT_PRESENT is passed on without a message. The list is the caller's to release. */
static VkResult list_extensions(const vatten_context *context, const char *layer,
                                VkExtensionProperties **out_list, uint32_t *out_count) {
    *out_list = NULL;
    *out_count = 0;
    uint32_t count = 0;
    VkResult result = context->vk.EnumerateInstanceExtensionProperties(layer, &count, NULL);
    if (result != VK_SUCCESS || count == 0)
        return result;
    VkExtensionProperties *list = vt_ctx_alloc(context, count * sizeof *list);
    if (list == NULL)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    result = context->vk.EnumerateInstanceExtensionProperties(layer, &count, list);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE) {
        vt_ctx_release(context, list);
        return result;
    }
    *out_list = list;
    *out_count = count;
    return VK_SUCCESS;
}

static void wish_extension(instance_wishes *wishes, const char *name) {
    wishes->extensions[wishes->extension_count++] = name;
}

static vatten_result wish_for_loader(const vatten_context *context, bool validation,
                                     instance_wishes *wishes) {
    VkExtensionProperties *list = NULL;
    uint32_t count = 0;
    VkResult result = list_extensions(context, NULL, &list, &count);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkEnumerateInstanceExtensionProperties", result);
    wishes->portability = vt_ctx_has_extension(list, count, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    if (wishes->portability)
        wish_extension(wishes, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    wishes->debug_utils = validation && vt_ctx_has_extension(list, count, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    vt_ctx_release(context, list);
    return VATTEN_SUCCESS;
}

static vatten_result wish_for_layer(const vatten_context *context, instance_wishes *wishes) {
    VkExtensionProperties *list = NULL;
    uint32_t count = 0;
    VkResult result = list_extensions(context, VALIDATION_LAYER, &list, &count);
    if (result == VK_ERROR_LAYER_NOT_PRESENT) {
        wishes->debug_utils = false;
        vt_ctx_log(context, VATTEN_LOG_WARN,
                   "context: going on without validation: " VALIDATION_LAYER
                   " is not installed; it comes, for example, with the package vulkan-validationlayers");
        return VATTEN_SUCCESS;
    }
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkEnumerateInstanceExtensionProperties", result);
    wishes->layer = true;
    wishes->debug_utils =
        wishes->debug_utils || vt_ctx_has_extension(list, count, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (wishes->debug_utils)
        wish_extension(wishes, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    wishes->synchronization = vt_ctx_has_extension(list, count, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
    if (wishes->synchronization)
        wish_extension(wishes, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
    vt_ctx_release(context, list);
    return VATTEN_SUCCESS;
}

static VkResult make_instance(vatten_context *context, const instance_wishes *wishes) {
    const char *layer = VALIDATION_LAYER;
    const VkValidationFeatureEnableEXT enable = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    VkDebugUtilsMessengerCreateInfoEXT messenger = vt_ctx_messenger_info(context);
    VkValidationFeaturesEXT features = {.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                        .enabledValidationFeatureCount = 1,
                                        .pEnabledValidationFeatures = &enable};
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .pEngineName = "vatten",
                                     .apiVersion = context->api_version};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &application,
                                 .enabledLayerCount = wishes->layer ? 1 : 0,
                                 .ppEnabledLayerNames = &layer,
                                 .enabledExtensionCount = wishes->extension_count,
                                 .ppEnabledExtensionNames = wishes->extensions};
    if (wishes->portability)
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    if (wishes->synchronization) {
        features.pNext = info.pNext;
        info.pNext = &features;
    }
    if (wishes->debug_utils) {
        messenger.pNext = info.pNext;
        info.pNext = &messenger;
    }
    return context->vk.CreateInstance(&info, NULL, &context->instance);
}

static vatten_result open_loader(vatten_context *context) {
    uint32_t version = 0;
    if (!vt_ctx_vk_open(&context->vk, &version)) {
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: no Vulkan loader: install it, for example the package libvulkan1");
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (version < VK_API_VERSION_1_1) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: the Vulkan loader has version %u.%u, 1.1 is needed",
                   VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
        return VATTEN_ERROR_UNSUPPORTED;
    }
    context->api_version = version < VK_API_VERSION_1_3 ? version : VK_API_VERSION_1_3;
    return VATTEN_SUCCESS;
}

static vatten_result load_functions(vatten_context *context) {
    const char *missing = vt_ctx_vk_load_instance(&context->vk, context->instance);
    if (missing == NULL)
        return VATTEN_SUCCESS;
    vt_ctx_log(context, VATTEN_LOG_ERROR, "context: the Vulkan loader has no %s", missing);
    return VATTEN_ERROR_VULKAN;
}

vatten_result vt_ctx_instance_create(vatten_context *context, bool validation) {
    instance_wishes wishes = {0};
    vatten_result result = open_loader(context);
    if (result == VATTEN_SUCCESS)
        result = wish_for_loader(context, validation, &wishes);
    if (result == VATTEN_SUCCESS && validation)
        result = wish_for_layer(context, &wishes);
    if (result != VATTEN_SUCCESS)
        return result;

    VkResult made = make_instance(context, &wishes);
    if (made == VK_ERROR_INCOMPATIBLE_DRIVER) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: no Vulkan device: " VT_CTX_GET_A_DRIVER);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (made != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkCreateInstance", made);
    context->validation = wishes.layer;

    result = load_functions(context);
    if (result == VATTEN_SUCCESS && wishes.debug_utils)
        result = vt_ctx_messenger_create(context);
    if (result != VATTEN_SUCCESS)
        vt_ctx_instance_destroy(context);
    return result;
}

void vt_ctx_instance_destroy(vatten_context *context) {
    if (context->messenger != VK_NULL_HANDLE)
        context->vk.DestroyDebugUtilsMessengerEXT(context->instance, context->messenger, NULL);
    if (context->instance != VK_NULL_HANDLE && context->vk.DestroyInstance != NULL)
        context->vk.DestroyInstance(context->instance, NULL);
    context->messenger = VK_NULL_HANDLE;
    context->instance = VK_NULL_HANDLE;
}
