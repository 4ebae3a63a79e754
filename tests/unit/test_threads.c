/* SPDX-License-Identifier: MIT
 *
 * What vatten.h says of threads, on the fake Vulkan: any number of them makes, records and destroys plans of one device, and
 * devices stand side by side. Built once more with all of the library's sources under the thread sanitizer, where it can be.
 */
#define VK_NO_PROTOTYPES
#include "fault_makes.h"
#include "plan_args.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREADS 4
#define TURNS   6
#define RECORDS 2
#define PLANS   13
#define MOST    2000 /* commands of a thread */

/* ---- Logger and allocator, which the library calls from any thread ---- */

static atomic_int words;
static atomic_int alive;

static void count_word(void *user, vatten_log_level level, const char *message) {
    (void)user;
    (void)level;
    (void)message;
    atomic_fetch_add(&words, 1);
}

static void *count_in(void *user, size_t size, size_t alignment) {
    (void)user;
    atomic_fetch_add(&alive, 1);
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void count_out(void *user, void *memory) {
    (void)user;
    atomic_fetch_sub(&alive, 1);
    free(memory);
}

/* ---- Threads ---- */

/* One of several that start together; cmocka's checks are for the thread that joins them. */
typedef struct worker {
    fault_world world; /* `device` is shared or its own */
    pthread_t thread;
    uint32_t place;
    bool failed;
    vatten_plan *plans[PLANS];
    const vatten_args *args; /* of the plan that all record */
    VkCommandBuffer commands;
} worker;

static vt_caps pushing(void) {
    vt_caps caps = unit_caps_desktop();
    caps.storage_buffers = 16;
    caps.features |= VATTEN_FEATURE_PUSH_DESCRIPTOR | VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    return caps;
}

static vt_caps with_sets(void) {
    vt_caps caps = pushing();
    caps.features &= ~(vatten_features)VATTEN_FEATURE_PUSH_DESCRIPTOR;
    return caps;
}

static void make_device(fault_world *world) {
    vatten_device_desc desc = fault_device_desc(world);
    desc.logger = (vatten_logger){.write = count_word};
    desc.allocator = (vatten_allocator){.allocate = count_in, .release = count_out};
    assert_int_equal(vatten_device_create(&desc, &world->device), VATTEN_SUCCESS);
}

/* What one thread does; all of it is told to `failed`. */
typedef void (*task)(worker *self);

static atomic_uint waiting; /* until all are there, so that they meet */

typedef struct start {
    task run;
    worker *self;
} start;

static void *enter(void *user) {
    const start *begin = user;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        sched_yield();
    begin->run(begin->self);
    return NULL;
}

static void run_together(worker *workers, task run) {
    start starts[THREADS];
    atomic_store(&waiting, THREADS);
    for (uint32_t i = 0; i < THREADS; ++i) {
        workers[i].place = i;
        starts[i] = (start){run, &workers[i]};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, enter, &starts[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; ++i) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_false(workers[i].failed);
    }
}

/* ---- Plans ---- */

/* Each thread begins with another, so that different and equal ones are made at the same time. */
static void make_plans(worker *self) {
    for (uint32_t i = 0; i < PLANS; ++i) {
        uint32_t n = (i + self->place * 3) % PLANS;
        self->world.plan = NULL;
        self->failed |= fault_plans[n].act(&self->world) != VATTEN_SUCCESS;
        self->plans[n] = self->world.plan;
    }
}

static void drop_plans(worker *self) {
    for (uint32_t n = 0; n < PLANS; ++n)
        vatten_plan_destroy(self->plans[n]);
}

static void make_and_drop(worker *self) {
    for (uint32_t turn = 0; turn < TURNS; ++turn) {
        make_plans(self);
        drop_plans(self);
    }
}

static uint32_t pipelines_made(void) {
    uint32_t made = 0;
    for (uint32_t n = 1; n <= fake_calls(); ++n)
        made += strcmp(fake_call_name(n), "vkCreateComputePipelines") == 0;
    return made;
}

/* The fake of these limits with one device for all. */
static void share_device(worker *workers, const vt_caps *caps) {
    memset(workers, 0, THREADS * sizeof *workers);
    assert_int_equal(fault_plan_count, PLANS);
    fault_begin(&workers[0].world, caps);
    make_device(&workers[0].world);
    for (uint32_t i = 1; i < THREADS; ++i)
        workers[i].world = workers[0].world;
}

static void end_shared(worker *workers) {
    vatten_device_destroy(workers[0].world.device);
    assert_int_equal(atomic_load(&alive), 0);
    fault_end(&workers[0].world, "threads");
}

/* What one compiles the others find: as many pipelines as one thread makes. */
static void plans_are_made_at_once(void **state) {
    static worker workers[THREADS];
    const vt_caps caps = pushing();
    (void)state;
    share_device(workers, &caps);
    make_plans(&workers[0]);
    uint32_t alone = pipelines_made();
    drop_plans(&workers[0]);
    end_shared(workers);
    share_device(workers, &caps);
    run_together(workers, make_plans);
    assert_int_equal(pipelines_made(), alone);
    assert_true(atomic_load(&words) > 0);
    for (uint32_t i = 0; i < THREADS; ++i)
        drop_plans(&workers[i]);
    end_shared(workers);
}

static void plans_come_and_go(void **state) {
    static worker workers[THREADS];
    const vt_caps caps = with_sets();
    (void)state;
    share_device(workers, &caps);
    run_together(workers, make_and_drop);
    end_shared(workers);
}

/* ---- Records ---- */

/* A recorder and a command buffer of its own; the plan and its buffers are all threads'. */
static void record_plan(worker *self) {
    vatten_recorder *recorder = NULL;
    vatten_plan_info info;
    self->failed |= vatten_recorder_create(self->world.device, NULL, &recorder) != VATTEN_SUCCESS;
    for (uint32_t turn = 0; turn < RECORDS && !self->failed; ++turn) {
        vatten_plan_get_info(self->world.plan, &info);
        vatten_recorder_reset(recorder);
        self->failed |=
            vatten_record(recorder, self->commands, self->world.plan, self->args) != VATTEN_SUCCESS;
    }
    vatten_recorder_destroy(recorder);
}

/* The commands of one buffer, without its name. */
static uint32_t commands_into(VkCommandBuffer into, fake_command *out) {
    const fake_command *commands;
    uint32_t count = fake_commands(&commands), found = 0;
    for (uint32_t i = 0; i < count; ++i)
        if (commands[i].into == into) {
            assert_in_range(found, 0, MOST - 1);
            out[found] = commands[i];
            out[found++].into = VK_NULL_HANDLE;
        }
    return found;
}

static void equal_records(const worker *workers) {
    static fake_command first[MOST], other[MOST];
    uint32_t count = commands_into(workers[0].commands, first);
    assert_true(count >= 3 * RECORDS);
    for (uint32_t i = 1; i < THREADS; ++i) {
        assert_int_equal(commands_into(workers[i].commands, other), count);
        assert_memory_equal(other, first, count * sizeof first[0]);
    }
}

static void record_at_once(uint32_t n, const vt_caps *caps) {
    static worker workers[THREADS];
    vatten_plan_info info;
    share_device(workers, caps);
    assert_int_equal(fault_plans[n].act(&workers[0].world), VATTEN_SUCCESS);
    vatten_plan_get_info(workers[0].world.plan, &info);
    const VkDevice device = workers[0].world.things.device;
    const vatten_args args = plan_args(device, &info);
    for (uint32_t i = 0; i < THREADS; ++i) {
        workers[i].world.plan = workers[0].world.plan;
        workers[i].args = &args;
        workers[i].commands = fake_command_buffer(device);
    }
    run_together(workers, record_plan);
    equal_records(workers);
    vatten_plan_destroy(workers[0].world.plan);
    end_shared(workers);
}

static void one_plan_is_recorded_at_once(void **state) {
    const vt_caps caps[] = {pushing(), with_sets()};
    (void)state;
    for (uint32_t n = 0; n < PLANS; ++n)
        for (size_t i = 0; i < sizeof caps / sizeof caps[0]; ++i)
            record_at_once(n, &caps[i]);
}

/* ---- Devices ---- */

static void live_alone(worker *self) {
    vatten_plan_info info;
    make_plans(self);
    for (uint32_t n = 0; n < PLANS && !self->failed; ++n) {
        self->world.plan = self->plans[n];
        vatten_plan_get_info(self->world.plan, &info);
        const vatten_args args = plan_args(self->world.things.device, &info);
        self->args = &args;
        self->commands = self->world.things.commands;
        record_plan(self);
    }
    drop_plans(self);
    vatten_device_destroy(self->world.device);
}

static void devices_stand_side_by_side(void **state) {
    static worker workers[THREADS];
    const vt_caps caps = with_sets();
    (void)state;
    share_device(workers, &caps);
    for (uint32_t i = 1; i < THREADS; ++i) {
        workers[i].world.things = fake_make();
        make_device(&workers[i].world);
    }
    run_together(workers, live_alone);
    assert_int_equal(atomic_load(&alive), 0);
    fault_end(&workers[0].world, "devices");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_made_at_once),
        cmocka_unit_test(plans_come_and_go),
        cmocka_unit_test(one_plan_is_recorded_at_once),
        cmocka_unit_test(devices_stand_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
