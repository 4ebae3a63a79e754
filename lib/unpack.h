/* SPDX-License-Identifier: MIT
 *
 * Kernels as they stand in the library: blocks that many of them share, in a twentieth of the bytes that their SPIR-V has.
 * shaders/pack makes them; reading one takes less than a tenth of a millisecond, and is one pass.
 *
 * A module is a list of blocks. A block is a function, or one instruction outside of functions. Numbers are of 7 bits a byte, the
 * lowest first, with 128 added where more follow. Of an instruction the block has the number of its template, and what
 * that leaves open. Ids that other blocks use have the number of the block that defines them; all others count from where the block
 * begins, so that the same function is the same bytes in every module.
 */
#ifndef VT_UNPACK_H
#define VT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct vt_pack {
    const uint8_t *bytes;
    const uint32_t *templates; /* where each begins in bytes */
    const uint32_t *blocks;    /* and each block, and where the last ends */
    uint32_t names;            /* blocks below define an id that others use */
} vt_pack;

#define VT_PACK_FORMAT 1

/* A word of a template is a byte of these, and the fixed ones a number behind it. */
typedef enum vt_pack_part {
    VT_PACK_RESULT, /* the next id of this block; the first is the block's own, if others use that */
    VT_PACK_ID,     /* open: even, an id of this block by how far back it is; odd, that of another block */
    VT_PACK_NUMBER, /* open */
    VT_PACK_FIXED_NUMBER,
    VT_PACK_FIXED_ID /* that of another block */
} vt_pack_part;

/* SPIR-V of the module at `at`, exactly word_count words. `names` is room for pack->names words. */
void vt_unpack(const vt_pack *pack, uint32_t at, size_t word_count, uint32_t *names, uint32_t *out_words);

#endif /* VT_UNPACK_H */
