/* SPDX-License-Identifier: MIT
 *
 * What the files that hold programs against their rules share.
 */
#ifndef VATTEN_PROGRAM_MUST_H
#define VATTEN_PROGRAM_MUST_H

#include "program_build.h"

/* Rules are written as the truth; the one that fails is the message. */
#define MUST(CONDITION)                                                                                      \
    do {                                                                                                     \
        if (!(CONDITION))                                                                                    \
            return #CONDITION;                                                                               \
    } while (0)
#define MUST_ALL(CALL)                                                                                       \
    do {                                                                                                     \
        const char *broken_ = CALL;                                                                          \
        if (broken_)                                                                                         \
            return broken_;                                                                                  \
    } while (0)

/* `at` as a shader computes it: is it element `expected` of the tensor, and are the `dim` elements from there bound? */
const char *program_element(const vt_binding *b, uint32_t at, uint64_t expected, uint64_t dim,
                            uint64_t element_bytes);

/* A pair of a step: its batch entry and head, z and y of the part that begins at `batch` and `head`. */
typedef struct program_pair {
    uint64_t batch, head;
    uint32_t z, y, query, key;
} program_pair;

/* Lists (program_lists.c): constants of boxes, workgroups, work and loops, addresses of lists and biases. */
const char *program_lists_variant(const vt_list_rule *list, const vt_variant *v);
const char *program_lists_groups(const program_case *c, const vt_step *step);
const char *program_lists_visits(const program_case *c, const vt_step *step);
const char *program_lists_addresses(const program_case *c, const vt_step *step, const program_pair *at);

#endif /* VATTEN_PROGRAM_MUST_H */
