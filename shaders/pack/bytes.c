/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include "unpack.h"

#include <stdlib.h>

static void add_byte(packed_bytes *b, uint32_t byte) {
    b->list = arena_grown(b->memory, b->list, b->count, 1);
    b->list[b->count++] = (uint8_t)byte;
}

static void add(packed_bytes *b, uint32_t number) {
    for (; number >= 0x80; number >>= 7)
        add_byte(b, (number & 0x7f) | 0x80);
    add_byte(b, number);
}

static uint32_t block_count(const pack *p) {
    return p->globals.count + p->functions.count + p->others.count;
}

static text block_at(const pack *p, uint32_t number) {
    if (number < p->globals.count)
        return p->defined[number];
    number -= p->globals.count;
    if (number >= p->functions.count)
        return p->others.list[number - p->functions.count];
    text function = p->functions.list[number];
    function.count--;
    return function;
}

typedef struct rank {
    uint32_t template, uses;
} rank;

static int by_uses(const void *a, const void *b) {
    const rank *x = a;
    const rank *y = b;
    if (x->uses != y->uses)
        return x->uses < y->uses ? 1 : -1;
    return x->template <y->template ? -1 : x->template > y->template;
}

/* Templates in the order of their use, so that most have a number of one byte: their old numbers. */
static rank *ranked(const pack *p) {
    rank *ranks = arena_take(p->memory, (p->templates.count + 1) * sizeof *ranks);
    for (uint32_t i = 0; i < p->templates.count; ++i)
        ranks[i].template = i;
    for (uint32_t i = 0; i < block_count(p); ++i) {
        text block = block_at(p, i);
        for (size_t at = 0; at < block.count; at += 1 + pack_open_parts(&p->templates.list[block.words[at]]))
            ranks[block.words[at]].uses++;
    }
    qsort(ranks, p->templates.count, sizeof *ranks, by_uses);
    return ranks;
}

static void add_template(packed_bytes *b, const text *template) {
    add(b, template->words[0]);
    add(b, template->words[1]);
    for (size_t i = 2; i < template->count; i += 2) {
        add(b, template->words[i]);
        if (template->words[i] == VT_PACK_FIXED_NUMBER || template->words[i] == VT_PACK_FIXED_ID)
            add(b, template->words[i + 1]);
    }
}

/* `places`: the new number of each template. */
static void add_block(packed_bytes *b, const pack *p, text block, const uint32_t *places) {
    for (size_t at = 0; at < block.count;) {
        uint32_t open = pack_open_parts(&p->templates.list[block.words[at]]);
        add(b, places[block.words[at++]]);
        for (uint32_t i = 0; i < open; ++i)
            add(b, block.words[at++]);
    }
}

static void add_module(packed_bytes *b, const packed_module *m) {
    if (m->plain) {
        add(b, 0);
        for (size_t i = 0; i < m->word_count; ++i)
            for (unsigned shift = 0; shift < 32; shift += 8)
                add_byte(b, m->words[i] >> shift & 0xff);
        return;
    }
    add(b, m->module.version);
    add(b, m->module.generator);
    add(b, (uint32_t)m->list.count);
    int64_t before = 0;
    for (size_t i = 0; i < m->list.count; ++i) {
        add(b, pack_folded(m->list.list[i] - before - 1));
        before = m->list.list[i];
    }
}

void bytes_of(const pack *p, packed_bytes *out) {
    uint32_t blocks = block_count(p);
    const rank *ranks = ranked(p);
    uint32_t *places = arena_take(p->memory, (p->templates.count + 1) * sizeof *places);
    *out = (packed_bytes){.memory = p->memory,
                          .templates = arena_take(p->memory, (p->templates.count + 1) * sizeof *places),
                          .template_count = p->templates.count,
                          .blocks = arena_take(p->memory, (blocks + 1) * sizeof *places),
                          .block_count = blocks,
                          .modules = arena_take(p->memory, (p->module_count + 1) * sizeof *places)};
    for (uint32_t i = 0; i < p->templates.count; ++i) {
        places[ranks[i].template] = i;
        out->templates[i] = (uint32_t)out->count;
        add_template(out, &p->templates.list[ranks[i].template]);
    }
    for (uint32_t i = 0; i < blocks; ++i) {
        out->blocks[i] = (uint32_t)out->count;
        add_block(out, p, block_at(p, i), places);
    }
    out->blocks[blocks] = (uint32_t)out->count;
    for (size_t i = 0; i < p->module_count; ++i) {
        out->modules[i] = (uint32_t)out->count;
        add_module(out, &p->modules[i]);
    }
}
