/* SPDX-License-Identifier: MIT
 *
 * What every Vulkan layer has to do before it does anything of its own: find who comes next, pass creation on, and answer
 * the loader. One layer links this once; its own functions stand in a table that it gives.
 */
#ifndef TESTS_LAYER_CHAIN_H
#define TESTS_LAYER_CHAIN_H

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <stddef.h>

/* What the layer puts in place of the next one's function of that name. */
typedef struct layer_function {
    const char *name;
    PFN_vkVoidFunction function;
} layer_function;

typedef struct layer {
    const layer_function *functions;
    size_t function_count;
    void (*instance_created)(VkInstance instance); /* NULL: nothing to do */
} layer;

/* The layer's own, defined by it. */
extern const layer layer_self;

/* The next one's function; NULL where it has none. Of a device only once there is one. One process opens its instances and
 * devices one after the other, and what the next one returns for them is the same function: none is kept by handle. */
PFN_vkVoidFunction layer_next_of_instance(VkInstance instance, const char *name);
PFN_vkVoidFunction layer_next_of_device(VkDevice device, const char *name);

#endif /* TESTS_LAYER_CHAIN_H */
