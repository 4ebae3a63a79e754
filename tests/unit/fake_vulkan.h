/* SPDX-License-Identifier: MIT
 *
 * A Vulkan that runs nothing, for tests: no driver, no memory, no time. Every object stands in a table and is missed if it
 * leaks, every command is kept as plain numbers, every call that may fail can be made to. What it is asked against the rules of
 * Vulkan is a complaint. Buffers may have any size. Calls may come from several threads; the functions below are for one.
 */
#ifndef VATTEN_FAKE_VULKAN_H
#define VATTEN_FAKE_VULKAN_H

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include "newvulkan/newvulkan.h"

#include "caps.h"

/* Forgets everything: from now on there is one physical device with these limits. `features` of the caps are what it has;
 * what vt_caps_complete derives is not looked at. */
void fake_start(const vt_caps *caps);

PFN_vkVoidFunction VKAPI_CALL fake_get_instance_proc_addr(VkInstance instance, const char *name);

/* From now on the loader does not know the function; NULL: it knows all. */
void fake_hide(const char *name);

/* Of VK_NV_cooperative_matrix2, where the caps do not say it exactly enough. */
typedef struct fake_matrix_2 {
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV features;
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV properties;
    VkCooperativeMatrixFlexibleDimensionsPropertiesNV list[8];
    uint32_t count;
} fake_matrix_2;

/* Until fake_start; it is read at each call. */
void fake_have_matrix_2(const fake_matrix_2 *matrix);

/* ---- What the test itself brings: not counted as alive ---- */

typedef struct fake_things {
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device;
    VkCommandBuffer commands; /* recording */
} fake_things;

/* Those of an application. Each call makes a device and a command buffer of its own, the physical device is the one. */
fake_things fake_make(void);

VkBuffer fake_buffer(VkDevice device, uint64_t size);

/* Recording. */
VkCommandBuffer fake_command_buffer(VkDevice device);

/* ---- Objects and rules ---- */

/* Objects that are not destroyed. */
uint32_t fake_alive(void);

/* The first rule that was broken, in words; NULL: none was. */
const char *fake_complaint(void);

/* Memories that were ever imported from Android's hardware buffers. */
uint32_t fake_imported(void);

/* Pipelines that were ever made without optimization. */
uint32_t fake_plain_pipelines(void);

/* ---- Calls that may fail ---- */

/* Those with a VkResult since fake_start or fake_fail, of whatever function. */
uint32_t fake_calls(void);

/* "vkCreateBuffer": the function of the n-th such call, from 1. */
const char *fake_call_name(uint32_t n);

/* The errors that the specification allows the function, VK_ERROR_DEVICE_LOST (which drivers give where they like) and
 * VK_ERROR_UNKNOWN; ends with VK_SUCCESS. VK_INCOMPLETE, VK_TIMEOUT and VK_NOT_READY are among them. */
const VkResult *fake_call_errors(uint32_t n);

/* Counts calls anew: the n-th, from 1, and those after it, `times` in all, return `result`. n = 0: none does. After
 * VK_ERROR_DEVICE_LOST all later calls of any device return that, until fake_start. */
void fake_fail(uint32_t n, uint32_t times, VkResult result);

/* Counts anew: every call of a function returns `result`. */
void fake_fail_all(const char *name, VkResult result);

/* Calls that were made to fail since then; of VK_INCOMPLETE those that fill a list. */
uint32_t fake_failed(void);

/* ---- Commands ---- */

typedef enum fake_op {
    FAKE_BIND_PIPELINE = 1,
    FAKE_BIND_BUFFERS, /* by a set or pushed */
    FAKE_PUSH,
    FAKE_DISPATCH,
    FAKE_BARRIER,
    FAKE_COPY,
    FAKE_RESET_QUERIES,
    FAKE_TIMESTAMP
} fake_op;

#define FAKE_BUFFERS 8u
#define FAKE_PUSHED  256u

/* Members that an op does not have are zero. */
typedef struct fake_command {
    fake_op op;
    VkCommandBuffer into;
    VkPipeline pipeline;
    uint32_t count; /* of buffers */
    VkDescriptorBufferInfo buffers[FAKE_BUFFERS];
    uint32_t offset; /* of push constants */
    uint32_t size;
    unsigned char bytes[FAKE_PUSHED];
    uint32_t groups[3];
} fake_command;

/* All since fake_start, in order. Returns how many. */
uint32_t fake_commands(const fake_command **out);

#endif /* VATTEN_FAKE_VULKAN_H */
