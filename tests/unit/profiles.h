/* SPDX-License-Identifier: MIT
 *
 * Real devices as numbers: tests/data/devices.json read into vt_caps.
 */
#ifndef VATTEN_PROFILES_H
#define VATTEN_PROFILES_H

#include "caps.h"

#define PROFILES_MAX 100

typedef struct profiles {
    uint32_t count;
    struct profile {
        char id[32];
        vt_caps caps; /* complete */
    } list[PROFILES_MAX];
} profiles;

/* False with a message on stderr if the file cannot be read or lacks a field. */
bool profiles_load(const char *path, profiles *out);

#endif /* VATTEN_PROFILES_H */
