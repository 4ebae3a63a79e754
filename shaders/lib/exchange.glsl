// SPDX-License-Identifier: MIT
//
// The two ways in which lanes of a row may talk to each other; both offer the same functions.

#ifdef VT_SUBGROUP
#include "exchange_subgroup.glsl"
#else
#include "exchange_shared.glsl"
#endif
