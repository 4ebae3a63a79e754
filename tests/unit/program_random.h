/* SPDX-License-Identifier: MIT
 *
 * Random devices and problems that press on limits: small bindings, few workgroups, little work per dispatch,
 * strange strides.
 */
#ifndef VATTEN_PROGRAM_RANDOM_H
#define VATTEN_PROGRAM_RANDOM_H

#include "choices.h"
#include "program_build.h"

typedef enum program_scale {
    PROGRAM_SMALL, /* up to some hundred tokens: every pair may be looked at */
    PROGRAM_LARGE  /* up to millions of tokens */
} program_scale;

/* Fills caps and problem; not every combination is a valid problem: returns what the library said. */
vatten_result program_random(unit_random *random, program_scale scale, const vatten_logger *logger,
                             program_case *out);

/* The same for dense attention with rules (rules_random.c). */
vatten_result rules_random(unit_random *random, program_scale scale, const vatten_logger *logger,
                           program_case *out);

/* What they are made of. Small and large numbers equally often; */
uint64_t program_spread(unit_random *random, uint64_t low, uint64_t high);
vt_caps program_random_caps(unit_random *random);
/* [batch][head][token][dim], or rows with gaps between them; `repeat`: one slice for all of some axis; */
vatten_strides program_random_strides(unit_random *random, uint64_t tokens, uint64_t heads, uint64_t dim,
                                      bool repeat);
/* `q_dim`: elements of a row of q if they are not dims. */
vatten_heads program_random_heads(unit_random *random, program_scale scale, uint64_t q_len, uint64_t kv_len,
                                  uint64_t q_dim);

/* One line that names the problem, to reproduce by hand. Text lives until the next call. */
const char *program_text(const program_case *c);

#endif /* VATTEN_PROGRAM_RANDOM_H */
