/* SPDX-License-Identifier: MIT */
#include "fuzz_input.h"

#include "program_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_copy(void *out, size_t want, const uint8_t *data, size_t size) {
    memset(out, 0, want);
    if (size)
        memcpy(out, data, size < want ? size : want);
}

void fuzz_set_bool(bool *out, bool value) {
    memset(out, 0, sizeof *out);
    *out = value;
}

void fuzz_mend_bool(bool *b) {
    uint8_t byte;
    memcpy(&byte, b, 1);
    fuzz_set_bool(b, (byte & 1) != 0);
}

vt_caps fuzz_caps(const uint8_t *data, size_t size) {
    unit_random random = {.bytes = data, .left = size < FUZZ_CAPS_BYTES ? size : FUZZ_CAPS_BYTES};
    return program_random_caps(&random);
}

static void count(void *user, vatten_log_level level, const char *message) {
    fuzz_log *log = user;
    log->errors += level == VATTEN_LOG_ERROR && message[0] != '\0';
}

void fuzz_log_start(fuzz_log *log) {
    *log = (fuzz_log){.logger = {count, log}};
}

const char *fuzz_log_broken(const fuzz_log *log, vatten_result result) {
    if (log->errors == (result == VATTEN_SUCCESS ? 0u : 1u))
        return NULL;
    return result == VATTEN_SUCCESS ? "an error was told of a call that succeeded"
           : log->errors            ? "a refusal was told more than once"
                                    : "a call was refused without a word";
}

void fuzz_judge(const char *broken) {
    if (!broken)
        return;
    fprintf(stderr, "%s\n", broken);
    abort();
}
