/* SPDX-License-Identifier: MIT
 *
 * The table of compiled kernels, generated from shaders/kernels.cmake.
 */
#ifndef VT_KERNELS_H
#define VT_KERNELS_H

#include "unpack.h"

#include <vatten/vatten.h>

/* What a kernel is for. Only VT_TASK_ATTEND has map, layout and io. */
typedef enum vt_task {
    VT_TASK_ATTEND,
    VT_TASK_POOL,
    VT_TASK_POOL_KEEP, /* out in the input's dtype; F16 and BF16 */
    VT_TASK_SCORE,
    VT_TASK_SELECT,
    VT_TASK_MARK,
    VT_TASK_INVERT,
    VT_TASK_SPANS,
    VT_TASK_COMBINE,
    VT_TASK_RANK,
    VT_TASK_TOPK,
    VT_TASK_APPEND_F32, /* dtype is that of the new rows, the task that of the cache */
    VT_TASK_APPEND_F16,
    VT_TASK_APPEND_BF16,
    VT_TASK_APPEND_I8
} vt_task;

typedef enum vt_map { VT_MAP_DENSE, VT_MAP_NEIGHBORHOOD, VT_MAP_LISTS } vt_map;

/* What a kernel has beside q, k, v and out. Those after FULL are full ones too. */
typedef enum vt_io {
    VT_IO_PLAIN, /* nothing: the four buffers that Vulkan guarantees */
    VT_IO_FULL,  /* writes LSE and carries state */
    VT_IO_BIAS,  /* adds a bias to scores */
    VT_IO_RULES, /* reads tables, and may add a bias */
    VT_IO_BYTES, /* the same, of keys and values that are bytes */
    VT_IO_MASS,  /* the same for attention mass, whose rows are queries */
    VT_IO_MASS_BYTES,
    VT_IO_COLUMNS, /* or keys */
    VT_IO_COLUMNS_BYTES,
    VT_IO_LISTS,      /* reads lists where others have a bias */
    VT_IO_LISTS_BIAS, /* reads lists and adds a bias */
    VT_IO_COUNT
} vt_io;

typedef struct vt_kernel {
    const char *name;
    vt_task task;
    vt_map map;
    vatten_dtype dtype;
    vatten_layout layout;
    vt_io io;
    bool wide;          /* of attention: keys and values are f32, whatever the dtype */
    uint32_t packed_at; /* in vt_kernel_pack */
    uint32_t code_size; /* bytes of its SPIR-V */
} vt_kernel;

extern const vt_kernel vt_kernels[];
extern const uint32_t vt_kernel_count;
extern const vt_pack vt_kernel_pack; /* the SPIR-V of them all */

/* SPIR-V of the kernel into code_size bytes; `names` is room for vt_kernel_pack.names words. */
void vt_kernel_code(const vt_kernel *kernel, uint32_t *names, uint32_t *out_code);

/* Index into vt_kernels, or vt_kernel_count if the build has no such kernel: of attention, and of another task. */
uint32_t vt_kernel_find(vt_map map, vatten_dtype dtype, vatten_layout layout, vt_io io, bool wide);
/* `dtype` of the task's input; only pool, score, combine and append have others than F32. */
uint32_t vt_kernel_of_task(vt_task task, vatten_dtype dtype);

/* How many slots of iface/interface.h such a kernel declares: the first ones. */
uint32_t vt_io_slots(vt_io io);

/* Whether the build has kernels of a layout at all, or for a dtype. */
bool vt_kernels_have(vatten_layout layout);
bool vt_kernels_have_dtype(vatten_layout layout, vatten_dtype dtype);

/* Whether kernels of attention mass come in that layout, or AUTO may choose one that they come in. */
bool vt_layout_has_mass(vatten_layout layout);

/* MATRIX, MATRIX2 or MATRIX_WORKGROUP. */
bool vt_layout_has_matrices(vatten_layout layout);

/* PACKED or PACKED_SHARED: products in f16. And these, HALF or MIXED: Q, K and V in f16 in shared memory. */
bool vt_layout_is_packed(vatten_layout layout);
bool vt_layout_stages_f16(vatten_layout layout);

#endif /* VT_KERNELS_H */
