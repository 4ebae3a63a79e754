/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include <math.h>
#include <stdlib.h>

#include "complain.h"
#include "storage.h"

enum { KEYS, VALUES, QUERIES, ASKED }; /* what is drawn for a token */

#define TOPIC_TOKENS 256u /* a topic goes on for */
#define TOPICS       64u
#define ROOT_3       1.7320508f /* times a number from -1 to 1: variance 1 */

/* Neighbouring numbers become unrelated ones. */
static uint32_t mix(uint32_t x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static uint32_t key_of(const tokens *t, uint32_t entry, uint64_t place, uint32_t what) {
    return mix(mix(mix(t->desc.seed) + entry) + (uint32_t)place * 4u + what);
}

/* -1 to 1 */
static float draw(uint32_t key, uint32_t index) {
    return (float)(mix(key + index * 0x9e3779b9u) >> 8) * 0x1p-23f - 1.0f;
}

/* Keys are of a topic that many tokens share, and of their own; values are from -1 to 1. */
static void make_row(const tokens *t, uint32_t entry, uint64_t place, float *k, float *v) {
    uint32_t numbers = t->desc.kv_heads * t->desc.dim;
    uint32_t topic = mix(t->desc.seed + mix((uint32_t)(place / TOPIC_TOKENS) + entry)) % TOPICS;
    uint32_t topic_key = mix(t->desc.seed ^ topic << 8);
    uint32_t keys = key_of(t, entry, place, KEYS), values = key_of(t, entry, place, VALUES);
    for (uint32_t i = 0; i < numbers; i++) {
        k[i] = ROOT_3 * (0.6f * draw(topic_key, i) + 0.8f * draw(keys, i));
        v[i] = draw(values, i);
    }
}

size_t tokens_row(const token_desc *desc) {
    return (size_t)desc->kv_heads * desc->dim * storage_bytes(desc->dtype);
}

static size_t offset_of(const tokens *t, uint32_t entry, uint64_t place) {
    return (size_t)(entry * t->desc.capacity + place) * tokens_row(&t->desc);
}

const unsigned char *tokens_at(const tokens *t, const unsigned char *side, uint32_t entry, uint64_t place) {
    return side + offset_of(t, entry, place);
}

bool tokens_create(tokens *t, const token_desc *desc) {
    size_t numbers = (size_t)desc->kv_heads * desc->dim;
    float *scratch = malloc(2 * numbers * sizeof(float));
    *t = (tokens){.desc = *desc};
    t->k = malloc(offset_of(t, desc->batch, 0));
    t->v = malloc(offset_of(t, desc->batch, 0));
    bool ready = scratch && t->k && t->v;
    for (uint32_t entry = 0; entry < desc->batch && ready; entry++) {
        for (uint64_t place = 0; place < desc->capacity; place++) {
            make_row(t, entry, place, scratch, scratch + numbers);
            storage_write(desc->dtype, scratch, numbers, t->k + offset_of(t, entry, place));
            storage_write(desc->dtype, scratch + numbers, numbers, t->v + offset_of(t, entry, place));
        }
    }
    free(scratch);
    return ready ||
           complain("out of memory for %llu tokens", (unsigned long long)(desc->batch * desc->capacity));
}

void tokens_destroy(tokens *t) {
    free(t->k);
    free(t->v);
}

void tokens_query(const tokens *t, uint32_t entry, uint64_t place, float *scratch, void *out) {
    const token_desc *d = &t->desc;
    uint64_t seen = d->window && d->window < place + 1 ? d->window : place + 1;
    uint32_t queries = key_of(t, entry, place, QUERIES), asked = key_of(t, entry, place, ASKED);
    /* A score of log(seen) + 1 stands for as much weight as the scores about 0 of all others, and more. */
    float size = ((float)log((double)seen) + 1.0f) / sqrtf((float)d->dim);
    double key[VATTEN_MAX_DIM];
    for (uint32_t head = 0; head < d->heads; head++) {
        uint64_t token = place - mix(asked + head) % seen;
        uint32_t kv_head = head / (d->heads / d->kv_heads);
        const unsigned char *row = tokens_at(t, t->k, entry, token);
        storage_read(d->dtype, row + (size_t)kv_head * d->dim * storage_bytes(d->dtype), d->dim, key);
        for (uint32_t i = 0; i < d->dim; i++) {
            scratch[head * d->dim + i] = size * (float)key[i] + 0.25f * draw(queries, head * d->dim + i);
        }
    }
    storage_write(d->dtype, scratch, (size_t)d->heads * d->dim, out);
}
