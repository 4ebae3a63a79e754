/* SPDX-License-Identifier: MIT */
#include "roof_matrix.h"

#include <stdio.h>
#include <string.h>

#ifdef VATTEN_ROOF_MATRIX
#include "roof_matrix1.h"
#include "roof_matrix2.h"
#include "roof_matrix4.h"
#endif

static const float factor = 0.5f, addend = 0.0009765625f; /* sums grow by less than 0.1 a product */

bool roof_matrix_run(vatten_context *context, const bench_vk *vk, const roof_loop *loop, double *out_ms) {
    return roof_loop_run(context, vk, loop, factor, addend, out_ms);
}

#ifdef VATTEN_ROOF_MATRIX
enum {
    ROUNDS = 16, /* ROUND in one loop of matrix.comp */
    WIDTHS = 2
};

typedef struct matrix_code {
    const uint32_t *words;
    size_t bytes;
    uint32_t chains;
} matrix_code;

static const matrix_code codes[] = {
    {roof_matrix1, sizeof roof_matrix1, 1},
    {roof_matrix2, sizeof roof_matrix2, 2},
    {roof_matrix4, sizeof roof_matrix4, 4},
};
enum { CODES = sizeof codes / sizeof *codes };

/* What else a trial knows; the sink's second float is the number of subgroups. */
typedef struct trial {
    vatten_context *context;
    const bench_vk *vk;
    vatten_memory *sink;
    roof_loop *best;
    double best_rate;
    bool cpu;
} trial;

/* The driver chooses the size of a subgroup, so the work of a workgroup is known once it has run. */
static bool count_work(const trial *t, const uint32_t shape[3], uint32_t chains, roof_loop *loop) {
    float found[2] = {0.0f, 0.0f};
    double ms;
    if (!roof_matrix_run(t->context, t->vk, loop, &ms) ||
        vatten_memory_download(t->sink, 0, found, sizeof found) != VATTEN_SUCCESS)
        return false;
    loop->flops = (double)found[1] * 2.0 * shape[0] * shape[1] * shape[2] * ROUNDS * chains;
    return found[1] > 0.0f;
}

static bool try_shape(trial *t, const uint32_t shape[3], const matrix_code *code, uint32_t width) {
    const bench_kernel_code kernel = {.words = code->words,
                                      .bytes = code->bytes,
                                      .spec = {width, shape[0], shape[1], shape[2]},
                                      .spec_count = 4,
                                      .whole_subgroups = true};
    roof_loop loop = {.loops = 16, .groups = t->cpu ? 64 : (1u << 18) / width};
    VkBuffer sink = vatten_memory_buffer(t->sink).buffer;
    double rate = 0.0;
    if (!bench_kernel_create(t->vk, &kernel, sink, sink, &loop.kernel))
        return false;
    snprintf(loop.text, sizeof loop.text, "f16 %ux%ux%u, %u chains, workgroup %u", shape[0], shape[1],
             shape[2], code->chains, width);
    bool ok = count_work(t, shape, code->chains, &loop) &&
              roof_loop_try(t->context, t->vk, &loop, factor, addend, &rate);
    roof_loop_keep(t->vk, &loop, rate, t->best, &t->best_rate);
    return ok;
}

bool roof_matrix_choose(vatten_context *context, const bench_vk *vk, vatten_memory *sink, roof_loop *out,
                        const char **out_absent) {
    vatten_device_info info;
    vatten_device_get_info(vatten_context_device(context), &info);
    trial t = {context, vk, sink, out, 0.0, info.cpu};
    const uint32_t widths[WIDTHS] = {info.cpu ? info.subgroup_size : 128, info.cpu ? 64 : 256};
    memset(out, 0, sizeof *out);
    *out_absent = info.matrices[0] == '\0' ? "the device lists no f16 matrices with f32 sums" : NULL;
    uint32_t shape[3];
    int used = 0;
    for (const char *at = info.matrices;
         sscanf(at, "%ux%ux%u%n", &shape[0], &shape[1], &shape[2], &used) == 3; at += used) {
        for (int i = 0; i < CODES * WIDTHS; ++i)
            if (!try_shape(&t, shape, &codes[i % CODES], widths[i / CODES]))
                return false;
    }
    roof_loop_lengthen(out);
    return true;
}
#else
bool roof_matrix_choose(vatten_context *context, const bench_vk *vk, vatten_memory *sink, roof_loop *out,
                        const char **out_absent) {
    (void)context, (void)vk, (void)sink;
    memset(out, 0, sizeof *out);
    *out_absent = "built with a glslang without GL_KHR_cooperative_matrix";
    return true;
}
#endif
