/* SPDX-License-Identifier: MIT
 *
 * The table of compiled kernels, generated from shaders/kernels.cmake.
 */
#ifndef VT_KERNELS_H
#define VT_KERNELS_H

#include <vatten/vatten.h>

typedef enum vt_map { VT_MAP_DENSE, VT_MAP_NEIGHBORHOOD } vt_map;

typedef struct vt_kernel {
    const char *name;
    vt_map map;
    vatten_dtype dtype;
    vatten_layout layout;
    bool
        full; /* writes LSE and carries state: declares all slots of iface/interface.h, else the first four */
    const uint32_t *code;
    size_t code_size; /* bytes */
} vt_kernel;

extern const vt_kernel vt_kernels[];
extern const uint32_t vt_kernel_count;

/* Index into vt_kernels, or vt_kernel_count if the build has no such kernel. */
uint32_t vt_kernel_find(vt_map map, vatten_dtype dtype, vatten_layout layout, bool full);

/* Whether the build has kernels of a layout at all. */
bool vt_kernels_have(vatten_layout layout);

#endif /* VT_KERNELS_H */
