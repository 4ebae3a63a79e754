/* SPDX-License-Identifier: MIT
 *
 * Layouts as tools print and read them; apart from the families, which need the library.
 */
#include "family.h"

const char *family_layout_name(vatten_layout layout) {
    static const char *const names[VATTEN_LAYOUT_COUNT] = {
        "auto",    "rows",    "subgroup",         "shared", "matrix",        "stream",
        "matrix2", "address", "matrix_workgroup", "packed", "packed_shared", "half",
        "mixed",   "dot"};
    return layout >= VATTEN_LAYOUT_AUTO && layout < VATTEN_LAYOUT_COUNT ? names[layout] : "?";
}
