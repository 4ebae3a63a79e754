/* SPDX-License-Identifier: MIT */
#include "pack.h"
#include "shared_names.h"
#include "unpack.h"

#include <string.h>

/* One module on its way into the pack. */
typedef struct work {
    pack *pack;
    packed_module *self;
    size_t *starts;           /* of each id the index, plus one, of the function that it is */
    bool *begun;              /* functions that are being looked at */
    uint32_t *locals;         /* of each id of a function its number in it, plus one */
    word_list template, open; /* of the instruction that is being added */
} work;

uint32_t pack_open_parts(const text *template) {
    uint32_t open = 0;
    for (size_t i = 2; i < template->count; i += 2)
        open += template->words[i] == VT_PACK_ID || template->words[i] == VT_PACK_NUMBER;
    return open;
}

uint32_t pack_folded(int64_t distance) {
    return (uint32_t)(distance < 0 ? -2 * distance - 1 : 2 * distance);
}

/* `seen` ids of the block are defined so far. */
static uint32_t reference(const work *w, uint32_t id, uint32_t seen) {
    uint32_t name = w->self->names[id];
    return name ? 2 * (name - 1) + 1 : 2 * pack_folded((int64_t)seen - w->locals[id]);
}

/* Inside of functions, types and numbers belong to the template: there are few of each instruction. */
static vt_pack_part part_of(operand kind, bool inside) {
    switch (kind) {
    case OPERAND_RESULT:
        return VT_PACK_RESULT;
    case OPERAND_NUMBER:
        return inside ? VT_PACK_FIXED_NUMBER : VT_PACK_NUMBER;
    case OPERAND_TYPE:
        return inside ? VT_PACK_FIXED_ID : VT_PACK_ID;
    default:
        return VT_PACK_ID;
    }
}

static uint32_t value_of(const work *w, vt_pack_part part, uint32_t word, uint32_t seen) {
    switch (part) {
    case VT_PACK_RESULT:
        return 0;
    case VT_PACK_ID:
        return reference(w, word, seen);
    case VT_PACK_FIXED_ID:
        return w->self->names[word] - 1;
    default:
        return word;
    }
}

static void add_instruction(work *w, const instruction *i, bool inside, uint32_t *seen, word_list *block) {
    word_list *template = &w->template;
    word_list *open = &w->open;
    template->count = open->count = 0;
    words_add(template, i->op);
    words_add(template, i->count);
    for (uint32_t n = 0; n < i->count; ++n) {
        vt_pack_part part = part_of(i->kinds[n], inside);
        uint32_t value = value_of(w, part, i->words[n], *seen);
        bool fixed = part == VT_PACK_FIXED_NUMBER || part == VT_PACK_FIXED_ID;
        words_add(template, part);
        words_add(template, fixed ? value : 0);
        if (part == VT_PACK_ID || part == VT_PACK_NUMBER)
            words_add(open, value);
        *seen += part == VT_PACK_RESULT && w->self->names[i->words[n]] == 0;
    }
    words_add(block, texts_number(&w->pack->templates, template->list, template->count));
    for (size_t n = 0; n < open->count; ++n)
        words_add(block, open->list[n]);
}

static bool add_function(work *w, uint32_t id);

/* What it calls comes first, so that its words have numbers for that. False: it calls itself. */
static bool add_callees(work *w, size_t from, size_t to, uint32_t self) {
    for (size_t n = from; n < to; ++n) {
        const instruction *i = &w->self->module.instructions[n];
        for (uint32_t k = 0; k < i->count; ++k) {
            uint32_t id = i->words[k];
            if (i->kinds[k] != OPERAND_NUMBER && id != self && w->starts[id] && !add_function(w, id))
                return false;
        }
    }
    return true;
}

/* Two functions of one module may say the same, and stay two: the last word tells them apart. */
static uint32_t function_number(work *w, word_list *block) {
    const packed_module *self = w->self;
    texts *functions = &w->pack->functions;
    for (uint32_t same = 0;; ++same) {
        words_add(block, same);
        uint32_t number = w->pack->globals.count + texts_number(functions, block->list, block->count);
        bool taken = false;
        for (uint32_t id = 0; id < self->module.bound && !taken; ++id)
            taken = w->starts[id] && self->names[id] == number + 1;
        if (!taken)
            return number;
        block->count--;
    }
}

static bool add_function(work *w, uint32_t id) {
    const spirv_module *m = &w->self->module;
    size_t from = w->starts[id] - 1;
    size_t to = module_function_end(m, from);
    if (w->self->names[id])
        return true;
    if (w->begun[id])
        return false;
    w->begun[id] = true;
    if (!add_callees(w, from, to, id))
        return false;
    word_list block = {.memory = w->pack->memory};
    uint32_t seen = 0;
    w->self->names[id] = UINT32_MAX; /* known outside, by a number that is found out now */
    for (size_t n = from; n < to; ++n)
        add_instruction(w, &m->instructions[n], true, &seen, &block);
    w->self->names[id] = 0;
    w->self->names[id] = function_number(w, &block) + 1;
    return true;
}

static void number_locals(work *w) {
    const spirv_module *m = &w->self->module;
    uint32_t count = 0;
    for (size_t n = m->functions_at; n < m->count; ++n) {
        uint32_t result = instruction_result(&m->instructions[n]);
        if (m->instructions[n].op == OP_FUNCTION) {
            w->starts[result] = n + 1;
            count = 0;
        } else if (result) {
            w->locals[result] = ++count;
        }
    }
}

static bool add_functions(work *w) {
    number_locals(w);
    for (uint32_t id = 0; id < w->self->module.bound; ++id)
        if (w->starts[id] && !add_function(w, id))
            return false;
    return true;
}

static bool same_text(const text *known, const word_list *block) {
    return known->count == block->count &&
           memcmp(known->words, block->list, block->count * sizeof *block->list) == 0;
}

/* A decoration of what is inside a function cannot be said: the function's block is the same in all modules. */
static bool names_all(const packed_module *self, const instruction *i) {
    for (uint32_t n = 0; n < i->count; ++n)
        if (i->kinds[n] != OPERAND_NUMBER && self->names[i->words[n]] == 0)
            return false;
    return true;
}

/* What is before the functions, instruction by instruction; false if it cannot be said, or one number would stand for two. */
static bool add_globals(work *w, text *defined) {
    packed_module *self = w->self;
    uint32_t named = w->pack->globals.count + w->pack->functions.count;
    for (size_t n = 0; n < self->module.functions_at; ++n) {
        const instruction *i = &self->module.instructions[n];
        uint32_t result = instruction_result(i);
        word_list block = {.memory = w->pack->memory};
        uint32_t seen = 0;
        if (!names_all(self, i))
            return false;
        add_instruction(w, i, false, &seen, &block);
        uint32_t number = 0;
        if (result) {
            number = self->names[result] - 1;
            if (!defined[number].words)
                defined[number] = (text){block.list, block.count};
            if (!same_text(&defined[number], &block))
                return false;
        } else {
            number = named + texts_number(&w->pack->others, block.list, block.count);
        }
        words_add(&self->list, number);
    }
    for (size_t n = self->module.functions_at; n < self->module.count; ++n)
        if (self->module.instructions[n].op == OP_FUNCTION)
            words_add(&self->list, self->names[instruction_result(&self->module.instructions[n])] - 1);
    return true;
}

static work work_on(pack *p, packed_module *module, arena *memory) {
    uint32_t bound = module->module.bound;
    return (work){.pack = p,
                  .self = module,
                  .starts = arena_take(memory, bound * sizeof(size_t)),
                  .begun = arena_take(memory, bound * sizeof(bool)),
                  .locals = arena_take(memory, bound * sizeof(uint32_t)),
                  .template = {.memory = memory},
                  .open = {.memory = memory}};
}

static void begin(pack *out, packed_module *modules, size_t count, arena *memory) {
    *out = (pack){.memory = memory, .modules = modules, .module_count = count};
    out->globals.memory = out->functions.memory = out->others.memory = out->templates.memory = memory;
    for (size_t i = 0; i < count; ++i) {
        packed_module *m = &modules[i];
        m->plain = m->plain || !m->module.understood;
        m->names = arena_take(memory, m->module.bound * sizeof *m->names);
        m->list = (word_list){.memory = memory};
        if (!m->plain)
            names_of(&m->module, &out->globals, m->names, memory);
    }
}

/* False if a module had to be made plain: then all begins anew. */
static bool pack_all(pack *out, packed_module *modules, size_t count, arena *memory) {
    begin(out, modules, count, memory);
    text *defined = arena_take(memory, (out->globals.count + 1) * sizeof *defined);
    work *works = arena_take(memory, (count + 1) * sizeof *works);
    for (size_t i = 0; i < count; ++i) {
        if (modules[i].plain)
            continue;
        works[i] = work_on(out, &modules[i], memory);
        if (!add_functions(&works[i])) {
            modules[i].plain = true;
            return false;
        }
    }
    for (size_t i = 0; i < count; ++i) {
        if (!modules[i].plain && !add_globals(&works[i], defined)) {
            modules[i].plain = true;
            return false;
        }
    }
    out->defined = defined;
    return true;
}

void pack_modules(pack *out, packed_module *modules, size_t count, arena *memory) {
    while (!pack_all(out, modules, count, memory)) {
    }
}
