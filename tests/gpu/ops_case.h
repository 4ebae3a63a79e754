/* SPDX-License-Identifier: MIT
 *
 * Cases of the op matrix: a family of plans, and a row of small numbers that says everything about one. Any row is a
 * valid case (what makes a problem of it, ops_problem.h, bounds what is out of range), so that drawing, printing,
 * reading back and shrinking need to know nothing about attention.
 */
#ifndef VATTEN_OPS_CASE_H
#define VATTEN_OPS_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ops_family {
    OPS_DENSE,
    OPS_RULES,
    OPS_GRID,
    OPS_LISTS,
    OPS_SPARSE,
    OPS_SELECT,
    OPS_MASS,
    OPS_APPEND,
    OPS_TOPK,
    OPS_POOL,
    OPS_COMBINE,
    OPS_FAMILIES
} ops_family;

/* Name, and the least value: where shrinking ends, and what a text that does not name the field means. A family does not
 * read all of them. Lengths that say "0 none" count from 1: n stands for n - 1. */
#define OPS_FIELD_TABLE(X)                                                                                   \
    X(caps, 0)  /* number of a row of ops_caps_words */                                                      \
    X(data, 0)  /* seed of what tensors and tables hold */                                                   \
    X(dtype, 0) /* f32, f16, bf16 */                                                                         \
    X(bytes, 0) /* keys of bytes, in blocks of 4 so many */                                                  \
    X(batch, 1) /* batch entries */                                                                          \
    X(kv_heads, 1)                                                                                           \
    X(group, 1)     /* query heads of each */                                                                \
    X(dim, 1)       /* */                                                                                    \
    X(value_dim, 0) /* 0 = dim */                                                                            \
    X(scale, 0)     /* in hundredths; 0 = 1/sqrt(dim) */                                                     \
    X(layout, 0)    /* vatten_layout */                                                                      \
    X(small, 0)     /* gpu_small_tile */                                                                     \
    X(lse, 0)       /* written; of lists their counts */                                                     \
    X(parts, 0)     /* work of a dispatch at most that of all by so many; 0 = any */                         \
    X(order, 0)     /* of q, k, v, out: a digit of base 3 each: packed, tokens or heads outside with gaps */ \
    X(gap, 0)       /* elements between rows then */                                                         \
    X(q_len, 1)                                                                                              \
    X(kv_len, 1)                                                                                             \
    X(q_now, 0)  /* of a record, 0 all, 1 none, n: n - 1 */                                                  \
    X(kv_now, 0) /* likewise */                                                                              \
    X(causal, 0) /* grids: a bit for each axis */                                                            \
    X(align, 0)                                                                                              \
    X(window, 0) /* */                                                                                       \
    X(left, 0)   /* 0 unlimited, n: n - 1 */                                                                 \
    X(right, 0)  /* likewise */                                                                              \
    X(prefix, 0)                                                                                             \
    X(chunk, 0)                                                                                              \
    X(key_stride, 0)                                                                                         \
    X(key_phase, 0)                                                                                          \
    X(masks, 0) /* vatten_masks */                                                                           \
    X(segments, 0)                                                                                           \
    X(mask_heads, 0) /* 0 one, 1 for KV heads, 2 for all */                                                  \
    X(mask_batch, 0)                                                                                         \
    X(fields, 0) /* vatten_head_fields */                                                                    \
    X(head_batch, 0)                                                                                         \
    X(alibi_signed, 0)                                                                                       \
    X(softcap, 0)                                                                                            \
    X(bias, 0)       /* vatten_bias */                                                                       \
    X(bias_heads, 0) /* as mask_heads, 0 for all and 2 one */                                                \
    X(bias_half, 0)                                                                                          \
    X(extra, 0)     /* extra keys */                                                                         \
    X(lengths, 0)   /* vatten_lengths */                                                                     \
    X(sequences, 1) /* packed ones */                                                                        \
    X(page, 0)      /* tokens of a page; 0 = none */                                                         \
    X(normaliser, 0)                                                                                         \
    X(carry, 0)                                                                                              \
    X(splits, 0)                                                                                             \
    X(rank, 1)                                                                                               \
    X(extent0, 1)                                                                                            \
    X(extent1, 1)                                                                                            \
    X(extent2, 1)                                                                                            \
    X(window0, 1)                                                                                            \
    X(window1, 1)                                                                                            \
    X(window2, 1)                                                                                            \
    X(stride0, 1)                                                                                            \
    X(stride1, 1)                                                                                            \
    X(stride2, 1)                                                                                            \
    X(dilation0, 1)                                                                                          \
    X(dilation1, 1)                                                                                          \
    X(dilation2, 1)                                                                                          \
    X(edges, 0) /* a digit of base 3 for each axis */                                                        \
    X(roll, 0)  /* of all axes, modulo their extents */                                                      \
    X(weights, 0)                                                                                            \
    X(kind,                                                                                                  \
      0) /* of lists: blocks, ranges, keys; of blocks with masks of rows: 3; else the family's kinds */      \
    X(q_block, 1)                                                                                            \
    X(kv_block, 1)                                                                                           \
    X(entries, 1)                                                                                            \
    X(rows, 1)                                                                                               \
    X(list_heads, 0) /* 0 for all, 1 for KV heads, 2 one */                                                  \
    X(density, 0)    /* of lists, in percent */                                                              \
    X(numbers, 0)    /* what is chosen from: any, whole, and special ones */                                 \
    X(own, 0)        /* and the rest of vatten_selection */                                                  \
    X(first, 0)                                                                                              \
    X(local, 0)                                                                                              \
    X(softmax, 0)                                                                                            \
    X(complete, 0)                                                                                           \
    X(budget, 0)                                                                                             \
    X(share, 0) /* in percent, about */                                                                      \
    X(least, 0)                                                                                              \
    X(min_max, 0)                                                                                            \
    X(crossing_out, 0)                                                                                       \
    X(budget_rows, 0)                                                                                        \
    X(budget_heads, 0) /* 0 one, 1 all, 2 half of them */                                                    \
    X(by_block, 0)                                                                                           \
    X(total, 0)                                                                                              \
    X(boxes, 0)                                                                                              \
    X(reach, 0) /* a digit of base 4 for each axis */                                                        \
    X(row_shift, 0)                                                                                          \
    X(execution, 0) /* vatten_sparse_execution */                                                            \
    X(workspace, 0) /* queries that it has room for, about; 0 = any */                                       \
    X(pieces, 1)    /* parts of a combination, segments */                                                   \
    X(gains, 0)                                                                                              \
    X(gates, 0) /* how gains and weights lie; what is listed */                                              \
    X(residual, 0)                                                                                           \
    X(place, 0)      /* of what is combined: apart, on a part, on the residual */                            \
    X(on, 0)         /* which part */                                                                        \
    X(keep, 0)       /* pooling: the dtype; mass: sums of KV heads; appending: keys alone */                 \
    X(rows_dtype, 0) /* of rows to append */

enum {
#define X(name, least) OPS_##name,
    OPS_FIELD_TABLE(X)
#undef X
        OPS_FIELDS
};

typedef struct ops_case {
    ops_family family;
    uint64_t field[OPS_FIELDS];
} ops_case;

enum { OPS_TEXT = 2400 }; /* a case as text, with its end */

const char *ops_family_name(ops_family family);
uint64_t ops_least(int field);

/* All fields at their least. */
ops_case ops_empty(ops_family family);

/* "family:name=value,...", without the fields that are at their least. */
void ops_print(const ops_case *c, char text[OPS_TEXT]);

/* Reads that back; false if it names a family or a field that there is not, or a value that is no number. */
bool ops_parse(const char *text, ops_case *out);

/* What is pretended: words for gpu_caps_lower, or NULL past the last row; row 0 is "". */
const char *ops_caps_words(uint64_t row);
uint64_t ops_caps_rows(void);

/* Case number n of all there are. Neighbours share what shaders are specialized by, so that they share pipelines,
 * and differ in lengths, strides and contents. */
enum { OPS_MOULD = 8 };
void ops_draw(uint64_t n, ops_case *out);

/* A case that fails likewise and of which no field can be made smaller, to its least or by halves of the way, without that
 * it passes; or the smallest one that `most` tries have found. `c` must fail. Returns how many tries it took. */
typedef bool (*ops_fails)(void *user, const ops_case *c);
unsigned ops_shrink(const ops_case *c, ops_fails fails, void *user, unsigned most, ops_case *out);

#endif /* VATTEN_OPS_CASE_H */
