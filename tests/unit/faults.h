/* SPDX-License-Identifier: MIT
 *
 * A vkGetInstanceProcAddr that stands between vatten and the driver: counts the objects that are made and
 * destroyed, and makes chosen calls fail or functions missing. One device, one thread.
 */
#ifndef VATTEN_FAULTS_H
#define VATTEN_FAULTS_H

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#define FAULTS_ALL (-1)

/* The real loader. */
void faults_wrap(PFN_vkGetInstanceProcAddr real);

/* Forgets all counts; call `fail_at` (from 1, FAULTS_ALL = each) of `function` will return `result`. NULL:
 * none fails. */
void faults_start(const char *function, int fail_at, int32_t result);

/* From now on the loader does not know the function; ends with the next faults_start. */
void faults_hide(const char *function);

int faults_calls(void); /* of the function that fails, since faults_start */
int faults_alive(void); /* objects made and not destroyed, since faults_start */

PFN_vkVoidFunction VKAPI_CALL faults_get_instance_proc_addr(VkInstance instance, const char *name);

#endif /* VATTEN_FAULTS_H */
