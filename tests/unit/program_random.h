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

/* One line that names the problem, to reproduce by hand. Text lives until the next call. */
const char *program_text(const program_case *c);

#endif /* VATTEN_PROGRAM_RANDOM_H */
