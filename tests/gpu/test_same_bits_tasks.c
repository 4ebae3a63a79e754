/* SPDX-License-Identifier: MIT
 *
 * The same bits, however a plan comes to be run, of plans that are not attention alone: pooling, selection, topk, combining,
 * appending, sparse plans and mass. By another recorder, another thread, in parts, on another device that has sets instead of push
 * descriptors, and cut into more dispatches. docs/semantics.md says for which families.
 */
#include "gpu_harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q, K, V, OUT, LSE, BIAS, LISTS, COUNTS, CACHE_K, CACHE_V, WEIGHTS, WORKSPACE, REGIONS };

static const gpu_slot slots[REGIONS] = {GPU_Q,       GPU_K,     GPU_V,      GPU_OUT,
                                        GPU_LSE,     GPU_BIAS,  GPU_LISTS,  GPU_EXTRA_K,
                                        GPU_EXTRA_V, GPU_STATE, GPU_TABLES, GPU_WORKSPACE};

static gpu device;
static gpu with_sets; /* another device, without push descriptors */

/* What a plan is asked to keep; 0 = its own choice. */
typedef struct asked {
    uint64_t max_macs, max_moves;
    vatten_tile tile;
} asked;

/* A kind of plan. Bounds on work down to 1 / `cuts` of what it takes change no bit. */
typedef struct family {
    const char *name;
    vatten_result (*make)(vatten_device *device, const asked *asked, vatten_plan **plan);
    uint64_t cuts;
} family;

/* A plan with its buffers. */
typedef struct trial {
    gpu *owner;
    vatten_plan *plan;
    vatten_plan_info info;
    gpu_region region[REGIONS];
    vatten_args args;
} trial;

/* ---- Plans ---- */

static vatten_heads heads_of(const asked *a) {
    return (vatten_heads){.dtype = VATTEN_DTYPE_F32,
                          .batch = 2,
                          .heads = 4,
                          .kv_heads = 2,
                          .dim = 16,
                          .tile = a->tile,
                          .max_macs = a->max_macs,
                          .max_moves = a->max_moves};
}

static vatten_result make_pool(vatten_device *on, const asked *a, vatten_plan **plan) {
    const vatten_pool_desc d = {.dtype = VATTEN_DTYPE_F32,
                                .batch = 2,
                                .heads = 4,
                                .dim = 16,
                                .rank = 2,
                                .extent = {30, 45},
                                .block = {4, 8},
                                .max_moves = a->max_moves};
    return vatten_pool_create(on, &d, plan);
}

static vatten_result make_choice(vatten_device *on, const asked *a, vatten_selection rule,
                                 vatten_plan **plan) {
    const vatten_select_desc d = {.dtype = VATTEN_DTYPE_F32,
                                  .batch = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .dim = 16,
                                  .rows = 300,
                                  .blocks = 40,
                                  .rule = rule,
                                  .bias = true,
                                  .write_counts = true,
                                  .max_macs = a->max_macs,
                                  .max_moves = a->max_moves};
    return vatten_select_create(on, &d, plan);
}

/* Sums of shares of a softmax decide. */
static vatten_result make_select(vatten_device *on, const asked *a, vatten_plan **plan) {
    const vatten_selection rule = {
        .budget = VATTEN_BUDGET_MASS, .share = 0.5f, .softmax = true, .entries = 20};
    return make_choice(on, a, rule, plan);
}

static vatten_result make_shared(vatten_device *on, const asked *a, vatten_plan **plan) {
    const vatten_selection rule = {
        .budget = VATTEN_BUDGET_MASS, .share = 0.5f, .softmax = true, .entries = 20, .budget_rows = 70};
    return make_choice(on, a, rule, plan);
}

static vatten_result make_topk(vatten_device *on, const asked *a, vatten_plan **plan) {
    const vatten_topk_desc d = {.batch = 2,
                                .heads = 2,
                                .rows = 9,
                                .values = 5000,
                                .entries = 50,
                                .write_counts = true,
                                .max_moves = a->max_moves};
    return vatten_topk_create(on, &d, plan);
}

static vatten_result make_combine(vatten_device *on, const asked *a, vatten_plan **plan) {
    const vatten_combine_desc d = {.kind = VATTEN_COMBINE_MERGE,
                                   .dtype = VATTEN_DTYPE_F32,
                                   .batch = 2,
                                   .heads = 4,
                                   .tokens = 90,
                                   .dim = 16,
                                   .parts = 5,
                                   .write_lse = true,
                                   .max_moves = a->max_moves};
    return vatten_combine_create(on, &d, plan);
}

static vatten_result make_append(vatten_device *on, const asked *a, vatten_plan **plan) {
    vatten_attention_desc dense = {.heads = heads_of(a), .q_len = 60, .kv_len = 200};
    const vatten_append_desc d = {.attention = &dense};
    dense.heads.kv_dtype = VATTEN_DTYPE_I8;
    dense.heads.kv_block = 8;
    return vatten_append_create(on, &d, plan);
}

static vatten_result make_sparse(vatten_device *on, const asked *a, vatten_sparse_execution execution,
                                 vatten_plan **plan) {
    const vatten_sparse_desc d = {.execution = execution,
                                  .heads = heads_of(a),
                                  .q_len = 150,
                                  .kv_len = 160,
                                  .q_block = 1,
                                  .kv_block = 32,
                                  .rule = {.entries = 3, .own = true},
                                  .causal = true};
    return vatten_sparse_create(on, &d, plan);
}

static vatten_result make_union(vatten_device *on, const asked *a, vatten_plan **plan) {
    return make_sparse(on, a, VATTEN_SPARSE_UNION, plan);
}

static vatten_result make_gather(vatten_device *on, const asked *a, vatten_plan **plan) {
    return make_sparse(on, a, VATTEN_SPARSE_GATHER, plan);
}

static vatten_result make_mass(vatten_device *on, const asked *a, vatten_mass_kind kind, vatten_plan **plan) {
    const vatten_attention_desc dense = {.heads = heads_of(a), .q_len = 70, .kv_len = 150};
    const vatten_mass_desc d = {.attention = &dense,
                                .kind = kind,
                                .weighted = kind == VATTEN_MASS_COLUMNS,
                                .block = kind == VATTEN_MASS_BLOCK_MAX ? 10 : 0,
                                .tile = a->tile};
    return vatten_mass_create(on, &d, plan);
}

static vatten_result make_columns(vatten_device *on, const asked *a, vatten_plan **plan) {
    return make_mass(on, a, VATTEN_MASS_COLUMNS, plan);
}

static vatten_result make_entropy(vatten_device *on, const asked *a, vatten_plan **plan) {
    return make_mass(on, a, VATTEN_MASS_ENTROPY, plan);
}

static vatten_result make_maxima(vatten_device *on, const asked *a, vatten_plan **plan) {
    return make_mass(on, a, VATTEN_MASS_BLOCK_MAX, plan);
}

/* ---- Buffers ---- */

/* What a plan only reads holds numbers, the rest NaN. */
static bool fill_region(trial *t, int n, uint64_t bytes) {
    gpu_region *region = &t->region[n];
    bool reads =
        n == Q || n == K || n == V || n == BIAS || n == WEIGHTS || (n == LSE && t->info.weights_bytes);
    if (!gpu_region_create(t->owner, region, slots[n], bytes, t->info.offset_alignment))
        return false;
    for (uint64_t i = 0; i < bytes / 4 && reads; ++i) {
        float value = ref_random(31 + (uint64_t)n, i) + (n == LSE ? 6.0f : 0.0f);
        memcpy(region->image + region->offset + 4 * i, &value, 4);
    }
    return true;
}

static bool begin(gpu *g, const family *f, const asked *a, trial *t) {
    memset(t, 0, sizeof *t);
    t->owner = g;
    if (f->make(g->device, a, &t->plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_get_info(t->plan, &t->info);
    const vatten_plan_info *i = &t->info;
    const uint64_t bytes[REGIONS] = {i->q_bytes,       i->k_bytes,       i->v_bytes,
                                     i->out_bytes,     i->lse_bytes,     i->bias_bytes,
                                     i->lists_bytes,   i->counts_bytes,  i->cache_k_bytes,
                                     i->cache_v_bytes, i->weights_bytes, i->workspace_bytes};
    bool good = true;
    for (int n = 0; n < REGIONS; ++n)
        good = good && fill_region(t, n, bytes[n]);
    const gpu_region *r = t->region;
    t->args = (vatten_args){.q = gpu_region_buffer(&r[Q]),
                            .k = gpu_region_buffer(&r[K]),
                            .v = gpu_region_buffer(&r[V]),
                            .out = gpu_region_buffer(&r[OUT]),
                            .lse = gpu_region_buffer(&r[LSE]),
                            .bias = gpu_region_buffer(&r[BIAS]),
                            .lists = gpu_region_buffer(&r[LISTS]),
                            .counts = gpu_region_buffer(&r[COUNTS]),
                            .cache_k = gpu_region_buffer(&r[CACHE_K]),
                            .cache_v = gpu_region_buffer(&r[CACHE_V]),
                            .weights = gpu_region_buffer(&r[WEIGHTS]),
                            .workspace = gpu_region_buffer(&r[WORKSPACE])};
    return good;
}

static void end(trial *t) {
    gpu_regions_destroy(t->owner, t->region, REGIONS, slots);
    vatten_plan_destroy(t->plan);
}

/* ---- Runs ---- */

static bool record_part(trial *t, vatten_recorder *recorder, uint32_t part, uint32_t parts) {
    VkCommandBuffer cmd;
    vatten_context *context = t->owner->context;
    return vatten_context_begin(context, &cmd) == VATTEN_SUCCESS &&
           vatten_record_part(recorder, cmd, t->plan, &t->args, part, parts) == VATTEN_SUCCESS &&
           vatten_context_end(context, NULL) == VATTEN_SUCCESS;
}

/* By a recorder of its own; `seen` of all regions is what they hold then. */
static bool run_parts(trial *t, uint32_t parts) {
    const vatten_recorder_desc desc = {.max_dispatches = t->info.dispatches};
    vatten_recorder *recorder = NULL;
    bool good = vatten_recorder_create(t->owner->device, &desc, &recorder) == VATTEN_SUCCESS;
    for (int n = 0; n < REGIONS && good; ++n)
        good = gpu_region_upload(&t->region[n]);
    for (uint32_t part = 0; part < parts && good; ++part)
        good = record_part(t, recorder, part, parts);
    for (int n = 0; n < REGIONS && good; ++n)
        good = gpu_region_download(&t->region[n]);
    vatten_recorder_destroy(recorder);
    return good;
}

static void *run_whole(void *t) {
    return run_parts(t, 1) ? t : NULL;
}

static bool run_in_thread(trial *t) {
    pthread_t thread;
    void *good = NULL;
    return pthread_create(&thread, NULL, run_whole, t) == 0 && pthread_join(thread, &good) == 0 && good;
}

/* What the first run left, of all but the workspace. */
typedef struct bits {
    uint8_t *of[WORKSPACE];
} bits;

static bits take(const trial *t) {
    bits b = {{NULL}};
    for (int n = 0; n < WORKSPACE; ++n) {
        b.of[n] = malloc(t->region[n].bytes + 1);
        if (b.of[n] && t->region[n].bytes)
            memcpy(b.of[n], t->region[n].seen + t->region[n].offset, t->region[n].bytes);
    }
    return b;
}

static void drop(bits *b) {
    for (int n = 0; n < WORKSPACE; ++n)
        free(b->of[n]);
}

static void hold(const trial *t, const family *f, const bits *b, bool ran, const char *what) {
    device.cases++;
    if (!ran)
        gpu_fail(&device, "%s: %s did not run: %s", f->name, what, t->owner->message);
    for (int n = 0; n < WORKSPACE && ran; ++n) {
        const gpu_region *r = &t->region[n];
        if (r->bytes && memcmp(r->seen + r->offset, b->of[n], r->bytes) != 0)
            gpu_fail(&device, "%s: buffer %d of %s differs from the first", f->name, n, what);
    }
}

/* Another plan of the same family. Returns its dispatches. */
static uint32_t hold_plan(gpu *g, const family *f, const asked *a, const bits *b, const char *what) {
    trial t;
    bool ran = begin(g, f, a, &t) && run_parts(&t, 1);
    uint32_t dispatches = t.info.dispatches;
    hold(&t, f, b, ran, what);
    end(&t);
    return dispatches;
}

static bool wrote(const trial *t) {
    bool any = false;
    for (int n = OUT; n < WORKSPACE; ++n) {
        const gpu_region *r = &t->region[n];
        any = any || gpu_region_changed(r, r->offset, r->offset + r->bytes) != UINT64_MAX;
    }
    return any;
}

static void check_cuts(const family *f, const trial *t, const bits *b) {
    uint32_t dispatches = 0;
    for (uint64_t n = 2; n <= f->cuts; n *= 4) {
        char what[64];
        const asked less = {t->info.largest_macs / n, t->info.largest_moves / n, t->info.tile};
        snprintf(what, sizeof what, "a plan with bounds / %u", (unsigned)n);
        dispatches = hold_plan(&device, f, &less, b, what);
    }
    if (dispatches <= t->info.dispatches)
        gpu_fail(&device, "%s: smaller bounds cut nothing", f->name);
}

static void check_ways(const family *f) {
    const asked own = {0};
    trial t;
    if (!begin(&device, f, &own, &t) || !run_parts(&t, 1) || !wrote(&t)) {
        gpu_fail(&device, "%s did not run: %s", f->name, device.message);
    } else {
        const asked pinned = {.tile = t.info.tile};
        bits first = take(&t);
        hold(&t, f, &first, run_parts(&t, 1), "another recorder");
        hold(&t, f, &first, run_in_thread(&t), "another thread");
        hold(&t, f, &first, run_parts(&t, 2), "two parts");
        hold(&t, f, &first, run_parts(&t, t.info.dispatches), "parts of a dispatch");
        hold_plan(&with_sets, f, &pinned, &first, "another device, without push descriptors");
        check_cuts(f, &t, &first);
        drop(&first);
    }
    end(&t);
    gpu_check_validation(&device, f->name);
}

static void test_tasks(void **state) {
    (void)state;
    static const family families[] = {
        {"pool", make_pool, 32},
        {"select", make_select, 128},
        {"shared budgets", make_shared, 32},
        {"topk", make_topk, 32},
        {"combine", make_combine, 32},
        {"append", make_append, 32},
        {"union", make_union, 128},
        {"gather", make_gather, 128},
        {"columns", make_columns, 8}, /* beyond, queries are cut */
        {"entropy", make_entropy, 128},
        {"maxima", make_maxima, 128},
    };
    for (unsigned n = 0; n < sizeof families / sizeof families[0]; ++n)
        check_ways(&families[n]);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tasks)};
    const vatten_context_desc without = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    int opened = gpu_open(&device, "test_same_bits_tasks", NULL);
    if (opened)
        return opened;
    opened = gpu_open(&with_sets, "test_same_bits_tasks with sets", &without);
    int failed = opened ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    return gpu_close(&with_sets, 0) + gpu_close(&device, failed);
}
