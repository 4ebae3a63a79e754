/* SPDX-License-Identifier: MIT
 *
 * Lists of rows turned around: for each block the rows that name it (shaders/invert.comp).
 */
#ifndef VT_INVERT_H
#define VT_INVERT_H

#include "problem.h"
#include "steps.h"

typedef struct vt_invert {
    const vt_caps *caps;
    uint64_t list_heads;
    uint64_t rows;    /* of a list head, packed [batch][list head][row][entry] in the role LISTS */
    uint64_t blocks;  /* that a list may name */
    uint32_t entries; /* of a list */
    uint32_t tile_rows;
    uint32_t slot_heads; /* rows of a tile that each slot makes */
    uint64_t max_moves;  /* of a dispatch */
} vt_invert;

/* Batch entries, list heads and rows, the first of each and how many. */
typedef struct vt_invert_part {
    uint64_t batch, heads, rows;
    uint64_t b, h, row;
} vt_invert_part;

/* Words of what is made of one list head, as in iface/interface.h. */
uint64_t vt_invert_words(const vt_invert *invert, uint64_t rows);
/* Bytes of a part: of the counts that the passes share, and of what is made. */
uint64_t vt_invert_count_bytes(const vt_invert *invert, const vt_invert_part *part);
uint64_t vt_invert_bytes(const vt_invert *invert, const vt_invert_part *part);
/* Tiles of one list head and its slot_heads heads, at most. */
uint64_t vt_invert_tiles(const vt_invert *invert, uint64_t rows);

/* Whether bindings, workgroups and loops of the device allow the part. */
bool vt_invert_fits(const vt_invert *invert, const vt_invert_part *part);

/* Whether each pass keeps max_moves, or is no more than twice what a single row needs: blocks are walked anyway. */
bool vt_invert_works(const vt_invert *invert, const vt_invert_part *part);

/* The kernel of each pass. */
void vt_invert_variants(const vt_invert *invert, vt_program *program, uint32_t variant[VT_INVERT_PASSES]);

/* The binding of a part's lists, from the first one on; returns where that lies in it, in words. */
uint32_t vt_invert_bind_lists(const vt_invert *invert, const vt_invert_part *part, vt_step *step,
                              uint32_t slot);

/* Appends the passes; counts and what is made lie at these bytes of the workspace. */
void vt_invert_steps(const vt_invert *invert, const vt_invert_part *part,
                     const uint32_t variant[VT_INVERT_PASSES], uint64_t counts_at, uint64_t made_at,
                     vt_program *program);

#endif /* VT_INVERT_H */
