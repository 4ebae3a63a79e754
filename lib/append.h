/* SPDX-License-Identifier: MIT
 *
 * Appending to a cache: a desc with its rules checked, and its steps.
 */
#ifndef VT_APPEND_H
#define VT_APPEND_H

#include "problem.h"
#include "steps.h"

/* Keys or values: where they come from and where they go. */
typedef struct vt_append_side {
    vt_tensor rows;
    vt_tensor cache;       /* `batch`: from a page to the next, where there are pages; I8: all in words */
    uint32_t dim;          /* of a row */
    uint32_t cache_length; /* elements of a row of the cache; I8: words */
    bool vector;           /* four elements at a time */
} vt_append_side;

typedef struct vt_append {
    const vt_caps *caps;
    const vatten_logger *logger;
    vt_problem problem; /* label, dtype (of the new rows), batch, kv_heads, dims, lengths */
    vatten_dtype cache_dtype;
    uint32_t cache_element; /* bytes of what strides of a side's cache count */
    uint32_t block;         /* I8: numbers that share a scale */
    vatten_lengths lengths;
    uint32_t sequences;
    uint32_t page;   /* places of a page; 0 = no pages */
    uint64_t outer;  /* pages, or batch entries, of the cache */
    uint64_t places; /* of each */
    vt_append_side side[2];
    uint32_t sides;       /* 1: keys only */
    bool interleaved;     /* both caches have gaps, where the other's elements may be */
    bool fixed;           /* a record does not change the lengths */
    bool of_keys;         /* or its new rows are as many as vatten_args has keys */
    vatten_tables tables; /* those that are read, and that of heads before them */
    uint64_t tables_from; /* bytes: the first that is read; at the end if there is none */
} vt_append;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_append_from(const vt_caps *caps, const vatten_logger *logger, const vatten_append_desc *desc,
                             vt_append *out);

/* Appends the steps, as a vt_op does. */
vatten_result vt_append_steps(const vt_append *append, vt_program *program);

#endif /* VT_APPEND_H */
