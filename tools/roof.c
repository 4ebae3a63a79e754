/* SPDX-License-Identifier: MIT */
#include "roof.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roof_copy_words.h"
#include "roof_fma.h"
#include "roof_loop.h"
#include "roof_matrix.h"
#include "say.h"

enum {
    MAX_SAMPLES = 1024,
    BEST_OF = 3,             /* one measurement is the best of as many runs: noise only ever slows down */
    COPY_WIDTH = 128,        /* every Vulkan device has 128 invocations */
    COPY_PER_INVOCATION = 64 /* bytes, as in copy.comp */
};

static const double copy_ms = 25.0; /* length of a run */

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
        if (make_memory(r, &info) &&
            roof_fma_choose(context, vk, vatten_memory_buffer(r->target).buffer, &r->fma) && choose_copy(r) &&
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
    if (!roof_fma_run(r->context, r->vk, &r->fma, &ms))
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
