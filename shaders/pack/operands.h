/* SPDX-License-Identifier: MIT
 *
 * What the words of a SPIR-V instruction are: ids or numbers. From the grammar of the SPIR-V specification 1.6, for the instructions
 * that GLSL compute shaders become.
 */
#ifndef PACK_OPERANDS_H
#define PACK_OPERANDS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum operand { OPERAND_NUMBER, OPERAND_ID, OPERAND_TYPE, OPERAND_RESULT } operand;

enum { /* instructions that the packer knows by name */
       OP_FUNCTION = 54,
       OP_FUNCTION_END = 56,
       OP_DECORATE = 71,
       OP_MEMBER_DECORATE = 72
};

/* Tells what each of the `count` words behind the first is. False for an instruction that is not known, or not in this form. */
bool operands_of(uint32_t op, const uint32_t *words, uint32_t count, operand *out);

/* Names and sources, which debuggers read, and leave to compute less exactly, which no result here may depend on. `words` are
 * the `count` behind the first. */
bool operands_needless(uint32_t op, const uint32_t *words, uint32_t count);

#endif
