/* SPDX-License-Identifier: MIT
 *
 * A desc of a selection that every test of selection rules begins with, and what is refused about it.
 */
#ifndef SELECT_KIT_H
#define SELECT_KIT_H

#include "problem_kit.h"

#include "select.h"

static vt_select selection;

static inline vatten_select_desc unit_select(void) {
    return (vatten_select_desc){
        .dtype = VATTEN_DTYPE_F32,
        .batch = 2,
        .heads = 4,
        .kv_heads = 2,
        .dim = 16,
        .rows = 100,
        .blocks = 10,
        .rule = {.entries = 5},
        .row_tokens = 8,
        .block_tokens = 16,
    };
}

static inline vatten_result select_on(const vt_caps *caps, const vatten_select_desc *desc) {
    return vt_select_from(caps, &said.logger, desc, &selection);
}

static inline vatten_result selected(const vatten_select_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return select_on(&caps, desc);
}

#define REFUSED_SELECT(FIELD, VALUE, RESULT, TEXT)                                                           \
    do {                                                                                                     \
        vatten_select_desc refused = unit_select();                                                          \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(selected(&refused), RESULT);                                                        \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

/* With a rule; row_tokens and block_tokens are there. */
#define REFUSED_RULE(RULE, TEXT)                                                                             \
    do {                                                                                                     \
        vatten_select_desc refused = unit_select();                                                          \
        refused.rule = RULE;                                                                                 \
        assert_int_equal(selected(&refused), INVALID);                                                       \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

#endif /* SELECT_KIT_H */
