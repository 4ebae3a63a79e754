/* SPDX-License-Identifier: MIT
 *
 * What the families' checks of descs share: how a broken rule is told, heads, tensors.
 */
#ifndef VT_PROBLEM_CHECK_H
#define VT_PROBLEM_CHECK_H

#include "log.h"
#include "problem.h"

#include <inttypes.h>

/* Where the checks are: carried down so that each rule is one line. */
typedef struct vt_checker {
    const vt_caps *caps;
    const vatten_logger *logger;
    const char *family;
    const vt_problem *problem;
} vt_checker;

/* Says which rule is broken. The family's name stands in front of the message. */
#define REFUSE_IF(CONDITION, RESULT, FORMAT, ...)                                                            \
    do {                                                                                                     \
        if (CONDITION) {                                                                                     \
            vt_log(check->logger, VATTEN_LOG_ERROR, check->problem->label, "%s: " FORMAT, check->family,     \
                   __VA_ARGS__);                                                                             \
            return RESULT;                                                                                   \
        }                                                                                                    \
    } while (0)
#define INVALID_IF(CONDITION, FORMAT, ...)                                                                   \
    REFUSE_IF(CONDITION, VATTEN_ERROR_INVALID_ARGUMENT, FORMAT, __VA_ARGS__)
#define UNSUPPORTED_IF(CONDITION, FORMAT, ...)                                                               \
    REFUSE_IF(CONDITION, VATTEN_ERROR_UNSUPPORTED, FORMAT, __VA_ARGS__)

/* What one tensor is made of. */
typedef struct vt_shape {
    const char *name;
    vatten_strides strides;
    uint64_t tokens;
    uint32_t heads;
    uint32_t dim;
    bool written;
    uint32_t element_bytes; /* 0 = those of the problem's dtype */
    uint64_t batch;         /* 0 = the problem's */
} vt_shape;

/* An empty problem that checks may begin to fill; `family` stands before each message about it. */
vt_checker vt_checker_begin(const vt_caps *caps, const vatten_logger *logger, const char *family,
                            const char *label, vt_problem *out);

/* `weights`: there is no product of queries and keys, and dim is 0. */
vatten_result vt_check_heads(const vt_checker *check, const vatten_heads *heads, bool weights);
/* kv_dtype and kv_block, and strides that follow. */
vatten_result vt_check_kv(const vt_checker *check, const vatten_heads *heads);
/* Of families whose kernels do not read bytes. */
vatten_result vt_refuse_bytes(const vt_checker *check, const vatten_heads *heads);
vatten_result vt_check_kv_strides(const vt_checker *check, const char *name, const vt_tensor *t);
vatten_result vt_check_length(const vt_checker *check, const char *name, uint64_t length);
void vt_fill_heads(const vatten_heads *heads, const vt_caps *caps, vt_problem *out);

/* Resolves strides; sizes of more than 64 bits are refused. */
vatten_result vt_fill_tensor(const vt_checker *check, const vt_shape *s, vt_tensor *out);

/* Causality, window and prefix. */
typedef struct vt_diagonal {
    bool causal;
    vatten_align align;
    const vatten_window *window;
    uint64_t prefix;
} vt_diagonal;

/* All that a dense problem has but map, tensors and pairs. */
vatten_result vt_fill_dense(const vt_checker *check, const vatten_heads *heads, uint64_t q_len,
                            uint64_t kv_len, const vt_diagonal *rule, vt_problem *out);

/* What vatten_attention_desc has besides, of heads that are checked: the rules, and what follows of a problem that has the
 * rest. */
vatten_result vt_check_rules(const vt_checker *check, const vatten_attention_desc *desc);
/* Those of lengths and pages alone. */
vatten_result vt_check_lengths(const vt_checker *check, const vatten_attention_desc *desc);
vatten_result vt_fill_rules(const vt_checker *check, const vatten_attention_desc *desc, vt_problem *out);

/* vatten_lists_desc.boxes: checks them, and what they make of a desc whose q_block and kv_block are then given. Without
 * boxes `resolved` is the desc. */
vatten_result vt_resolve_boxes(const vt_checker *check, const vatten_lists_desc *desc,
                               vatten_lists_desc *resolved);
/* The units and counts of blocks of a resolved desc. */
void vt_fill_boxes(const vatten_lists_desc *resolved, vt_list_rule *out);
/* Rows of a block of queries, also of a desc that is not resolved; UINT64_MAX if they overflow. */
uint64_t vt_block_rows(const vatten_lists_desc *desc);

/* q, k, v and out, by lengths, pages and dims that are known. */
vatten_result vt_fill_tensors(const vt_checker *check, const vatten_heads *heads, vt_problem *out);

#endif /* VT_PROBLEM_CHECK_H */
