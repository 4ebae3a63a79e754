/* SPDX-License-Identifier: MIT
 *
 * From bytes to a desc, a problem, a tile and a list of steps: nothing crashes, nothing takes long, and every
 * program keeps the rules of tests/unit/program_rules.c, or of rules_must.c. An entry for libFuzzer; replay.c runs it without.
 *
 * The first byte chooses how the rest is read: as the raw memory of a desc, which finds what no sane caller
 * writes, or as choices of a generator of likely problems, which gets further.
 */
#include "fuzz_tasks.h"
#include "fuzz_tuning.h"
#include "program_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void try_tuning(const program_case *c, bool good, const uint8_t *data, size_t size) {
    const char *broken = fuzz_tuning(&c->caps, good ? &c->problem : NULL, data, size);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(void *out, size_t want, const uint8_t *data, size_t size) {
    memset(out, 0, want);
    memcpy(out, data, size < want ? size : want);
}

/* Any bytes are a desc, but a pointer must point and a bool must be one. The fields that nearly all random
 * values are refused for come near to what is allowed, so that others matter too. */
static void mend_heads(vatten_heads *heads, uint8_t bits) {
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
    memset(&heads->write_lse, 0, sizeof heads->write_lse);
    heads->write_lse = (bits & 2) != 0;
}

static void mend_bool(bool *b, bool value) {
    memset(b, 0, sizeof *b);
    *b = value;
}

/* Rules come near to what is allowed; `keep` says which stay as they are, for one that is wrong hides all others. */
static void mend_rules(vatten_attention_desc *d, uint8_t bits, uint8_t keep) {
    mend_bool(&d->mask_batch, (bits & 16) != 0);
    mend_bool(&d->head_batch, (bits & 96) == 96);
    mend_bool(&d->alibi_signed, (bits & 72) == 72);
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

static vatten_result raw_dense(program_case *c, const uint8_t *data, size_t size, uint8_t bits) {
    vatten_attention_desc desc;
    copy(&desc, sizeof desc, data, size);
    mend_heads(&desc.heads, bits);
    memset(&desc.causal, 0, sizeof desc.causal);
    memset(&desc.window.enabled, 0, sizeof desc.window.enabled);
    desc.causal = (bits & 4) != 0;
    desc.window.enabled = (bits & 8) != 0;
    mend_rules(&desc, bits, data[size / 2]);
    return vt_problem_from_attention(&c->caps, NULL, &desc, &c->problem);
}

static void mend_axis(vatten_axis *axis, bool causal) {
    memset(&axis->causal, 0, sizeof axis->causal);
    axis->causal = causal;
}

static vatten_result raw_grid(program_case *c, const uint8_t *data, size_t size, uint8_t bits) {
    static vatten_axis axes[16][3]; /* the problem keeps the pointer */
    vatten_neighborhood_desc desc;
    copy(&desc, sizeof desc, data, size);
    mend_heads(&desc.heads, bits);
    copy(axes, sizeof axes, data, size);
    for (int a = 0; a < 3; ++a)
        mend_axis(&desc.axis[a], (bits >> (2 + a) & 1) != 0);
    for (int h = 0; h < 16; ++h)
        for (int a = 0; a < 3; ++a)
            mend_axis(&axes[h][a], (bits >> a & 1) != 0);
    desc.head_axes = bits & 32 && desc.heads.heads <= 16 ? axes[0] : NULL;
    memset(&desc.weights, 0, sizeof desc.weights);
    desc.weights = (bits & 3) == 3;
    return vt_problem_from_neighborhood(&c->caps, NULL, &desc, &c->problem);
}

static vatten_result raw_lists(program_case *c, const uint8_t *data, size_t size, uint8_t bits) {
    vatten_lists_desc desc;
    copy(&desc, sizeof desc, data, size);
    mend_heads(&desc.heads, bits);
    desc.kind = (vatten_list_kind)((uint32_t)desc.kind & 3);
    desc.bias = (vatten_bias)((uint32_t)desc.bias & 2);
    desc.boxes.rank &= 3;
    for (int a = 0; a < 3; ++a) {
        desc.boxes.extent[a] &= 255;
        desc.boxes.q_box[a] &= 15;
        desc.boxes.kv_box[a] &= 15;
    }
    memset(&desc.row_masks, 0, sizeof desc.row_masks);
    memset(&desc.causal, 0, sizeof desc.causal);
    memset(&desc.window.enabled, 0, sizeof desc.window.enabled);
    desc.row_masks = (bits & 4) != 0;
    desc.causal = (bits & 24) == 24;
    desc.window.enabled = (bits & 40) == 40;
    if (desc.boxes.rank) { /* lengths that follow */
        uint64_t plane = desc.boxes.rank > 1 ? desc.boxes.extent[1] : 1;
        plane *= desc.boxes.rank > 2 ? desc.boxes.extent[2] : 1;
        desc.boxes.q_extent &= 255;
        desc.q_len = plane * (desc.boxes.q_extent ? desc.boxes.q_extent : desc.boxes.extent[0]);
        desc.kv_len = plane * desc.boxes.extent[0];
    }
    return vt_problem_from_lists(&c->caps, NULL, &desc, &c->problem);
}

static vatten_result read_problem(program_case *c, const uint8_t *data, size_t size) {
    uint8_t how = data[0];
    unit_random random = {.state = how, .bytes = data + 1, .left = size - 1};
    program_scale scale = how & 1 ? PROGRAM_LARGE : PROGRAM_SMALL;
    vatten_result result = how & 16 && how < 128 ? rules_random(&random, scale, NULL, c)
                                                 : program_random(&random, scale, NULL, c);
    if (how < 128)
        return result;
    size_t used = size < 40 ? size : 40; /* what the device was made of */
    return how & 4   ? raw_lists(c, data + used, size - used, data[size - 1])
           : how & 2 ? raw_dense(c, data + used, size - used, data[size - 1])
                     : raw_grid(c, data + used, size - used, data[size - 1]);
}

/* The device is that of the first bytes, as in read_problem. */
static void try_tasks(program_case *c, const uint8_t *data, size_t size) {
    size_t used = size < 40 ? size : 40;
    const char *broken = fuzz_tasks(&c->caps, data + used, size - used);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static program_case c;
    if (size < 2)
        return 0;
    vatten_result result = read_problem(&c, data, size);
    if (data[0] % 4 == 3)
        try_tasks(&c, data, size);
    if (data[0] % 4 == 1)
        try_tuning(&c, result == VATTEN_SUCCESS, data + 1, size - 1);
    bool rules = result == VATTEN_SUCCESS && c.problem.map == VT_MAP_DENSE && c.problem.rules.used;
    if (result == VATTEN_SUCCESS)
        result = rules ? rules_build(&c, NULL) : program_build(&c, NULL);
    if (result != VATTEN_SUCCESS)
        return 0;
    const char *broken = rules ? rules_broken(&c, data[0]) : program_broken(&c, data[0]);
    if (!broken && !rules)
        broken = program_grid_broken(&c);
    if (broken) {
        fprintf(stderr, "%s\n%s\n", broken, program_text(&c));
        abort();
    }
    program_free(&c);
    return 0;
}
