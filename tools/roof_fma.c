/* SPDX-License-Identifier: MIT */
#include "roof_fma.h"

#include <stdio.h>

#include "roof_fma1.h"
#include "roof_fma2.h"
#include "roof_fma2s.h"
#include "roof_fma3.h"

enum {
    FMA_ROUNDS = 16, /* ROUND in one loop of fma.comp */
    MAX_WIDTHS = 4
};

static const float fma_factor = 0.5f, fma_addend = 0.5f; /* the chains converge to 1 */

typedef struct fma_code {
    const uint32_t *code;
    size_t bytes;
    uint32_t chains;
    const char *name;
} fma_code;

static const fma_code fma_codes[] = {
    {roof_fma1, sizeof roof_fma1, 4, "4 chains"},
    {roof_fma2, sizeof roof_fma2, 8, "8 chains"},
    {roof_fma3, sizeof roof_fma3, 12, "12 chains"},
    {roof_fma2s, sizeof roof_fma2s, 8, "8 chains, multiply and add"},
};
enum { FMA_CODES = sizeof fma_codes / sizeof *fma_codes };

static size_t list_widths(const vatten_device_info *info, uint32_t widths[MAX_WIDTHS]) {
    const uint32_t cpu[MAX_WIDTHS] = {info->subgroup_size, 4, 8, 16};
    const uint32_t gpu[MAX_WIDTHS] = {info->subgroup_size, 64, 128, 256};
    size_t count = 0;
    for (size_t i = 0; i < MAX_WIDTHS; ++i) {
        uint32_t width = info->cpu ? cpu[i] : gpu[i];
        bool seen = width < 4 || width > info->invocations;
        for (size_t j = 0; j < count; ++j)
            seen = seen || widths[j] == width;
        if (!seen)
            widths[count++] = width;
    }
    return count;
}

static bool try_fma(vatten_context *context, const bench_vk *vk, VkBuffer sink, const fma_code *code,
                    uint32_t width, roof_loop *fastest, double *best) {
    vatten_device_info info;
    vatten_device_get_info(vatten_context_device(context), &info);
    const bench_kernel_code kernel = {
        .words = code->code, .bytes = code->bytes, .spec = {width}, .spec_count = 1};
    roof_loop loop = {.loops = 64, .flops = 2.0 * width * FMA_ROUNDS * code->chains};
    double rate = 0.0;
    if (!bench_kernel_create(vk, &kernel, sink, sink, &loop.kernel))
        return false;
    /* a CPU wants few, long groups; a GPU enough of them to fill any device several times over */
    loop.groups = info.cpu ? 64 : (1u << 20) / width;
    snprintf(loop.text, sizeof loop.text, "%s, workgroup %u", code->name, width);
    bool ok = roof_loop_try(context, vk, &loop, fma_factor, fma_addend, &rate);
    roof_loop_keep(vk, &loop, rate, fastest, best);
    return ok;
}

bool roof_fma_choose(vatten_context *context, const bench_vk *vk, VkBuffer sink, roof_loop *out_fma) {
    vatten_device_info info;
    vatten_device_get_info(vatten_context_device(context), &info);
    uint32_t widths[MAX_WIDTHS];
    size_t width_count = list_widths(&info, widths);
    double best = 0.0;
    for (size_t i = 0; i < width_count * FMA_CODES; ++i)
        if (!try_fma(context, vk, sink, &fma_codes[i % FMA_CODES], widths[i / FMA_CODES], out_fma, &best))
            return false;
    roof_loop_lengthen(out_fma);
    return best > 0.0;
}

bool roof_fma_run(vatten_context *context, const bench_vk *vk, const roof_loop *fma, double *out_ms) {
    return roof_loop_run(context, vk, fma, fma_factor, fma_addend, out_ms);
}
