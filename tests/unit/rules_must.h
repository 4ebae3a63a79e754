/* SPDX-License-Identifier: MIT
 *
 * What the files share that hold programs of dense attention with rules against theirs.
 */
#ifndef VATTEN_RULES_MUST_H
#define VATTEN_RULES_MUST_H

#include "program_must.h"
#include "rules_shader.h"

/* Addresses of a row of a workgroup, and of a key of a tile that it visits; tile -1: of none (rules_address.c). */
const char *rules_addresses(rules_group *g, uint32_t row, int64_t tile, uint32_t column);

/* Whether each pair of a small problem is visited once (rules_cover.c). */
const char *rules_covers(const program_case *c, uint64_t random);

#endif /* VATTEN_RULES_MUST_H */
