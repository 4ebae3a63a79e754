/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: the search for a group's best tile. First a short look at candidates one by one, nearest to the best one so
 * far; then the best few in turns with the present tile.
 */
#ifndef TOOLS_TUNE_SEARCH_H
#define TOOLS_TUNE_SEARCH_H

#include <signal.h>

#include "bench_vk.h"
#include "tune_group.h"

typedef struct tune_settings {
    uint32_t repeat;     /* timed rounds of the finals */
    uint32_t warmup;     /* untimed runs before them */
    uint32_t rows;       /* held against the oracle, of each candidate */
    uint32_t seconds;    /* of the whole sweep */
    uint32_t finalists;  /* at most */
    uint32_t candidates; /* looked at for each group, at most */
    uint32_t margin;     /* percent of the time that a tile has to save */
} tune_settings;

/* Set by a signal: the search ends as soon as it can. */
extern volatile sig_atomic_t tune_interrupted;

/* Fills in candidates, best and chosen until stats_now_ms is `end_ms`, but takes the time for a verdict on those that were
 * looked at. A wrong candidate is told, and never chosen. False, and said, when the present tile does not run or memory is
 * lacking. */
bool tune_search(vatten_context *context, const bench_vk *vk, const tune_settings *settings, double end_ms,
                 tune_group *group);

/* Whether a finalist is worth a row: it saves `margin` percent of the time (geometric mean of the lines' medians), is faster
 * in three quarters of all rounds, and on no line clearly slower. */
bool tune_is_better(const tune_candidate *candidate, uint32_t margin);

#endif /* TOOLS_TUNE_SEARCH_H */
