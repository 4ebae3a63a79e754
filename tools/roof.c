/* SPDX-License-Identifier: MIT */
#include "roof.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roof_copy_words.h"
#include "roof_fma1.h"
#include "roof_fma2.h"
#include "roof_fma2s.h"
#include "roof_fma3.h"
#include "roof_loop.h"
#include "roof_matrix.h"
#include "say.h"

enum {
    FMA_ROUNDS = 16, /* ROUND in one loop of fma.comp */
    MAX_WIDTHS = 4,
    MAX_SAMPLES = 1024,
    BEST_OF = 3,             /* one measurement is the best of as many runs: noise only ever slows down */
    COPY_WIDTH = 128,        /* every Vulkan device has 128 invocations */
    COPY_PER_INVOCATION = 64 /* bytes, as in copy.comp */
};

static const double copy_ms = 25.0;                      /* length of a run */
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

struct roof {
    vatten_context *context;
    const bench_vk *vk;
    vatten_memory *source, *target;
    uint64_t copy_bytes;
    roof_loop fma, matrix;
    const char *no_matrix; /* why there is no roof of matrices; NULL: there is one */
    bench_kernel copy;
    bool copy_by_command; /* vkCmdCopyBuffer was faster than the shader */
    uint32_t copy_repeat;
    double fma_samples[MAX_SAMPLES], matrix_samples[MAX_SAMPLES], copy_samples[MAX_SAMPLES];
    size_t count;
};

/* ---- The copy ---- */

static bool run_copy(const roof *r, bool by_command, uint32_t repeat, double *out_ms) {
    VkCommandBuffer cmd = NULL;
    if (vatten_context_begin(r->context, &cmd) != VATTEN_SUCCESS)
        return false;
    uint32_t invocations = (uint32_t)(r->copy_bytes / COPY_PER_INVOCATION);
    uint32_t push[4] = {invocations, 0, 0, 0};
    VkBufferCopy region = {.size = r->copy_bytes};
    for (uint32_t i = 0; i < repeat; ++i) {
        if (by_command)
            r->vk->CmdCopyBuffer(cmd, vatten_memory_buffer(r->source).buffer,
                                 vatten_memory_buffer(r->target).buffer, 1, &region);
        else
            bench_kernel_record(r->vk, &r->copy, cmd, push, invocations / COPY_WIDTH);
        bench_vk_barrier(r->vk, cmd);
    }
    return vatten_context_end(r->context, out_ms) == VATTEN_SUCCESS;
}

static double copy_gbs(const roof *r, uint32_t repeat, double ms) {
    return ms > 0.0 ? 2.0 * (double)r->copy_bytes * repeat / (ms * 1e6) : 0.0;
}

/* ---- Choosing ---- */

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

static bool try_fma(roof *r, const vatten_device_info *info, const fma_code *code, uint32_t width,
                    double *best) {
    const bench_kernel_code kernel = {
        .words = code->code, .bytes = code->bytes, .spec = {width}, .spec_count = 1};
    VkBuffer sink = vatten_memory_buffer(r->target).buffer;
    roof_loop loop = {.loops = 64, .flops = 2.0 * width * FMA_ROUNDS * code->chains};
    double rate = 0.0;
    if (!bench_kernel_create(r->vk, &kernel, sink, sink, &loop.kernel))
        return false;
    /* a CPU wants few, long groups; a GPU enough of them to fill any device several times over */
    loop.groups = info->cpu ? 64 : (1u << 20) / width;
    snprintf(loop.text, sizeof loop.text, "%s, workgroup %u", code->name, width);
    bool ok = roof_loop_try(r->context, r->vk, &loop, fma_factor, fma_addend, &rate);
    roof_loop_keep(r->vk, &loop, rate, &r->fma, best);
    return ok;
}

/* All codes x widths; the fastest stays. */
static bool choose_fma(roof *r, const vatten_device_info *info) {
    uint32_t widths[MAX_WIDTHS];
    size_t width_count = list_widths(info, widths);
    double best = 0.0;
    for (size_t i = 0; i < width_count * FMA_CODES; ++i)
        if (!try_fma(r, info, &fma_codes[i % FMA_CODES], widths[i / FMA_CODES], &best))
            return false;
    roof_loop_lengthen(&r->fma);
    return best > 0.0;
}

static bool choose_copy(roof *r) {
    double shader_ms = 0.0, command_ms = 0.0, first = 0.0;
    VkBuffer source = vatten_memory_buffer(r->source).buffer, target = vatten_memory_buffer(r->target).buffer;
    const bench_kernel_code kernel = {
        .words = roof_copy_words, .bytes = sizeof roof_copy_words, .spec = {COPY_WIDTH}, .spec_count = 1};
    if (!bench_kernel_create(r->vk, &kernel, source, target, &r->copy))
        return false;
    if (!run_copy(r, false, 1, &first) || !run_copy(r, false, 4, &shader_ms) ||
        !run_copy(r, true, 1, &first) || !run_copy(r, true, 4, &command_ms))
        return false;
    r->copy_by_command = command_ms < shader_ms;
    r->copy_repeat = roof_scaled(4, r->copy_by_command ? command_ms : shader_ms, copy_ms, 256);
    return true;
}

/* Two buffers, far larger than caches, within what one binding may hold. */
static bool make_memory(roof *r, const vatten_device_info *info) {
    uint64_t bytes = info->cpu ? (uint64_t)64 << 20 : (uint64_t)512 << 20;
    while (bytes > info->storage_range)
        bytes /= 2;
    while (bytes / COPY_PER_INVOCATION / COPY_WIDTH > 65535)
        bytes /= 2;
    r->copy_bytes = bytes;
    void *zeros = calloc(1, (size_t)bytes);
    bool ok = zeros != NULL && vatten_memory_create(r->context, bytes, &r->source) == VATTEN_SUCCESS &&
              vatten_memory_create(r->context, bytes, &r->target) == VATTEN_SUCCESS &&
              vatten_memory_upload(r->source, 0, zeros, bytes) == VATTEN_SUCCESS &&
              vatten_memory_upload(r->target, 0, zeros, bytes) == VATTEN_SUCCESS; /* pages must exist */
    free(zeros);
    return ok;
}

bool roof_create(vatten_context *context, const bench_vk *vk, roof **out_roof) {
    vatten_device_info info;
    vatten_device_get_info(vatten_context_device(context), &info);
    roof *r = calloc(1, sizeof *r);
    *out_roof = r;
    if (r != NULL) {
        r->context = context;
        r->vk = vk;
        if (make_memory(r, &info) && choose_fma(r, &info) && choose_copy(r) &&
            roof_matrix_choose(context, vk, r->target, &r->matrix, &r->no_matrix))
            return true;
    }
    say_error("the device's roof could not be measured");
    roof_destroy(r);
    *out_roof = NULL;
    return false;
}

void roof_destroy(roof *r) {
    if (r == NULL)
        return;
    bench_kernel_destroy(r->vk, &r->fma.kernel);
    bench_kernel_destroy(r->vk, &r->matrix.kernel);
    bench_kernel_destroy(r->vk, &r->copy);
    vatten_memory_destroy(r->source);
    vatten_memory_destroy(r->target);
    free(r);
}

/* ---- Measuring ---- */

static bool measure_once(roof *r, double *fma, double *matrix, double *copy) {
    double ms = 0.0;
    if (!roof_loop_run(r->context, r->vk, &r->fma, fma_factor, fma_addend, &ms))
        return false;
    *fma = fmax(*fma, roof_loop_gflops(&r->fma, ms));
    if (!run_copy(r, r->copy_by_command, r->copy_repeat, &ms))
        return false;
    *copy = fmax(*copy, copy_gbs(r, r->copy_repeat, ms));
    if (r->no_matrix != NULL)
        return true;
    if (!roof_matrix_run(r->context, r->vk, &r->matrix, &ms))
        return false;
    *matrix = fmax(*matrix, roof_loop_gflops(&r->matrix, ms));
    return true;
}

bool roof_measure(roof *r) {
    double fma = 0.0, matrix = 0.0, copy = 0.0;
    if (r->count == MAX_SAMPLES)
        return true;
    for (int i = 0; i < BEST_OF; ++i)
        if (!measure_once(r, &fma, &matrix, &copy))
            return false;
    r->fma_samples[r->count] = fma;
    r->matrix_samples[r->count] = matrix;
    r->copy_samples[r->count++] = copy;
    return true;
}

static stats_summary summarize(const double *samples, size_t count) {
    double sorted[MAX_SAMPLES];
    memcpy(sorted, samples, count * sizeof *sorted);
    return stats_summarize(sorted, count);
}

stats_summary roof_fma(const roof *r) {
    return summarize(r->fma_samples, r->count);
}

stats_summary roof_matrix(const roof *r) {
    return r->no_matrix == NULL ? summarize(r->matrix_samples, r->count) : (stats_summary){0.0, 0.0, 0.0};
}

const char *roof_no_matrix(const roof *r) {
    return r->no_matrix;
}

stats_summary roof_copy(const roof *r) {
    return summarize(r->copy_samples, r->count);
}

size_t roof_samples(const roof *r) {
    return r->count;
}

const char *roof_fma_shape(const roof *r) {
    return r->fma.text;
}

const char *roof_matrix_shape(const roof *r) {
    return r->matrix.text;
}

const char *roof_copy_shape(const roof *r) {
    return r->copy_by_command ? "by command" : "by shader";
}
