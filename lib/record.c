/* SPDX-License-Identifier: MIT
 *
 * From a plan to commands. Everything that can fail is checked before the first command; the loop that
 * follows neither allocates nor locks nor compiles.
 */
#include "plan.h"
#include "recorder.h"

#include <inttypes.h>

/* A record, its arguments resolved. */
typedef struct recording {
    vatten_recorder *recorder;
    const vatten_plan *plan;
    VkCommandBuffer commands;
    vatten_buffer buffers[VT_ROLE_COUNT];
    uint64_t q_len;
    uint64_t kv_len;
    vt_step_run steps; /* of the plan's program */
    uint32_t bound;    /* variant of the pipeline that is bound; UINT32_MAX = none yet */
    bool waits;        /* a barrier is due before the next dispatch, perhaps that of a step that fell away */
} recording;

static const char *const role_names[VT_ROLE_COUNT] = {
    "q",    "k",     "v",      "out",    "lse",   "extra_k", "extra_v", "workspace",
    "bias", "lists", "counts", "tables", "state", "cache_k", "cache_v", "weights"};

static const vatten_logger *logger_of(const recording *r) {
    return &r->recorder->device->logger;
}

static vatten_result check_buffer(const recording *r, vt_role role) {
    const vatten_buffer *buffer = &r->buffers[role];
    uint64_t need = vt_plan_bytes(r->plan, role);
    uint64_t alignment = r->plan->info.offset_alignment;
    if (need == 0)
        return VATTEN_SUCCESS;
    if (!buffer->buffer) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s is missing, %" PRIu64 " bytes are needed", role_names[role], need);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (buffer->offset > UINT64_MAX - need) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s offset %" PRIu64 " is too large: %" PRIu64 " bytes from there on pass 2^64",
               role_names[role], buffer->offset, need);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (buffer->offset % alignment != 0) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s offset %" PRIu64 " is not a multiple of %" PRIu64, role_names[role],
               buffer->offset, alignment);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (buffer->size != 0 && buffer->size < need) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s has %" PRIu64 " bytes, %" PRIu64 " are needed", role_names[role], buffer->size,
               need);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    return VATTEN_SUCCESS;
}

static vatten_result resolve_length(const recording *r, const char *name, uint64_t asked, uint64_t capacity,
                                    uint64_t *out) {
    *out = asked == 0 ? capacity : asked == VATTEN_EMPTY ? 0 : asked;
    if (asked != 0 && !r->plan->dense) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s can be changed for dense plans only", name);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (asked != 0 && r->plan->packed) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s cannot be changed: lengths of packed sequences are in tables", name);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (*out > capacity) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: %s %" PRIu64 " is above the plan's %" PRIu64, name, *out, capacity);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    return VATTEN_SUCCESS;
}

static void resolve_buffers(recording *r, const vatten_args *args) {
    const vatten_buffer given[VT_ROLE_COUNT] = {args->q,     args->k,       args->v,       args->out,
                                                args->lse,   args->extra_k, args->extra_v, args->workspace,
                                                args->bias,  args->lists,   args->counts,  args->tables,
                                                args->state, args->cache_k, args->cache_v, args->weights};
    for (int i = 0; i < VT_ROLE_COUNT; ++i)
        r->buffers[i] = given[i];
    if (!args->workspace.buffer && r->recorder->workspace)
        r->buffers[VT_ROLE_WORKSPACE] =
            (vatten_buffer){r->recorder->workspace, 0, r->recorder->workspace_bytes};
}

static vatten_result check_sets(const recording *r) {
    const vatten_recorder *recorder = r->recorder;
    uint64_t need = r->steps.end - r->steps.begin;
    uint64_t free_sets = recorder->set_count - recorder->sets_used;
    if (vt_device_pushes(recorder->device) || need <= free_sets)
        return VATTEN_SUCCESS;
    vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
           "record: %" PRIu64 " dispatches need as many descriptor sets, %" PRIu64
           " of max_dispatches %" PRIu32 " are free: reset the recorder or make it larger",
           need, free_sets, recorder->set_count);
    return VATTEN_ERROR_RECORDER_FULL;
}

static vatten_result resolve(recording *r, const vatten_args *args) {
    if (r->plan->device != r->recorder->device) {
        vt_log(logger_of(r), VATTEN_LOG_ERROR, r->plan->label,
               "record: plan and recorder belong to two devices");
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    resolve_buffers(r, args);
    vatten_result result = resolve_length(r, "q_len", args->q_len, r->plan->q_len, &r->q_len);
    if (result == VATTEN_SUCCESS)
        result = resolve_length(r, "kv_len", args->kv_len, r->plan->kv_len, &r->kv_len);
    for (int role = 0; role < VT_ROLE_COUNT && result == VATTEN_SUCCESS; ++role)
        result = check_buffer(r, (vt_role)role);
    return result == VATTEN_SUCCESS ? check_sets(r) : result;
}

/* Slots of the set's layout that a kernel does not declare get a buffer of the step too: some drivers look at what an
 * earlier record left there (Mesa's llvmpipe 22), whose buffer may be gone. Returns how many slots there are. The loops stay
 * apart: of one that tells declared slots from others, gcc 12 with -O3 lost what the later ones are set to. */
static uint32_t find_buffers(const recording *r, const vt_step *step,
                             VkDescriptorBufferInfo infos[VT_SLOT_COUNT]) {
    const vatten_device *device = r->recorder->device;
    uint32_t slots = vt_device_pushes(device) ? step->binding_count : device->slots;
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *binding = &step->binding[i];
        const vatten_buffer *buffer = &r->buffers[binding->role];
        infos[i] = (VkDescriptorBufferInfo){buffer->buffer, buffer->offset + binding->offset, binding->range};
    }
    for (uint32_t i = step->binding_count; i < slots; ++i)
        infos[i] = infos[0];
    return slots;
}

static void bind_buffers(const recording *r, const vt_step *step) {
    vatten_recorder *recorder = r->recorder;
    const vatten_device *device = recorder->device;
    VkDescriptorBufferInfo infos[VT_SLOT_COUNT];
    VkWriteDescriptorSet writes[VT_SLOT_COUNT];
    VkDescriptorSet set = vt_device_pushes(device) ? VK_NULL_HANDLE : recorder->sets[recorder->sets_used++];
    uint32_t slots = find_buffers(r, step, infos);
    for (uint32_t i = 0; i < slots; ++i) {
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &infos[i],
        };
    }
    if (vt_device_pushes(device)) {
        device->vk.CmdPushDescriptorSetKHR(r->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                           device->pipeline_layout, 0, slots, writes);
        return;
    }
    device->vk.UpdateDescriptorSets(device->vk.handle, slots, writes, 0, NULL);
    device->vk.CmdBindDescriptorSets(r->commands, VK_PIPELINE_BIND_POINT_COMPUTE, device->pipeline_layout, 0,
                                     1, &set, 0, NULL);
}

static uint64_t address_of(const recording *r, const vt_binding *binding) {
    const vatten_device *device = r->recorder->device;
    const vatten_buffer *buffer = &r->buffers[binding->role];
    const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                            .buffer = buffer->buffer};
    return device->vk.GetBufferDeviceAddress(device->vk.handle, &info) + buffer->offset + binding->offset;
}

static void push_addresses(const recording *r, const vt_step *step, const vt_variant *variant) {
    const vatten_device *device = r->recorder->device;
    const vt_address_push push = {
        .k_address = address_of(r, &step->binding[VT_SLOT_K]),
        .v_address = address_of(r, &step->binding[VT_SLOT_V]),
        .k_limit = vt_step_limit(step, variant, VT_SLOT_K),
        .v_limit = vt_step_limit(step, variant, VT_SLOT_V),
    };
    device->vk.CmdPushConstants(r->commands, device->pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT,
                                sizeof(vt_push), sizeof push, &push);
}

/* One dispatch of vatten's waits for those before: carried state is written and read again. */
static void wait_for_previous(const recording *r) {
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
    };
    r->recorder->device->vk.CmdPipelineBarrier(r->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                               VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, NULL,
                                               0, NULL);
}

static void record_step(recording *r, const vt_step *planned) {
    const vatten_device *device = r->recorder->device;
    vt_step copy = *planned;
    const vt_step *step = &copy;
    r->waits = r->waits || step->barrier_before;
    if (!vt_step_shrink(&copy, r->q_len, r->kv_len))
        return;
    if (r->waits)
        wait_for_previous(r);
    r->waits = false;
    if (r->bound != step->variant) {
        device->vk.CmdBindPipeline(r->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                   r->plan->pipelines[step->variant]);
        r->bound = step->variant;
    }
    bind_buffers(r, step);
    device->vk.CmdPushConstants(r->commands, device->pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                sizeof step->push, &step->push);
    const vt_variant *variant = &r->plan->program.variants[step->variant];
    if (vt_kernels[variant->kernel].layout == VATTEN_LAYOUT_ADDRESS)
        push_addresses(r, step, variant);
    device->vk.CmdDispatch(r->commands, step->groups[0], step->groups[1], step->groups[2]);
}

static vatten_result record(recording *r, const vatten_args *args) {
    vatten_result result = resolve(r, args);
    if (result != VATTEN_SUCCESS)
        return result;
    for (uint64_t i = r->steps.begin; i < r->steps.end; ++i)
        record_step(r, &r->plan->program.steps[i]);
    return VATTEN_SUCCESS;
}

vatten_result vatten_record(vatten_recorder *recorder, VkCommandBuffer command_buffer,
                            const vatten_plan *plan, const vatten_args *args) {
    return vatten_record_part(recorder, command_buffer, plan, args, 0, 1);
}

vatten_result vatten_record_part(vatten_recorder *recorder, VkCommandBuffer command_buffer,
                                 const vatten_plan *plan, const vatten_args *args, uint32_t part,
                                 uint32_t parts) {
    if (!recorder || !command_buffer || !plan || !args)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (part >= parts) {
        vt_log(&recorder->device->logger, VATTEN_LOG_ERROR, plan->label,
               "record: part %" PRIu32 " of %" PRIu32 ": parts are counted from 0", part, parts);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    recording r = {.recorder = recorder,
                   .plan = plan,
                   .commands = command_buffer,
                   .steps = vt_program_part(&plan->program, part, parts),
                   .bound = UINT32_MAX,
                   .waits = part > 0}; /* for parts in earlier command buffers of the queue too */
    return record(&r, args);
}
