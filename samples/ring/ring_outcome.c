/* SPDX-License-Identifier: MIT */
#include "ring_outcome.h"

#include "progress.h"

ring_clock ring_clock_begin(void) {
    return (ring_clock){progress_now_ms()};
}

double ring_clock_now(const ring_clock *clock) {
    return progress_now_ms() - clock->origin_ms;
}

void ring_note(ring_outcome *out, ring_span_kind kind, uint32_t step, double begin, double end) {
    *(kind == RING_COMPUTE ? &out->compute_ms : &out->transfer_ms) += end - begin;
    if (out->span_count < RING_MOST_SPANS) {
        out->spans[out->span_count++] = (ring_span){begin, end, kind, step};
    }
}
