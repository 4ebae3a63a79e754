/* SPDX-License-Identifier: MIT
 *
 * Of the NDK's header of this name what vatten::context uses, so that its Android parts compile where there is no NDK. Numbers are those of
 * Android's stable interface.
 */
#ifndef VATTEN_STUB_HARDWARE_BUFFER_H
#define VATTEN_STUB_HARDWARE_BUFFER_H

#include <stdint.h>

typedef struct AHardwareBuffer AHardwareBuffer;

enum { AHARDWAREBUFFER_FORMAT_R8G8B8A8_UNORM = 1, AHARDWAREBUFFER_FORMAT_BLOB = 0x21 };
enum { AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN = 3, AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER = 1 << 24 };

typedef struct AHardwareBuffer_Desc {
    uint32_t width;
    uint32_t height;
    uint32_t layers;
    uint32_t format;
    uint64_t usage;
    uint32_t stride;
    uint32_t rfu0;
    uint64_t rfu1;
} AHardwareBuffer_Desc;

#endif /* VATTEN_STUB_HARDWARE_BUFFER_H */
