/* SPDX-License-Identifier: MIT */
#include "caps.h"

#include "quirks.h"
#include "sizes.h"

#include <iface/interface.h>

#include <stdio.h>
#include <string.h>

bool vt_caps_is_cpu(const vt_caps *caps) {
    return caps->device_type == VT_DEVICE_CPU;
}

/* About 50 ms of work for the slower devices of each class: Windows resets a GPU after 2 s, some mobile
 * kernels after 0.5 s. CPU devices have no watchdog, but short dispatches keep an application's other work
 * going. */
static uint64_t default_macs(uint32_t device_type) {
    switch (device_type) {
    case VT_DEVICE_DISCRETE:
        return 100000000000;
    case VT_DEVICE_CPU:
        return 4000000000;
    default:
        return 5000000000;
    }
}

/* Likewise, at 4 bytes each: 40 GB/s, 4 GB/s and 2 GB/s, far below what those classes copy in a row, since much that is
 * moved lies apart. */
static uint64_t default_moves(uint32_t device_type) {
    switch (device_type) {
    case VT_DEVICE_DISCRETE:
        return 500000000;
    case VT_DEVICE_CPU:
        return 25000000;
    default:
        return 50000000;
    }
}

/* What vatten_audit shows for the vendors' compilers. AMD: 256 vector registers. NVIDIA: 255. Mali: 64. V3D: 64, of
 * which addresses take more. Everybody else seen so far has 128: Intel's threads at their narrowest, Apple's 256
 * halves, Adreno. Devices with as little shared memory as Vulkan allows are the smallest of their family (Adreno 610
 * and 702, PowerVR BXS), and divide their few registers among all waves of a workgroup. */
static uint32_t registers_of(const vt_caps *caps) {
    if (caps->shared_bytes <= 16384)
        return 32;
    switch (caps->vendor_id) {
    case VT_VENDOR_AMD:
    case VT_VENDOR_NVIDIA:
        return 255;
    case VT_VENDOR_ARM:
        return 64;
    case VT_VENDOR_BROADCOM:
        return 48;
    default:
        return 128;
    }
}

bool vt_caps_takes_addresses(const vt_caps *caps) {
    return (caps->features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) &&
           caps->push_bytes >= VT_PUSH_BYTES + VT_ADDRESS_PUSH_BYTES;
}

static bool matrix_side(uint32_t side) {
    return side >= 8 && side <= 64 && side % 8 == 0;
}

bool vt_caps_takes_matrix(const vt_matrix *matrix) {
    return matrix_side(matrix->m) && matrix_side(matrix->n) && matrix_side(matrix->k);
}

static bool grain_side(uint32_t side) {
    return side >= 1 && side <= 256 && (side & (side - 1)) == 0;
}

bool vt_caps_takes_flexible(const vt_flexible *flexible) {
    const vt_matrix *grain = &flexible->grain;
    return flexible->invocations > 0 && grain_side(grain->m) && grain_side(grain->n) && grain_side(grain->k);
}

const vt_flexible *vt_caps_flexible(const vt_caps *caps, vatten_dtype dtype, uint32_t *out_count) {
    bool bf16 = dtype == VATTEN_DTYPE_BF16;
    *out_count = bf16 ? caps->bf16_flexible_count : dtype == VATTEN_DTYPE_F16 ? caps->flexible_count : 0;
    return bf16 ? caps->bf16_flexible : caps->flexible;
}

const vt_matrix *vt_caps_matrices(const vt_caps *caps, vatten_dtype dtype, uint32_t *out_count) {
    bool bf16 = dtype == VATTEN_DTYPE_BF16;
    *out_count = bf16 ? caps->bf16_matrix_count : dtype == VATTEN_DTYPE_F16 ? caps->matrix_count : 0;
    return bf16 ? caps->bf16_matrices : caps->matrices;
}

/* A subgroup keeps the outputs of its rows in registers. Intel's compiler, with 128 of them for a lane, spills hundreds
 * at the dims that models use (Mesa 26.2 for Xe HPG and Xe2, with subgroups of any size, 16 or 32 keys, and queries in
 * registers or not); on Arc A others found matrices slower than vector code besides. What a CPU's compiler does not hold
 * is near all the same. */
static bool holds_matrices(const vt_caps *caps) {
    return caps->registers >= 255 || vt_caps_is_cpu(caps);
}

/* The largest product first: fewer instructions for the same work. */
static void sort_matrices(vt_matrix *list, uint32_t count) {
    for (uint32_t i = 1; i < count; ++i)
        for (uint32_t j = i; j > 0; --j) {
            vt_matrix *a = &list[j - 1];
            vt_matrix *b = &list[j];
            if (a->m * a->n * a->k >= b->m * b->n * b->k)
                break;
            const vt_matrix larger = *b;
            *b = *a;
            *a = larger;
        }
}

/* 32 where the device lets one choose, which suits AMD's matrix units better than 64. */
static uint32_t matrix_subgroup_of(const vt_caps *caps) {
    if (caps->matrix_count + caps->bf16_matrix_count == 0 || caps->subgroups == 0)
        return 0;
    if (!caps->subgroup_asked)
        return caps->subgroup_min == caps->subgroup_max ? caps->subgroup_size : 0;
    uint32_t size = caps->subgroup_max < 32 ? caps->subgroup_max : 32;
    return size < caps->subgroup_min ? caps->subgroup_min : size;
}

/* A few for each compute unit, of which nobody tells the number: more than fill a small device cost little. */
static uint32_t default_workgroups(uint32_t device_type) {
    switch (device_type) {
    case VT_DEVICE_DISCRETE:
        return 512;
    case VT_DEVICE_INTEGRATED:
        return 128;
    default:
        return 64;
    }
}

void vt_caps_drop_matrices(vt_caps *caps) {
    caps->matrix_count = caps->bf16_matrix_count = 0;
    caps->flexible_count = caps->bf16_flexible_count = 0;
    caps->matrix_subgroup = 0;
}

vt_caps vt_caps_boundless(const char *name) {
    vt_caps caps = {.storage_range = UINT64_MAX,
                    .features = VATTEN_FEATURE_STORAGE_16BIT,
                    .max_macs = UINT64_MAX,
                    .max_moves = UINT64_MAX};
    snprintf(caps.name, sizeof caps.name, "%s", name);
    return caps;
}

void vt_caps_complete(vt_caps *caps) {
    caps->max_macs = default_macs(caps->device_type);
    caps->max_moves = default_moves(caps->device_type);
    caps->workgroups = default_workgroups(caps->device_type);
    caps->registers = registers_of(caps);
    caps->loop_limit = UINT64_MAX;
    caps->max_dim = VATTEN_MAX_DIM;
    caps->private_quads = UINT32_MAX;
    caps->loads_once = false;
    vt_quirks_settle(caps);
    if (!holds_matrices(caps))
        vt_caps_drop_matrices(caps);
    sort_matrices(caps->matrices, caps->matrix_count);
    sort_matrices(caps->bf16_matrices, caps->bf16_matrix_count);
    caps->matrix_subgroup = matrix_subgroup_of(caps);
}

static uint32_t lower(uint32_t value, uint32_t cap) {
    return cap && cap < value ? cap : value;
}

void vt_caps_lower(vt_caps *caps, const vatten_device_desc *desc) {
    caps->shared_bytes = lower(caps->shared_bytes, desc->cap_shared_bytes);
    caps->invocations = lower(caps->invocations, desc->cap_invocations);
    caps->workgroup_size_x = lower(caps->workgroup_size_x, desc->cap_invocations);
    caps->push_bytes = lower(caps->push_bytes, desc->cap_push_bytes);
    if (desc->cap_storage_range)
        caps->storage_range = vt_min(caps->storage_range, desc->cap_storage_range);
    if (desc->cap_no_subgroups)
        caps->subgroup_ops &= VT_SUBGROUP_BASIC;
    uint32_t quirks;
    vt_quirks_named(desc->cap_quirks, &quirks);
    vt_quirks_pretend(caps, quirks);
}

/* Adds a matrix to a list of them; `invocations` 0 = none to be told. */
static void add_name(const vt_matrix *matrix, uint32_t invocations, char *text, size_t size) {
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, size - used, "%s%ux%ux%u", used ? " " : "", (unsigned)matrix->m,
                             (unsigned)matrix->n, (unsigned)matrix->k);
    if (invocations && used < size)
        snprintf(text + used, size - used, "/%u", (unsigned)invocations);
}

void vt_caps_matrix_names(const vt_caps *caps, vatten_dtype dtype, char *text, size_t size) {
    uint32_t count;
    const vt_matrix *list = vt_caps_matrices(caps, dtype, &count);
    snprintf(text, size, "%s", "");
    for (uint32_t i = 0; i < count; ++i)
        add_name(&list[i], 0, text, size);
}

void vt_caps_flexible_names(const vt_caps *caps, vatten_dtype dtype, char *text, size_t size) {
    uint32_t count;
    const vt_flexible *list = vt_caps_flexible(caps, dtype, &count);
    snprintf(text, size, "%s", "");
    for (uint32_t i = 0; i < count; ++i)
        add_name(&list[i].grain, list[i].invocations, text, size);
}
