/* SPDX-License-Identifier: MIT
 *
 * What the tests of the rules of descs share: a problem, what was said of it, and one line for each refusal.
 */
#ifndef PROBLEM_KIT_H
#define PROBLEM_KIT_H

#include "unit.h"

#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED

static unit_log said;
static vt_problem problem;

static inline int start(void **state) {
    (void)state;
    unit_log_start(&said);
    memset(&problem, 0xaa, sizeof problem);
    return 0;
}

static inline vatten_result dense_on(const vt_caps *caps, const vatten_attention_desc *desc) {
    return vt_problem_from_attention(caps, &said.logger, desc, &problem);
}

static inline vatten_result dense(const vatten_attention_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return dense_on(&caps, desc);
}

static inline vatten_result grid(const vatten_neighborhood_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_problem_from_neighborhood(&caps, &said.logger, desc, &problem);
}

/* DESC is unit_dense() with one field set; the message must be exactly TEXT. */
#define REFUSED_DENSE(FIELD, VALUE, RESULT, TEXT)                                                            \
    do {                                                                                                     \
        vatten_attention_desc desc = unit_dense();                                                           \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(dense(&desc), RESULT);                                                              \
        assert_said(&said, TEXT);                                                                            \
    } while (0)
#define REFUSED_GRID(FIELD, VALUE, RESULT, TEXT)                                                             \
    do {                                                                                                     \
        vatten_neighborhood_desc desc = unit_grid();                                                         \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(grid(&desc), RESULT);                                                               \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

#endif /* PROBLEM_KIT_H */
