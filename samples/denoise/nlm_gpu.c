/* SPDX-License-Identifier: MIT
 *
 * Non-local means as neighborhood attention. This file is the sample's use of vatten:
 *   job_open    context -> plan -> buffers, once: all pieces have one size
 *   run_piece   upload queries, keys, values; run; download the output and its log-sum-exp
 *   keep_pixel  the pixel's own weight replaced, by means of the log-sum-exp
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vatten/context.h>
#include <vatten/vatten.h>

#include "nlm.h"
#include "patches.h"
#include "pieces.h"
#include "report.h"

/* A binding of this size is allowed on every Vulkan device, and enough to keep the largest busy. */
#define MAX_BINDING_BYTES ((uint64_t)128 << 20)

typedef struct job {
    const photo *noisy;
    const nlm_settings *settings;
    patch_source source;
    axis_cut cut[2]; /* y, x */
    vatten_context *context;
    vatten_plan *plan;
    vatten_memory *q;
    vatten_memory *k;
    vatten_memory *v;
    vatten_memory *out;
    vatten_memory *lse;
    float *patches; /* one piece's queries or keys */
    float *pixels;  /* one piece's values or output */
    float *log_sums;
    size_t pixel_count; /* of a piece */
} job;

static void print_message(void *user, vatten_log_level level, const char *message) {
    (void)user;
    if (level <= VATTEN_LOG_WARN) {
        complain("%s%s", level == VATTEN_LOG_WARN ? "warning: " : "", message);
    }
}

static double now_ms(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* ---- Once
 * ------------------------------------------------------------------------------------------------------- */

static bool open_context(job *j, const nlm_gpu_desc *desc) {
    vatten_context_desc context = {0};
    context.device = desc->device;
    context.logger.write = print_message;
    vatten_result result = vatten_context_create(&context, &j->context);
    if (result != VATTEN_SUCCESS) {
        return complain("no Vulkan device to run on (%s)", vatten_result_name(result));
    }
    return true;
}

static bool choose_pieces(job *j, uint32_t max_side) {
    vatten_device_info device;
    vatten_device_get_info(vatten_context_device(j->context), &device);
    uint64_t bytes = device.storage_range < MAX_BINDING_BYTES ? device.storage_range : MAX_BINDING_BYTES;
    uint64_t max_pixels = bytes / (patch_dim(j->settings->patch) * sizeof(float));
    uint32_t window_x = nlm_window(j->settings, j->noisy->width);
    uint32_t window_y = nlm_window(j->settings, j->noisy->height);
    if (!pieces_choose(j->noisy->width, j->noisy->height, window_x, window_y, max_pixels, max_side, j->cut)) {
        return complain("a piece of %u x %u pixels is not larger than the window of %u x %u", j->cut[1].piece,
                        j->cut[0].piece, window_x, window_y);
    }
    j->pixel_count = (size_t)j->cut[0].piece * j->cut[1].piece;
    return true;
}

static bool make_plan(job *j) {
    vatten_neighborhood_desc desc = {0};
    desc.heads.dtype = VATTEN_DTYPE_F32;
    desc.heads.batch = 1;
    desc.heads.heads = 1;
    desc.heads.kv_heads = 1;
    desc.heads.dim = patch_dim(j->settings->patch);
    desc.heads.value_dim = PIXEL_DIM;
    desc.heads.scale = 1.0f; /* q . k is the score already */
    desc.heads.write_lse = true;
    desc.heads.label = "denoise";
    desc.rank = 2;
    for (int a = 0; a < 2; a++) {
        desc.axis[a].extent = j->cut[a].piece;
        desc.axis[a].window = j->cut[a].window;
        desc.axis[a].stride = 1;
        desc.axis[a].dilation = 1;
    }
    return vatten_neighborhood_create(vatten_context_device(j->context), &desc, &j->plan) == VATTEN_SUCCESS;
}

static bool make_memory(job *j) {
    vatten_plan_info info;
    vatten_plan_get_info(j->plan, &info);
    vatten_context *context = j->context;
    j->patches = malloc(j->pixel_count * patch_dim(j->settings->patch) * sizeof(float));
    j->pixels = malloc(j->pixel_count * PIXEL_DIM * sizeof(float));
    j->log_sums = malloc(j->pixel_count * sizeof(float));
    if (!j->patches || !j->pixels || !j->log_sums) {
        return complain("out of memory for pieces of %u x %u pixels", j->cut[1].piece, j->cut[0].piece);
    }
    return vatten_memory_create(context, info.q_bytes, &j->q) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.k_bytes, &j->k) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.v_bytes, &j->v) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.out_bytes, &j->out) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.lse_bytes, &j->lse) == VATTEN_SUCCESS;
}

static bool job_open(job *j, const nlm_gpu_desc *desc) {
    return open_context(j, desc) && choose_pieces(j, desc->piece) &&
           patch_source_create(&j->source, j->noisy, j->settings) && make_plan(j) && make_memory(j);
}

static void job_close(job *j) {
    free(j->log_sums);
    free(j->pixels);
    free(j->patches);
    patch_source_destroy(&j->source);
    vatten_memory_destroy(j->lse);
    vatten_memory_destroy(j->out);
    vatten_memory_destroy(j->v);
    vatten_memory_destroy(j->k);
    vatten_memory_destroy(j->q);
    vatten_plan_destroy(j->plan);
    vatten_context_destroy(j->context);
}

/* ---- Per piece
 * -------------------------------------------------------------------------------------------------- */

static bool upload(vatten_memory *memory, const float *data, size_t count) {
    return vatten_memory_upload(memory, 0, data, count * sizeof(float)) == VATTEN_SUCCESS;
}

static bool download(vatten_memory *memory, float *data, size_t count) {
    return vatten_memory_download(memory, 0, data, count * sizeof(float)) == VATTEN_SUCCESS;
}

static bool run_piece(job *j, patch_area area, double *gpu_ms) {
    size_t values = j->pixel_count * patch_dim(j->settings->patch);
    patches_to_queries(&j->source, area, j->patches);
    if (!upload(j->q, j->patches, values)) {
        return false;
    }
    patches_to_keys(&j->source, area, j->patches);
    pixels_to_values(j->noisy, area, j->pixels);
    if (!upload(j->k, j->patches, values) || !upload(j->v, j->pixels, j->pixel_count * PIXEL_DIM)) {
        return false;
    }
    vatten_args args = {0};
    args.q = vatten_memory_buffer(j->q);
    args.k = vatten_memory_buffer(j->k);
    args.v = vatten_memory_buffer(j->v);
    args.out = vatten_memory_buffer(j->out);
    args.lse = vatten_memory_buffer(j->lse);
    double ms = 0.0;
    if (vatten_context_run(j->context, j->plan, &args, &ms) != VATTEN_SUCCESS) {
        return false;
    }
    *gpu_ms += ms;
    return download(j->out, j->pixels, j->pixel_count * PIXEL_DIM) &&
           download(j->lse, j->log_sums, j->pixel_count);
}

/* With Z = exp(lse) the sum of all weights, the pixel's own is 1 of it. Exchanged for w, the mean
 *   o = (x + S) / Z   becomes   (w x + S) / (Z - 1 + w) = x + (o - x) Z / (Z - 1 + w). */
static void keep_pixel(const float *noisy, const float *attended, double log_sum, double self_weight,
                       float *out) {
    double sum = exp(log_sum);
    double factor = sum / (fmax(sum - 1.0, 0.0) + self_weight);
    for (int c = 0; c < 3; c++) {
        out[c] = (float)((double)noisy[c] + ((double)attended[c] - (double)noisy[c]) * factor);
    }
}

static void keep_pixels(const job *j, const axis_piece *py, const axis_piece *px, photo *out) {
    double self_weight = nlm_self_weight(j->settings);
    for (uint32_t y = py->keep_begin; y < py->keep_end; y++) {
        for (uint32_t x = px->keep_begin; x < px->keep_end; x++) {
            size_t here = (size_t)(y - py->begin) * j->cut[1].piece + (x - px->begin);
            size_t there = ((size_t)y * out->width + x) * 3;
            keep_pixel(j->noisy->rgb + there, j->pixels + here * PIXEL_DIM, (double)j->log_sums[here],
                       self_weight, out->rgb + there);
        }
    }
}

/* A line every two seconds at most, and none for photographs of one piece. */
static void print_progress(uint32_t done, uint32_t pieces, double since_begin_ms, double *last_ms) {
    if (done < pieces && since_begin_ms - *last_ms >= 2000.0) {
        fprintf(stderr, "denoise: %u of %u pieces after %.0f s\n", done, pieces, since_begin_ms / 1e3);
        *last_ms = since_begin_ms;
    }
}

static bool run_pieces(job *j, photo *out, nlm_gpu_result *result) {
    double begin_ms = now_ms();
    double last_ms = 0.0;
    uint32_t done = 0;
    result->gpu_ms = 0.0;
    result->pieces = axis_count(&j->cut[0]) * axis_count(&j->cut[1]);
    for (axis_piece py = {0}; axis_next(&j->cut[0], &py);) {
        for (axis_piece px = {0}; axis_next(&j->cut[1], &px);) {
            patch_area area = {px.begin, py.begin, j->cut[1].piece, j->cut[0].piece};
            if (!run_piece(j, area, &result->gpu_ms)) {
                return complain("failed at piece %u of %u", done + 1, result->pieces);
            }
            keep_pixels(j, &py, &px, out);
            print_progress(++done, result->pieces, now_ms() - begin_ms, &last_ms);
        }
    }
    result->wall_ms = now_ms() - begin_ms;
    return true;
}

static int by_time(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, uint32_t count) {
    qsort(times, count, sizeof(*times), by_time);
    return (times[(count - 1) / 2] + times[count / 2]) / 2.0;
}

/* The first run is left out of several: some drivers compile in it. */
static bool run_repeatedly(job *j, uint32_t repeat, photo *out, nlm_gpu_result *result) {
    double gpu_ms[NLM_MAX_REPEAT];
    double wall_ms[NLM_MAX_REPEAT];
    uint32_t first = repeat > 1 ? 1 : 0;
    for (uint32_t i = 0; i < repeat; i++) {
        if (!run_pieces(j, out, result)) {
            return false;
        }
        gpu_ms[i] = result->gpu_ms;
        wall_ms[i] = result->wall_ms;
    }
    result->gpu_ms = median(gpu_ms + first, repeat - first);
    result->wall_ms = median(wall_ms + first, repeat - first);
    return true;
}

static void describe(const job *j, nlm_gpu_result *result) {
    vatten_context_info context;
    vatten_context_get_info(j->context, &context);
    vatten_plan_info plan;
    vatten_plan_get_info(j->plan, &plan);
    memcpy(result->device, context.device_name, sizeof(result->device));
    memcpy(result->kernel, plan.kernel, sizeof(result->kernel));
}

bool nlm_gpu(const photo *noisy, const nlm_settings *settings, const nlm_gpu_desc *desc, photo *out,
             nlm_gpu_result *out_result) {
    *out_result = (nlm_gpu_result){0};
    *out = (photo){0};
    job j = {.noisy = noisy, .settings = settings};
    bool ok = job_open(&j, desc) && photo_create(out, noisy->width, noisy->height);
    if (ok) {
        describe(&j, out_result);
        ok = run_repeatedly(&j, desc->repeat, out, out_result);
    }
    if (!ok) {
        photo_destroy(out);
    }
    job_close(&j);
    return ok;
}
