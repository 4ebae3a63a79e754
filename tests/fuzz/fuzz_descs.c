/* SPDX-License-Identifier: MIT */
#include "fuzz_descs.h"

#include "fuzz_input.h"

#include <string.h>

void fuzz_mend_heads(vatten_heads *heads, uint8_t bits) {
    heads->dtype = (vatten_dtype)((uint32_t)heads->dtype & 3);
    heads->dim &= 1023;
    heads->value_dim &= 1023;
    heads->kv_heads &= 15;
    heads->heads = bits & 128 ? heads->heads : heads->kv_heads * (heads->heads & 15);
    if (bits & 64)
        memset(&heads->tile, 0, sizeof heads->tile);
    if (bits & 32)
        heads->q = heads->k = heads->v = heads->out = (vatten_strides){0, 0, 0};
    heads->label =
        bits & 1 ? "%s%n a label that is longer than the sixty-three bytes of it that are kept" : NULL;
    fuzz_set_bool(&heads->write_lse, (bits & 2) != 0);
}

/* Rules come near to what is allowed; `keep` says which stay as they are, for one that is wrong hides all others. */
static void mend_rules(vatten_attention_desc *d, uint8_t bits, uint8_t keep) {
    fuzz_set_bool(&d->mask_batch, (bits & 16) != 0);
    fuzz_set_bool(&d->head_batch, (bits & 96) == 96);
    fuzz_set_bool(&d->alibi_signed, (bits & 72) == 72);
    d->lengths = (vatten_lengths)((uint32_t)d->lengths & 3);
    d->bias = (vatten_bias)((uint32_t)d->bias & 3);
    d->bias_dtype = (vatten_dtype)((uint32_t)d->bias_dtype & 3);
    d->normaliser = (vatten_normaliser)((uint32_t)d->normaliser & 7);
    if (keep & 1)
        return;
    d->masks &= 15;
    d->mask_heads &= 3;
    d->segments &= d->masks & VATTEN_MASK_SEGMENTS ? 255u : 0;
    d->mask_batch = d->mask_batch && d->masks;
    d->head_fields &= 127;
    d->head_batch = d->head_batch && d->head_fields;
    d->softcap = keep & 2 ? 20.0f : 0.0f;
    d->chunk &= 0xffff;
    d->key_phase = d->key_stride ? d->key_phase % d->key_stride : 0;
    d->sequences &= d->lengths == VATTEN_LENGTHS_PACKED ? 255u : 0;
    d->heads.batch = d->lengths == VATTEN_LENGTHS_PACKED ? 1 : d->heads.batch;
    d->page_size &= keep & 4 ? 0xfffu : 0;
    d->pool_pages &= keep & 4 ? 0xffffu : 0;
    d->extra_len &= keep & 8 ? 0xfffu : 0;
    d->carry &= 3;
    d->splits &= 255;
    for (int a = 0; a < 3; ++a)
        d->bias_reach[a] &= 63;
}

void fuzz_dense(vatten_attention_desc *out, const uint8_t *data, size_t size, uint8_t bits) {
    fuzz_copy(out, sizeof *out, data, size);
    fuzz_mend_heads(&out->heads, bits);
    fuzz_set_bool(&out->causal, (bits & 4) != 0);
    fuzz_set_bool(&out->window.enabled, (bits & 8) != 0);
    mend_rules(out, bits, size ? data[size / 2] : 0);
}

void fuzz_grid(vatten_neighborhood_desc *out, const uint8_t *data, size_t size, uint8_t bits) {
    static vatten_axis axes[16][3];
    fuzz_copy(out, sizeof *out, data, size);
    fuzz_mend_heads(&out->heads, bits);
    fuzz_copy(axes, sizeof axes, data, size);
    for (int a = 0; a < 3; ++a)
        fuzz_set_bool(&out->axis[a].causal, (bits >> (2 + a) & 1) != 0);
    for (int h = 0; h < 16; ++h)
        for (int a = 0; a < 3; ++a)
            fuzz_set_bool(&axes[h][a].causal, (bits >> a & 1) != 0);
    out->head_axes = bits & 32 && out->heads.heads <= 16 ? axes[0] : NULL;
    fuzz_set_bool(&out->weights, (bits & 3) == 3);
}

void fuzz_mend_boxes(vatten_boxes *boxes) {
    boxes->rank &= 3;
    for (int a = 0; a < 3; ++a) {
        boxes->extent[a] &= 255;
        boxes->q_box[a] &= 15;
        boxes->kv_box[a] &= 15;
    }
}

/* Lengths that follow from boxes. */
static void lengths_of_boxes(vatten_boxes *boxes, uint64_t *q_len, uint64_t *kv_len) {
    uint64_t plane = boxes->rank > 1 ? boxes->extent[1] : 1;
    plane *= boxes->rank > 2 ? boxes->extent[2] : 1;
    boxes->q_extent &= 255;
    *q_len = plane * (boxes->q_extent ? boxes->q_extent : boxes->extent[0]);
    *kv_len = plane * boxes->extent[0];
}

void fuzz_lists(vatten_lists_desc *out, const uint8_t *data, size_t size, uint8_t bits) {
    fuzz_copy(out, sizeof *out, data, size);
    fuzz_mend_heads(&out->heads, bits);
    out->kind = (vatten_list_kind)((uint32_t)out->kind & 3);
    out->bias = (vatten_bias)((uint32_t)out->bias & 2);
    fuzz_mend_boxes(&out->boxes);
    fuzz_set_bool(&out->row_masks, (bits & 4) != 0);
    fuzz_set_bool(&out->causal, (bits & 24) == 24);
    fuzz_set_bool(&out->window.enabled, (bits & 40) == 40);
    if (out->boxes.rank)
        lengths_of_boxes(&out->boxes, &out->q_len, &out->kv_len);
}
