/* SPDX-License-Identifier: MIT
 *
 * What the validation layer says: counted, and passed on to the logger.
 */
#include "ctx.h"

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data,
                                                 void *user) {
    vatten_context *context = user;
    /* The loader speaks through the same messenger, for example about a driver of the system that it cannot
     * open. That is of type GENERAL, and no error of ours. */
    bool validation = (types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT) != 0;
    bool error = validation && (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) != 0;
    if (error)
        context->validation_errors++;
    vt_ctx_log(context, error ? VATTEN_LOG_ERROR : VATTEN_LOG_WARN, "%s: %s",
               validation ? "validation" : "vulkan", data->pMessage != NULL ? data->pMessage : "(no text)");
    return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT vt_ctx_messenger_info(vatten_context *context) {
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
        .messageType =
            VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = context};
}

vatten_result vt_ctx_messenger_create(vatten_context *context) {
    if (context->vk.CreateDebugUtilsMessengerEXT == NULL || context->vk.DestroyDebugUtilsMessengerEXT == NULL)
        return VATTEN_SUCCESS;
    VkDebugUtilsMessengerCreateInfoEXT info = vt_ctx_messenger_info(context);
    VkResult result =
        context->vk.CreateDebugUtilsMessengerEXT(context->instance, &info, NULL, &context->messenger);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkCreateDebugUtilsMessengerEXT", result);
    return VATTEN_SUCCESS;
}
