/* SPDX-License-Identifier: MIT */
#include "kernels.h"

#include <iface/interface.h>

uint32_t vt_kernel_find(vt_map map, vatten_dtype dtype, vatten_layout layout, vt_io io) {
    uint32_t i = 0;
    while (i < vt_kernel_count && !(vt_kernels[i].map == map && vt_kernels[i].dtype == dtype &&
                                    vt_kernels[i].layout == layout && vt_kernels[i].io == io))
        ++i;
    return i;
}

uint32_t vt_io_slots(vt_io io) {
    static const uint32_t slots[VT_IO_COUNT] = {VT_SLOT_COUNT_PLAIN, VT_SLOT_COUNT_FULL, VT_SLOT_COUNT,
                                                VT_SLOT_COUNT};
    return slots[io];
}

bool vt_kernels_have(vatten_layout layout) {
    for (uint32_t i = 0; i < vt_kernel_count; ++i)
        if (vt_kernels[i].layout == layout)
            return true;
    return false;
}
