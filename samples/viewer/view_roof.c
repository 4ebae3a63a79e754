/* SPDX-License-Identifier: MIT */
#include "view_roof.h"

#ifdef VIEWER_ROOF

#include <math.h>

#include "roof_fma.h"

/* One measurement is the best of as many runs: noise only ever slows down. */
enum { BEST_OF = 3, SINK_BYTES = 1024 };

static double measure(vatten_context *context, const bench_vk *vk, VkBuffer sink) {
    roof_loop fma = {0};
    double best = 0.0, ms = 0.0;
    if (roof_fma_choose(context, vk, sink, &fma)) {
        for (int i = 0; i < BEST_OF && roof_fma_run(context, vk, &fma, &ms); i++) {
            best = fmax(best, roof_loop_gflops(&fma, ms));
        }
    }
    bench_kernel_destroy(vk, &fma.kernel);
    return best;
}

double view_roof_measure(vatten_context *context) {
    vatten_memory *sink = NULL;
    bench_vk vk;
    double roof = 0.0;
    if (bench_vk_load(context, &vk) && vatten_memory_create(context, SINK_BYTES, &sink) == VATTEN_SUCCESS) {
        roof = measure(context, &vk, vatten_memory_buffer(sink).buffer);
    }
    vatten_memory_destroy(sink);
    return roof;
}

#else

double view_roof_measure(vatten_context *context) {
    (void)context;
    return 0.0;
}

#endif
