/* SPDX-License-Identifier: MIT
 *
 * What the unit tests share: devices made of numbers, a logger that remembers, descs that are valid to begin
 * with, a small random source. Includes cmocka. No Vulkan here.
 */
#ifndef VATTEN_UNIT_H
#define VATTEN_UNIT_H

#include "choices.h"
#include "step_work.h"
#include "steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* after the four above */

/* Remembers the last message and counts all. `logger` points to the struct itself: do not copy it. */
typedef struct unit_log {
    vatten_logger logger;
    char text[1024];
    vatten_log_level level;
    int count;
} unit_log;

void unit_log_start(unit_log *log);

/* Exactly one message was said, an error with exactly this text; starts over. */
#define assert_said(LOG, TEXT)                                                                               \
    do {                                                                                                     \
        assert_string_equal((LOG)->text, TEXT);                                                              \
        assert_int_equal((LOG)->count, 1);                                                                   \
        assert_int_equal((LOG)->level, VATTEN_LOG_ERROR);                                                    \
        unit_log_start(LOG);                                                                                 \
    } while (0)
#define assert_silent(LOG) assert_int_equal((LOG)->count, 0)

/* How many times slower than usual the program runs, by VATTEN_UNIT_SHARE (tests/valgrind/run.sh, sanitizers); else 1. */
uint64_t unit_slowness(void);

/* How many of so many random cases to take: all, or as many as take no longer. */
uint64_t unit_share(uint64_t cases);

/* What is the least to be found among them, where `cases` is that among all; fewer cases scatter more. */
int unit_share_finds(int cases);

/* Fails unless a step keeps the device's limits, and what it binds is in buffers of so many bytes. */
void unit_step_fits(const vt_caps *caps, const vt_step *step, const uint64_t bytes[VT_ROLE_COUNT],
                    uint64_t seed);

/* Fails unless it keeps the bounds on work as well. */
void unit_step_works(const vt_program *program, const vt_step *step, const step_bounds *bounds,
                     uint64_t seed);

/* The tile that the tuning table gives, without a word. */
vt_tile unit_tuned(unit_log *log, const vt_caps *caps, const vt_problem *problem);

/* A generous discrete GPU, the least that Vulkan guarantees (plus nothing), and lavapipe of Mesa 22.3.6.
 * Complete. */
vt_caps unit_caps_desktop(void);
vt_caps unit_caps_least(void);
vt_caps unit_caps_lavapipe(void);

/* The desktop with matrices of 16x16x16, 16x8x16 and 16x8x8, the last two of bf16 too, and every feature that MATRIX and
 * MATRIX2 need. */
vt_caps unit_caps_matrix(void);

/* And matrices of a workgroup of 128, sides multiples of 16, 16 and 16, and of 256, multiples of 32, 64 and 16; of bf16 the first
 * only. Sides up to 1024, 16 KiB of shared memory taken. */
vt_caps unit_caps_workgroup(void);

/* lavapipe of Mesa 26.2.6, which loads once, with addresses and all features that 16 bits need. */
vt_caps unit_caps_addresses(void);

/* A dense problem in f16 that asks for a layout. */
vt_problem unit_of_layout(vatten_layout layout, uint32_t dim, uint32_t value_dim);

/* No tile fits, and the one message ends with why. */
void unit_tile_refused(unit_log *log, const vt_caps *caps, const vt_problem *problem, const char *why);

/* 2 batches, 4 heads over 2 KV heads, dim 16, 24 queries, 40 keys, f32, all else zero. */
vatten_attention_desc unit_dense(void);

/* The same heads on a 6 x 8 grid with windows of 3. */
vatten_neighborhood_desc unit_grid(void);

#endif /* VATTEN_UNIT_H */
