// SPDX-License-Identifier: MIT
//
// Names for the specialization constants of dense kernels with rules, and the buffers that only those have. All tables stand
// in one buffer, since devices bind few; a constant says where each begins.

layout(constant_id = VT_SPEC_RULE_LEFT) const int RULE_LEFT = 0;
layout(constant_id = VT_SPEC_RULE_RIGHT) const int RULE_RIGHT = 0;
layout(constant_id = VT_SPEC_RULE_PREFIX) const int RULE_PREFIX = 0;
layout(constant_id = VT_SPEC_RULE_CHUNK) const int RULE_CHUNK = 1;
layout(constant_id = VT_SPEC_RULE_STRIDE) const uint RULE_STRIDE = 1u;
layout(constant_id = VT_SPEC_RULE_PHASE) const uint RULE_PHASE = 0u;
layout(constant_id = VT_SPEC_TILE_HEADS) const uint TILE_HEADS = 1u;
layout(constant_id = VT_SPEC_SPLITS) const uint SPLITS = 1u;
layout(constant_id = VT_SPEC_PAGE) const uint PAGE = 0u;
layout(constant_id = VT_SPEC_POOL_PAGES) const uint POOL_PAGES = 1u;
layout(constant_id = VT_SPEC_ROW_PAGES) const uint ROW_PAGES = 1u;
layout(constant_id = VT_SPEC_LENGTHS) const uint LENGTHS = 0u;
layout(constant_id = VT_SPEC_HEAD_FIELDS) const uint HEAD_FIELDS = 0u;
layout(constant_id = VT_SPEC_HEAD_BATCH) const uint HEAD_BATCH = 0u;
layout(constant_id = VT_SPEC_SOFTCAP) const float SOFTCAP = 0.0;
layout(constant_id = VT_SPEC_NORMALISER) const uint NORMALISER = 0u;
layout(constant_id = VT_SPEC_BIAS) const uint BIAS = 0u;
layout(constant_id = VT_SPEC_BIAS_GROUP) const uint BIAS_GROUP = 1u;
layout(constant_id = VT_SPEC_BIAS_STRIDE + 0) const uint BIAS_BATCH = 0u;
layout(constant_id = VT_SPEC_BIAS_STRIDE + 1) const uint BIAS_HEAD = 0u;
layout(constant_id = VT_SPEC_BIAS_STRIDE + 2) const uint BIAS_QUERY = 0u;
layout(constant_id = VT_SPEC_BIAS_STRIDE + 3) const uint BIAS_KEY = 0u;
layout(constant_id = VT_SPEC_BIAS_EXTENT + 0) const uint BIAS_EXTENT_0 = 1u;
layout(constant_id = VT_SPEC_BIAS_EXTENT + 1) const uint BIAS_EXTENT_1 = 1u;
layout(constant_id = VT_SPEC_BIAS_EXTENT + 2) const uint BIAS_EXTENT_2 = 1u;
layout(constant_id = VT_SPEC_BIAS_REACH + 0) const int BIAS_REACH_0 = 0;
layout(constant_id = VT_SPEC_BIAS_REACH + 1) const int BIAS_REACH_1 = 0;
layout(constant_id = VT_SPEC_BIAS_REACH + 2) const int BIAS_REACH_2 = 0;
layout(constant_id = VT_SPEC_TABLE_HEADS) const uint TABLE_HEADS = 0u;
layout(constant_id = VT_SPEC_TABLE_Q_LENGTHS) const uint TABLE_Q_LENGTHS = 0u;
layout(constant_id = VT_SPEC_TABLE_KV_LENGTHS) const uint TABLE_KV_LENGTHS = 0u;
layout(constant_id = VT_SPEC_TABLE_Q_STARTS) const uint TABLE_Q_STARTS = 0u;
layout(constant_id = VT_SPEC_TABLE_KV_STARTS) const uint TABLE_KV_STARTS = 0u;
layout(constant_id = VT_SPEC_TABLE_PAGES) const uint TABLE_PAGES = 0u;
layout(constant_id = VT_SPEC_TABLE_Q_SEGMENTS) const uint TABLE_Q_SEGMENTS = 0u;
layout(constant_id = VT_SPEC_TABLE_KV_SEGMENTS) const uint TABLE_KV_SEGMENTS = 0u;
layout(constant_id = VT_SPEC_TABLE_VISIBLE) const uint TABLE_VISIBLE = 0u;
layout(constant_id = VT_SPEC_TABLE_INTERVALS) const uint TABLE_INTERVALS = 0u;
layout(constant_id = VT_SPEC_TABLE_EXPIRY) const uint TABLE_EXPIRY = 0u;
layout(constant_id = VT_SPEC_TABLE_BITS) const uint TABLE_BITS = 0u;
layout(constant_id = VT_SPEC_TABLE_SPANS) const uint TABLE_SPANS = 0u;
layout(constant_id = VT_SPEC_SEGMENTS) const uint SEGMENTS = 0u;
layout(constant_id = VT_SPEC_MASK_GROUP) const uint MASK_GROUP = 1u;
layout(constant_id = VT_SPEC_MASK_HEADS) const uint MASK_HEADS = 1u;
layout(constant_id = VT_SPEC_MASK_BATCH) const uint MASK_BATCH = 0u;
layout(constant_id = VT_SPEC_Q_CAPACITY) const uint Q_CAPACITY = 1u;
layout(constant_id = VT_SPEC_KV_CAPACITY) const uint KV_CAPACITY = 1u;
layout(constant_id = VT_SPEC_HEADS) const uint HEADS = 1u;
layout(constant_id = VT_SPEC_SEQUENCES) const uint SEQUENCES = 1u;
#ifdef VT_FULL
layout(constant_id = VT_SPEC_STATE_VALUES) const uint STATE_VALUES = 64u;
layout(constant_id = VT_SPEC_STATE_LANES) const uint STATE_LANES = 1u;
layout(constant_id = VT_SPEC_STATE_CALLER) const uint STATE_CALLER = 0u;
#endif
layout(constant_id = VT_SPEC_KV_BLOCK) const uint KV_BLOCK = 4u;
layout(constant_id = VT_SPEC_TOUCH) const uint TOUCH = 0u;

layout(set = 0, binding = VT_SLOT_BIAS, std430) readonly buffer VtBiasWords { uint bias_word[]; };
layout(set = 0, binding = VT_SLOT_TABLES, std430) readonly buffer VtTables { uint table_word[]; };
