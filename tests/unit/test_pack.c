/* SPDX-License-Identifier: MIT
 *
 * The packer on modules of a few instructions: what goes in comes out, what several have stands there once, and what cannot be
 * said in blocks is kept as it is.
 */
#include "unit.h"

#include "bytes.h"
#include "unpack.h"

#include <stdlib.h>

enum { MAGIC = 0x07230203, VERSION = 0x00010300, GENERATOR = 0x0008000b };

/* Instructions: the number of words, the number of the instruction, its words. */
#define INSTRUCTION(COUNT, OP) (uint32_t)(COUNT) << 16 | (OP)
#define VOID_TYPE(ID)          INSTRUCTION(2, 19), ID
#define FLOAT_TYPE(ID)         INSTRUCTION(3, 22), ID, 32
#define FUNCTION_TYPE(ID, OF)  INSTRUCTION(3, 33), ID, OF
#define CONSTANT(TYPE, ID, V)  INSTRUCTION(4, 43), TYPE, ID, V
#define FUNCTION(TYPE, ID, OF) INSTRUCTION(5, 54), TYPE, ID, 0, OF
#define CALL(TYPE, ID, F)      INSTRUCTION(4, 57), TYPE, ID, F
#define ADD(TYPE, ID, A, B)    INSTRUCTION(5, 129), TYPE, ID, A, B
#define LABEL(ID)              INSTRUCTION(2, 248), ID
#define RETURN                 INSTRUCTION(1, 253)
#define END                    INSTRUCTION(1, 56)
#define DECORATE(ID, WHAT)     INSTRUCTION(3, 71), ID, WHAT
#define NAME(ID)               INSTRUCTION(3, 5), ID, 'f'

enum { MOST = 8, NO_CONTRACTION = 42, RELAXED_PRECISION = 0 };

typedef struct packed {
    arena memory;
    packed_module modules[MOST];
    size_t count;
    pack pack;
    packed_bytes bytes;
} packed;

static void add(packed *p, uint32_t bound, const uint32_t *words, size_t count) {
    packed_module *m = &p->modules[p->count++];
    uint32_t *all = arena_take(&p->memory, (count + 5) * sizeof *all);
    const uint32_t head[] = {MAGIC, VERSION, GENERATOR, bound, 0};
    memcpy(all, head, sizeof head);
    memcpy(all + 5, words, count * sizeof *words);
    m->words = all;
    m->word_count = count + 5;
    assert_true(module_read(&m->module, all, m->word_count, &p->memory));
}

#define ADD_MODULE(P, BOUND, ...)                                                                            \
    add(P, BOUND, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* Packs them all, and holds each against what comes out. */
static void pack_and_check(packed *p) {
    pack_modules(&p->pack, p->modules, p->count, &p->memory);
    bytes_of(&p->pack, &p->bytes);
    const vt_pack form = {p->bytes.list, p->bytes.templates, p->bytes.blocks,
                          p->pack.globals.count + p->pack.functions.count};
    for (size_t i = 0; i < p->count; ++i) {
        const packed_module *m = &p->modules[i];
        size_t count = m->plain ? m->word_count : m->module.word_count;
        uint32_t *out = arena_take(&p->memory, count * sizeof *out);
        uint32_t *names = arena_take(&p->memory, (form.names + 1) * sizeof *names);
        vt_unpack(&form, p->bytes.modules[i], count, names, out);
        spirv_module again;
        assert_true(module_read(&again, out, count, &p->memory));
        assert_true(module_same(&m->module, &again, &p->memory));
        if (m->plain)
            assert_memory_equal(out, m->words, count * sizeof *out);
    }
}

static void release(packed *p) {
    arena_free(&p->memory);
}

static void modules_that_are_the_same_are_kept_once(void **state) {
    (void)state;
    packed p = {0};
    ADD_MODULE(&p, 9, VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, 0x3f800000), FUNCTION_TYPE(4, 1),
               FUNCTION(1, 5, 4), LABEL(6), ADD(2, 7, 3, 3), ADD(2, 8, 7, 3), RETURN, END);
    /* other numbers, and another order of what does not depend on each other */
    ADD_MODULE(&p, 90, FLOAT_TYPE(12), CONSTANT(12, 13, 0x3f800000), VOID_TYPE(11), FUNCTION_TYPE(14, 11),
               FUNCTION(11, 85, 14), LABEL(16), ADD(12, 17, 13, 13), ADD(12, 18, 17, 13), RETURN, END);
    pack_and_check(&p);
    assert_int_equal(p.pack.globals.count, 4);
    assert_int_equal(p.pack.functions.count, 1);
    assert_false(p.modules[0].plain || p.modules[1].plain);
    release(&p);
}

static void another_constant_is_another_function(void **state) {
    (void)state;
    packed p = {0};
    for (uint32_t value = 1; value <= 2; ++value)
        ADD_MODULE(&p, 9, VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, value), FUNCTION_TYPE(4, 1),
                   FUNCTION(1, 5, 4), LABEL(6), ADD(2, 7, 3, 3), RETURN, END);
    pack_and_check(&p);
    assert_int_equal(p.pack.globals.count, 5);
    assert_int_equal(p.pack.functions.count, 2);
    release(&p);
}

/* The second of two that say the same stays a function, and those who call it call it. */
static void twins_stay_two(void **state) {
    (void)state;
    packed p = {0};
    ADD_MODULE(&p, 14, VOID_TYPE(1), FUNCTION_TYPE(2, 1), FUNCTION(1, 3, 2), LABEL(4), RETURN, END,
               FUNCTION(1, 5, 2), LABEL(6), RETURN, END, FUNCTION(1, 7, 2), LABEL(8), CALL(1, 9, 3),
               CALL(1, 10, 5), CALL(1, 11, 13), RETURN, END, FUNCTION(1, 13, 2), LABEL(12), RETURN, END);
    ADD_MODULE(&p, 7, VOID_TYPE(1), VOID_TYPE(2), FUNCTION_TYPE(3, 2), FUNCTION_TYPE(4, 1), FUNCTION(2, 5, 3),
               LABEL(6), RETURN, END);
    pack_and_check(&p);
    assert_int_equal(p.pack.functions.count, 5);
    release(&p);
}

static void names_and_leave_to_be_less_exact_are_left_out(void **state) {
    (void)state;
    packed p = {0};
    ADD_MODULE(&p, 7, NAME(4), DECORATE(6, RELAXED_PRECISION), VOID_TYPE(1), FLOAT_TYPE(2),
               FUNCTION_TYPE(3, 1), FUNCTION(1, 4, 3), LABEL(5), INSTRUCTION(3, 1), 2, 6, RETURN, END);
    assert_false(p.modules[0].module.understood); /* Undef is no instruction of the table */
    p.count = 0;
    ADD_MODULE(&p, 8, NAME(4), DECORATE(7, RELAXED_PRECISION), VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 6, 5),
               FUNCTION_TYPE(3, 1), FUNCTION(1, 4, 3), LABEL(5), ADD(2, 7, 6, 6), RETURN, END);
    pack_and_check(&p);
    assert_false(p.modules[0].plain);
    assert_int_equal(p.modules[0].module.word_count, p.modules[0].word_count - 6);
    release(&p);
}

/* The others are packed all the same. */
static void what_cannot_be_said_is_kept_as_it_is(void **state) {
    (void)state;
    packed p = {0};
    ADD_MODULE(&p, 7, DECORATE(6, NO_CONTRACTION), VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, 5),
               FUNCTION_TYPE(4, 1), FUNCTION(1, 5, 4), ADD(2, 6, 3, 3), END);
    ADD_MODULE(&p, 7, VOID_TYPE(1), FUNCTION_TYPE(4, 1), FUNCTION(1, 5, 4), LABEL(2), RETURN, END);
    ADD_MODULE(&p, 4, VOID_TYPE(1), INSTRUCTION(2, 9999), 3);
    ADD_MODULE(&p, 9, VOID_TYPE(1), FUNCTION_TYPE(4, 1), FUNCTION(1, 5, 4), CALL(1, 6, 7), END,
               FUNCTION(1, 7, 4), CALL(1, 8, 5), END);            /* round and round */
    ADD_MODULE(&p, 3, VOID_TYPE(1), DECORATE(3, NO_CONTRACTION)); /* an id above the bound */
    pack_and_check(&p);
    assert_true(p.modules[0].plain && p.modules[2].plain && p.modules[3].plain && p.modules[4].plain);
    assert_false(p.modules[1].plain);
    release(&p);
}

static void no_module_is_none(void **state) {
    (void)state;
    arena memory = {0};
    spirv_module m;
    const uint32_t too_long[] = {MAGIC, VERSION, GENERATOR, 3, 0, INSTRUCTION(3, 19), 1};
    const uint32_t empty[] = {MAGIC, VERSION, GENERATOR, 3, 0, INSTRUCTION(0, 19), 1};
    const uint32_t other[] = {MAGIC + 1, VERSION, GENERATOR, 3, 0};
    assert_false(module_read(&m, too_long, 7, &memory));
    assert_false(module_read(&m, empty, 7, &memory));
    assert_false(module_read(&m, other, 5, &memory));
    assert_false(module_read(&m, too_long, 4, &memory));
    arena_free(&memory);
}

/* The check that the packer makes is one. */
static void a_module_that_differs_is_seen(void **state) {
    (void)state;
    packed p = {0};
    ADD_MODULE(&p, 9, VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, 1), CONSTANT(2, 4, 2), ADD(2, 5, 3, 4));
    ADD_MODULE(&p, 9, VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, 1), CONSTANT(2, 4, 2), ADD(2, 5, 3, 3));
    ADD_MODULE(&p, 9, VOID_TYPE(1), FLOAT_TYPE(2), CONSTANT(2, 3, 1), CONSTANT(2, 4, 3), ADD(2, 5, 3, 4));
    ADD_MODULE(&p, 9, VOID_TYPE(2), FLOAT_TYPE(1), CONSTANT(1, 4, 1), CONSTANT(1, 3, 2), ADD(1, 6, 4, 3));
    const spirv_module *first = &p.modules[0].module;
    assert_false(module_same(first, &p.modules[1].module, &p.memory));
    assert_false(module_same(&p.modules[1].module, first, &p.memory));
    assert_false(module_same(first, &p.modules[2].module, &p.memory));
    assert_true(module_same(first, &p.modules[3].module, &p.memory));
    release(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_that_are_the_same_are_kept_once),
        cmocka_unit_test(another_constant_is_another_function),
        cmocka_unit_test(twins_stay_two),
        cmocka_unit_test(names_and_leave_to_be_less_exact_are_left_out),
        cmocka_unit_test(what_cannot_be_said_is_kept_as_it_is),
        cmocka_unit_test(no_module_is_none),
        cmocka_unit_test(a_module_that_differs_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
