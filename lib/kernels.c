/* SPDX-License-Identifier: MIT */
#include "kernels.h"

uint32_t vt_kernel_find(vt_map map, vatten_dtype dtype, vatten_layout layout, bool full) {
    uint32_t i = 0;
    while (i < vt_kernel_count && !(vt_kernels[i].map == map && vt_kernels[i].dtype == dtype &&
                                    vt_kernels[i].layout == layout && vt_kernels[i].full == full))
        ++i;
    return i;
}

bool vt_kernels_have(vatten_layout layout) {
    for (uint32_t i = 0; i < vt_kernel_count; ++i)
        if (vt_kernels[i].layout == layout)
            return true;
    return false;
}
