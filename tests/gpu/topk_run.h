/* SPDX-License-Identifier: MIT
 *
 * The largest of rows on the device, held against a plain sort.
 */
#ifndef VATTEN_TOPK_RUN_H
#define VATTEN_TOPK_RUN_H

#include "gpu_harness.h"

/* Any; whole ones, of which many are equal; with all that is special; NaN and -inf alone. */
typedef enum topk_numbers { TOPK_ANY, TOPK_WHOLE, TOPK_ODD, TOPK_NONE, TOPK_NUMBERS } topk_numbers;

typedef struct topk_case {
    vatten_topk_desc desc;
    topk_numbers numbers;
    uint64_t seed;
} topk_case;

/* Twice, and every entry and count. */
void topk_check(gpu *g, const char *name, const topk_case *c);

#endif /* VATTEN_TOPK_RUN_H */
