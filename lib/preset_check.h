/* SPDX-License-Identifier: MIT
 *
 * How presets refuse: one message that names the mechanism, the rule and its numbers.
 */
#ifndef VT_PRESET_CHECK_H
#define VT_PRESET_CHECK_H

#include <vatten/presets.h>

#include "log.h"
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

typedef struct vt_preset {
    vatten_logger logger;
    const char *label; /* of the plan to be */
    const char *name;
} vt_preset;

static inline vt_preset vt_preset_begin(const vatten_logger *logger, const char *name,
                                        const vatten_heads *heads, void *out, size_t size) {
    vt_preset preset = {{0}, heads && heads->label ? heads->label : "", name};
    if (logger)
        preset.logger = *logger;
    if (out)
        memset(out, 0, size);
    return preset;
}

/* INVALID_ARGUMENT, after the message. */
#define vt_preset_refuse(PRESET, FORMAT, ...)                                                                \
    (vt_log(&(PRESET)->logger, VATTEN_LOG_ERROR, (PRESET)->label, "%s: " FORMAT, (PRESET)->name,             \
            __VA_ARGS__),                                                                                    \
     VATTEN_ERROR_INVALID_ARGUMENT)

/* For checks that answer with a bool. */
#define REFUSE_IF(PRESET, CONDITION, FORMAT, ...)                                                            \
    do {                                                                                                     \
        if (CONDITION) {                                                                                     \
            (void)vt_preset_refuse(PRESET, FORMAT, __VA_ARGS__);                                             \
            return false;                                                                                    \
        }                                                                                                    \
    } while (0)

#endif /* VT_PRESET_CHECK_H */
