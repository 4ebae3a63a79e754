/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_DEVICES_H
#define SAMPLES_DEVICES_H

#include <stdbool.h>

/* Prints the index and name of each Vulkan device; false after a complaint that there is none. */
bool devices_list(void);

#endif
