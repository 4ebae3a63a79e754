/* SPDX-License-Identifier: MIT */
#include "devices.h"

#include <stdint.h>
#include <stdio.h>

#include <vatten/context.h>

#include "complain.h"

bool devices_list(void) {
    char name[256];
    uint32_t index = 0;
    for (; vatten_context_device_name(index, name, sizeof(name)); index++) {
        printf("%u %s\n", index, name);
    }
    return index > 0 ||
           complain("no Vulkan device found; a software one comes with the package mesa-vulkan-drivers");
}
