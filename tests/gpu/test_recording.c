/* SPDX-License-Identifier: MIT
 *
 * vatten_record and its recorder: several records in one command buffer, reset, running full, wrong
 * arguments, and threads.
 */
#include "gpu_harness.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static bool begin_trial(gpu *g, const gpu_problem *problem, gpu_trial *trial) {
    vatten_result result = gpu_trial_begin(g, problem, trial);
    if (result != VATTEN_SUCCESS) {
        gpu_fail(g, "%s: create gave %s: %s", problem->name, vatten_result_name(result), g->message);
    }
    g->cases++;
    return result == VATTEN_SUCCESS;
}

/* All outputs still hold what they held before. */
static void expect_untouched(gpu_trial *trial, const char *what) {
    static const gpu_slot outputs[] = {GPU_OUT, GPU_LSE, GPU_WORKSPACE};
    for (unsigned n = 0; n < COUNT(outputs); ++n) {
        gpu_region *region = &trial->region[outputs[n]];
        if (!gpu_region_download(region) || gpu_region_changed(region, 0, region->total) != UINT64_MAX) {
            gpu_fail(trial->owner, "%s: %s was written", what, gpu_slot_name(outputs[n]));
        }
    }
}

static void expect_right(gpu_trial *trial) {
    if (gpu_trial_collect(trial)) {
        gpu_trial_compare(trial);
    }
}

/* ---- Records in one command buffer ---- */

/* One plan with two sets of buffers and another plan, recorded back to back: nobody's descriptors are
 * overwritten. */
static void records_side_by_side(gpu *g) {
    gpu_trial a = {0}, b = {0}, c = {0};
    gpu_problem one = gpu_dense(VATTEN_DTYPE_F32, 33, 70, 2, 1, 16), two = one;
    gpu_problem three = gpu_grid(VATTEN_DTYPE_F32, 1, (uint64_t[]){40}, 2, 2, 16);
    vatten_recorder *recorder = NULL;
    VkCommandBuffer cmd;
    gpu_name(&one, "first of three records");
    gpu_name(&two, "second of three records");
    gpu_name(&three, "third of three records");
    two.seed = 2;
    two.kv_len = 50;
    if (begin_trial(g, &one, &a) && begin_trial(g, &two, &b) && begin_trial(g, &three, &c)) {
        gpu_expect(g, "recorder_create", vatten_recorder_create(g->device, NULL, &recorder), VATTEN_SUCCESS);
        gpu_expect(g, "begin", vatten_context_begin(g->context, &cmd), VATTEN_SUCCESS);
        gpu_expect(g, "record 1", vatten_record(recorder, cmd, a.plan, &a.args), VATTEN_SUCCESS);
        gpu_expect(g, "record 2", vatten_record(recorder, cmd, a.plan, &b.args), VATTEN_SUCCESS);
        gpu_expect(g, "record 3", vatten_record(recorder, cmd, c.plan, &c.args), VATTEN_SUCCESS);
        gpu_expect(g, "end", vatten_context_end(g->context, NULL), VATTEN_SUCCESS);
        expect_right(&a);
        expect_right(&b);
        expect_right(&c);
        vatten_recorder_destroy(recorder);
    }
    gpu_trial_end(&c);
    gpu_trial_end(&b);
    gpu_trial_end(&a);
    gpu_check_validation(g, "records side by side");
}

/* ---- A recorder that runs full ---- */

/* `records` copies of one problem into one command buffer; how many fit before RECORDER_FULL. */
static unsigned record_until_full(gpu *g, vatten_recorder *recorder, gpu_trial *trials, unsigned records) {
    VkCommandBuffer cmd;
    unsigned good = 0;
    gpu_expect(g, "begin", vatten_context_begin(g->context, &cmd), VATTEN_SUCCESS);
    for (unsigned n = 0; n < records; ++n) {
        vatten_result result = vatten_record(recorder, cmd, trials[n].plan, &trials[n].args);
        if (result == VATTEN_SUCCESS && good == n) {
            good++;
        } else {
            gpu_expect(g, "record into a full recorder", result, VATTEN_ERROR_RECORDER_FULL);
        }
    }
    gpu_expect(g, "end", vatten_context_end(g->context, NULL), VATTEN_SUCCESS);
    return good;
}

/* Three plans of several dispatches each, and descriptor sets for one and a half: the first is right, the
 * others left no trace. After a reset there is room again. */
static void full_recorder(gpu *g) {
    gpu_trial trials[3] = {{0}};
    gpu_problem p[3];
    vatten_recorder *recorder = NULL;
    bool ready = true;
    for (unsigned n = 0; n < 3; ++n) {
        p[n] = gpu_dense(VATTEN_DTYPE_F32, 64, 300, 1, 1, 16);
        p[n].dense.heads.max_macs = 100000;
        p[n].seed = n + 1;
        gpu_name(&p[n], "record %u of a full recorder", n);
        ready = begin_trial(g, &p[n], &trials[n]) && ready;
    }
    uint32_t sets = trials[0].info.dispatches;
    vatten_recorder_desc desc = {.max_dispatches = sets + sets / 2};
    bool push = (g->limits.features & VATTEN_FEATURE_PUSH_DESCRIPTOR) != 0;
    if (ready && sets < 2) {
        gpu_fail(g, "full recorder: the plan has one dispatch only");
    }
    if (ready && sets >= 2) {
        gpu_expect(g, "recorder_create", vatten_recorder_create(g->device, &desc, &recorder), VATTEN_SUCCESS);
        unsigned good = record_until_full(g, recorder, trials, 3);
        if (good != (push ? 3u : 1u)) {
            gpu_fail(g, "%u records of %u dispatches fit %u sets", good, sets, desc.max_dispatches);
        }
        for (unsigned n = good; n < 3; ++n) {
            expect_untouched(&trials[n], "a record that failed");
        }
        vatten_recorder_reset(recorder);
        good = record_until_full(g, recorder, trials + 2, 1);
        if (good != 1) {
            gpu_fail(g, "no room after a reset");
        }
        expect_right(&trials[0]);
        expect_right(&trials[2]);
        vatten_recorder_destroy(recorder);
    }
    for (unsigned n = 3; n-- > 0;) {
        gpu_trial_end(&trials[n]);
    }
    gpu_check_validation(g, "full recorder");
}

/* The same recorder for many frames: reset, record, run. */
static void reused_recorder(gpu *g) {
    gpu_trial trial = {0};
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 20, 30, 1, 1, 16);
    vatten_recorder_desc desc = {.max_dispatches = 1};
    vatten_recorder *recorder = NULL;
    gpu_name(&p, "reused recorder");
    if (begin_trial(g, &p, &trial)) {
        gpu_expect(g, "recorder_create", vatten_recorder_create(g->device, &desc, &recorder), VATTEN_SUCCESS);
        for (unsigned frame = 0; frame < 20; ++frame) {
            if (record_until_full(g, recorder, &trial, 1) != 1) {
                gpu_fail(g, "frame %u could not be recorded", frame);
            }
            vatten_recorder_reset(recorder);
        }
        expect_right(&trial);
        vatten_recorder_destroy(recorder);
    }
    gpu_trial_end(&trial);
}

static void all_recorders(gpu *g) {
    records_side_by_side(g);
    full_recorder(g);
    reused_recorder(g);
}

static void test_recorders(void **state) {
    (void)state;
    all_recorders(&device);
    gpu_assert_clean(&device);
}

static void test_recorders_without_push_descriptors(void **state) {
    (void)state;
    const vatten_context_desc desc = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    gpu g = {0};
    assert_int_equal(gpu_open(&g, "recorders without push descriptors", &desc), 0);
    all_recorders(&g);
    assert_int_equal(gpu_close(&g, 0), 0);
}

/* ---- Workspace ---- */

/* A split plan carries its state between dispatches in a workspace: from args, or from the recorder. */
static void test_workspace_from_recorder(void **state) {
    (void)state;
    gpu_trial trial = {0};
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 40, 500, 2, 1, 16);
    vatten_recorder *without = NULL, *with = NULL;
    VkCommandBuffer cmd;
    p.dense.heads.max_macs = 50000;
    gpu_name(&p, "workspace from the recorder");
    if (begin_trial(&device, &p, &trial)) {
        uint64_t bytes = trial.info.workspace_bytes;
        if (bytes == 0) {
            gpu_fail(&device, "%u dispatches over keys without a workspace", trial.info.dispatches);
        }
        vatten_recorder_desc small = {.workspace_bytes = bytes - 1}, enough = {.workspace_bytes = bytes};
        trial.args.workspace = (vatten_buffer){0};
        gpu_expect(&device, "create", vatten_recorder_create(device.device, &small, &without),
                   VATTEN_SUCCESS);
        gpu_expect(&device, "create", vatten_recorder_create(device.device, &enough, &with), VATTEN_SUCCESS);
        gpu_expect(&device, "begin", vatten_context_begin(device.context, &cmd), VATTEN_SUCCESS);
        gpu_expect(&device, "record without workspace", vatten_record(without, cmd, trial.plan, &trial.args),
                   VATTEN_ERROR_INVALID_ARGUMENT);
        gpu_expect(&device, "record", vatten_record(with, cmd, trial.plan, &trial.args), VATTEN_SUCCESS);
        /* twice: the second must not see the state of the first, and must wait for it */
        gpu_expect(&device, "record again", vatten_record(with, cmd, trial.plan, &trial.args),
                   VATTEN_SUCCESS);
        gpu_expect(&device, "end", vatten_context_end(device.context, NULL), VATTEN_SUCCESS);
        expect_right(&trial);
        vatten_recorder_destroy(with);
        vatten_recorder_destroy(without);
    }
    gpu_trial_end(&trial);
    gpu_check_validation(&device, p.name);
    gpu_assert_clean(&device);
}

/* ---- Wrong arguments ---- */

/* Records with `args`, which must fail with a message and leave the command buffer alone. */
static void expect_refused(const gpu_trial *trial, vatten_recorder *recorder, VkCommandBuffer cmd,
                           const char *what, const vatten_args *args) {
    device.message[0] = '\0';
    gpu_expect(&device, what, vatten_record(recorder, cmd, trial->plan, args), VATTEN_ERROR_INVALID_ARGUMENT);
    if (device.message[0] == '\0') {
        gpu_fail(&device, "%s: refused without a message", what);
    }
    printf("  %-22s %s\n", what, device.message);
}

static void refuse_each_buffer(const gpu_trial *trial, vatten_recorder *recorder, VkCommandBuffer cmd) {
    static const struct {
        const char *name;
        size_t offset;
    } buffers[] = {
        {"q", offsetof(vatten_args, q)},     {"k", offsetof(vatten_args, k)},
        {"v", offsetof(vatten_args, v)},     {"out", offsetof(vatten_args, out)},
        {"lse", offsetof(vatten_args, lse)}, {"workspace", offsetof(vatten_args, workspace)},
    };
    char what[64];
    for (unsigned n = 0; n < COUNT(buffers); ++n) {
        vatten_args args = trial->args;
        vatten_buffer *buffer = (vatten_buffer *)((char *)&args + buffers[n].offset);
        const vatten_buffer good = *buffer;

        snprintf(what, sizeof what, "missing %s", buffers[n].name);
        *buffer = (vatten_buffer){0};
        expect_refused(trial, recorder, cmd, what, &args);
        snprintf(what, sizeof what, "too small %s", buffers[n].name);
        *buffer = good;
        buffer->size = good.size - 1;
        expect_refused(trial, recorder, cmd, what, &args);
        if (trial->info.offset_alignment > 1) {
            snprintf(what, sizeof what, "misaligned %s", buffers[n].name);
            *buffer = good;
            buffer->offset += trial->info.offset_alignment / 2;
            expect_refused(trial, recorder, cmd, what, &args);
        }
    }
}

static void refuse_lengths_and_handles(const gpu_trial *trial, vatten_recorder *recorder,
                                       VkCommandBuffer cmd) {
    vatten_args args = trial->args;
    args.q_len = 41;
    expect_refused(trial, recorder, cmd, "q_len above the plan's", &args);
    args = trial->args;
    args.kv_len = 501;
    expect_refused(trial, recorder, cmd, "kv_len above the plan's", &args);
    gpu_expect(&device, "args NULL", vatten_record(recorder, cmd, trial->plan, NULL),
               VATTEN_ERROR_INVALID_ARGUMENT);
    gpu_expect(&device, "plan NULL", vatten_record(recorder, cmd, NULL, &trial->args),
               VATTEN_ERROR_INVALID_ARGUMENT);
    gpu_expect(&device, "command buffer NULL", vatten_record(recorder, NULL, trial->plan, &trial->args),
               VATTEN_ERROR_INVALID_ARGUMENT);
    gpu_expect(&device, "recorder NULL", vatten_record(NULL, cmd, trial->plan, &trial->args),
               VATTEN_ERROR_INVALID_ARGUMENT);
}

/* Their lengths are in tables and nowhere else. */
static void refuse_lengths_of_sequences(vatten_recorder *recorder, VkCommandBuffer cmd) {
    vatten_attention_desc desc = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 16},
        .q_len = 8,
        .kv_len = 8,
        .lengths = VATTEN_LENGTHS_PACKED,
        .sequences = 2};
    gpu_trial trial = {0};
    gpu_expect(&device, "create", vatten_attention_create(device.device, &desc, &trial.plan), VATTEN_SUCCESS);
    trial.args.q_len = 8; /* not even the same */
    expect_refused(&trial, recorder, cmd, "q_len of sequences", &trial.args);
    assert_non_null(strstr(device.message, "q_len cannot be changed"));
    trial.args.q_len = 0;
    trial.args.kv_len = VATTEN_EMPTY;
    expect_refused(&trial, recorder, cmd, "kv_len of sequences", &trial.args);
    assert_non_null(strstr(device.message, "kv_len cannot be changed"));
    vatten_plan_destroy(trial.plan);
}

/* A plan of one device on a recorder of another. */
static void refuse_other_device(const gpu_trial *trial, vatten_recorder *recorder, VkCommandBuffer cmd) {
    gpu other = {0};
    vatten_plan *plan = NULL;
    assert_int_equal(gpu_open(&other, "a second device", NULL), 0);
    gpu_expect(&other, "create", gpu_plan_create(&other, trial->problem, &plan), VATTEN_SUCCESS);
    gpu_expect(&device, "plan of another device", vatten_record(recorder, cmd, plan, &trial->args),
               VATTEN_ERROR_INVALID_ARGUMENT);
    vatten_plan_destroy(plan);
    assert_int_equal(gpu_close(&other, 0), 0);
}

static void test_wrong_arguments_leave_no_trace(void **state) {
    (void)state;
    gpu_trial trial = {0};
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 40, 500, 2, 1, 16);
    vatten_recorder *recorder = NULL;
    VkCommandBuffer cmd;
    p.dense.heads.max_macs = 50000;
    gpu_name(&p, "wrong arguments");
    if (begin_trial(&device, &p, &trial)) {
        gpu_expect(&device, "create", vatten_recorder_create(device.device, NULL, &recorder), VATTEN_SUCCESS);
        gpu_expect(&device, "begin", vatten_context_begin(device.context, &cmd), VATTEN_SUCCESS);
        refuse_each_buffer(&trial, recorder, cmd);
        refuse_lengths_and_handles(&trial, recorder, cmd);
        refuse_lengths_of_sequences(recorder, cmd);
        refuse_other_device(&trial, recorder, cmd);
        gpu_expect(&device, "end", vatten_context_end(device.context, NULL), VATTEN_SUCCESS);
        expect_untouched(&trial, "refused records");
        vatten_recorder_destroy(recorder);
    }
    gpu_trial_end(&trial);
    gpu_check_validation(&device, p.name);
    gpu_assert_clean(&device);
}

/* ---- Threads ---- */

typedef struct vk_table {
    PFN_vkCreateCommandPool create_pool;
    PFN_vkDestroyCommandPool destroy_pool;
    PFN_vkAllocateCommandBuffers allocate;
    PFN_vkBeginCommandBuffer begin;
    PFN_vkEndCommandBuffer end;
    PFN_vkCmdPipelineBarrier barrier;
    PFN_vkGetDeviceQueue get_queue;
    PFN_vkQueueSubmit submit;
    PFN_vkQueueWaitIdle wait_idle;
} vk_table;

static void load_table(vk_table *vk) {
    PFN_vkGetInstanceProcAddr get = vatten_context_get_instance_proc_addr(device.context);
    VkInstance instance = vatten_context_instance(device.context);
    vk->create_pool = (PFN_vkCreateCommandPool)get(instance, "vkCreateCommandPool");
    vk->destroy_pool = (PFN_vkDestroyCommandPool)get(instance, "vkDestroyCommandPool");
    vk->allocate = (PFN_vkAllocateCommandBuffers)get(instance, "vkAllocateCommandBuffers");
    vk->begin = (PFN_vkBeginCommandBuffer)get(instance, "vkBeginCommandBuffer");
    vk->end = (PFN_vkEndCommandBuffer)get(instance, "vkEndCommandBuffer");
    vk->barrier = (PFN_vkCmdPipelineBarrier)get(instance, "vkCmdPipelineBarrier");
    vk->get_queue = (PFN_vkGetDeviceQueue)get(instance, "vkGetDeviceQueue");
    vk->submit = (PFN_vkQueueSubmit)get(instance, "vkQueueSubmit");
    vk->wait_idle = (PFN_vkQueueWaitIdle)get(instance, "vkQueueWaitIdle");
}

#define WORKERS 2

/* What one thread does: creates plans of the shapes that the other creates too, then records the shared plan.
 */
typedef struct worker {
    const vk_table *vk;
    const vatten_plan *shared;
    vatten_args args;
    uint32_t queue_family;
    VkCommandPool pool;
    VkCommandBuffer cmd;
    vatten_recorder *recorder;
    vatten_result result;
} worker;

static vatten_result create_same_plans(void) {
    for (uint32_t dim = 8; dim <= 48; dim += 8) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 10, 10, 1, 1, dim);
        vatten_plan *plan = NULL;
        vatten_result result = vatten_attention_create(device.device, &p.dense, &plan);
        vatten_plan_destroy(plan);
        if (result != VATTEN_SUCCESS) {
            return result;
        }
    }
    return VATTEN_SUCCESS;
}

static vatten_result open_commands(worker *w) {
    VkDevice dev = vatten_context_vk_device(device.context);
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = w->queue_family};
    VkCommandBufferAllocateInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                          .commandBufferCount = 1};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    if (w->vk->create_pool(dev, &pool, NULL, &w->pool) != VK_SUCCESS) {
        return VATTEN_ERROR_VULKAN;
    }
    buffer.commandPool = w->pool;
    bool good =
        w->vk->allocate(dev, &buffer, &w->cmd) == VK_SUCCESS && w->vk->begin(w->cmd, &begin) == VK_SUCCESS;
    return good ? VATTEN_SUCCESS : VATTEN_ERROR_VULKAN;
}

/* Between two records into the same buffers, which is the caller's to record. */
static void wait_for_writes(const vk_table *vk, VkCommandBuffer cmd) {
    VkMemoryBarrier writes = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                              .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                              .dstAccessMask = VK_ACCESS_SHADER_WRITE_BIT};
    vk->barrier(cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
                &writes, 0, NULL, 0, NULL);
}

static void *work(void *user) {
    worker *w = user;
    w->result = create_same_plans();
    if (w->result == VATTEN_SUCCESS) {
        w->result = open_commands(w);
    }
    if (w->result == VATTEN_SUCCESS) {
        w->result = vatten_recorder_create(device.device, NULL, &w->recorder);
    }
    for (unsigned n = 0; n < 50 && w->result == VATTEN_SUCCESS; ++n) {
        wait_for_writes(w->vk, w->cmd);
        w->result = vatten_record(w->recorder, w->cmd, w->shared, &w->args);
    }
    if (w->cmd) {
        w->vk->end(w->cmd);
    }
    return NULL;
}

static void run_workers(worker *workers) {
    pthread_t threads[WORKERS];
    VkQueue queue;
    for (unsigned n = 0; n < WORKERS; ++n) {
        assert_int_equal(pthread_create(&threads[n], NULL, work, &workers[n]), 0);
    }
    for (unsigned n = 0; n < WORKERS; ++n) {
        pthread_join(threads[n], NULL);
    }
    workers[0].vk->get_queue(vatten_context_vk_device(device.context), workers[0].queue_family, 0, &queue);
    for (unsigned n = 0; n < WORKERS; ++n) {
        VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                               .commandBufferCount = 1,
                               .pCommandBuffers = &workers[n].cmd};
        gpu_expect(&device, "a thread", workers[n].result, VATTEN_SUCCESS);
        if (workers[n].result == VATTEN_SUCCESS) {
            assert_int_equal(workers[n].vk->submit(queue, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
        }
    }
    assert_int_equal(workers[0].vk->wait_idle(queue), VK_SUCCESS);
}

static void test_two_threads_share_a_plan(void **state) {
    (void)state;
    vk_table vk;
    worker workers[WORKERS] = {{0}};
    gpu_trial trials[WORKERS] = {{0}};
    gpu_problem p[WORKERS];
    vatten_context_info info;
    load_table(&vk);
    vatten_context_get_info(device.context, &info);
    for (unsigned n = 0; n < WORKERS; ++n) {
        p[n] = gpu_dense(VATTEN_DTYPE_F32, 25, 60, 2, 1, 16);
        p[n].seed = n + 1;
        gpu_name(&p[n], "thread %u", n);
        assert_true(begin_trial(&device, &p[n], &trials[n]));
        workers[n] = (worker){
            .vk = &vk, .shared = trials[0].plan, .args = trials[n].args, .queue_family = info.queue_family};
    }
    run_workers(workers);
    for (unsigned n = WORKERS; n-- > 0;) {
        expect_right(&trials[n]);
        vatten_recorder_destroy(workers[n].recorder);
        vk.destroy_pool(vatten_context_vk_device(device.context), workers[n].pool, NULL);
    }
    for (unsigned n = WORKERS; n-- > 0;) {
        gpu_trial_end(&trials[n]);
    }
    gpu_check_validation(&device, "two threads");
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorders),
        cmocka_unit_test(test_recorders_without_push_descriptors),
        cmocka_unit_test(test_workspace_from_recorder),
        cmocka_unit_test(test_wrong_arguments_leave_no_trace),
        cmocka_unit_test(test_two_threads_share_a_plan),
    };
    int opened = gpu_open(&device, "test_recording", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
