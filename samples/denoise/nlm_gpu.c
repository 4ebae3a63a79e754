/* SPDX-License-Identifier: MIT
 *
 * Non-local means as neighborhood attention. This file is the sample's use of vatten:
 *   job_open    context -> plan -> buffers, once: all pieces have one size
 *   run_piece   upload queries, keys, values; run; download the output and its log-sum-exp
 *   keep_pixels the pixel's own weight replaced, by means of the log-sum-exp
 */
#include <stdlib.h>
#include <string.h>

#include <vatten/context.h>
#include <vatten/vatten.h>

#include "complain.h"
#include "median.h"
#include "nlm.h"
#include "patches.h"
#include "pieces.h"
#include "progress.h"

/* A binding of this size is allowed on every Vulkan device, and enough to keep the largest busy. */
#define MAX_BINDING_BYTES ((uint64_t)128 << 20)

/* Queries and keys go to the device in portions of this size: on the host they are never there at once. */
#define PORTION_BYTES ((uint64_t)4 << 20)

/* Floats of a pixel besides its query and key: value, output, log-sum-exp, state between two dispatches on the
 * device; value or output, and log-sum-exp on the host. */
#define SMALL_FLOATS (PIXEL_DIM + PIXEL_DIM + 1 + 6 + PIXEL_DIM + 1)

typedef struct job {
    const clip *noisy;
    const nlm_settings *settings;
    patch_source source;
    axis_cut cut[CLIP_AXES];
    vatten_context *context;
    vatten_plan *plan;
    vatten_memory *q;
    vatten_memory *k;
    vatten_memory *v;
    vatten_memory *out;
    vatten_memory *lse;
    float *portion; /* of queries or keys */
    float *pixels;  /* one piece's values or output */
    float *log_sums;
    size_t portion_pixels;
    size_t piece_pixels;
    uint64_t bytes; /* of all the buffers above */
    progress progress;
} job;

static void print_message(void *user, vatten_log_level level, const char *message) {
    if (level <= VATTEN_LOG_WARN) {
        progress_clear(user);
        complain("%s%s", level == VATTEN_LOG_WARN ? "warning: " : "", message);
    }
}

/* ---- Once --------------------------------------------------------------------------------------------- */

static bool open_context(job *j, const nlm_gpu_desc *desc) {
    vatten_context_desc context = {0};
    context.device = desc->device;
    context.logger = (vatten_logger){.write = print_message, .user = &j->progress};
    vatten_result result = vatten_context_create(&context, &j->context);
    if (result != VATTEN_SUCCESS) {
        return complain("no Vulkan device to run on (%s)", vatten_result_name(result));
    }
    return true;
}

/* The pixels that a piece may have, by what the device binds at once and by the caller's bound. */
static uint64_t most_pixels(const job *j, uint64_t memory_bytes) {
    vatten_device_info device;
    vatten_device_get_info(vatten_context_device(j->context), &device);
    uint64_t row = patch_dim(j->settings->patch) * sizeof(float);
    uint64_t binding = device.storage_range < MAX_BINDING_BYTES ? device.storage_range : MAX_BINDING_BYTES;
    uint64_t memory = memory_bytes > PORTION_BYTES ? memory_bytes - PORTION_BYTES : 0;
    uint64_t by_binding = binding / row;
    uint64_t by_memory = memory / (2 * row + SMALL_FLOATS * sizeof(float));
    return by_binding < by_memory ? by_binding : by_memory;
}

static bool explain_no_pieces(const axis_cut cut[CLIP_AXES], const nlm_gpu_desc *desc, uint64_t most) {
    uint32_t x = cut[CLIP_X].window;
    uint32_t y = cut[CLIP_Y].window;
    uint32_t t = cut[CLIP_T].window;
    if (desc->piece && (desc->piece < x || desc->piece < y)) {
        return complain("a piece of %u pixels a side is smaller than the window of %u x %u", desc->piece, x,
                        y);
    }
    return complain(
        "a piece holds at most %llu pixels, by --memory %llu and by what the device binds at once; "
        "the window of %u x %u pixels and %u frame%s has %llu",
        (unsigned long long)most, (unsigned long long)(desc->memory_bytes >> 20), x, y, t, t == 1 ? "" : "s",
        (unsigned long long)x * y * t);
}

static bool choose_pieces(job *j, const nlm_gpu_desc *desc) {
    for (int a = 0; a < CLIP_AXES; a++) {
        j->cut[a].extent = clip_extent(j->noisy, a);
        j->cut[a].window = nlm_window(j->settings, j->noisy, a);
    }
    uint64_t most = most_pixels(j, desc->memory_bytes);
    if (!pieces_choose(j->cut, most, desc->piece ? desc->piece : UINT32_MAX)) {
        return explain_no_pieces(j->cut, desc, most);
    }
    j->piece_pixels = (size_t)pieces_pixels(j->cut);
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
    desc.rank = CLIP_AXES;
    for (int a = 0; a < CLIP_AXES; a++) {
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
    size_t row = patch_dim(j->settings->patch) * sizeof(float);
    j->portion_pixels = PORTION_BYTES / row < j->piece_pixels ? PORTION_BYTES / row : j->piece_pixels;
    j->portion = malloc(j->portion_pixels * row);
    j->pixels = malloc(j->piece_pixels * PIXEL_DIM * sizeof(float));
    j->log_sums = malloc(j->piece_pixels * sizeof(float));
    if (!j->portion || !j->pixels || !j->log_sums) {
        return complain("out of memory for pieces of %llu pixels", (unsigned long long)j->piece_pixels);
    }
    j->bytes = info.q_bytes + info.k_bytes + info.v_bytes + info.out_bytes + info.lse_bytes +
               info.workspace_bytes + j->portion_pixels * row +
               j->piece_pixels * (PIXEL_DIM + 1) * sizeof(float);
    vatten_context *context = j->context;
    return vatten_memory_create(context, info.q_bytes, &j->q) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.k_bytes, &j->k) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.v_bytes, &j->v) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.out_bytes, &j->out) == VATTEN_SUCCESS &&
           vatten_memory_create(context, info.lse_bytes, &j->lse) == VATTEN_SUCCESS;
}

static bool job_open(job *j, const nlm_gpu_desc *desc) {
    patch_source_init(&j->source, j->noisy, j->settings);
    return open_context(j, desc) && choose_pieces(j, desc) && make_plan(j) && make_memory(j);
}

static void job_close(job *j) {
    free(j->log_sums);
    free(j->pixels);
    free(j->portion);
    vatten_memory_destroy(j->lse);
    vatten_memory_destroy(j->out);
    vatten_memory_destroy(j->v);
    vatten_memory_destroy(j->k);
    vatten_memory_destroy(j->q);
    vatten_plan_destroy(j->plan);
    vatten_context_destroy(j->context);
}

/* ---- Per piece ---------------------------------------------------------------------------------------- */

typedef void (*write_patches)(const patch_source *source, const clip_box *box, size_t first, size_t count,
                              float *out);

static bool upload_patches(job *j, const clip_box *box, write_patches write, vatten_memory *memory) {
    size_t row = patch_dim(j->settings->patch) * sizeof(float);
    for (size_t first = 0; first < j->piece_pixels; first += j->portion_pixels) {
        size_t left = j->piece_pixels - first;
        size_t count = left < j->portion_pixels ? left : j->portion_pixels;
        write(&j->source, box, first, count, j->portion);
        if (vatten_memory_upload(memory, first * row, j->portion, count * row) != VATTEN_SUCCESS) {
            return false;
        }
    }
    return true;
}

static bool upload_piece(job *j, const clip_box *box) {
    pixels_to_values(j->noisy, box, j->pixels);
    return upload_patches(j, box, patches_to_queries, j->q) &&
           upload_patches(j, box, patches_to_keys, j->k) &&
           vatten_memory_upload(j->v, 0, j->pixels, j->piece_pixels * PIXEL_DIM * sizeof(float)) ==
               VATTEN_SUCCESS;
}

static bool download(vatten_memory *memory, float *data, size_t count) {
    return vatten_memory_download(memory, 0, data, count * sizeof(float)) == VATTEN_SUCCESS;
}

static bool run_piece(job *j, const clip_box *box, double *gpu_ms) {
    vatten_args args = {0};
    args.q = vatten_memory_buffer(j->q);
    args.k = vatten_memory_buffer(j->k);
    args.v = vatten_memory_buffer(j->v);
    args.out = vatten_memory_buffer(j->out);
    args.lse = vatten_memory_buffer(j->lse);
    double ms = 0.0;
    if (!upload_piece(j, box) || vatten_context_run(j->context, j->plan, &args, &ms) != VATTEN_SUCCESS) {
        return false;
    }
    *gpu_ms += ms;
    return download(j->out, j->pixels, j->piece_pixels * PIXEL_DIM) &&
           download(j->lse, j->log_sums, j->piece_pixels);
}

/* Moves what is kept of a piece to the front of `pixels`: never to behind where it comes from. */
static void keep_pixels(job *j, const clip_box *box, const clip_box *kept) {
    double self_weight = nlm_self_weight(j->settings);
    float *out = j->pixels;
    for (uint32_t t = kept->begin[CLIP_T]; t < kept->begin[CLIP_T] + kept->size[CLIP_T]; t++) {
        for (uint32_t y = kept->begin[CLIP_Y]; y < kept->begin[CLIP_Y] + kept->size[CLIP_Y]; y++) {
            size_t row = (size_t)(t - box->begin[CLIP_T]) * box->size[CLIP_Y] + (y - box->begin[CLIP_Y]);
            size_t from = row * box->size[CLIP_X] + (kept->begin[CLIP_X] - box->begin[CLIP_X]);
            size_t there = (size_t)y * j->noisy->width + kept->begin[CLIP_X];
            const uint8_t *noisy = j->noisy->frame[t].rgb + there * 3;
            for (size_t x = 0; x < kept->size[CLIP_X]; x++, out += 3) {
                float attended[3];
                memcpy(attended, j->pixels + (from + x) * PIXEL_DIM, sizeof(attended));
                nlm_keep_pixel(noisy + x * 3, attended, (double)j->log_sums[from + x], self_weight, out);
            }
        }
    }
}

static bool run_pieces(job *j, nlm_taker taker, nlm_gpu_result *result) {
    uint64_t done = 0;
    result->gpu_ms = 0.0;
    result->wall_ms = 0.0;
    j->progress = progress_begin("piece", j->progress.quiet);
    progress_say(&j->progress, done, result->pieces);
    for (clip_piece p = {0}; pieces_next(j->cut, &p);) {
        double begin_ms = progress_now_ms();
        clip_box box = piece_box(j->cut, &p);
        clip_box kept = piece_kept(&p);
        if (!run_piece(j, &box, &result->gpu_ms)) {
            progress_clear(&j->progress);
            return complain("failed at piece %llu of %llu", (unsigned long long)done + 1,
                            (unsigned long long)result->pieces);
        }
        keep_pixels(j, &box, &kept);
        result->wall_ms += progress_now_ms() - begin_ms;
        if (taker.take) {
            taker.take(taker.user, &kept, j->pixels);
        }
        progress_say(&j->progress, ++done, result->pieces);
    }
    progress_clear(&j->progress);
    return true;
}

/* The first of several runs is left out of the times: some drivers compile in it. The last one's pixels are taken. */
static bool run_repeatedly(job *j, uint32_t repeat, nlm_taker taker, nlm_gpu_result *result) {
    double gpu_ms[NLM_MAX_REPEAT];
    double wall_ms[NLM_MAX_REPEAT];
    uint32_t first = repeat > 1 ? 1 : 0;
    const nlm_taker nobody = {0};
    for (uint32_t i = 0; i < repeat; i++) {
        if (!run_pieces(j, i + 1 == repeat ? taker : nobody, result)) {
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
    result->pieces = pieces_count(j->cut);
    result->piece_bytes = j->bytes;
    for (int a = 0; a < CLIP_AXES; a++) {
        result->piece[a] = j->cut[a].piece;
    }
}

bool nlm_gpu(const clip *noisy, const nlm_settings *settings, const nlm_gpu_desc *desc, nlm_taker taker,
             nlm_gpu_result *out_result) {
    *out_result = (nlm_gpu_result){0};
    job j = {.noisy = noisy, .settings = settings, .progress = progress_begin("piece", desc->quiet)};
    bool ok = job_open(&j, desc);
    if (ok) {
        describe(&j, out_result);
        ok = run_repeatedly(&j, desc->repeat, taker, out_result);
    }
    job_close(&j);
    return ok;
}
