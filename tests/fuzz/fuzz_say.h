/* SPDX-License-Identifier: MIT
 *
 * What tools say, in place of tools/say.c: counted, not printed.
 */
#ifndef VATTEN_FUZZ_SAY_H
#define VATTEN_FUZZ_SAY_H

#include <stdbool.h>

void fuzz_say_start(void);

/* NULL if there was one error since the start of what was refused, and none of what was taken; else what is wrong. */
const char *fuzz_say_broken(bool taken);

#endif /* VATTEN_FUZZ_SAY_H */
