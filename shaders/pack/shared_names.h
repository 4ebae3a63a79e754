/* SPDX-License-Identifier: MIT
 *
 * Types, constants and variables of modules: those that are the same in several modules have one number.
 */
#ifndef PACK_SHARED_NAMES_H
#define PACK_SHARED_NAMES_H

#include "spirv_module.h"
#include "texts.h"

/*
 * Numbers, plus one, of all ids that the module defines before its first function: out has room for its ids, zeroed. `known` is
 * shared by the modules, and its count is that of the numbers.
 *
 * Two are the same if what defines them is, decorations included, and what they refer to has the same numbers. What comes later in
 * the module has none yet: it counts as the same as far as a dozen steps from it lead (the refinement of Weisfeiler and Leman, 1968). Of
 * several that are the same in one module, the first is the same as the first of another.
 */
void names_of(const spirv_module *m, texts *known, uint32_t *out, arena *memory);

#endif
