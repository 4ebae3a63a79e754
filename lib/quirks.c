/* SPDX-License-Identifier: MIT */
#include "quirks.h"

#include "log.h"
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

/* The smallest subgroup of the vendor's hardware: Intel's narrowest threads, and what Adreno halves, 16 on its smallest. */
static uint32_t least_subgroup(const vt_caps *caps) {
    bool adreno = caps->vendor_id == VT_VENDOR_QUALCOMM;
    return adreno ? caps->subgroup_size >= 64 ? 64 : 16 : 8;
}

/* One size is told, as without the extension that tells the range, and the hardware has smaller ones. */
static bool guesses_subgroups(const vt_caps *caps) {
    return !(caps->features & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL) &&
           caps->subgroup_min == caps->subgroup_max && caps->subgroup_min > least_subgroup(caps);
}

static bool is_before_1_0_82(const vt_caps *caps) {
    return caps->api_version < VT_VERSION(1, 0, 82);
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

static void lower_subgroups(vt_caps *caps) {
    caps->subgroup_min = (uint32_t)vt_min(caps->subgroup_min, least_subgroup(caps));
}

static void drop_16_bits(vt_caps *caps) {
    caps->features &= ~(vatten_features)VATTEN_FEATURE_STORAGE_16BIT;
}

static void limit_arrays(vt_caps *caps) {
    caps->private_quads = (uint32_t)vt_min(caps->private_quads, 18);
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
     .effect = "keys are split so that an invocation makes at most 60,000 loop iterations: the driver "
               "ends it after 65,535, all loops added up, without an error, and the rest of the keys "
               "would silently be missing",
     .source = "seen with Mesa 22.3.6; 25.0.7 is right"},
    {.name = "slow_shuffles",
     .bit = VT_QUIRK_SLOW_SHUFFLES,
     .drivers = DRIVER(VT_DRIVER_PANVK) | DRIVER(VT_DRIVER_V3DV),
     .apply = drop_shuffles,
     .devices = "Mesa's PanVK and V3DV",
     .effect = "lanes talk through shared memory (layout shared): a shuffle becomes a loop over the "
               "lanes, or a rotation for each, and what lives across them spills",
     .source = "seen with Mesa 26.2"},
    {.name = "lvp_matrix",
     .bit = VT_QUIRK_LVP_MATRIX,
     .drivers = DRIVER(VT_DRIVER_LLVMPIPE),
     .when = has_other_matrices,
     .apply = vt_caps_drop_matrices,
     .devices = "Mesa's llvmpipe where a side of a matrix is not as long as a subgroup",
     .effect = "no matrices: the driver lays them out as if it were, reads past their end where a "
               "subgroup has 16 lanes, and crashes",
     .source = "seen with Mesa 26.2 and vectors of 512 bits"},
    {.name = "pvr_spills",
     .bit = VT_QUIRK_PVR_SPILLS,
     .drivers = DRIVER(VT_DRIVER_POWERVR),
     .apply = limit_dims,
     .devices = "Mesa's PowerVR driver",
     .effect = "dims up to 256: where the compiler must spill more than it can, as with tiles for dims "
               "of hundreds in 16 KiB of shared memory, it ends the process or takes minutes",
     .source = "seen with Mesa 26.2: 512 outputs of a row by four lanes"},
    {.name = "amd_matrix",
     .bit = VT_QUIRK_AMD_MATRIX,
     .drivers = DRIVER(VT_DRIVER_AMD) | DRIVER(VT_DRIVER_AMDVLK),
     .vendor_id = VT_VENDOR_AMD,
     .when = is_before_navi_31,
     .apply = vt_caps_drop_matrices,
     .devices = "AMD's own drivers, all devices but discrete RDNA 3 and later",
     .effect = "no matrices, and the driver is not asked for them: they are emulated, slower than vector "
               "code, and on some integrated devices asking crashes",
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
    {.name = "intel_a770_coopmat",
     .bit = VT_QUIRK_A770_MATRIX,
     .drivers = DRIVER(VT_DRIVER_INTEL_WINDOWS) | DRIVER(VT_DRIVER_ANV),
     .vendor_id = VT_VENDOR_INTEL,
     .first_device = 0x5690,
     .last_device = 0x56cf,
     .apply = vt_caps_drop_matrices,
     .devices = "Intel Arc A (Xe HPG, devices 5690 to 56cf)",
     .effect = "no matrices: slower than vector code. Since a lane has too few registers for them, no "
               "Intel device takes matrices anyway",
     .source = "ggml"},
    {.name = "img_subgroup_reduce",
     .bit = VT_QUIRK_IMG_REDUCE,
     .drivers = DRIVER(VT_DRIVER_IMAGINATION),
     .vendor_id = VT_VENDOR_IMAGINATION,
     .apply = drop_shuffles,
     .devices = "Imagination's own driver (PowerVR C and D series)",
     .effect = "lanes talk through shared memory (layout shared): shaders that reduce by subgroup "
               "operations alone do not compile",
     .source = "ggml-org/llama.cpp#28341, #20565"},
    {.name = "intel_win_shuffle",
     .bit = VT_QUIRK_INTEL_SHUFFLE,
     .drivers = DRIVER(VT_DRIVER_INTEL_WINDOWS),
     .vendor_id = VT_VENDOR_INTEL,
     .first_version = VT_VERSION_INTEL(101, 8509),
     .end_version = VT_VERSION_INTEL(101, 8861),
     .apply = drop_shuffles,
     .devices = "Intel's driver for Windows, 101.8509 to 101.8860",
     .effect = "lanes talk through shared memory (layout shared): kernels with shuffles crash",
     .source = "ggml"},
    {.name = "moltenvk_amd_subgroup",
     .bit = VT_QUIRK_MOLTENVK_AMD,
     .drivers = DRIVER(VT_DRIVER_MOLTENVK),
     .vendor_id = VT_VENDOR_AMD,
     .apply = drop_shuffles,
     .devices = "MoltenVK on AMD",
     .effect = "lanes talk through shared memory (layout shared): shuffles give wrong results",
     .source = "ggml"},
    {.name = "sg_size_semantics",
     .bit = VT_QUIRK_SUBGROUP_SIZE,
     .drivers = DRIVER(VT_DRIVER_INTEL_WINDOWS) | DRIVER(VT_DRIVER_ANV) | DRIVER(VT_DRIVER_QUALCOMM) |
                DRIVER(VT_DRIVER_TURNIP),
     .when = guesses_subgroups,
     .apply = lower_subgroups,
     .devices = "Intel's and Adreno's drivers without the control of subgroup sizes",
     .effect = "no more lanes share a row than the hardware's smallest subgroup has (Intel 8, Adreno 64, "
               "its smallest 16): one size is reported, and the compiler takes another",
     .source = "b0nes164/GPUSorting#4, google/uVkCompute#43"},
    {.name = "mali_old_16bit",
     .bit = VT_QUIRK_MALI_16BIT,
     .vendor_id = VT_VENDOR_ARM,
     .when = is_before_1_0_82,
     .apply = drop_16_bits,
     .devices = "ARM's drivers of Vulkan before 1.0.82",
     .effect = "no dtypes of 16 bits: their storage is wrong. vatten refuses devices below Vulkan 1.1 "
               "anyway",
     .source = "ncnn"},
    {.name = "adreno_private_array",
     .bit = VT_QUIRK_ADRENO_ARRAY,
     .drivers = DRIVER(VT_DRIVER_QUALCOMM),
     .vendor_id = VT_VENDOR_QUALCOMM,
     .first_device = 0x06050000,
     .last_device = 0x060500ff,
     .apply = limit_arrays,
     .devices = "Qualcomm's driver on Adreno 650",
     .effect = "a lane owns at most 18 vec4 of a tile's outputs, so layouts that give it whole rows "
               "(rows, stream) take small dims only: writing a part of one in a longer array crashes",
     .source = "Vita3K/Vita3K#4141"},
    {.name = "lvp_loads_once",
     .drivers = DRIVER(VT_DRIVER_LLVMPIPE),
     .first_version = VT_VERSION(26, 0, 0),
     .apply = load_once,
     .devices = "Mesa's llvmpipe since 26",
     .effect = "a merit: what all lanes share is loaded once, so layout address is the default; those "
               "before load lane by lane inside of loops, and are three times as slow by address as "
               "without",
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

static uint32_t bit_named(const char *name, size_t length) {
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (strlen(vt_quirk_table[i].name) == length && memcmp(vt_quirk_table[i].name, name, length) == 0)
            return vt_quirk_table[i].bit;
    return 0;
}

const char *vt_quirks_named(const char *words, uint32_t *out_bits) {
    const char *at = words ? words : "";
    *out_bits = 0;
    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        uint32_t bit = bit_named(at, length);
        if (bit == 0)
            return at;
        *out_bits |= bit;
        at += length;
    }
    return NULL;
}

/* Of a long word the beginning is told, so that the names fit behind it. */
vatten_result vt_quirks_check(const vatten_logger *logger, const char *words) {
    uint32_t bits;
    char names[sizeof((vatten_device_info *)NULL)->quirks];
    const char *wrong = vt_quirks_named(words, &bits);
    if (!wrong)
        return VATTEN_SUCCESS;
    vt_quirks_names(UINT32_MAX, names, sizeof names);
    vt_log(logger, VATTEN_LOG_ERROR, NULL, "device: cap_quirks: \"%.*s\" is none of %s",
           (int)vt_min(strcspn(wrong, " "), 64), wrong, names);
    return VATTEN_ERROR_INVALID_ARGUMENT;
}

void vt_quirks_pretend(vt_caps *caps, uint32_t bits) {
    caps->quirks |= bits;
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (bits & vt_quirk_table[i].bit)
            vt_quirk_table[i].apply(caps);
}

bool vatten_quirk_get(uint32_t index, vatten_quirk *out) {
    if (!out || index >= vt_quirk_count)
        return false;
    const vt_quirk_row *row = &vt_quirk_table[index];
    *out = (vatten_quirk){row->name, row->devices, row->effect, row->source, row->bit != 0};
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
