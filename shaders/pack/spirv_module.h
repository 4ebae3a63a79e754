/* SPDX-License-Identifier: MIT
 *
 * A SPIR-V module as its instructions, without what no driver needs.
 */
#ifndef PACK_SPIRV_MODULE_H
#define PACK_SPIRV_MODULE_H

#include "arena.h"
#include "operands.h"

enum { MODULE_HEAD_WORDS = 5 }; /* magic number, version, generator, bound, schema */

typedef struct instruction {
    uint32_t op;
    uint32_t count;        /* words behind the first */
    const uint32_t *words; /* those */
    const operand *kinds;  /* what each of them is */
} instruction;

typedef struct spirv_module {
    uint32_t version, generator, bound; /* ids are below the bound */
    instruction *instructions;
    size_t count;
    size_t functions_at; /* index of the first instruction of the first function */
    size_t word_count;   /* of the whole, without what was left out */
    bool understood;     /* false: an instruction is not known, and there are none here */
} spirv_module;

/* `words` are kept and must stay. False if they are no SPIR-V at all. */
bool module_read(spirv_module *out, const uint32_t *words, size_t count, arena *memory);

/* The index behind the function that begins at `at`. */
size_t module_function_end(const spirv_module *m, size_t at);

/* The word that is the result's id, or 0. */
uint32_t instruction_result(const instruction *i);

/* Whether both are the same but for the numbers of ids. */
bool module_same(const spirv_module *a, const spirv_module *b, arena *memory);

#endif
