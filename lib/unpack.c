/* SPDX-License-Identifier: MIT */
#include "unpack.h"

enum { SPIRV_MAGIC = 0x07230203 };

typedef struct reader {
    const vt_pack *pack;
    const uint32_t *names; /* the id of each block */
    uint32_t base;         /* ids of the block follow this one */
    uint32_t seen;         /* so many of them so far */
    uint32_t own;          /* the id by which others know the block, until it is met */
} reader;

static uint32_t take(const uint8_t **p) {
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*p)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* Small numbers stand for small distances, back or ahead. */
static uint32_t unfold(uint32_t value) {
    return value & 1 ? 0 - (value >> 1) - 1 : value >> 1;
}

static uint32_t next_result(reader *r) {
    uint32_t own = r->own;
    r->own = 0;
    return own ? own : r->base + ++r->seen;
}

static uint32_t reference(const reader *r, uint32_t value) {
    return value & 1 ? r->names[value >> 1] : r->base + r->seen - unfold(value >> 1);
}

static uint32_t word(reader *r, const uint8_t **template, const uint8_t **open) {
    switch (*(*template)++) {
    case VT_PACK_RESULT:
        return next_result(r);
    case VT_PACK_ID:
        return reference(r, take(open));
    case VT_PACK_NUMBER:
        return take(open);
    case VT_PACK_FIXED_NUMBER:
        return take(template);
    default:
        return r->names[take(template)];
    }
}

static uint32_t *block(reader *r, uint32_t number, uint32_t *out) {
    const vt_pack *pack = r->pack;
    const uint8_t *open = pack->bytes + pack->blocks[number];
    const uint8_t *end = pack->bytes + pack->blocks[number + 1];
    r->seen = 0;
    r->own = number < pack->names ? r->names[number] : 0;
    while (open < end) {
        const uint8_t *template = pack->bytes + pack->templates[take(&open)];
        uint32_t op = take(&template);
        uint32_t count = take(&template);
        *out++ = (count + 1) << 16 | op;
        for (uint32_t i = 0; i < count; ++i)
            *out++ = word(r, &template, &open);
    }
    r->base += r->seen;
    return out;
}

/* The ids of all blocks that are used by others, from 1: what uses one may come before it. Returns how many. */
static uint32_t number_names(const vt_pack *pack, const uint8_t *list, uint32_t count, uint32_t *names) {
    uint32_t ids = 0;
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; ++i) {
        number += unfold(take(&list)) + 1;
        if (number < pack->names)
            names[number] = ++ids;
    }
    return ids;
}

static void plain(const uint8_t *bytes, size_t word_count, uint32_t *out) {
    for (size_t i = 0; i < word_count; ++i, bytes += 4)
        out[i] = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void vt_unpack(const vt_pack *pack, uint32_t at, size_t word_count, uint32_t *names, uint32_t *out_words) {
    const uint8_t *list = pack->bytes + at;
    uint32_t version = take(&list);
    if (version == 0) {
        plain(list, word_count, out_words);
        return;
    }
    uint32_t generator = take(&list);
    uint32_t count = take(&list);
    reader r = {.pack = pack, .names = names, .base = number_names(pack, list, count, names)};
    uint32_t *out = out_words + 5;
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; ++i) {
        number += unfold(take(&list)) + 1;
        out = block(&r, number, out);
    }
    out_words[0] = SPIRV_MAGIC;
    out_words[1] = version;
    out_words[2] = generator;
    out_words[3] = r.base + 1;
    out_words[4] = 0;
}
