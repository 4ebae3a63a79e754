/* SPDX-License-Identifier: MIT
 *
 * How one problem is cut into dispatches: batch, heads, queries and keys into equal parts such that no
 * dispatch breaks a limit of the device or the bound on its work. Queries and keys are cut in units: tokens
 * of a dense problem, planes of axis 0 of a grid.
 */
#ifndef VT_PARTITION_H
#define VT_PARTITION_H

#include "steps.h"

/* What the cut needs to know of one source of keys and how it is walked. */
typedef struct vt_geometry {
    uint64_t q_units;
    uint64_t k_units;
    uint64_t q_plane; /* tokens per unit */
    uint64_t k_plane;
    uint64_t q_grain;     /* queries are cut at multiples of this */
    uint64_t k_grain;     /* keys likewise */
    uint64_t grain_tiles; /* query tiles in q_grain units of queries, one head */
    uint64_t q_fine; /* where no grain fits: parts are multiples of this inside one grain; 0 = they are not */
    uint64_t fine_tiles;  /* query tiles in q_fine units; 0 = as in a whole grain */
    uint64_t keys_across; /* most key units that one query tile visits, in steps of key_step units */
    uint64_t key_step;
    uint64_t keys_plane; /* most keys of one visited unit that a query tile visits */
    uint64_t most_keys;  /* that a query tile visits at all; 0 = as many as the above say */
    uint64_t begun;      /* key tiles that are begun besides, where keys come in runs */
    bool listed_keys;    /* key units are entries of lists: every key is bound, whatever the range */
    uint64_t closing;    /* loop iterations of an invocation besides those over key tiles */
    const vt_tensor *k, *v;
} vt_geometry;

/* Sizes of a part: batch entries, heads, query units, key units. */
typedef struct vt_part_size {
    uint64_t batch;
    uint64_t heads;
    uint64_t q;
    uint64_t k;
    uint64_t extra; /* units of the extra keys; 0 without */
} vt_part_size;

/* Everything that the question "does this part fit?" needs. */
typedef struct vt_partition_input {
    const vt_caps *caps;
    const vatten_logger *logger;
    const vt_problem *problem;
    const vt_tile *tile;
    uint64_t head_first; /* of the problem's heads, those [head_first, head_first + heads) */
    uint64_t heads;
    vt_geometry keys;
    vt_geometry extra; /* read if problem->extra_len; shares q_units, q_plane and q_grain with keys */
} vt_partition_input;

/* Errors: UNSUPPORTED, with a message, if not even the smallest part fits the device. */
vatten_result vt_partition(const vt_partition_input *input, vt_part_size *out);

/* Query tiles of one head in `q` units. */
uint64_t vt_part_tiles(const vt_geometry *geometry, uint64_t q);

/* Multiply-adds of `k` units of keys for a part, every tile counted whole. */
uint64_t vt_part_macs(const vt_partition_input *input, const vt_geometry *geometry, const vt_part_size *part,
                      uint64_t k);

/* Bytes of running state that a part hands on. */
uint64_t vt_part_carry_bytes(const vt_partition_input *input, const vt_part_size *part);

#endif /* VT_PARTITION_H */
