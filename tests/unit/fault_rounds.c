/* SPDX-License-Identifier: MIT */
#include "fault_rounds.h"

#include <stdlib.h>

#define MOST_ROUNDS 3000u

static uint32_t injected;
static uint32_t survived;

static void *allocate(void *user, size_t size, size_t alignment) {
    fault_host *host = user;
    assert_true(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= 64);
    if (++host->calls == host->fail_at)
        return NULL;
    void *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 0xa5, size); /* what vatten does not write must not be relied on */
    ++host->alive;
    return memory;
}

static void release(void *user, void *memory) {
    fault_host *host = user;
    assert_non_null(memory);
    --host->alive;
    free(memory);
}

vatten_allocator fault_allocator(fault_host *host) {
    return (vatten_allocator){allocate, release, host};
}

void fault_begin(fault_world *world, const vt_caps *caps) {
    memset(world, 0, sizeof *world);
    fake_start(caps);
    world->caps = caps;
    world->things = fake_make();
    unit_log_start(&world->said);
}

void fault_end(fault_world *world, const char *name) {
    if (world->host.alive != 0 || fake_alive() != 0 || fake_complaint())
        fail_msg("%s: %u blocks of memory and %u Vulkan objects leaked; %s", name, world->host.alive,
                 fake_alive(), fake_complaint() ? fake_complaint() : "no complaint");
}

/* One fault of a round: what fails, and what came of it. */
typedef struct strike {
    const char *name; /* of the round */
    const char *call; /* NULL: host memory */
    uint32_t n;
    uint32_t times; /* calls from the n-th on that fail */
    VkResult failure;
    vatten_result result;
} strike;

static vatten_result expected(const strike *s) {
    if (s->failure > 0) /* a list that is not whole, or something to wait for */
        return VATTEN_SUCCESS;
    if (!s->call || s->failure == VK_ERROR_OUT_OF_HOST_MEMORY)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    return s->failure == VK_ERROR_OUT_OF_DEVICE_MEMORY || s->failure == VK_ERROR_OUT_OF_POOL_MEMORY
               ? VATTEN_ERROR_OUT_OF_DEVICE_MEMORY
               : VATTEN_ERROR_VULKAN;
}

static void check_result(const strike *s, const fault_round *round, const fault_world *world) {
    vatten_result usual = expected(s);
    bool right = round->right ? round->right(s->call, s->failure, s->result, usual) : s->result == usual;
    if (!right)
        fail_msg("%s: call %u (%s) failing with %d gave %s", s->name, s->n, s->call ? s->call : "allocate",
                 (int)s->failure, vatten_result_name(s->result));
    if (s->call && s->result != VATTEN_SUCCESS && world->said.level != VATTEN_LOG_ERROR)
        fail_msg("%s: call %u (%s) failing with %d was not told", s->name, s->n, s->call, (int)s->failure);
}

static void prepare(fault_world *world, const fault_round *round, const vt_caps *caps) {
    fault_begin(world, caps);
    if (round->prepare)
        assert_int_equal(round->prepare(world), VATTEN_SUCCESS);
    world->host.calls = 0;
    fake_fail(0, 0, VK_SUCCESS);
}

/* What was not made must not be handed out: a NULL that was not written would hide it. */
static vatten_result act(fault_world *world, const fault_round *round, strike *s) {
    static int poison;
    void **out = round->out ? round->out(world) : NULL;
    if (out)
        *out = &poison;
    s->result = round->act(world);
    if (out && s->result != VATTEN_SUCCESS && *out)
        fail_msg("%s: call %u failing with %d left something in the out pointer", s->name, s->n,
                 (int)s->failure);
    return s->result;
}

/* The same call works once nothing fails any more, unless the device is lost. */
static void again(fault_world *world, const fault_round *round, strike *s) {
    world->host.fail_at = 0;
    if (s->failure == VK_ERROR_DEVICE_LOST)
        return;
    fake_fail(0, 0, VK_SUCCESS);
    if (act(world, round, s) != VATTEN_SUCCESS)
        fail_msg("%s: after call %u (%s) failed with %d it gives %s for ever", s->name, s->n,
                 s->call ? s->call : "allocate", (int)s->failure, vatten_result_name(s->result));
}

static void one_round(const fault_round *round, const vt_caps *caps, strike *s) {
    fault_world world;
    prepare(&world, round, caps);
    if (s->call)
        fake_fail(s->n, s->times, s->failure);
    else
        world.host.fail_at = s->n;
    act(&world, round, s);
    bool struck = s->call ? fake_failed() > 0 : world.host.calls >= s->n;
    if (struck) {
        ++injected;
        check_result(s, round, &world);
    } else {
        assert_int_equal(s->result, VATTEN_SUCCESS);
    }
    if (s->result != VATTEN_SUCCESS)
        again(&world, round, s);
    round->drop(&world);
    fault_end(&world, s->name);
    survived += struck;
}

/* How many calls a round makes when nothing fails; `out_calls` gets their numbers' names and errors. */
static void clean_round(const fault_round *round, const vt_caps *caps, uint32_t *out_calls,
                        uint32_t *out_allocations) {
    fault_world world;
    strike s = {.name = round->name};
    prepare(&world, round, caps);
    if (act(&world, round, &s) != VATTEN_SUCCESS)
        fail_msg("%s: gives %s without a fault: %s", round->name, vatten_result_name(s.result),
                 world.said.text);
    *out_calls = fake_calls();
    *out_allocations = world.host.calls;
    round->drop(&world);
    fault_end(&world, round->name);
}

void fault_every(const fault_round *round, const vt_caps *caps) {
    struct {
        const char *name;
        const VkResult *errors;
    } calls[MOST_ROUNDS];
    uint32_t count, allocations;
    clean_round(round, caps, &count, &allocations);
    assert_in_range(count, 0, MOST_ROUNDS);
    for (uint32_t n = 1; n <= count; ++n) {
        calls[n - 1].name = fake_call_name(n);
        calls[n - 1].errors = fake_call_errors(n);
    }
    for (uint32_t n = 1; n <= count; ++n) {
        strike s = {.name = round->name, .call = calls[n - 1].name, .n = n, .times = 1};
        for (const VkResult *error = calls[n - 1].errors; *error != VK_SUCCESS; ++error) {
            s.failure = *error;
            one_round(round, caps, &s);
        }
        s.times = UINT32_MAX; /* and nothing works any more */
        s.failure = VK_ERROR_OUT_OF_HOST_MEMORY;
        one_round(round, caps, &s);
    }
    for (uint32_t n = 1; n <= allocations; ++n)
        one_round(round, caps, &(strike){.name = round->name, .n = n});
}

void fault_print(const char *program) {
    printf("%s: faults injected %u, survived %u\n", program, injected, survived);
}
