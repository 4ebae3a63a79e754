/* SPDX-License-Identifier: MIT
 *
 * The whole of what the GPU is told, as plain data: a program is a list of steps, a step one dispatch. It can
 * be printed, compared and stored; record.c only walks it.
 */
#ifndef VT_STEPS_H
#define VT_STEPS_H

#include "tune.h"

#include <iface/interface.h>

#define VT_UINT  uint32_t
#define VT_FLOAT float
typedef struct vt_push {
    VT_PUSH_FIELDS
} vt_push;
#define VT_ADDRESS uint64_t
typedef struct vt_address_push {
    VT_ADDRESS_PUSH_FIELDS
} vt_address_push;
#undef VT_ADDRESS
typedef struct vt_pool_push {
    VT_POOL_PUSH_FIELDS
} vt_pool_push;
typedef struct vt_score_push {
    VT_SCORE_PUSH_FIELDS
} vt_score_push;
typedef struct vt_select_push {
    VT_SELECT_PUSH_FIELDS
} vt_select_push;
typedef struct vt_mark_push {
    VT_MARK_PUSH_FIELDS
} vt_mark_push;
typedef struct vt_invert_push {
    VT_INVERT_PUSH_FIELDS
} vt_invert_push;
typedef struct vt_combine_push {
    VT_COMBINE_PUSH_FIELDS
} vt_combine_push;
typedef struct vt_spans_push {
    VT_SPANS_PUSH_FIELDS
} vt_spans_push;
typedef struct vt_append_push {
    VT_APPEND_PUSH_FIELDS
} vt_append_push;
#undef VT_UINT
#undef VT_FLOAT

/* The caller's buffers, those of vatten_args. */
typedef enum vt_role {
    VT_ROLE_Q,
    VT_ROLE_K,
    VT_ROLE_V,
    VT_ROLE_OUT,
    VT_ROLE_LSE,
    VT_ROLE_EXTRA_K,
    VT_ROLE_EXTRA_V,
    VT_ROLE_WORKSPACE,
    VT_ROLE_BIAS,
    VT_ROLE_LISTS,
    VT_ROLE_COUNTS,
    VT_ROLE_TABLES,
    VT_ROLE_STATE,
    VT_ROLE_CACHE_K,
    VT_ROLE_CACHE_V,
    VT_ROLE_WEIGHTS,
    VT_ROLE_COUNT
} vt_role;

/* A kernel with all its specialization values: one pipeline. */
typedef struct vt_variant {
    uint32_t kernel; /* index into vt_kernels */
    uint32_t spec[VT_SPEC_COUNT];
} vt_variant;

/* Slot i of a step reads binding[i]: `range` bytes from `offset` bytes into the buffer of `role`. */
typedef struct vt_binding {
    vt_role role;
    uint64_t offset;
    uint64_t range;
} vt_binding;

typedef struct vt_step {
    uint32_t variant; /* index into vt_program.variants */
    uint32_t binding_count;
    vt_binding binding[VT_SLOT_COUNT];
    uint32_t groups[3];
    bool barrier_before; /* is bound to what an earlier dispatch, or an earlier record, may be writing */
    bool dense_keys;     /* push.kv_len follows vatten_args.kv_len; false for extra keys and grids */
    uint32_t rows;      /* query rows of a workgroup, to shrink groups[0] with q_len; 0 = the grid is fixed */
    uint32_t row_heads; /* rows of a query, where heads share a tile; 0 = 1 */
    bool merges;        /* a step of combining, whose first query is `first` */
    uint64_t first;
    bool lengths;     /* with a fixed grid: q_len and kv_len of the push block follow those of vatten_args */
    bool of_keys;     /* and its queries are the keys of vatten_args */
    bool always;      /* and there is something to do whatever they are */
    uint32_t written; /* a bit for each slot that the kernel writes */
    union {           /* by the task of the kernel; the rest is 0 */
        vt_push push;
        vt_pool_push pool;
        vt_score_push score;
        vt_select_push select; /* of select, rank and topk */
        vt_mark_push mark;
        vt_invert_push invert;
        vt_combine_push combine;
        vt_spans_push spans;
        vt_append_push append;
    };
    uint64_t macs;  /* multiply-adds, tiles counted whole */
    uint64_t moves; /* elements read and written, of what is not the attention loop; at most */
} vt_step;

/* Bytes [begin, end) of a buffer; none if they are equal. */
typedef struct vt_span {
    uint64_t begin, end;
} vt_span;

/* Where the bytes of a role are: in another role's buffer from `offset` on, if `moved`. */
typedef struct vt_route {
    bool moved;
    vt_role role;
    uint64_t offset;
} vt_route;

#define VT_RULES_MAX 32u /* different rules that the heads of a plan may have */
#define VT_VARIANTS_MAX                                                                                      \
    (VT_RULES_MAX + 3) /* and the dense kernel of extra keys, and two that repack keys and values */
#ifndef VT_STEPS_MAX /* fuzzing builds with less: what comes after some hundred steps is like what came before */
#define VT_STEPS_MAX 65536u
#endif

/* `steps` may be NULL: then only the counts and sums are made, to size the array for a second pass. */
typedef struct vt_program {
    vt_variant variants[VT_VARIANTS_MAX];
    uint32_t variant_count;
    vt_step *steps;
    uint64_t step_count; /* may pass VT_STEPS_MAX: see vt_program_has_room */
    bool carries;        /* some step hands its running state to the next one */
    uint64_t workspace_bytes;
    uint64_t largest_macs, largest_moves;
    uint64_t work;                  /* of all steps, as vt_program_part counts it */
    vt_span written[VT_ROLE_COUNT]; /* bound for writing since the last barrier */
    vt_route route[VT_ROLE_COUNT];  /* applied to steps that are added */
    bool waits;                     /* the next step that is added reads what steps before it wrote */
    uint32_t main_variant;          /* the one that plan info names */
} vt_program;

/* Binds the elements [start, end) of a role's buffer to a slot, from a multiple of `alignment` bytes on. Returns where
 * `start` lies in the bound range, in elements. */
uint64_t vt_step_bind(vt_step *step, uint32_t slot, vt_role role, uint64_t start, uint64_t end,
                      uint32_t element_bytes, uint64_t alignment);

/* Batch entries, heads and tokens of a tensor: the first and one past the last of each. */
typedef struct vt_slab {
    uint64_t batch[2], head[2], token[2];
} vt_slab;

/* The same for `dim` elements of each row of a slab, from its first to its last row. */
uint64_t vt_step_bind_slab(vt_step *step, uint32_t slot, vt_role role, const vt_tensor *tensor,
                           const vt_slab *slab, uint64_t dim, uint32_t element_bytes, uint64_t alignment);

/* The bytes of a role are from now on those of another's buffer, from `offset` on. */
void vt_program_move(vt_program *program, vt_role role, vt_role to, uint64_t offset);

/* Appends a step along the routes, with a barrier before it if it asks for one, if the program waits, or if a range that it
 * binds for writing overlaps one of a step since the last barrier. Such steps write different elements, but nobody who sees
 * only the ranges can know: validation layers would report them. */
void vt_program_add(vt_program *program, const vt_step *step);

/* False: more steps were added than a program may have. Builders stop then, and refuse. */
bool vt_program_has_room(const vt_program *program);

/* A run of steps of a program: [begin, end). */
typedef struct vt_step_run {
    uint64_t begin, end;
} vt_step_run;

/* The steps of part `part` of `parts` (part < parts): all parts in turn are all steps, and none has more work than its even share
 * and its longest step. */
vt_step_run vt_program_part(const vt_program *program, uint32_t part, uint32_t parts);

/* The last element (of bytes: word) of a bound range of keys or values that a row may begin at, of a kernel of attention. */
uint32_t vt_step_limit(const vt_step *step, const vt_variant *variant, uint32_t slot);

/* Makes a copy of a step that of a record of these lengths instead of the plan's. False: nothing is left to do. Lengths as
 * resolved: q_len and kv_len at most the plan's, 0 means none. */
bool vt_step_shrink(vt_step *step, uint64_t q_len, uint64_t kv_len);

#endif /* VT_STEPS_H */
