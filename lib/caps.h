/* SPDX-License-Identifier: MIT
 *
 * What a device can do, as plain numbers. Filled by probe.c from Vulkan, or by tests from recorded profiles.
 */
#ifndef VT_CAPS_H
#define VT_CAPS_H

#include <vatten/vatten.h>

/* Values as Vulkan numbers them, so that probe.c copies and this room needs no Vulkan header. */
enum {
    VT_DEVICE_OTHER = 0,
    VT_DEVICE_INTEGRATED = 1,
    VT_DEVICE_DISCRETE = 2,
    VT_DEVICE_VIRTUAL = 3,
    VT_DEVICE_CPU = 4,
    VT_DRIVER_AMD = 1,           /* VK_DRIVER_ID_AMD_PROPRIETARY */
    VT_DRIVER_AMDVLK = 2,        /* VK_DRIVER_ID_AMD_OPEN_SOURCE */
    VT_DRIVER_INTEL_WINDOWS = 5, /* VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS */
    VT_DRIVER_ANV = 6,           /* VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA */
    VT_DRIVER_IMAGINATION = 7,   /* VK_DRIVER_ID_IMAGINATION_PROPRIETARY */
    VT_DRIVER_QUALCOMM = 8,      /* VK_DRIVER_ID_QUALCOMM_PROPRIETARY */
    VT_DRIVER_LLVMPIPE = 13,     /* VK_DRIVER_ID_MESA_LLVMPIPE */
    VT_DRIVER_MOLTENVK = 14,     /* VK_DRIVER_ID_MOLTENVK */
    VT_DRIVER_TURNIP = 18,       /* VK_DRIVER_ID_MESA_TURNIP */
    VT_DRIVER_V3DV = 19,         /* VK_DRIVER_ID_MESA_V3DV */
    VT_DRIVER_PANVK = 20,        /* VK_DRIVER_ID_MESA_PANVK */
    VT_DRIVER_NVK = 24,          /* VK_DRIVER_ID_MESA_NVK */
    VT_DRIVER_POWERVR = 25,      /* VK_DRIVER_ID_IMAGINATION_OPEN_SOURCE_MESA */
    VT_VENDOR_AMD = 0x1002,      /* of the PCI list, as vendorID has it */
    VT_VENDOR_IMAGINATION = 0x1010,
    VT_VENDOR_NVIDIA = 0x10de,
    VT_VENDOR_ARM = 0x13b5,
    VT_VENDOR_BROADCOM = 0x14e4,
    VT_VENDOR_QUALCOMM = 0x5143,
    VT_VENDOR_INTEL = 0x8086,
    VT_SUBGROUP_BASIC = 1, /* VkSubgroupFeatureFlagBits */
    VT_SUBGROUP_SHUFFLE = 16,
    VT_MATRICES_MAX = 8,
    VT_FLEXIBLE_MAX = 16
};

/* A product of cooperative matrices, [m, k] x [k, n]: factors of 16 bits, f32 sums, made by one subgroup. */
typedef struct vt_matrix {
    uint32_t m;
    uint32_t n;
    uint32_t k;
} vt_matrix;

/* Matrices of a whole workgroup of `invocations`, whose sides are multiples of the grain's. */
typedef struct vt_flexible {
    vt_matrix grain;
    uint32_t invocations;
} vt_flexible;

typedef struct vt_caps {
    char name[256];
    uint32_t device_type;
    uint32_t vendor_id;
    uint32_t device_id; /* the vendor's number of the device */
    uint32_t driver_id;
    uint32_t driver_version;
    char driver_info[256]; /* version of the driver as it tells it; "" = it does not */
    uint32_t api_version;
    uint32_t subgroup_size;
    uint32_t subgroup_min; /* = subgroup_max = subgroup_size where the driver may not vary it */
    uint32_t subgroup_max;
    uint32_t subgroup_ops; /* VT_SUBGROUP_* bits that work in compute shaders */
    bool subgroup_asked;   /* a compute pipeline may ask for its subgroup size */
    uint32_t subgroups;    /* most full ones of a workgroup; 0 = full ones cannot be had */
    uint32_t matrix_count;
    vt_matrix matrices[VT_MATRICES_MAX]; /* those that vt_caps_takes_matrix accepts */
    uint32_t bf16_matrix_count;
    vt_matrix bf16_matrices[VT_MATRICES_MAX]; /* the same of bf16 */
    uint32_t flexible_count;
    vt_flexible flexible[VT_FLEXIBLE_MAX]; /* those that vt_caps_takes_flexible accepts */
    uint32_t bf16_flexible_count;
    vt_flexible bf16_flexible[VT_FLEXIBLE_MAX]; /* the same of bf16 */
    uint32_t matrix_side_max;                   /* of matrices of a workgroup */
    uint32_t matrix_reserved;                   /* bytes of shared memory that the driver takes for those */
    uint32_t matrix_subgroup; /* subgroup size of kernels with matrices; derived, 0 = none is sure */
    /* 32-bit ones that a lane may use before the compiler spills; derived, rounded down. */
    uint32_t registers;
    uint32_t shared_bytes;
    uint32_t invocations;
    uint32_t workgroup_size_x;
    uint32_t groups[3];
    uint64_t storage_range;
    uint32_t storage_alignment;
    uint32_t storage_buffers; /* per stage */
    uint32_t push_bytes;
    vatten_features features; /* in use */
    uint32_t quirks;          /* bits of quirks.h */
    uint32_t max_dim;         /* of attention; derived, VATTEN_MAX_DIM without a quirk */
    uint32_t
        private_quads; /* longest array of vec4 that a lane may own; derived, UINT32_MAX without a quirk */
    bool dots_accelerated; /* the device is faster with products of four signed bytes at once than without */
    bool loads_once;       /* the driver loads what all lanes share once, by address; derived */
    uint64_t loop_limit;   /* loop iterations that one invocation may make; UINT64_MAX = any */
    uint64_t max_macs;     /* default bound on the multiply-adds of one dispatch */
    uint64_t max_moves;    /* the same on elements read and written, of what has no products */
    uint32_t workgroups;   /* that fill the device, roughly; derived */
    /* Of a tuning file, tried before the table's: whoever owns the caps owns them. */
    const struct vt_tune_row *tuned;
    uint32_t tuned_count;
} vt_caps;

/* Forgets the device's matrices, of a subgroup and of a workgroup. */
void vt_caps_drop_matrices(vt_caps *caps);

/* Whether kernels can be made of this product: they move words of four elements and align rows to 16 bytes. */
bool vt_caps_takes_matrix(const vt_matrix *matrix);

/* Whether tiles can be made of these: sides that are powers of two, so that rounding up to them is simple. */
bool vt_caps_takes_flexible(const vt_flexible *flexible);

/* Whether addresses of buffers are enabled and fit behind the push block. */
bool vt_caps_takes_addresses(const vt_caps *caps);

/* Limits of no device, which refuse nothing: for rules that are asked without one. */
vt_caps vt_caps_boundless(const char *name);

/* Derives quirks, registers, matrix_subgroup, max_dim, private_quads, loads_once, loop_limit, max_macs, max_moves and workgroups from the other
 * fields, and takes away what a quirk (quirks.h) makes useless. */
void vt_caps_complete(vt_caps *caps);

/* Lowers limits to the caller's caps; 0 and false leave them. Names in cap_quirks are known (vt_quirks_named). */
void vt_caps_lower(vt_caps *caps, const vatten_device_desc *desc);

/* The products for a dtype: F16, or BF16 where that feature is in use. */
const vt_matrix *vt_caps_matrices(const vt_caps *caps, vatten_dtype dtype, uint32_t *out_count);

/* Matrices of a workgroup for a dtype, likewise. */
const vt_flexible *vt_caps_flexible(const vt_caps *caps, vatten_dtype dtype, uint32_t *out_count);

/* "16x16x16 16x8x16": those matrices, separated by spaces. */
void vt_caps_matrix_names(const vt_caps *caps, vatten_dtype dtype, char *text, size_t size);

/* "32x32x16/128 32x64x16/256": those of a workgroup, and of how many invocations. */
void vt_caps_flexible_names(const vt_caps *caps, vatten_dtype dtype, char *text, size_t size);

bool vt_caps_is_cpu(const vt_caps *caps);

#endif /* VT_CAPS_H */
