/* SPDX-License-Identifier: MIT
 *
 * The context from create to destroy, and what it tells about itself.
 */
#include "ctx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vatten_result create_core(vatten_context *context, const vatten_context_desc *desc) {
    vt_ctx_blob tuning = {0};
    vatten_result result = vt_ctx_tuning_load(context, desc->tuning, &tuning);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_device_desc device = {.get_instance_proc_addr = context->vk.GetInstanceProcAddr,
                                 .instance = context->instance,
                                 .physical_device = context->physical_device,
                                 .device = context->device,
                                 .features = context->enabled,
                                 .pipeline_cache = context->cache,
                                 .logger = context->logger,
                                 .allocator = context->allocator,
                                 .cap_shared_bytes = desc->cap_shared_bytes,
                                 .cap_invocations = desc->cap_invocations,
                                 .cap_storage_range = desc->cap_storage_range,
                                 .cap_no_subgroups = desc->cap_no_subgroups,
                                 .tuning = tuning.data,
                                 .tuning_size = tuning.size,
                                 .cap_quirks = desc->cap_quirks,
                                 .cap_push_bytes = desc->cap_push_bytes};
    result = vatten_device_create(&device, &context->core);
    vt_ctx_release(context, tuning.data);
    return result;
}

/* The device that the user asked for: by the desc, else by the environment, else "" for any. */
static const char *wanted_device(const vatten_context_desc *desc) {
    if (desc->device != NULL && desc->device[0] != '\0')
        return desc->device;
    const char *named = getenv("VATTEN_DEVICE");
    return named != NULL ? named : "";
}

static vatten_result create_all(vatten_context *context, const vatten_context_desc *desc) {
    vatten_result result = vt_ctx_instance_create(context, desc->validation);
    if (result == VATTEN_SUCCESS)
        result = vt_ctx_choose(context, wanted_device(desc), desc->no_software);
    if (result == VATTEN_SUCCESS)
        result = vt_ctx_device_create(context, desc);
    if (result == VATTEN_SUCCESS)
        result = vt_ctx_submit_create(context, &context->work);
    if (result == VATTEN_SUCCESS)
        result = vt_ctx_submit_create(context, &context->copy);
    if (result == VATTEN_SUCCESS)
        result = vt_ctx_cache_create(context, desc->pipeline_cache);
    if (result == VATTEN_SUCCESS)
        result = create_core(context, desc);
    return result;
}

vatten_result vatten_context_create(const vatten_context_desc *desc, vatten_context **out_context) {
    static const vatten_context_desc defaults = {0};
    if (out_context == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    *out_context = NULL;
    if (desc == NULL)
        desc = &defaults;

    vatten_context origin = {.logger = desc->logger, .allocator = desc->allocator};
    if ((desc->allocator.allocate == NULL) != (desc->allocator.release == NULL)) {
        vt_ctx_log(&origin, VATTEN_LOG_ERROR, "context: the allocator needs both of its functions, or none");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    vatten_context *context = vt_ctx_alloc(&origin, sizeof *context);
    if (context == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    context->logger = desc->logger;
    context->allocator = desc->allocator;

    vatten_result result = create_all(context, desc);
    if (result != VATTEN_SUCCESS) {
        vatten_context_destroy(context);
        return result;
    }
    vt_ctx_log(context, VATTEN_LOG_INFO, "context: %s, %s", context->properties.deviceName, context->driver);
    *out_context = context;
    return VATTEN_SUCCESS;
}

static void destroy_device(vatten_context *context) {
    vatten_memory_destroy(context->staging);
    vatten_memory_destroy(context->workspace);
    vatten_recorder_destroy(context->recorder);
    vatten_device_destroy(context->core);
    vt_ctx_cache_destroy(context);
    vt_ctx_submit_destroy(context, &context->copy);
    vt_ctx_submit_destroy(context, &context->work);
    context->vk.DestroyDevice(context->device, NULL);
}

void vatten_context_destroy(vatten_context *context) {
    if (context == NULL)
        return;
    if (context->device != VK_NULL_HANDLE) {
        context->vk.DeviceWaitIdle(context->device);
        destroy_device(context);
    }
    vt_ctx_instance_destroy(context);
    vatten_context copy = {.allocator = context->allocator};
    vt_ctx_release(&copy, context);
}

/* The name of a device of the context's instance, false past the last. */
static bool name_at(const vatten_context *context, uint32_t index, char *name, size_t name_size) {
    VkPhysicalDevice devices[VT_CTX_MAX_DEVICES];
    uint32_t count = 0;
    if (vt_ctx_enumerate(context, devices, &count) != VATTEN_SUCCESS || index >= count)
        return false;
    VkPhysicalDeviceProperties properties;
    context->vk.GetPhysicalDeviceProperties(devices[index], &properties);
    snprintf(name, name_size, "%s", properties.deviceName);
    return true;
}

bool vatten_context_device_name(uint32_t index, char *name, size_t name_size) {
    if (name == NULL || name_size == 0)
        return false;
    name[0] = '\0';
    vatten_context context = {0}; /* an instance is all that it needs to have */
    if (vt_ctx_instance_create(&context, false) != VATTEN_SUCCESS)
        return false;
    bool found = name_at(&context, index, name, name_size);
    vt_ctx_instance_destroy(&context);
    return found;
}

void vatten_context_get_info(const vatten_context *context, vatten_context_info *out_info) {
    if (out_info == NULL)
        return;
    *out_info = (vatten_context_info){0};
    if (context == NULL)
        return;
    snprintf(out_info->device_name, sizeof out_info->device_name, "%s", context->properties.deviceName);
    snprintf(out_info->driver, sizeof out_info->driver, "%s", context->driver);
    out_info->api_version = context->properties.apiVersion;
    out_info->device_type = (uint32_t)context->properties.deviceType;
    out_info->supported = context->supported;
    out_info->enabled = context->enabled;
    out_info->queue_family = context->queue_family;
    out_info->validation = context->validation;
    out_info->validation_errors = context->validation_errors;
    memcpy(out_info->cache_uuid, context->properties.pipelineCacheUUID, sizeof out_info->cache_uuid);
}

vatten_device *vatten_context_device(vatten_context *context) {
    return context != NULL ? context->core : NULL;
}

VkInstance vatten_context_instance(vatten_context *context) {
    return context != NULL ? context->instance : NULL;
}

VkPhysicalDevice vatten_context_physical_device(vatten_context *context) {
    return context != NULL ? context->physical_device : NULL;
}

VkDevice vatten_context_vk_device(vatten_context *context) {
    return context != NULL ? context->device : NULL;
}

PFN_vkGetInstanceProcAddr vatten_context_get_instance_proc_addr(vatten_context *context) {
    return context != NULL ? context->vk.GetInstanceProcAddr : NULL;
}
