/* SPDX-License-Identifier: MIT
 *
 * What vatten/dense.h says of the tables of dense attention, in its order and asked word by word and token by token, without a
 * look at how the library does it. Descs are ones that a plan takes, and their tables small.
 */
#ifndef VATTEN_TABLES_TRUTH_H
#define VATTEN_TABLES_TRUTH_H

#include <vatten/vatten.h>

/* Of all tables but vatten's own, which is the last. */
uint64_t tables_truth_words(const vatten_attention_desc *desc);

/* Whether all rules hold. */
bool tables_truth_good(const vatten_attention_desc *desc, const uint32_t *words);

/* Makes any words into some that keep the rules. */
void tables_truth_mend(const vatten_attention_desc *desc, uint32_t *words);

/* Changes a word, if there is one: of the table of this number among those that there are, at `place`. To `value`, or with `near`
 * to one more or less, or to one at the table's bound: TABLES_TRUTH_NEAR values of them. */
#define TABLES_TRUTH_NEAR 5
void tables_truth_change(const vatten_attention_desc *desc, uint32_t *words, uint32_t number, uint32_t place,
                         uint32_t value, bool near);

#endif /* VATTEN_TABLES_TRUTH_H */
