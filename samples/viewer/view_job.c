/* SPDX-License-Identifier: MIT */
#include "view_job.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "patches.h"

/* Queries and keys go to the device in portions of this size. */
#define PORTION_BYTES ((size_t)4 << 20)

/* Dispatches of one submission, each bounded to about 50 ms: operating systems reset a GPU that is busy for seconds. */
enum { SUBMITTED_TOGETHER = 16 };

/* ---- Plans -------------------------------------------------------------------------------------------- */

static bool plan_blocks(view_job *job, const vatten_logger *logger) {
    vatten_device *device = vatten_context_device(job->context);
    vatten_sparse_desc sparse;
    if (!view_sparse_desc(&job->problem, logger, &sparse)) {
        return false;
    }
    vatten_pool_desc pool = view_pool_desc(&job->problem);
    vatten_select_desc choose = view_select_desc(&job->problem, &sparse);
    return vatten_sparse_create(device, &sparse, &job->attend) == VATTEN_SUCCESS &&
           vatten_pool_create(device, &pool, &job->pool) == VATTEN_SUCCESS &&
           vatten_select_create(device, &choose, &job->choose) == VATTEN_SUCCESS;
}

static bool make_plans(view_job *job, const vatten_logger *logger) {
    vatten_device *device = vatten_context_device(job->context);
    vatten_attention_desc dense = view_attention_desc(&job->problem);
    vatten_neighborhood_desc window = view_neighborhood_desc(&job->problem);
    vatten_attention_desc part = view_row_attention_desc(&job->problem);
    vatten_mass_desc row = view_row_desc(&part);
    bool made = job->problem.pattern == VIEW_DENSE
                    ? vatten_attention_create(device, &dense, &job->attend) == VATTEN_SUCCESS
                : job->problem.pattern == VIEW_BLOCKS
                    ? plan_blocks(job, logger)
                    : vatten_neighborhood_create(device, &window, &job->attend) == VATTEN_SUCCESS;
    if (made) {
        (void)vatten_mass_create(device, &row, &job->row); /* the picture is worth it without weights, too */
    }
    return made;
}

static vatten_plan_info info_of(const vatten_plan *plan) {
    vatten_plan_info info = {0};
    if (plan) {
        vatten_plan_get_info(plan, &info);
    }
    return info;
}

static bool make_recorder(view_job *job) {
    const vatten_plan *plans[] = {job->attend, job->row, job->pool, job->choose};
    vatten_recorder_desc desc = {.max_dispatches = 1};
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        vatten_plan_info info = info_of(plans[i]);
        desc.max_dispatches = info.dispatches > desc.max_dispatches ? info.dispatches : desc.max_dispatches;
        desc.workspace_bytes =
            info.workspace_bytes > desc.workspace_bytes ? info.workspace_bytes : desc.workspace_bytes;
    }
    return vatten_recorder_create(vatten_context_device(job->context), &desc, &job->recorder) ==
           VATTEN_SUCCESS;
}

/* ---- Memory ------------------------------------------------------------------------------------------- */

static size_t row_bytes(const view_job *job) {
    return patch_dim(job->problem.patch) * sizeof(float);
}

static bool make_host_memory(view_job *job) {
    size_t tokens = (size_t)view_tokens(&job->problem), most = PORTION_BYTES / row_bytes(job);
    job->portion_tokens = most < tokens ? most : tokens;
    job->portion = malloc(job->portion_tokens * row_bytes(job));
    job->pixels = malloc(tokens * PIXEL_DIM * sizeof(float));
    job->log_sums = malloc(tokens * sizeof(float));
    return (job->portion && job->pixels && job->log_sums) || complain("out of memory for a picture");
}

static bool make_memory(view_job *job, uint64_t bytes, vatten_memory **out) {
    return bytes == 0 || vatten_memory_create(job->context, bytes, out) == VATTEN_SUCCESS;
}

/* The bytes of `count` things, each of `each` bytes, up to whole groups of `group`. */
static uint64_t in_groups(uint64_t count, uint64_t group, uint64_t each) {
    return (count + group - 1) / group * group * each;
}

static bool make_memories(view_job *job) {
    vatten_plan_info attend = info_of(job->attend), row = info_of(job->row), choose = info_of(job->choose);
    uint64_t tokens = view_tokens(&job->problem);
    uint64_t queries = view_row_queries(&job->problem), keys = view_row_keys(&job->problem);
    return make_memory(job, in_groups(tokens, queries, row_bytes(job)), &job->q) &&
           make_memory(job, in_groups(tokens, keys, row_bytes(job)), &job->k) &&
           make_memory(job, attend.v_bytes, &job->v) && make_memory(job, attend.out_bytes, &job->out) &&
           make_memory(job, in_groups(tokens, queries, sizeof(float)), &job->lse) &&
           make_memory(job, row.lists_bytes, &job->query) &&
           make_memory(job, in_groups(tokens, keys, sizeof(float)), &job->weights) &&
           make_memory(job, choose.k_bytes, &job->means) &&
           make_memory(job, choose.lists_bytes, &job->lists) && make_host_memory(job);
}

bool view_job_create(view_job *job, vatten_context *context, const vatten_logger *logger,
                     const view_problem *problem) {
    *job = (view_job){.context = context, .problem = *problem};
    return make_plans(job, logger) && make_recorder(job) && make_memories(job);
}

void view_job_destroy(view_job *job) {
    vatten_memory *memories[] = {job->q,     job->k,       job->v,     job->out,  job->lse,
                                 job->query, job->weights, job->means, job->lists};
    for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
        vatten_memory_destroy(memories[i]);
    }
    free(job->log_sums);
    free(job->pixels);
    free(job->portion);
    vatten_recorder_destroy(job->recorder);
    vatten_plan_destroy(job->choose);
    vatten_plan_destroy(job->pool);
    vatten_plan_destroy(job->row);
    vatten_plan_destroy(job->attend);
    *job = (view_job){0};
}

/* ---- Running ------------------------------------------------------------------------------------------ */

static bool run_part(view_job *job, const vatten_plan *plan, const vatten_args *args, uint32_t part,
                     uint32_t parts, double *ms) {
    VkCommandBuffer commands = NULL;
    double one = 0.0;
    bool done = vatten_context_begin(job->context, &commands) == VATTEN_SUCCESS &&
                vatten_record_part(job->recorder, commands, plan, args, part, parts) == VATTEN_SUCCESS &&
                vatten_context_end(job->context, &one) == VATTEN_SUCCESS;
    *ms += one;
    return done;
}

static bool run(view_job *job, const vatten_plan *plan, const vatten_args *args, double *out_ms) {
    uint32_t parts = (info_of(plan).dispatches + SUBMITTED_TOGETHER - 1) / SUBMITTED_TOGETHER;
    vatten_recorder_reset(job->recorder);
    *out_ms = 0.0;
    for (uint32_t part = 0; part < parts; part++) {
        if (!run_part(job, plan, args, part, parts, out_ms)) {
            return false;
        }
    }
    return true;
}

static bool choose_blocks(view_job *job) {
    double ms;
    vatten_args pool = {.k = vatten_memory_buffer(job->k), .out = vatten_memory_buffer(job->means)};
    vatten_args choose = {.q = vatten_memory_buffer(job->q),
                          .k = vatten_memory_buffer(job->means),
                          .lists = vatten_memory_buffer(job->lists)};
    return run(job, job->pool, &pool, &ms) && run(job, job->choose, &choose, &ms);
}

typedef void (*write_patches)(const patch_source *source, const clip_box *box, size_t first, size_t count,
                              float *out);

static bool upload_patches(view_job *job, const patch_source *source, const clip_box *box,
                           write_patches write, vatten_memory *memory) {
    size_t row = row_bytes(job), tokens = (size_t)view_tokens(&job->problem);
    for (size_t first = 0; first < tokens; first += job->portion_tokens) {
        size_t left = tokens - first, count = left < job->portion_tokens ? left : job->portion_tokens;
        write(source, box, first, count, job->portion);
        if (vatten_memory_upload(memory, first * row, job->portion, count * row) != VATTEN_SUCCESS) {
            return false;
        }
    }
    return true;
}

bool view_job_load(view_job *job, const clip *noisy, const nlm_settings *settings) {
    patch_source source;
    clip_box all = {.size = {1, noisy->height, noisy->width}};
    patch_source_init(&source, noisy, settings);
    pixels_to_values(noisy, &all, job->pixels);
    return upload_patches(job, &source, &all, patches_to_queries, job->q) &&
           upload_patches(job, &source, &all, patches_to_keys, job->k) &&
           vatten_memory_upload(job->v, 0, job->pixels, vatten_memory_size(job->v)) == VATTEN_SUCCESS &&
           (!job->choose || choose_blocks(job));
}

bool view_job_attend(view_job *job, const clip *noisy, const nlm_settings *settings, clip *denoised,
                     double *out_ms) {
    vatten_args args = {.q = vatten_memory_buffer(job->q),
                        .k = vatten_memory_buffer(job->k),
                        .v = vatten_memory_buffer(job->v),
                        .out = vatten_memory_buffer(job->out),
                        .lse = vatten_memory_buffer(job->lse)};
    size_t tokens = (size_t)view_tokens(&job->problem);
    double self_weight = nlm_self_weight(settings);
    if (!run(job, job->attend, &args, out_ms) ||
        vatten_memory_download(job->out, 0, job->pixels, tokens * PIXEL_DIM * sizeof(float)) !=
            VATTEN_SUCCESS ||
        vatten_memory_download(job->lse, 0, job->log_sums, tokens * sizeof(float)) != VATTEN_SUCCESS) {
        return false;
    }
    for (size_t i = 0; i < tokens; i++) {
        float attended[3], kept[3];
        memcpy(attended, job->pixels + i * PIXEL_DIM, sizeof(attended));
        nlm_keep_pixel(noisy->frame[0].rgb + i * 3, attended, (double)job->log_sums[i], self_weight, kept);
        for (size_t c = 0; c < 3; c++) {
            denoised->frame[0].rgb[i * 3 + c] = photo_level((double)kept[c]);
        }
    }
    return true;
}

/* ---- A row -------------------------------------------------------------------------------------------- */

static bool download_blocks(view_job *job, uint32_t token, view_row *row) {
    uint64_t bytes = job->problem.top * sizeof(uint32_t);
    if (vatten_memory_download(job->lists, token * bytes, row->blocks, bytes) != VATTEN_SUCCESS) {
        return false;
    }
    while (row->block_count < job->problem.top && row->blocks[row->block_count] != VATTEN_LIST_END) {
        row->block_count++;
    }
    return true;
}

/* From the `first` thing of `each` bytes on. */
static vatten_buffer buffer_from(const vatten_memory *memory, uint64_t first, uint64_t each) {
    vatten_buffer buffer = vatten_memory_buffer(memory);
    buffer.offset += first * each;
    buffer.size -= first * each;
    return buffer;
}

/* Weights of all keys, part by part. */
static bool run_row(view_job *job, uint32_t token, double *out_ms) {
    uint64_t keys = view_row_keys(&job->problem), queries = view_row_queries(&job->problem);
    uint64_t tokens = view_tokens(&job->problem), base = token / queries * queries, row = row_bytes(job);
    uint32_t query = (uint32_t)(token - base);
    *out_ms = 0.0;
    if (vatten_memory_upload(job->query, 0, &query, sizeof(query)) != VATTEN_SUCCESS) {
        return false;
    }
    for (uint64_t first = 0; first < tokens; first += keys) {
        double ms = 0.0;
        vatten_args args = {.q = buffer_from(job->q, base, row),
                            .k = buffer_from(job->k, first, row),
                            .lse = buffer_from(job->lse, base, sizeof(float)),
                            .lists = vatten_memory_buffer(job->query),
                            .out = buffer_from(job->weights, first, sizeof(float)),
                            .kv_len = tokens - first < keys ? tokens - first : keys};
        if (!run(job, job->row, &args, &ms)) {
            return false;
        }
        *out_ms += ms;
    }
    return true;
}

bool view_job_row(view_job *job, view_row *row) {
    uint32_t token = row->y * job->problem.extent[1] + row->x;
    uint64_t bytes = view_tokens(&job->problem) * sizeof(float);
    row->block_count = 0;
    if (job->row && !job->row_is_warm) {
        job->row_is_warm = run_row(job, token, &row->ms);
    }
    row->known = job->row && run_row(job, token, &row->ms) &&
                 vatten_memory_download(job->weights, 0, row->weights, bytes) == VATTEN_SUCCESS &&
                 (!job->lists || download_blocks(job, token, row));
    if (row->known) {
        row->keys = view_mark_keys(&job->problem, row->x, row->y, row->blocks, row->block_count, row->seen);
        view_row_sum(row, &job->problem);
    }
    return row->known;
}
