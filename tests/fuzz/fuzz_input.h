/* SPDX-License-Identifier: MIT
 *
 * What the entries for libFuzzer share: bytes as structs and devices, and how a finding is told.
 */
#ifndef VATTEN_FUZZ_INPUT_H
#define VATTEN_FUZZ_INPUT_H

#include "caps.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As many bytes as there are; the rest is 0. */
void fuzz_copy(void *out, size_t want, const uint8_t *data, size_t size);

/* A bool must be one: other bytes would be undefined behaviour of the caller's. */
void fuzz_set_bool(bool *out, bool value);
void fuzz_mend_bool(bool *b); /* its lowest bit */

/* What a device is made of stands first, so that what comes after keeps its place while a fuzzer changes the device. */
#define FUZZ_CAPS_BYTES 40
vt_caps fuzz_caps(const uint8_t *data, size_t size);

/* Counts errors. `logger` points to the struct itself: do not copy it. */
typedef struct fuzz_log {
    vatten_logger logger;
    unsigned errors;
} fuzz_log;

void fuzz_log_start(fuzz_log *log);

/* NULL if a call that was refused said so once, and one that was not said nothing; else what is wrong. */
const char *fuzz_log_broken(const fuzz_log *log, vatten_result result);

/* A finding unless it is NULL: says it and aborts. */
void fuzz_judge(const char *broken);

#endif /* VATTEN_FUZZ_INPUT_H */
