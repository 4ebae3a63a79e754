/* SPDX-License-Identifier: MIT */
#include "quirks.h"

#include "sizes.h"

#include <stdio.h>
#include <string.h>

#define DRIVER(ID) (1u << (ID))

static bool within(uint32_t id, uint32_t first, uint32_t last) {
    return id >= first && id <= last;
}

/* ---- When: what ranges of numbers do not say ---- */

/* llvmpipe lays a matrix out as if each side were as long as a subgroup. */
static bool has_other_matrices(const vt_caps *caps) {
    for (uint32_t i = 0; i < caps->matrix_count; ++i) {
        const vt_matrix *matrix = &caps->matrices[i];
        uint32_t size = caps->subgroup_size;
        if (matrix->m != size || matrix->n != size || matrix->k != size)
            return true;
    }
    return false;
}

/* Numbers of devices as PCI's list has them: 7440 to 75ff are Navi 31 and later. */
static bool is_before_navi_31(const vt_caps *caps) {
    return !within(caps->device_id, 0x7440, 0x75ff);
}

static bool is_tu11x(const vt_caps *caps) {
    return within(caps->device_id, 0x1f80, 0x1fff) || within(caps->device_id, 0x2180, 0x21ff);
}

/* ---- Apply ---- */

/* A margin below 65,535 for the loops of staging and storing that run once. */
static void limit_loops(vt_caps *caps) {
    caps->loop_limit = vt_min(caps->loop_limit, 60000);
}

static void drop_shuffles(vt_caps *caps) {
    caps->subgroup_ops &= VT_SUBGROUP_BASIC;
}

static void limit_dims(vt_caps *caps) {
    caps->max_dim = (uint32_t)vt_min(caps->max_dim, 256);
}

static void load_once(vt_caps *caps) {
    caps->loads_once = true;
}

/* ---- The table, in the order of the bits ---- */

const vt_quirk_row vt_quirk_table[] = {
    {.name = "lvp_loop_limit",
     .bit = VT_QUIRK_LVP_LOOP_LIMIT,
     .drivers = DRIVER(VT_DRIVER_LLVMPIPE),
     .end_version = VT_VERSION(23, 0, 0),
     .apply = limit_loops,
     .devices = "Mesa's llvmpipe before 23",
     .effect = "keys are split so that an invocation makes at most 60,000 loop iterations: the driver ends "
               "it after 65,535, all "
               "loops added up, without an error, and the rest of the keys would silently be missing",
     .source = "seen with Mesa 22.3.6; 25.0.7 is right"},
    {.name = "slow_shuffles",
     .bit = VT_QUIRK_SLOW_SHUFFLES,
     .drivers = DRIVER(VT_DRIVER_PANVK) | DRIVER(VT_DRIVER_V3DV),
     .apply = drop_shuffles,
     .devices = "Mesa's PanVK and V3DV",
     .effect = "lanes talk through shared memory (layout shared): a shuffle becomes a loop over the lanes, "
               "or a rotation for "
               "each, and what lives across them spills",
     .source = "seen with Mesa 26.2"},
    {.name = "lvp_matrix",
     .bit = VT_QUIRK_LVP_MATRIX,
     .drivers = DRIVER(VT_DRIVER_LLVMPIPE),
     .when = has_other_matrices,
     .apply = vt_caps_drop_matrices,
     .devices = "Mesa's llvmpipe where a side of a matrix is not as long as a subgroup",
     .effect = "no matrices: the driver lays them out as if it were, reads past their end where a subgroup "
               "has 16 lanes, and "
               "crashes",
     .source = "seen with Mesa 26.2 and vectors of 512 bits"},
    {.name = "pvr_spills",
     .bit = VT_QUIRK_PVR_SPILLS,
     .drivers = DRIVER(VT_DRIVER_POWERVR),
     .apply = limit_dims,
     .devices = "Mesa's PowerVR driver",
     .effect = "dims up to 256: where the compiler must spill more than it can, as with tiles for dims of "
               "hundreds in 16 KiB of "
               "shared memory, it ends the process or takes minutes",
     .source = "seen with Mesa 26.2: 512 outputs of a row by four lanes"},
    {.name = "amd_matrix",
     .bit = VT_QUIRK_AMD_MATRIX,
     .drivers = DRIVER(VT_DRIVER_AMD) | DRIVER(VT_DRIVER_AMDVLK),
     .vendor_id = VT_VENDOR_AMD,
     .when = is_before_navi_31,
     .apply = vt_caps_drop_matrices,
     .devices = "AMD's own drivers, all devices but discrete RDNA 3 and later",
     .effect = "no matrices, and the driver is not asked for them: they are emulated, slower than vector "
               "code, and on some "
               "integrated devices asking crashes",
     .source = "ggml; GPUOpen-Drivers/AMDVLK#422"},
    {.name = "adreno_matrix",
     .bit = VT_QUIRK_ADRENO_MATRIX,
     .drivers = DRIVER(VT_DRIVER_QUALCOMM),
     .vendor_id = VT_VENDOR_QUALCOMM,
     .apply = vt_caps_drop_matrices,
     .devices = "Qualcomm's driver",
     .effect = "no matrices: products are wrong where rows are packed or indices not constant",
     .source = "Tencent/ncnn#6972: Adreno 840, driver 512.842"},
    {.name = "tu11x_matrix",
     .bit = VT_QUIRK_TU11X_MATRIX,
     .drivers = DRIVER(VT_DRIVER_NVK),
     .vendor_id = VT_VENDOR_NVIDIA,
     .when = is_tu11x,
     .apply = vt_caps_drop_matrices,
     .devices = "Mesa's NVK on TU116 and TU117 (GeForce GTX 16xx)",
     .effect = "no matrices: there are no units for them",
     .source = "NVIDIA's own driver, which lists none there (610.43)"},
    {.name = "lvp_loads_once",
     .drivers = DRIVER(VT_DRIVER_LLVMPIPE),
     .first_version = VT_VERSION(26, 0, 0),
     .apply = load_once,
     .devices = "Mesa's llvmpipe since 26",
     .effect = "a merit: what all lanes share is loaded once, so layout address is the default; those before "
               "load lane by lane "
               "inside of loops, and are three times as slow by address as without",
     .source = "seen with Mesa 22.3, 25.0 and 26.2"},
};
const uint32_t vt_quirk_count = sizeof vt_quirk_table / sizeof vt_quirk_table[0];

static bool matches_driver(const vt_quirk_row *row, const vt_caps *caps) {
    uint32_t version = caps->driver_version;
    bool driver = caps->driver_id < 32 && (row->drivers & DRIVER(caps->driver_id)) != 0;
    return (row->drivers == 0 || driver) && version >= row->first_version &&
           (row->end_version == 0 || version < row->end_version);
}

bool vt_quirk_matches(const vt_quirk_row *row, const vt_caps *caps) {
    bool vendor = row->vendor_id == 0 || row->vendor_id == caps->vendor_id;
    bool device = row->last_device == 0 || within(caps->device_id, row->first_device, row->last_device);
    return vendor && device && matches_driver(row, caps) && (!row->when || row->when(caps));
}

void vt_quirks_settle(vt_caps *caps) {
    caps->quirks = 0;
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (vt_quirk_matches(&vt_quirk_table[i], caps)) {
            caps->quirks |= vt_quirk_table[i].bit;
            vt_quirk_table[i].apply(caps);
        }
}

bool vt_quirks_keep_matrices(const vt_caps *caps) {
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (vt_quirk_table[i].apply == vt_caps_drop_matrices && vt_quirk_matches(&vt_quirk_table[i], caps))
            return false;
    return true;
}

void vt_quirks_names(uint32_t bits, char *text, size_t size) {
    size_t used = 0;
    snprintf(text, size, "%s", "");
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (bits & vt_quirk_table[i].bit && used < size)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", vt_quirk_table[i].name);
}
