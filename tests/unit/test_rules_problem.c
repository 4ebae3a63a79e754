/* SPDX-License-Identifier: MIT
 *
 * Every rule of vatten_attention_desc beyond causality, window and prefix: what is refused, with which result and words, what
 * defaults become, and which kernels serve. Heads, lengths and windows stand in test_problem.c.
 */
#include "problem_kit.h"

#include <iface/interface.h>

#include <math.h>

/* unit_dense() with some fields set: 2 batch entries, 4 heads of 2, dim 16, 24 queries, 40 keys. */
#define REFUSED(SET, RESULT, TEXT)                                                                           \
    do {                                                                                                     \
        vatten_attention_desc d = unit_dense();                                                              \
        SET;                                                                                                 \
        assert_int_equal(dense(&d), RESULT);                                                                 \
        assert_said(&said, "attention: " TEXT);                                                              \
    } while (0)
#define TAKEN(SET)                                                                                           \
    do {                                                                                                     \
        vatten_attention_desc d = unit_dense();                                                              \
        SET;                                                                                                 \
        assert_int_equal(dense(&d), VATTEN_SUCCESS);                                                         \
        assert_silent(&said);                                                                                \
    } while (0)

/* ---- Masks ---- */

static void chunks_and_strides_are_bounded(void **state) {
    (void)state;
    REFUSED(d.chunk = 536870912, INVALID, "chunk 536870912 is above 536870911");
    REFUSED(d.chunk = UINT64_MAX, INVALID, "chunk 18446744073709551615 is above 536870911");
    REFUSED(d.key_stride = 536870912, INVALID, "key_stride 536870912 is above 536870911");
    REFUSED(d.key_stride = 4; d.key_phase = 4, INVALID, "key_phase 4 must be below key_stride 4");
    REFUSED(d.key_phase = 1, INVALID, "key_phase 1 without a key_stride");
    TAKEN(d.chunk = 536870911; d.key_stride = 536870911; d.key_phase = 536870910);
    TAKEN(d.key_stride = 1);
}

static void masks_are_known(void **state) {
    (void)state;
    REFUSED(d.masks = 16, INVALID, "masks 0x10 has unknown bits");
    REFUSED(d.masks = 0x80000001, INVALID, "masks 0x80000001 has unknown bits");
    TAKEN(d.masks = 15);
}

static void segments_need_their_mask(void **state) {
    (void)state;
    REFUSED(d.segments = 3, INVALID, "segments 3 needs VATTEN_MASK_SEGMENTS");
    REFUSED(d.segments = 3; d.masks = VATTEN_MASK_EXPIRY, INVALID, "segments 3 needs VATTEN_MASK_SEGMENTS");
    REFUSED(d.segments = 65537; d.masks = VATTEN_MASK_SEGMENTS, INVALID, "segments 65537 is above 65536");
    TAKEN(d.segments = 65536; d.masks = VATTEN_MASK_SEGMENTS);
}

static void heads_of_masks_divide_heads(void **state) {
    (void)state;
    REFUSED(d.mask_heads = 3;
            d.masks = VATTEN_MASK_BITS, INVALID, "heads 4 is not a multiple of mask_heads 3");
    REFUSED(d.mask_heads = 8;
            d.masks = VATTEN_MASK_BITS, INVALID, "heads 4 is not a multiple of mask_heads 8");
    REFUSED(d.mask_heads = 2, INVALID, "mask_heads 2 and mask_batch are for masks, and there are none");
    REFUSED(d.mask_batch = true, INVALID, "mask_heads 0 and mask_batch are for masks, and there are none");
    TAKEN(d.mask_heads = 1); /* says nothing */
}

/* ---- Heads and scores ---- */

static void fields_of_heads_are_known(void **state) {
    (void)state;
    REFUSED(d.head_fields = 128, INVALID, "head_fields 0x80 has unknown bits");
    REFUSED(d.head_batch = true, INVALID, "head_batch needs head_fields, which are 0");
    REFUSED(d.head_fields = VATTEN_HEAD_WINDOW, INVALID,
            "head_fields 0x20 has windows, and window is not enabled");
    REFUSED(d.alibi_signed = true, INVALID, "alibi_signed needs VATTEN_HEAD_SLOPE in head_fields 0x0");
    REFUSED(d.alibi_signed = true; d.head_fields = VATTEN_HEAD_SINK, INVALID,
                                   "alibi_signed needs VATTEN_HEAD_SLOPE in head_fields 0x2");
    TAKEN(d.head_fields = 127; d.window.enabled = true; d.head_batch = d.alibi_signed = true);
}

static void a_softcap_is_positive_and_finite(void **state) {
    (void)state;
    REFUSED(d.softcap = -1.0f, INVALID, "softcap -1.000000 must be 0 or positive and finite");
    REFUSED(d.softcap = INFINITY, INVALID, "softcap inf must be 0 or positive and finite");
    vatten_attention_desc d = unit_dense();
    d.softcap = NAN; /* whose sign a C library may show or not */
    assert_int_equal(dense(&d), INVALID);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.text, "nan must be 0 or positive and finite"));
}

/* ---- Biases ---- */

static void biases_are_known(void **state) {
    (void)state;
    REFUSED(d.bias = (vatten_bias)4, INVALID, "bias 4 is unknown");
    REFUSED(d.bias = VATTEN_BIAS_TENSOR;
            d.bias_dtype = VATTEN_DTYPE_BF16, INVALID, "bias_dtype 3 is neither F32 (1) nor F16 (2)");
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE;
            d.bias_dtype = VATTEN_DTYPE_F16, INVALID, "bias_dtype F16 is for TENSOR, bias is 1");
    REFUSED(d.bias = VATTEN_BIAS_TENSOR;
            d.bias_heads = 3, INVALID, "heads 4 is not a multiple of bias_heads 3");
    REFUSED(d.bias = VATTEN_BIAS_TENSOR;
            d.bias_strides.query = -40, INVALID,
            "bias strides: batch 0, head 0, query -40, key 0 must not be negative");
    REFUSED(d.bias = VATTEN_BIAS_TENSOR; d.bias_strides.batch = INT64_MAX;
            d.heads.batch = 9, INVALID, "bias overflows 64 bits: batch 9, heads 4, q_len 24, kv_len 40");
    TAKEN(d.bias_heads = 3; d.bias_rank = 9; d.bias_dtype = VATTEN_DTYPE_BF16); /* of no bias */
}

static void a_table_of_offsets_has_a_reach(void **state) {
    (void)state;
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE, INVALID, "bias_rank 0 is outside 1..3");
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 4, INVALID, "bias_rank 4 is outside 1..3");
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE;
            d.bias_rank = 1, INVALID, "bias_reach is 0 along all axes, 1 of them");
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 1;
            d.bias_reach[0] = 1048577, INVALID, "bias_reach[0] 1048577 is above 1048576");
    REFUSED(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 2;
            d.bias_reach[0] = 1, INVALID, "bias_extent[1] 0 is outside 1..536870911");
    TAKEN(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 2; d.bias_reach[1] = 1; d.bias_extent[1] = 7);
}

static void axes_have_all_keys(void **state) {
    (void)state;
    REFUSED(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 1, INVALID, "bias_rank 1 is outside 2..3");
    REFUSED(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 2;
            d.bias_extent[0] = 8, INVALID, "bias_extent[1] 0 is outside 1..536870911");
    REFUSED(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 2; d.bias_extent[0] = 8;
            d.bias_extent[1] = 6, INVALID, "bias_extent has 48 keys, kv_len is 40");
    REFUSED(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 2; d.bias_extent[0] = 8; d.bias_extent[1] = 5;
            d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 2;
            d.heads.batch = 1, INVALID, "bias AXES (3) is not for packed sequences");
    TAKEN(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 3; d.bias_extent[0] = 1; d.bias_extent[1] = 8;
          d.bias_extent[2] = 5);
}

/* ---- Lengths ---- */

static void extra_keys_are_bounded(void **state) {
    (void)state;
    REFUSED(d.extra_len = 536870912, UNSUPPORTED, "extra_len 536870912 is above 536870911");
    REFUSED(d.extra_len = 2;
            d.extra_k.head = -1, INVALID, "extra_k strides: batch 0, head -1, token 0 must not be negative");
    REFUSED(d.extra_len = 2; d.extra_v.batch = INT64_MAX;
            d.heads.batch = 9, INVALID, "extra_v overflows 64 bits: batch 9, tokens 2, heads 2, dim 16");
    TAKEN(d.extra_k.head = -1); /* of none */
}

static void sequences_are_packed(void **state) {
    (void)state;
    REFUSED(d.lengths = (vatten_lengths)4, INVALID, "lengths 4 are unknown");
    REFUSED(d.lengths = (vatten_lengths)-1, INVALID, "lengths -1 are unknown");
    REFUSED(d.lengths = VATTEN_LENGTHS_PACKED, INVALID, "sequences 0 must be at least 1");
    REFUSED(d.lengths = VATTEN_LENGTHS_PACKED;
            d.sequences = 3, INVALID, "batch 2 of packed sequences is not 1");
    REFUSED(d.lengths = VATTEN_LENGTHS_BOTH;
            d.sequences = 3, INVALID, "sequences 3 are for packed ones only");
    REFUSED(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 536870912;
            d.heads.batch = 1, UNSUPPORTED, "sequences 536870912 are above 536870911");
    REFUSED(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 3; d.heads.batch = 1; d.masks = VATTEN_MASK_BITS;
            d.mask_batch = true, INVALID,
            "mask_batch and head_batch are for batches, packed sequences have batch 1");
    REFUSED(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 3; d.heads.batch = 1;
            d.head_fields = VATTEN_HEAD_SINK;
            d.head_batch = true, INVALID,
            "mask_batch and head_batch are for batches, packed sequences have batch 1");
    TAKEN(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 300; d.heads.batch = 1); /* some are empty */
}

static void pages_have_a_pool(void **state) {
    (void)state;
    REFUSED(d.page_size = 16, INVALID, "page_size 16 without pool_pages");
    REFUSED(d.pool_pages = 16, INVALID, "pool_pages 16 without page_size");
    REFUSED(d.pool_pages = 1; d.page_size = 536870912, UNSUPPORTED, "page_size 536870912 is above 536870911");
    REFUSED(d.page_size = 1;
            d.pool_pages = 536870912, UNSUPPORTED, "pool_pages 536870912 are above 536870911");
    REFUSED(d.page_size = 16; d.pool_pages = 16; d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 3;
            d.heads.batch = 1; d.masks = VATTEN_MASK_EXPIRY | VATTEN_MASK_INTERVALS, INVALID,
                               "masks 0x6 count keys of all sequences, which pages do not have");
    TAKEN(d.page_size = 16; d.pool_pages = 1); /* which all entries share */
    TAKEN(d.page_size = 16; d.pool_pages = 16; d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 3;
          d.heads.batch = 1; d.masks = VATTEN_MASK_INTERVALS);
}

/* ---- Results ---- */

static void normalisers_are_known(void **state) {
    (void)state;
    REFUSED(d.normaliser = (vatten_normaliser)6, INVALID, "normaliser 6 is unknown");
    REFUSED(d.normaliser = (vatten_normaliser)-1, INVALID, "normaliser -1 is unknown");
    REFUSED(d.normaliser = VATTEN_NORMALISER_RELU;
            d.heads.write_lse = true, INVALID, "normaliser 2 has no log-sum-exp to write");
    REFUSED(d.normaliser = VATTEN_NORMALISER_NONE;
            d.head_fields = VATTEN_HEAD_SINK, INVALID, "normaliser 5 takes no sinks");
    REFUSED(d.normaliser = VATTEN_NORMALISER_SIGMOID;
            d.carry = VATTEN_CARRY_IN, INVALID, "normaliser 1 has no state to carry");
    TAKEN(d.normaliser = VATTEN_NORMALISER_LAPLACE; d.head_fields = VATTEN_HEAD_GAIN);
}

static void states_are_carried_by_softmaxes(void **state) {
    (void)state;
    REFUSED(d.carry = 4, INVALID, "carry 0x4 has unknown bits");
    REFUSED(d.carry = VATTEN_CARRY_OUT;
            d.heads.write_lse = true, INVALID, "carry 0x2 leaves a state: there is no log-sum-exp to write");
    REFUSED(d.carry = VATTEN_CARRY_OUT;
            d.head_fields = VATTEN_HEAD_GAIN, INVALID, "carry 0x2 leaves a state, which has no gains yet");
    TAKEN(d.carry = VATTEN_CARRY_IN; d.heads.write_lse = true; d.head_fields = VATTEN_HEAD_GAIN);
}

static void splits_merge_softmaxes(void **state) {
    (void)state;
    REFUSED(d.splits = 4097, INVALID, "splits 4097 is above 4096");
    REFUSED(d.splits = 2; d.carry = VATTEN_CARRY_IN, INVALID,
                          "splits 2 merge softmaxes: not with carry or another normaliser");
    REFUSED(d.splits = 2; d.normaliser = VATTEN_NORMALISER_RELU2, INVALID,
                          "splits 2 merge softmaxes: not with carry or another normaliser");
    TAKEN(d.splits = 4096);
    TAKEN(d.splits = 1; d.carry = VATTEN_CARRY_OUT);
}

static void bytes_have_blocks(void **state) {
    (void)state;
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8, INVALID, "kv_block 0 is not a multiple of 4, at least 4");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8;
            d.heads.kv_block = 6, INVALID, "kv_block 6 is not a multiple of 4, at least 4");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8;
            d.heads.kv_block = 12, INVALID, "dim 16, value_dim 16 are not multiples of kv_block 12");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8; d.heads.kv_block = 8;
            d.heads.value_dim = 20, INVALID, "dim 16, value_dim 20 are not multiples of kv_block 8");
    REFUSED(d.heads.kv_block = 8, INVALID, "kv_block 8 is for I8 only");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_F16, INVALID, "kv_dtype 2 is neither dtype 1 nor I8 (4)");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8; d.heads.kv_block = 8;
            d.heads.k.token = 50, INVALID,
            "k strides: batch 0, head 0, token 50 bytes are not multiples of 4");
    REFUSED(d.heads.kv_dtype = VATTEN_DTYPE_I8; d.heads.kv_block = 8; d.extra_len = 1;
            d.extra_v.head = 22, INVALID,
            "extra_v strides: batch 0, head 22, token 0 bytes are not multiples of 4");
    TAKEN(d.heads.kv_dtype = VATTEN_DTYPE_I8; d.heads.kv_block = 16; d.heads.dtype = VATTEN_DTYPE_F16);
    assert_true(problem.kv_bytes && problem.k.token == 2 * 20 && problem.k.elements == 2 * 40 * 2 * 20);
}

static void tables_may_overflow(void **state) {
    (void)state;
    REFUSED(d.masks = VATTEN_MASK_BITS; d.mask_batch = true; d.mask_heads = d.heads.heads = 1u << 28;
            d.heads.batch = 536870911; d.heads.kv_heads = 1; d.q_len = 1u << 20;
            d.heads.out.batch = d.heads.out.head = d.heads.out.token = 16, INVALID,
            "tables overflow 64 bits: q_len 1048576, kv_len 40");
}

/* ---- Defaults ---- */

static void defaults_of_masks_and_biases(void **state) {
    (void)state;
    TAKEN(d.masks = VATTEN_MASK_EXPIRY; d.bias = VATTEN_BIAS_TENSOR);
    const vt_rules *r = &problem.rules;
    assert_true(r->mask_heads == 1 && r->mask_group == 4 && !r->mask_batch);
    assert_true(r->bias == VT_BIAS_TENSOR && r->bias_group == 1 && r->bias_bytes == 4);
    const uint64_t packed[4] = {4 * 24 * 40, 24 * 40, 40, 1};
    assert_memory_equal(r->bias_stride, packed, sizeof packed);
    assert_true(problem.bias_bytes == 2 * 4 * 24 * 40 * 4);
    assert_true(r->tables.expiry == 0 && r->tables.heads == VATTEN_NO_TABLE);
    assert_true(r->sequences == 1 && r->longest == 40 && r->lengths == 0 && r->used);
}

static void biases_are_as_large_as_what_is_read(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
    TAKEN(d.bias = VATTEN_BIAS_TENSOR; d.bias_dtype = VATTEN_DTYPE_F16; d.bias_heads = 2;
          d.bias_strides.key = 1; d.bias_strides.head = 39); /* of keys: 39 + 40 halves, in words */
    assert_true(r->bias == (VT_BIAS_TENSOR | VT_BIAS_F16 | VT_BIAS_KEYS) && r->bias_group == 2);
    assert_true(problem.bias_bytes == 160);
    TAKEN(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 1; d.bias_reach[0] = 5; d.bias_heads = 1);
    assert_true(r->bias == VT_BIAS_RELATIVE && r->bias_group == 4 && problem.bias_bytes == 11 * 4);
    assert_true(r->bias_reach[0] == 0 && r->bias_reach[1] == 0 && r->bias_reach[2] == 5);
    TAKEN(d.bias = VATTEN_BIAS_RELATIVE; d.bias_rank = 2; d.bias_reach[0] = 5; d.bias_reach[1] = 2;
          d.bias_extent[1] = 8);
    assert_true(r->bias == (VT_BIAS_RELATIVE | VT_BIAS_GRID) && problem.bias_bytes == 4 * 11 * 5 * 4);
    assert_true(r->bias_extent[0] == 1 && r->bias_extent[1] == 1 && r->bias_extent[2] == 8);
    TAKEN(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 3; d.bias_extent[0] = 2; d.bias_extent[1] = 4;
          d.bias_extent[2] = 5);
    assert_true(r->bias == (VT_BIAS_AXES | VT_BIAS_CUBE));
    assert_true(problem.bias_bytes == 2 * 4 * 24 * (2 + 4 + 5) * 4);
    assert_true(r->bias_stride[0] == 4 * 24 && r->bias_stride[1] == 24 && r->bias_stride[2] == 1 &&
                r->bias_stride[3] == 2 * 4 * 24);
    TAKEN(d.bias = VATTEN_BIAS_AXES; d.bias_rank = 2; d.bias_extent[0] = 8; d.bias_extent[1] = 5);
    assert_true(r->bias == VT_BIAS_AXES && problem.bias_bytes == 2 * 4 * 24 * (8 + 5) * 4);
}

static void lengths_say_where_they_stand(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
    TAKEN(d.lengths = VATTEN_LENGTHS_KV);
    assert_true(r->lengths == VT_LENGTHS_KV && r->sequences == 1);
    TAKEN(d.lengths = VATTEN_LENGTHS_BOTH; d.page_size = 16; d.pool_pages = 9);
    assert_true(r->lengths == (VT_LENGTHS_Q | VT_LENGTHS_KV) && r->tables.row_pages == 3);
    assert_true(problem.k.batch == 16 * 2 * 16 && problem.k.elements == 9 * 16 * 2 * 16);
    TAKEN(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 5; d.heads.batch = 1);
    assert_true(r->lengths == VT_LENGTHS_PACKED && r->sequences == 5 && r->longest == 40);
    assert_true(problem.k.elements == 40 * 2 * 16);
    TAKEN(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 5; d.heads.batch = 1; d.page_size = 7;
          d.pool_pages = 9);
    assert_true(r->lengths == (VT_LENGTHS_PACKED | VT_LENGTHS_KV) && problem.k.elements == 9 * 7 * 2 * 16);
}

static void pairs_are_at_most_those_that_masks_leave(void **state) {
    (void)state;
    TAKEN(d.masks = VATTEN_MASK_BITS; d.extra_len = 3);
    assert_true(problem.pairs == 4 * 24 * (40 + 3));
    TAKEN(d.causal = true; d.align = VATTEN_ALIGN_FIRST; d.lengths = VATTEN_LENGTHS_KV);
    assert_true(problem.pairs == 4 * 24 * 25 / 2);
    TAKEN(d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 4; d.heads.batch = 1); /* if all are as long */
    assert_true(problem.pairs == 4 * 24 * 10);
    TAKEN(d.chunk = 20); /* ALIGN_LAST: 4 queries see the first chunk, 20 the second */
    assert_true(problem.pairs == 4 * 24 * 20);
}

/* ---- Which kernels serve ---- */

static void few_queries_share_a_tile(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
    TAKEN((void)d);
    assert_true(!r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 17);
    assert_true(!r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 16);
    assert_true(r->used && r->tile_heads == 2);
    TAKEN(d.q_len = 17; d.softcap = 1.0f);
    assert_true(r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 16; d.heads.kv_heads = 4); /* nothing to share */
    assert_true(!r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 33; d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 2; d.heads.batch = 1);
    assert_true(r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 32; d.lengths = VATTEN_LENGTHS_PACKED; d.sequences = 2; d.heads.batch = 1);
    assert_true(r->used && r->tile_heads == 2);
}

/* What a tile reads once must be the same for its heads. */
static void heads_that_differ_have_tiles_of_their_own(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
    TAKEN(d.q_len = 1; d.head_fields = VATTEN_HEAD_PREFIX);
    assert_true(r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 1; d.head_fields = VATTEN_HEAD_WINDOW; d.window.enabled = true);
    assert_true(r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 1; d.head_fields = VATTEN_HEAD_SLOPE | VATTEN_HEAD_GAIN);
    assert_true(r->used && r->tile_heads == 2);
    TAKEN(d.q_len = 1; d.masks = VATTEN_MASK_BITS; d.mask_heads = 4);
    assert_true(r->used && r->tile_heads == 1);
    TAKEN(d.q_len = 1; d.masks = VATTEN_MASK_BITS; d.mask_heads = 2);
    assert_true(r->used && r->tile_heads == 2);
    TAKEN(d.q_len = 1; d.bias = VATTEN_BIAS_TENSOR; d.bias_strides.key = 1; d.bias_strides.head = 40);
    assert_true(r->bias == VT_BIAS_TENSOR &&
                r->tile_heads == 2); /* keys have a bias in each of the two heads */
}

static void few_queries_of_many_keys_may_share_them(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
    TAKEN(d.q_len = 16; d.heads.kv_heads = 4; d.kv_len = 1023);
    assert_false(r->used);
    TAKEN(d.q_len = 16; d.heads.kv_heads = 4; d.kv_len = 1024);
    assert_true(r->used);
    TAKEN(d.q_len = 16; d.heads.kv_heads = 4; d.kv_len = 1024; d.splits = 1);
    assert_false(r->used);
    TAKEN(d.q_len = 17; d.heads.kv_heads = 4; d.kv_len = 1024);
    assert_false(r->used);
    TAKEN(d.q_len = 17; d.splits = 2); /* asked for */
    assert_true(r->used && r->splits == 2);
}

/* Kernels with rules bind eight buffers; what needs none of them does without where a device has fewer. */
static void small_devices_do_without(void **state) {
    (void)state;
    vt_caps caps = unit_caps_least();
    vatten_attention_desc d = unit_dense();
    d.q_len = 1;
    d.kv_len = 5000;
    assert_int_equal(dense_on(&caps, &d), VATTEN_SUCCESS);
    assert_true(!problem.rules.used && problem.rules.tile_heads == 1);
    d.softcap = 3.0f;
    assert_int_equal(dense_on(&caps, &d), VATTEN_SUCCESS);
    assert_true(problem.rules.used); /* vt_op_rules says what is missing */
    caps.storage_buffers = 8;
    d.softcap = 0.0f;
    assert_int_equal(dense_on(&caps, &d), VATTEN_SUCCESS);
    assert_true(problem.rules.used && problem.rules.tile_heads == 2);
}

static void any_rule_takes_kernels_with_rules(void **state) {
    (void)state;
    const vt_rules *r = &problem.rules;
#define USED(SET)                                                                                            \
    TAKEN(SET);                                                                                              \
    assert_true(r->used)
    USED(d.chunk = 8);
    USED(d.key_stride = 8);
    USED(d.masks = VATTEN_MASK_BITS);
    USED(d.softcap = 1.0f);
    USED(d.head_fields = VATTEN_HEAD_SCALE);
    USED(d.bias = VATTEN_BIAS_TENSOR);
    USED(d.extra_len = 1);
    USED(d.lengths = VATTEN_LENGTHS_KV);
    USED(d.page_size = 8; d.pool_pages = 8);
    USED(d.normaliser = VATTEN_NORMALISER_RELU);
    USED(d.carry = VATTEN_CARRY_OUT);
    USED(d.heads.kv_dtype = VATTEN_DTYPE_I8; d.heads.kv_block = 4);
    USED(d.heads.tile.layout = VATTEN_LAYOUT_STREAM);
    TAKEN(d.causal = true; d.prefix = 3; d.window.enabled = true; d.heads.write_lse = true);
    assert_false(r->used);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(chunks_and_strides_are_bounded),
        TEST(masks_are_known),
        TEST(segments_need_their_mask),
        TEST(heads_of_masks_divide_heads),
        TEST(fields_of_heads_are_known),
        TEST(a_softcap_is_positive_and_finite),
        TEST(biases_are_known),
        TEST(a_table_of_offsets_has_a_reach),
        TEST(axes_have_all_keys),
        TEST(extra_keys_are_bounded),
        TEST(sequences_are_packed),
        TEST(pages_have_a_pool),
        TEST(normalisers_are_known),
        TEST(states_are_carried_by_softmaxes),
        TEST(splits_merge_softmaxes),
        TEST(bytes_have_blocks),
        TEST(tables_may_overflow),
        TEST(defaults_of_masks_and_biases),
        TEST(biases_are_as_large_as_what_is_read),
        TEST(lengths_say_where_they_stand),
        TEST(pairs_are_at_most_those_that_masks_leave),
        TEST(few_queries_share_a_tile),
        TEST(heads_that_differ_have_tiles_of_their_own),
        TEST(few_queries_of_many_keys_may_share_them),
        TEST(small_devices_do_without),
        TEST(any_rule_takes_kernels_with_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
