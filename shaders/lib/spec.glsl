// SPDX-License-Identifier: MIT
//
// Names for the specialization constants and the push block of iface/interface.h. Defaults are only what
// makes a shader valid before specialization; the host always gives all values.

#define VT_UINT uint
#define VT_FLOAT float
#ifdef VT_BY_ADDRESS
#define VT_ADDRESS uvec2
layout(push_constant, std430) uniform VtPush { VT_PUSH_FIELDS VT_ADDRESS_PUSH_FIELDS } push;
#else
layout(push_constant, std430) uniform VtPush { VT_PUSH_FIELDS } push;
#endif

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_SPEC_WORKGROUP) const uint WORKGROUP = 64u;
layout(constant_id = VT_SPEC_ROWS) const uint ROWS = 64u;
layout(constant_id = VT_SPEC_KEYS) const uint KEYS = 4u;
layout(constant_id = VT_SPEC_LANES_PER_ROW) const uint LANES_PER_ROW = 8u;
layout(constant_id = VT_SPEC_DIM) const uint DIM = 64u;
layout(constant_id = VT_SPEC_VALUE_DIM) const uint VALUE_DIM = 64u;
layout(constant_id = VT_SPEC_DIM_PAD) const uint DIM_PAD = 64u;
layout(constant_id = VT_SPEC_VALUE_PAD) const uint VALUE_PAD = 64u;
layout(constant_id = VT_SPEC_DIM_CHUNK) const uint DIM_CHUNK = 64u;
layout(constant_id = VT_SPEC_VECTOR) const uint VECTOR = 0u;
layout(constant_id = VT_SPEC_MASK) const uint MASK = 0u;

// The running maximum starts at ROW_MAX_START and a hidden key scores SCORE_HIDDEN, both finite because
// drivers differ on inf - inf. The gap between them makes exp2(score - max) an exact 0 even before a row has
// seen its first key.
const float ROW_MAX_START = -1.0e30;
const float SCORE_HIDDEN = -3.0e38;
const float LN2 = 0.69314718055994531;
const float LOG2E = 1.4426950408889634;

// What the keys of a tile are to layouts that load them as a whole (matrix_stretches.glsl).
#define VT_STRETCH_NONE 0u    // anywhere
#define VT_STRETCH_ONE 1u     // all that exist stand in equal steps
#define VT_STRETCH_SEVERAL 2u // several such stretches
