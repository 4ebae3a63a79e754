/* SPDX-License-Identifier: MIT */
#include "spirv_module.h"

enum { MAGIC = 0x07230203, MEMORY_WORDS = 4 };

/* False for ids that are none: a drawn-out bound would have tables of it take all memory. */
static bool ids_below(const instruction *i, uint32_t bound) {
    for (uint32_t w = 0; w < i->count; ++w)
        if (i->kinds[w] != OPERAND_NUMBER && (i->words[w] == 0 || i->words[w] >= bound))
            return false;
    return true;
}

static bool read_instruction(instruction *out, const uint32_t *words, uint32_t count, arena *memory) {
    operand *kinds = arena_take(memory, (count + MEMORY_WORDS) * sizeof *kinds);
    *out = (instruction){words[0] & 0xffff, count - 1, words + 1, kinds};
    return operands_of(out->op, out->words, out->count, kinds);
}

static void forget(spirv_module *m) {
    m->understood = false;
    m->count = m->functions_at = 0;
}

static void keep(spirv_module *m, const instruction *i, arena *memory) {
    if (i->op == OP_FUNCTION && m->functions_at == 0)
        m->functions_at = m->count;
    m->instructions = arena_grown(memory, m->instructions, m->count, sizeof *i);
    m->instructions[m->count++] = *i;
    m->word_count += i->count + 1;
}

bool module_read(spirv_module *out, const uint32_t *words, size_t count, arena *memory) {
    *out = (spirv_module){.word_count = MODULE_HEAD_WORDS, .understood = true};
    if (count < MODULE_HEAD_WORDS || words[0] != MAGIC)
        return false;
    out->version = words[1];
    out->generator = words[2];
    out->bound = words[3];
    for (size_t at = MODULE_HEAD_WORDS; at < count;) {
        uint32_t length = words[at] >> 16;
        if (length == 0 || length > count - at)
            return false;
        instruction i;
        if (!operands_needless(words[at] & 0xffff, words + at + 1, length - 1)) {
            if (!read_instruction(&i, words + at, length, memory) || !ids_below(&i, out->bound)) {
                forget(out);
                out->word_count = count;
                return true;
            }
            keep(out, &i, memory);
        }
        at += length;
    }
    if (out->functions_at == 0)
        out->functions_at = out->count;
    return true;
}

size_t module_function_end(const spirv_module *m, size_t at) {
    while (at < m->count && m->instructions[at].op != OP_FUNCTION_END)
        ++at;
    return at < m->count ? at + 1 : at;
}

uint32_t instruction_result(const instruction *i) {
    for (uint32_t w = 0; w < i->count; ++w)
        if (i->kinds[w] == OPERAND_RESULT)
            return i->words[w];
    return 0;
}

/* `names` and `back` say which id of one is which of the other, 0 where that is open. */
static bool same_instruction(const instruction *a, const instruction *b, uint32_t *names, uint32_t *back) {
    if (a->op != b->op || a->count != b->count)
        return false;
    for (uint32_t w = 0; w < a->count; ++w) {
        uint32_t x = a->words[w];
        uint32_t y = b->words[w];
        if (a->kinds[w] == OPERAND_NUMBER) {
            if (x != y)
                return false;
            continue;
        }
        if (!names[x] && !back[y]) {
            names[x] = y;
            back[y] = x;
        }
        if (names[x] != y || back[y] != x)
            return false;
    }
    return true;
}

bool module_same(const spirv_module *a, const spirv_module *b, arena *memory) {
    if (a->version != b->version || a->generator != b->generator || a->count != b->count ||
        a->understood != b->understood)
        return false;
    uint32_t *names = arena_take(memory, a->bound * sizeof *names);
    uint32_t *back = arena_take(memory, b->bound * sizeof *back);
    for (size_t i = 0; i < a->count; ++i)
        if (!same_instruction(&a->instructions[i], &b->instructions[i], names, back))
            return false;
    return true;
}
