/* SPDX-License-Identifier: MIT
 *
 * Devices with less, pretended: the words of VATTEN_TEST_CAPS, which gpu_open applies to whatever it opens.
 */
#ifndef VATTEN_GPU_CAPS_H
#define VATTEN_GPU_CAPS_H

#include <vatten/context.h>

/* Lowers `desc` by a list of words, separated by commas:
 *
 *   no_subgroups          no subgroup operations
 *   shared=BYTES          shared memory of a workgroup
 *   invocations=COUNT     invocations of a workgroup
 *   range=BYTES           what one binding may hold
 *   push=BYTES            push constants
 *   quirks=NAMES          those of vatten_quirk_get, separated by spaces
 *   without=FEATURE       storage_16bit, push_descriptor, subgroup_size_control and others; may stand several times
 *
 * What `desc` asks for is never raised; names of quirks stay until the next call. False for a word that is none of these: `wrong` then holds a message
 * and `desc` is unchanged. */
bool gpu_caps_lower(vatten_context_desc *desc, const char *words, char *wrong, size_t wrong_size);

/* Whether the device that was opened with `desc` keeps its caps. */
bool gpu_caps_kept(const vatten_context_desc *desc, const vatten_device_info *limits);

#endif /* VATTEN_GPU_CAPS_H */
