/* SPDX-License-Identifier: MIT
 *
 * What drivers do otherwise than others: one table, a row for each fault (or merit) that changes what vatten does. A row says
 * which devices it is about, by numbers and not by names, and what it changes in their caps. Nobody else asks which driver
 * there is: what a row changes is a limit, and whoever acts on it reads that.
 */
#ifndef VT_QUIRKS_H
#define VT_QUIRKS_H

#include "caps.h"

/* Bits of vt_caps.quirks, in the order of the table. */
typedef enum vt_quirk {
    VT_QUIRK_LVP_LOOP_LIMIT = 1 << 0,
    VT_QUIRK_SLOW_SHUFFLES = 1 << 1,
    VT_QUIRK_LVP_MATRIX = 1 << 2,
    VT_QUIRK_PVR_SPILLS = 1 << 3,
    VT_QUIRK_AMD_MATRIX = 1 << 4,
    VT_QUIRK_ADRENO_MATRIX = 1 << 5,
    VT_QUIRK_TU11X_MATRIX = 1 << 6,
    VT_QUIRK_A770_MATRIX = 1 << 7,
    VT_QUIRK_IMG_REDUCE = 1 << 8,
    VT_QUIRK_INTEL_SHUFFLE = 1 << 9,
    VT_QUIRK_MOLTENVK_AMD = 1 << 10,
    VT_QUIRK_SUBGROUP_SIZE = 1 << 11,
    VT_QUIRK_MALI_16BIT = 1 << 12,
    VT_QUIRK_ADRENO_ARRAY = 1 << 13
} vt_quirk;

/* driverVersion as most drivers pack it, Mesa's among them: as Vulkan packs its own version. */
#define VT_VERSION(MAJOR, MINOR, PATCH)                                                                      \
    ((uint32_t)(MAJOR) << 22 | (uint32_t)(MINOR) << 12 | (uint32_t)(PATCH))

/* As Intel packs it for Windows: "101.8509" of 32.0.101.8509. */
#define VT_VERSION_INTEL(MAJOR, MINOR) ((uint32_t)(MAJOR) << 14 | (uint32_t)(MINOR))

/* A device has the quirk if all of these say so; a zero says nothing. */
typedef struct vt_quirk_row {
    const char *name;
    uint32_t bit;       /* vt_quirk; 0 = a merit, which is not told among quirks and cannot be pretended */
    uint32_t drivers;   /* an OR of 1 << VT_DRIVER_*; drivers that do not tell who they are have number 0 */
    uint32_t vendor_id; /* VT_VENDOR_* */
    uint32_t first_version; /* as the driver packs it */
    uint32_t end_version;   /* the first that has it no longer */
    uint32_t first_device;
    uint32_t last_device;
    bool (*when)(const vt_caps *caps); /* what numbers do not say */
    void (*apply)(vt_caps *caps); /* only lowers, but for merits; may be applied again, and to any device */
    const char *devices;          /* all of that in words */
    const char *effect;           /* what is changed, and why */
    const char *source;           /* who says so */
} vt_quirk_row;

extern const vt_quirk_row vt_quirk_table[];
extern const uint32_t vt_quirk_count;

bool vt_quirk_matches(const vt_quirk_row *row, const vt_caps *caps);

/* Applies all rows that match to caps that are otherwise complete, and tells the bits in `quirks`. */
void vt_quirks_settle(vt_caps *caps);

/* Whether the driver may be asked for its matrices: no row by which they would be dropped is about it. */
bool vt_quirks_keep_matrices(const vt_caps *caps);

/* The bits of names, separated by spaces; NULL has none. Returns NULL, or where in `words` the first unknown name begins. */
const char *vt_quirks_named(const char *words, uint32_t *out_bits);

/* Whether all names are known; `logger` is told the first that is not, and those that there are. */
vatten_result vt_quirks_check(const vatten_logger *logger, const char *words);

/* As if complete caps had these too. */
void vt_quirks_pretend(vt_caps *caps, uint32_t bits);

/* Names of these bits, separated by spaces. */
void vt_quirks_names(uint32_t bits, char *text, size_t size);

#endif /* VT_QUIRKS_H */
