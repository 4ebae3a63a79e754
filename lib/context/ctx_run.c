/* SPDX-License-Identifier: MIT
 *
 * Running a plan, or what the caller records, and waiting for it.
 */
#include "ctx.h"

vatten_result vatten_context_begin(vatten_context *context, VkCommandBuffer *out_command_buffer) {
    if (out_command_buffer != NULL)
        *out_command_buffer = NULL;
    if (context == NULL || out_command_buffer == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vatten_result result = vt_ctx_submit_begin(context, &context->work);
    if (result == VATTEN_SUCCESS)
        *out_command_buffer = context->work.command_buffer;
    return result;
}

vatten_result vatten_context_end(vatten_context *context, double *out_gpu_ms) {
    if (context == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (!context->work.recording) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: end without begin");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    return vt_ctx_submit_end(context, &context->work, out_gpu_ms);
}

/* The context's own recorder, free of sets and with room for one record of the plan. */
static vatten_result prepare_recorder(vatten_context *context, uint32_t dispatches) {
    if (context->recorder != NULL && context->recorder_dispatches >= dispatches) {
        vatten_recorder_reset(context->recorder);
        return VATTEN_SUCCESS;
    }
    vatten_recorder_destroy(context->recorder);
    context->recorder = NULL;
    vatten_recorder_desc desc = {.max_dispatches = dispatches > 256 ? dispatches : 256};
    context->recorder_dispatches = desc.max_dispatches;
    return vatten_recorder_create(context->core, &desc, &context->recorder);
}

static vatten_result prepare_workspace(vatten_context *context, uint64_t bytes, vatten_args *args) {
    if (bytes == 0 || args->workspace.buffer != VK_NULL_HANDLE)
        return VATTEN_SUCCESS;
    if (context->workspace == NULL || context->workspace->size < bytes) {
        /* The old one goes first: the two together may not fit. Nothing is in flight. */
        vatten_memory_destroy(context->workspace);
        context->workspace = NULL;
        vatten_result result =
            vt_ctx_memory_create(context, bytes, VT_CTX_MEMORY_DEVICE, &context->workspace);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    args->workspace = vatten_memory_buffer(context->workspace);
    return VATTEN_SUCCESS;
}

static vatten_result record_and_wait(vatten_context *context, const vatten_plan *plan,
                                     const vatten_args *args, double *out_gpu_ms) {
    VkCommandBuffer command_buffer = NULL;
    vatten_result result = vatten_context_begin(context, &command_buffer);
    if (result != VATTEN_SUCCESS)
        return result;
    result = vatten_record(context->recorder, command_buffer, plan, args);
    if (result != VATTEN_SUCCESS) {
        context->work.recording = false; /* the next begin drops what is in it */
        return result;
    }
    return vatten_context_end(context, out_gpu_ms);
}

vatten_result vatten_context_run(vatten_context *context, const vatten_plan *plan, const vatten_args *args,
                                 double *out_gpu_ms) {
    if (context == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (plan == NULL || args == NULL) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: run needs a plan and args");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (context->work.recording) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: run between begin and end");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    vatten_args complete = *args;
    vatten_result result = prepare_recorder(context, info.dispatches);
    if (result == VATTEN_SUCCESS)
        result = prepare_workspace(context, info.workspace_bytes, &complete);
    if (result == VATTEN_SUCCESS)
        result = record_and_wait(context, plan, &complete, out_gpu_ms);
    return result;
}
