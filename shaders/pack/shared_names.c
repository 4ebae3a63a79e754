/* SPDX-License-Identifier: MIT */
#include "shared_names.h"

#include "word_list.h"

enum { STEPS = 12 };

static uint64_t mixed(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* What the instruction says without its ids. */
static uint64_t hash_of(const instruction *i) {
    uint64_t hash = mixed(i->op, i->count);
    for (uint32_t w = 0; w < i->count; ++w)
        hash = mixed(hash, i->kinds[w] == OPERAND_NUMBER ? 1 + (uint64_t)i->words[w] : 0);
    return hash;
}

/* Of each id that is defined before the functions; other ids have 0. */
static void first_hashes(const spirv_module *m, uint64_t *out) {
    for (size_t n = 0; n < m->functions_at; ++n) {
        const instruction *i = &m->instructions[n];
        uint32_t result = instruction_result(i);
        if (result)
            out[result] += hash_of(i);
        else if (i->op == OP_DECORATE || i->op == OP_MEMBER_DECORATE)
            out[i->words[0]] += hash_of(i); /* a sum: in any order */
    }
}

/* What the instruction refers to goes into what it defines. */
static uint64_t deeper(const instruction *i, const uint64_t *hashes, uint64_t own) {
    for (uint32_t w = 0; w < i->count; ++w)
        if (i->kinds[w] == OPERAND_ID || i->kinds[w] == OPERAND_TYPE)
            own = mixed(own, hashes[i->words[w]]);
    return own;
}

static const uint64_t *hashes_of(const spirv_module *m, arena *memory) {
    uint64_t *first = arena_take(memory, m->bound * sizeof *first);
    uint64_t *now = arena_take(memory, m->bound * sizeof *now);
    uint64_t *next = arena_take(memory, m->bound * sizeof *next);
    first_hashes(m, first);
    for (uint32_t id = 0; id < m->bound; ++id)
        now[id] = first[id];
    for (int step = 0; step < STEPS; ++step) {
        for (size_t n = 0; n < m->functions_at; ++n) {
            const instruction *i = &m->instructions[n];
            uint32_t result = instruction_result(i);
            if (result)
                next[result] = deeper(i, now, first[result]);
        }
        uint64_t *old = now;
        now = next;
        next = old;
    }
    return now;
}

/* What defines the id: an id that has a number by it, one that comes later by its hash. */
static void key_of(const instruction *i, const uint32_t *names, const uint64_t *hashes, word_list *out) {
    uint64_t own = hashes[instruction_result(i)];
    out->count = 0;
    words_add(out, i->op);
    words_add(out, (uint32_t)own);
    words_add(out, (uint32_t)(own >> 32));
    for (uint32_t w = 0; w < i->count; ++w) {
        uint32_t word = i->words[w];
        bool refers = i->kinds[w] == OPERAND_ID || i->kinds[w] == OPERAND_TYPE;
        words_add(out, i->kinds[w] == OPERAND_NUMBER ? word : refers ? names[word] : 0);
        if (refers && !names[word]) {
            words_add(out, (uint32_t)hashes[word]);
            words_add(out, (uint32_t)(hashes[word] >> 32));
        }
    }
}

/* Two that are defined by the same words are two. */
static uint32_t number_of(word_list *key, texts *known, const bool *taken) {
    for (uint32_t same = 0;; ++same) {
        words_add(key, same);
        uint32_t number = texts_number(known, key->list, key->count);
        if (!taken[number])
            return number;
        key->count--;
    }
}

void names_of(const spirv_module *m, texts *known, uint32_t *out, arena *memory) {
    const uint64_t *hashes = hashes_of(m, memory);
    size_t room = known->count + m->functions_at;
    bool *taken = arena_take(memory, room + 1);
    word_list key = {.memory = memory};
    for (size_t n = 0; n < m->functions_at; ++n) {
        uint32_t result = instruction_result(&m->instructions[n]);
        if (!result)
            continue;
        key_of(&m->instructions[n], out, hashes, &key);
        uint32_t number = number_of(&key, known, taken);
        taken[number] = true;
        out[result] = number + 1;
    }
}
