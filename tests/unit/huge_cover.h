/* SPDX-License-Identifier: MIT
 *
 * Tensors of 2^33 elements on a Vulkan that has any memory: what is recorded is read back as plain numbers, and each dispatch
 * must reach, by the range that it binds and the 32 bits in which its shader counts, the elements that are its own.
 */
#ifndef VATTEN_HUGE_COVER_H
#define VATTEN_HUGE_COVER_H

#include "fault_makes.h"
#include "kernels.h"

/* Of a tensor: strides and counts by batch entry, head, token. */
typedef struct huge_shape {
    uint64_t batch, heads, tokens, dim;
} huge_shape;

/* Many batch entries and heads, and one head that no binding holds. */
extern const huge_shape huge_shapes[2];

/* What a dispatch has of a tensor [batch][token][head][dim], or [batch][head][token][dim]: strides as the shader has them. */
typedef struct huge_slab {
    uint32_t base, stride[3];
    uint64_t count[3], first; /* batch entries, heads, tokens; the token that the shader counts from */
} huge_slab;

/* As much of another tensor, which stands there. */
huge_slab huge_beside(const huge_slab *slab, uint32_t base, uint32_t batch, uint32_t head, uint32_t token);

/* Which part of a tensor comes next. */
typedef struct huge_cover {
    uint64_t size[3], stride[3], dim, bytes;
    bool anywhere;   /* it begins in its buffer where the first dispatch says */
    uint64_t origin; /* else here, in elements */
    uint64_t at[3], step[3];
} huge_cover;

/* Packed, of elements of so many bytes: heads of a token stand together, or tokens of a head do. */
huge_cover huge_of(const huge_shape *shape, uint64_t bytes);
huge_cover huge_by_head(const huge_shape *shape, uint64_t bytes);

/* The eight corners of a slab are the elements that come next, and are bound. */
void huge_reach(huge_cover *cover, const VkDescriptorBufferInfo *bound, const huge_slab *slab);

/* What comes next is behind the slab: tokens come fastest, then heads, then batch entries; parts of a row of parts are of one
 * size. */
void huge_pass(huge_cover *cover, const huge_slab *slab);

/* All of the tensor is passed. */
bool huge_done(const huge_cover *cover);

/* So many words are bound, and an index of 32 bits reaches each. */
void huge_within(const VkDescriptorBufferInfo *bound, uint64_t words);

/* ---- Records ---- */

/* A dispatch with what it was told, and which kernel that was. */
typedef struct huge_told {
    const VkDescriptorBufferInfo *bound;
    const uint32_t *groups;
    vt_task task;
    const uint32_t *spec;
    union {
        vt_push push;
        vt_pool_push pool;
        vt_score_push score;
        vt_select_push select;
        vt_mark_push mark;
        vt_invert_push invert;
        vt_combine_push combine;
        vt_spans_push spans;
        vt_append_push append;
        unsigned char bytes[FAKE_PUSHED];
    };
} huge_told;

vatten_device *huge_open(const vt_caps *caps);

/* Where the plan that is asked for goes. */
vatten_plan **huge_plan(void);

/* Records the plan that was made; then calls `check` for each dispatch, with `cover`. */
void huge_each(vatten_result made, void (*check)(const huge_told *told, huge_cover *cover),
               huge_cover *cover);

void huge_close(const char *name);

#endif /* VATTEN_HUGE_COVER_H */
