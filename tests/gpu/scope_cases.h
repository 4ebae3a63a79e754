/* SPDX-License-Identifier: MIT
 *
 * Made-up cases of VMoBA's budgets over many queries, in the form of tests/data/cases.json, with answers by their
 * definition (Wu et al., VMoBA: Mixture-of-Block Attention for Video Diffusion Models, 2025; the threshold as in its source).
 */
#ifndef SCOPE_CASES_H
#define SCOPE_CASES_H

#include "cases.h"

/* One case for each scope and mode; scope "block" has one mode only. False on failure. */
bool scope_cases(cases_list *out);

#endif /* SCOPE_CASES_H */
