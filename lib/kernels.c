/* SPDX-License-Identifier: MIT */
#include "kernels.h"

#include <iface/interface.h>

static bool attends(const vt_kernel *k, vt_map map, vatten_dtype dtype, vatten_layout layout, vt_io io,
                    bool wide) {
    return k->task == VT_TASK_ATTEND && k->map == map && k->dtype == dtype && k->layout == layout &&
           k->io == io && k->wide == wide;
}

uint32_t vt_kernel_find(vt_map map, vatten_dtype dtype, vatten_layout layout, vt_io io, bool wide) {
    uint32_t i = 0;
    while (i < vt_kernel_count && !attends(&vt_kernels[i], map, dtype, layout, io, wide))
        ++i;
    return i;
}

uint32_t vt_kernel_of_task(vt_task task, vatten_dtype dtype) {
    uint32_t i = 0;
    while (i < vt_kernel_count && !(vt_kernels[i].task == task && vt_kernels[i].dtype == dtype))
        ++i;
    return i;
}

void vt_kernel_code(const vt_kernel *kernel, uint32_t *names, uint32_t *out_code) {
    vt_unpack(&vt_kernel_pack, kernel->packed_at, kernel->code_size / sizeof *out_code, names, out_code);
}

uint32_t vt_io_slots(vt_io io) {
    static const uint32_t slots[VT_IO_COUNT] = {VT_SLOT_COUNT_PLAIN, VT_SLOT_COUNT_FULL, VT_SLOT_COUNT_BIAS,
                                                VT_SLOT_COUNT,       VT_SLOT_COUNT,      VT_SLOT_COUNT,
                                                VT_SLOT_COUNT,       VT_SLOT_COUNT,      VT_SLOT_COUNT,
                                                VT_SLOT_COUNT_BIAS,  VT_SLOT_COUNT};
    return slots[io];
}

bool vt_kernels_have_dtype(vatten_layout layout, vatten_dtype dtype) {
    for (uint32_t i = 0; i < vt_kernel_count; ++i)
        if (vt_kernels[i].layout == layout && vt_kernels[i].dtype == dtype)
            return true;
    return false;
}

/* There is no layout without kernels for f16. */
bool vt_kernels_have(vatten_layout layout) {
    return vt_kernels_have_dtype(layout, VATTEN_DTYPE_F16);
}

bool vt_layout_has_matrices(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_MATRIX || layout == VATTEN_LAYOUT_MATRIX2 ||
           layout == VATTEN_LAYOUT_MATRIX_WORKGROUP;
}

bool vt_layout_is_packed(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_PACKED || layout == VATTEN_LAYOUT_PACKED_SHARED;
}

bool vt_layout_stages_f16(vatten_layout layout) {
    return vt_layout_is_packed(layout) || layout == VATTEN_LAYOUT_HALF || layout == VATTEN_LAYOUT_MIXED;
}

bool vt_layout_has_mass(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_AUTO || layout == VATTEN_LAYOUT_ROWS || layout == VATTEN_LAYOUT_SUBGROUP ||
           layout == VATTEN_LAYOUT_SHARED;
}
