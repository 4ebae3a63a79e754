// SPDX-License-Identifier: MIT
//
// Names for the specialization constants of attention mass, and its buffers.

layout(constant_id = VT_SPEC_MASS_KIND) const uint MASS_KIND = 1u;
layout(constant_id = VT_SPEC_MASS_SIZE) const uint MASS_SIZE = 1u;
layout(constant_id = VT_SPEC_MASS_LAST) const uint MASS_LAST = 1u;

const uint MASS_IS = MASS_KIND & VT_MASS_IS;
const bool MASS_INPUT = (MASS_KIND & VT_MASS_INPUT) != 0u;
const bool BY_ROWS = MASS_IS == VT_MASS_IS_ROWS;
const bool LISTED = MASS_INPUT; // with BY_ROWS
const bool MAXIMA = MASS_IS == VT_MASS_IS_MAXIMA;
const bool SEGMENT_SUMS = MASS_IS == VT_MASS_IS_SEGMENTS;
const uint MASS_ROWS = MASS_SIZE; // with BY_ROWS
const uint MASS_BINS = VALUE_DIM;

layout(set = 0, binding = VT_SLOT_MASS_INPUT, std430) readonly buffer VtMassWords { uint mass_word[]; };
layout(set = 0, binding = VT_SLOT_OUT, std430) buffer VtMass { float mass_elem[]; };
layout(set = 0, binding = VT_SLOT_LSE, std430) readonly buffer VtLse { float lse_elem[]; };
