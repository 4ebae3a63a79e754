/* SPDX-License-Identifier: MIT
 *
 * The fake Vulkan's memory: what is alive, which calls there were and which fail, what was recorded.
 */
#include "fake_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OBJECTS  65536u
#define MOST_COMMANDS 65536u
#define MOST_CALLS    32768u
#define MOST_ERRORS   9u

fake_object fake_physical;
fake_object fake_queue;

static vt_caps caps;
static const char *hidden;

static fake_object objects[MOST_OBJECTS];
static atomic_uint object_count;

static char complaint[256];
static atomic_flag complained = ATOMIC_FLAG_INIT;

static fake_command commands[MOST_COMMANDS];
static atomic_uint command_count;

static uint16_t calls[MOST_CALLS + 1];
static atomic_uint call_count;
static atomic_uint failed_count;
static atomic_bool lost;
static uint32_t fail_first, fail_times;
static int fail_function = -1;
static VkResult fail_result;

static uint32_t used(atomic_uint *count, uint32_t most) {
    uint32_t n = atomic_load(count);
    return n < most ? n : most;
}

void fake_start(const vt_caps *of) {
    uint32_t count = used(&object_count, MOST_OBJECTS);
    for (uint32_t i = 0; i < count; ++i)
        free(objects[i].mapped);
    memset(objects, 0, count * sizeof objects[0]);
    memset(commands, 0, used(&command_count, MOST_COMMANDS) * sizeof commands[0]);
    atomic_store(&object_count, 0);
    atomic_store(&command_count, 0);
    atomic_store(&lost, false);
    atomic_flag_clear(&complained);
    complaint[0] = '\0';
    caps = *of;
    hidden = NULL;
    fake_have_matrix_2(NULL);
    fake_fail(0, 0, VK_SUCCESS);
}

const vt_caps *fake_caps(void) {
    return &caps;
}

void fake_hide(const char *name) {
    hidden = name;
}

bool fake_hidden(const char *name) {
    return hidden && strcmp(hidden, name) == 0;
}

void fake_complain(const char *format, ...) {
    if (atomic_flag_test_and_set(&complained))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(complaint, sizeof complaint, format, args);
    va_end(args);
}

const char *fake_complaint(void) {
    return complaint[0] ? complaint : NULL;
}

/* ---- Objects ---- */

fake_object *fake_add(fake_kind kind, fake_object *owner) {
    uint32_t place = atomic_fetch_add(&object_count, 1);
    if (place >= MOST_OBJECTS) {
        fprintf(stderr, "fake: more than %u objects since fake_start\n", MOST_OBJECTS);
        abort();
    }
    objects[place].owner = owner;
    atomic_store(&objects[place].kind, kind);
    return &objects[place];
}

static bool is_ours(const fake_object *object) {
    return object >= objects && object < objects + MOST_OBJECTS &&
           ((uintptr_t)object - (uintptr_t)objects) % sizeof *object == 0;
}

fake_object *fake_find(fake_object *object, fake_kind kind, const fake_object *owner, const char *call) {
    if (!is_ours(object) || atomic_load(&object->kind) != kind) {
        bool gone = is_ours(object) && atomic_load(&object->kind) == FAKE_GONE;
        fake_complain("%s: a handle of kind %d is %s", call, (int)kind, gone ? "destroyed" : "none");
        return NULL;
    }
    if (owner && object->owner != owner) {
        fake_complain("%s: an object of kind %d is of another owner", call, (int)kind);
        return NULL;
    }
    return object;
}

/* Pools take what was allocated from them along; a device must have lost all before. */
static void remove_owned(const fake_object *owner, fake_kind kind, const char *call) {
    bool pool = kind == FAKE_DESCRIPTOR_POOL || kind == FAKE_COMMAND_POOL;
    if (!pool && kind != FAKE_DEVICE && kind != FAKE_INSTANCE)
        return;
    uint32_t count = used(&object_count, MOST_OBJECTS);
    for (uint32_t i = 0; i < count; ++i) {
        fake_kind owned = atomic_load(&objects[i].kind);
        if (owned == FAKE_GONE || owned == FAKE_NONE || objects[i].owner != owner)
            continue;
        if (!pool && !objects[i].given)
            fake_complain("%s: an object of kind %d is still alive", call, (int)owned);
        atomic_store(&objects[i].kind, FAKE_GONE);
    }
}

void fake_remove(fake_object *object, fake_kind kind, const fake_object *owner, const char *call) {
    if (!object || !fake_find(object, kind, owner, call))
        return;
    remove_owned(object, kind, call);
    atomic_store(&object->kind, FAKE_GONE);
}

uint32_t fake_alive(void) {
    uint32_t count = used(&object_count, MOST_OBJECTS), alive = 0;
    for (uint32_t i = 0; i < count; ++i) {
        fake_kind kind = atomic_load(&objects[i].kind);
        alive += kind != FAKE_NONE && kind != FAKE_GONE && !objects[i].given;
    }
    return alive;
}

/* ---- Calls that may fail ---- */

static const struct {
    const char *name;
    VkResult errors[MOST_ERRORS];
} functions[FAKE_CALL_COUNT] = {
#define ROW(NAME, ...) {"vk" #NAME, {VK_ERROR_UNKNOWN, VK_ERROR_DEVICE_LOST, __VA_ARGS__, VK_SUCCESS}},
    FAKE_FALLIBLE(ROW)
#undef ROW
};

static void count_anew(void) {
    atomic_store(&call_count, 0);
    atomic_store(&failed_count, 0);
    fail_first = fail_times = 0;
    fail_function = -1;
}

void fake_fail(uint32_t n, uint32_t times, VkResult result) {
    count_anew();
    fail_first = n;
    fail_times = n ? times : 0;
    fail_result = result;
}

void fake_fail_all(const char *name, VkResult result) {
    count_anew();
    fail_result = result;
    for (int i = 0; i < FAKE_CALL_COUNT; ++i)
        if (strcmp(functions[i].name, name) == 0)
            fail_function = i;
    if (fail_function < 0)
        fake_complain("fake_fail_all: %s is none", name);
}

uint32_t fake_calls(void) {
    return atomic_load(&call_count);
}

uint32_t fake_failed(void) {
    return atomic_load(&failed_count);
}

const char *fake_call_name(uint32_t n) {
    return functions[calls[n]].name;
}

const VkResult *fake_call_errors(uint32_t n) {
    return functions[calls[n]].errors;
}

static bool of_instance(fake_fallible call) {
    return call < FAKE_CALL_CreateDevice;
}

static VkResult enter(fake_fallible call, bool may_be_incomplete) {
    uint32_t n = atomic_fetch_add(&call_count, 1) + 1;
    if (n <= MOST_CALLS)
        calls[n] = (uint16_t)call;
    else
        fake_complain("more than %u calls", MOST_CALLS);
    if (atomic_load(&lost) && !of_instance(call))
        return VK_ERROR_DEVICE_LOST;
    bool strikes = (n >= fail_first && n - fail_first < fail_times) || (int)call == fail_function;
    bool may_be = fail_result == VK_INCOMPLETE          ? may_be_incomplete
                  : fail_result == VK_ERROR_DEVICE_LOST ? !of_instance(call)
                                                        : true;
    if (!strikes || !may_be)
        return VK_SUCCESS;
    atomic_fetch_add(&failed_count, 1);
    if (fail_result == VK_ERROR_DEVICE_LOST)
        atomic_store(&lost, true);
    return fail_result;
}

VkResult fake_enter(fake_fallible call) {
    return enter(call, false);
}

VkResult fake_enter_list(fake_fallible call, uint32_t have, bool filled, uint32_t *count, uint32_t *fill) {
    VkResult result = enter(call, filled && have > 0);
    *fill = 0;
    if (result < 0)
        return result;
    if (!filled) {
        *count = have;
        return VK_SUCCESS;
    }
    uint32_t most = result == VK_INCOMPLETE ? have - 1 : have;
    *fill = *count < most ? *count : most;
    *count = *fill;
    return *fill < have ? VK_INCOMPLETE : VK_SUCCESS;
}

/* ---- Commands ---- */

fake_command *fake_log(VkCommandBuffer into, fake_op op, const char *call) {
    static fake_command lost_command;
    const fake_object *buffer = fake_find(FAKE_OBJECT(into), FAKE_COMMAND_BUFFER, NULL, call);
    if (buffer && !buffer->recording)
        fake_complain("%s: the command buffer is not recording", call);
    uint32_t place = atomic_fetch_add(&command_count, 1);
    if (place >= MOST_COMMANDS) {
        fake_complain("more than %u commands", MOST_COMMANDS);
        return &lost_command;
    }
    commands[place].op = op;
    commands[place].into = into;
    return &commands[place];
}

uint32_t fake_commands(const fake_command **out) {
    if (out)
        *out = commands;
    return used(&command_count, MOST_COMMANDS);
}
