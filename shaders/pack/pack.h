/* SPDX-License-Identifier: MIT
 *
 * Many modules as blocks that they share. lib/unpack.h has the form and reads it.
 */
#ifndef PACK_PACK_H
#define PACK_PACK_H

#include "spirv_module.h"
#include "texts.h"
#include "word_list.h"

typedef struct packed_module {
    const char *name;
    const uint32_t *words; /* as compiled */
    size_t word_count;
    spirv_module module;
    bool plain;      /* kept as it is */
    uint32_t *names; /* of each id the number of its block, plus one; 0: it belongs to a function */
    word_list list;  /* numbers of its blocks */
} packed_module;

typedef struct pack {
    arena *memory;
    packed_module *modules;
    size_t module_count;
    texts globals;       /* numbers of what is before functions; blocks from 0 */
    const text *defined; /* and what defines each: a block */
    texts functions;     /* blocks behind them; the last word of each is no part of it */
    texts others;        /* and behind those: instructions without a result */
    texts templates;
} pack;

/* Modules that are not understood are kept as they are. */
void pack_modules(pack *out, packed_module *modules, size_t count, arena *memory);

/* A block is words: of each instruction the number of its template, then what that leaves open. A template is words: the
 * instruction, how many words follow, and of each a pair of a vt_pack_part and a value. */
uint32_t pack_open_parts(const text *template);

/* Small numbers for small distances, back or ahead. */
uint32_t pack_folded(int64_t distance);

#endif
