/* SPDX-License-Identifier: MIT */
#include "roof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roof_copy_words.h"
#include "roof_fma1.h"
#include "roof_fma2.h"
#include "roof_fma2s.h"
#include "roof_fma3.h"
#include "say.h"

enum {
    FMA_ROUNDS = 16, /* ROUND in one loop of fma.comp */
    MAX_WIDTHS = 4,
    MAX_SAMPLES = 1024,
    BEST_OF = 3,             /* one measurement is the best of as many runs: noise only ever slows down */
    COPY_WIDTH = 128,        /* every Vulkan device has 128 invocations */
    COPY_PER_INVOCATION = 64 /* bytes, as in copy.comp */
};

static const double trial_ms = 6.0;    /* length of a run when shapes are tried */
static const double measure_ms = 25.0; /* and when they are measured */

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

typedef struct fma_shape {
    bench_kernel kernel;
    uint32_t chains;
    uint32_t groups;
    uint32_t loops;
    char text[64];
} fma_shape;

struct roof {
    vatten_context *context;
    const bench_vk *vk;
    vatten_memory *source, *target;
    uint64_t copy_bytes;
    fma_shape fma;
    bench_kernel copy;
    bool copy_by_command; /* vkCmdCopyBuffer was faster than the shader */
    uint32_t copy_repeat;
    double fma_samples[MAX_SAMPLES], copy_samples[MAX_SAMPLES];
    size_t count;
};

/* ---- One run of each ---- */

static bool run_fma(const roof *r, const fma_shape *shape, double *out_ms) {
    VkCommandBuffer cmd = NULL;
    if (vatten_context_begin(r->context, &cmd) != VATTEN_SUCCESS)
        return false;
    const float half = 0.5f, never = -1.0f;
    uint32_t push[4] = {shape->loops, 0, 0, 0};
    memcpy(&push[1], &half, 4);
    memcpy(&push[2], &half, 4);
    memcpy(&push[3], &never, 4);
    bench_kernel_record(r->vk, &shape->kernel, cmd, push, shape->groups);
    return vatten_context_end(r->context, out_ms) == VATTEN_SUCCESS;
}

static double fma_gflops(const fma_shape *shape, double ms) {
    double fmas = (double)shape->groups * shape->kernel.width * shape->loops * FMA_ROUNDS * shape->chains;
    return ms > 0.0 ? 2.0 * fmas / (ms * 1e6) : 0.0;
}

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

/* The factor that brings a run of `ms` to `wanted`, within bounds. */
static uint32_t scaled(uint32_t count, double ms, double wanted, uint32_t limit) {
    double value = ms > 0.0 ? (double)count * wanted / ms : (double)count * 16.0;
    return value < 1.0 ? 1 : value > (double)limit ? limit : (uint32_t)value;
}

/* ---- Choosing ---- */

/* Grows the loop count until a run is long enough to be timed, and rates the shape. */
static bool try_fma(const roof *r, fma_shape *shape, double *out_gflops) {
    double ms = 0.0;
    *out_gflops = 0.0;
    for (int round = 0; round < 4; ++round) {
        if (!run_fma(r, shape, &ms))
            return false;
        double rate = fma_gflops(shape, ms);
        if (ms > 0.5 * trial_ms && rate > *out_gflops)
            *out_gflops = rate;
        shape->loops = scaled(shape->loops, ms, trial_ms, 1u << 24);
    }
    return true;
}

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

/* All codes x widths; the fastest stays. */
static bool choose_fma(roof *r, const vatten_device_info *info) {
    uint32_t widths[MAX_WIDTHS];
    size_t width_count = list_widths(info, widths);
    double best = 0.0;
    VkBuffer sink = vatten_memory_buffer(r->target).buffer;
    for (size_t i = 0; i < width_count * FMA_CODES; ++i) {
        const fma_code *code = &fma_codes[i % FMA_CODES];
        fma_shape shape = {.chains = code->chains, .loops = 64};
        double rate = 0.0;
        if (!bench_kernel_create(r->vk, code->code, code->bytes, widths[i / FMA_CODES], sink, sink,
                                 &shape.kernel))
            return false;
        /* a CPU wants few, long groups; a GPU enough of them to fill any device several times over */
        shape.groups = info->cpu ? 64 : (1u << 20) / shape.kernel.width;
        snprintf(shape.text, sizeof shape.text, "%s, workgroup %u", code->name, shape.kernel.width);
        bool ok = try_fma(r, &shape, &rate);
        if (ok && rate > best) {
            fma_shape worse = r->fma;
            r->fma = shape;
            shape = worse;
            best = rate;
        }
        bench_kernel_destroy(r->vk, &shape.kernel);
        if (!ok)
            return false;
    }
    if (best > 0.0)
        r->fma.loops = scaled(r->fma.loops, trial_ms, measure_ms, 1u << 26);
    return best > 0.0;
}

static bool choose_copy(roof *r) {
    double shader_ms = 0.0, command_ms = 0.0, first = 0.0;
    VkBuffer source = vatten_memory_buffer(r->source).buffer, target = vatten_memory_buffer(r->target).buffer;
    if (!bench_kernel_create(r->vk, roof_copy_words, sizeof roof_copy_words, COPY_WIDTH, source, target,
                             &r->copy))
        return false;
    if (!run_copy(r, false, 1, &first) || !run_copy(r, false, 4, &shader_ms) ||
        !run_copy(r, true, 1, &first) || !run_copy(r, true, 4, &command_ms))
        return false;
    r->copy_by_command = command_ms < shader_ms;
    r->copy_repeat = scaled(4, r->copy_by_command ? command_ms : shader_ms, measure_ms, 256);
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
        if (make_memory(r, &info) && choose_fma(r, &info) && choose_copy(r))
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
    bench_kernel_destroy(r->vk, &r->copy);
    vatten_memory_destroy(r->source);
    vatten_memory_destroy(r->target);
    free(r);
}

/* ---- Measuring ---- */

bool roof_measure(roof *r) {
    double fma = 0.0, copy = 0.0, ms = 0.0;
    if (r->count == MAX_SAMPLES)
        return true;
    for (int i = 0; i < BEST_OF; ++i) {
        if (!run_fma(r, &r->fma, &ms))
            return false;
        double rate = fma_gflops(&r->fma, ms);
        fma = rate > fma ? rate : fma;
        if (!run_copy(r, r->copy_by_command, r->copy_repeat, &ms))
            return false;
        rate = copy_gbs(r, r->copy_repeat, ms);
        copy = rate > copy ? rate : copy;
    }
    r->fma_samples[r->count] = fma;
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

stats_summary roof_copy(const roof *r) {
    return summarize(r->copy_samples, r->count);
}

size_t roof_samples(const roof *r) {
    return r->count;
}

const char *roof_fma_shape(const roof *r) {
    return r->fma.text;
}

const char *roof_copy_shape(const roof *r) {
    return r->copy_by_command ? "by command" : "by shader";
}
