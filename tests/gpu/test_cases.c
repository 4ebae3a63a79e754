/* SPDX-License-Identifier: MIT
 *
 * The library against the problems with known answers in tests/data/cases.json.
 *
 *   test_cases [cases.json [ID...]]     only cases whose id begins with an ID
 *   VATTEN_THOROUGH                     all dtypes of each case on software devices too
 *   VATTEN_CASES_MACS                   leave out cases with more multiply-adds (default 2.5e10, with
 *                                       VATTEN_TEST_BRIEF 2.5e8; 1e18 runs all)
 */
#include "gpu_harness.h"

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gpu device;
static cases_list cases;
static double macs_limit;
static char **wanted; /* ids; NULL-terminated, empty for all */
static unsigned probes_checked;

static bool is_wanted(const cases_case *item) {
    for (char **id = wanted; *id; ++id) {
        if (strncmp(item->id, *id, strlen(*id)) == 0) {
            return true;
        }
    }
    return !*wanted;
}

/* Why the library cannot be asked this yet; NULL if it can. */
static const char *why_not(const cases_case *item) {
    static char text[96];
    if (item->beyond[0]) {
        snprintf(text, sizeof text, "needs %s", item->beyond);
        return text;
    }
    if ((double)item->macs > macs_limit) {
        snprintf(text, sizeof text, "%.3g multiply-adds, the limit is %.3g", (double)item->macs, macs_limit);
        return text;
    }
    return NULL;
}

/* ---- From case to problem ---- */

static float case_value(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                        uint64_t d) {
    static const cases_tensor tensors[GPU_SLOTS] = {[GPU_Q] = CASES_Q,
                                                    [GPU_K] = CASES_K,
                                                    [GPU_V] = CASES_V,
                                                    [GPU_EXTRA_K] = CASES_EXTRA_K,
                                                    [GPU_EXTRA_V] = CASES_EXTRA_V};
    const cases_case *item = user;
    if (slot == GPU_BIAS && item->op == CASES_DENSE) {
        return cases_pair_bias(item, b, head, token, d);
    }
    return slot == GPU_BIAS ? cases_bias(item, b, head, token, d)
                            : cases_value(item, tensors[slot], b, token, head, d);
}

static void put(uint8_t *base, uint64_t place, const void *from, uint64_t bytes) {
    if (place != VATTEN_NO_TABLE) {
        memcpy(base + place, from, bytes);
    }
}

/* The tables that a case wants, in place of random ones. */
static void case_tables(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                        uint8_t *base) {
    const cases_case *item = user;
    ref_dense_more more;
    cases_more(item, &more);
    for (uint64_t h = 0; h < desc->heads.heads && at->heads != VATTEN_NO_TABLE; ++h) {
        vatten_head head;
        memset(&head, 0xff, sizeof head); /* what is not read is NaN */
        head.sink = more.heads[h].sink;
        head.slope = more.heads[h].slope;
        put(base, at->heads + h * sizeof head, &head, sizeof head);
    }
    put(base, at->kv_lengths, more.kv_lengths, 4 * item->batch);
    put(base, at->q_starts, more.q_starts, 4 * ((uint64_t)desc->sequences + 1));
    put(base, at->kv_starts, more.kv_starts, 4 * ((uint64_t)desc->sequences + 1));
    put(base, at->pages, more.pages, 4 * at->row_pages * item->batch);
    uint64_t rows = (desc->mask_batch ? item->batch : 1) * desc->mask_heads * desc->q_len;
    put(base, at->bits, more.bits, 4 * rows * ((desc->kv_len + 31) / 32));
    cases_more_free(&more);
}

/* Rules beyond lengths, causality and window. */
static void set_beyond(const cases_case *item, vatten_attention_desc *desc) {
    const cases_dense *more = &item->beyond_dense;
    desc->softcap = (float)more->softcap;
    desc->head_fields = (more->sinks ? VATTEN_HEAD_SINK : 0u) | (more->alibi ? VATTEN_HEAD_SLOPE : 0u);
    desc->alibi_signed = more->alibi == CASES_ALIBI_SIGNED;
    if (more->bias_heads) {
        int64_t pairs = (int64_t)(desc->q_len * desc->kv_len);
        desc->bias = VATTEN_BIAS_TENSOR;
        desc->bias_heads = (uint32_t)more->bias_heads;
        desc->bias_strides = (vatten_bias_strides){
            .batch = more->bias_batch > 1 ? pairs * (int64_t)more->bias_heads : 0,
            .head = more->bias_heads > 1 ? pairs : 0,
            .query = (int64_t)desc->kv_len,
            .key = 1,
        };
    }
    if (more->mask_heads) {
        desc->masks = VATTEN_MASK_BITS;
        desc->mask_heads = (uint32_t)more->mask_heads;
        desc->mask_batch = more->mask_batch > 1;
    }
    desc->lengths = more->sequences ? VATTEN_LENGTHS_PACKED
                    : item->kv_lens ? VATTEN_LENGTHS_KV
                                    : VATTEN_LENGTHS_PLAN;
    desc->sequences = more->sequences;
    desc->page_size = (uint32_t)more->page_size;
    desc->pool_pages = more->page_size ? cases_pages(item) : 0;
}

/* v lies in k: its rows are as long as those of k. */
static vatten_strides within_k(const cases_case *item, uint64_t kv_len) {
    return (vatten_strides){.batch = (int64_t)(kv_len * item->kv_heads * item->dim),
                            .head = (int64_t)item->dim,
                            .token = (int64_t)(item->kv_heads * item->dim)};
}

static void set_dense(const cases_case *item, vatten_attention_desc *desc) {
    const ref_dense_rule *rule = &item->dense;
    desc->q_len = rule->q_len;
    desc->kv_len = rule->kv_len;
    desc->causal = rule->causal;
    desc->align = rule->align_first ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    desc->window.enabled = rule->left >= 0 || rule->right >= 0;
    desc->window.left = rule->left; /* -1 is VATTEN_UNLIMITED */
    desc->window.right = rule->right;
    desc->prefix = rule->prefix;
}

static void set_grid(const cases_case *item, vatten_neighborhood_desc *desc) {
    desc->rank = item->grid.rank;
    desc->extra_len = item->extra_len;
    for (uint32_t a = 0; a < item->grid.rank && a < 3; ++a) {
        const ref_axis_rule *rule = &item->grid.axis[a];
        desc->axis[a] = (vatten_axis){.extent = rule->extent,
                                      .window = (uint32_t)rule->window,
                                      .stride = (uint32_t)rule->stride,
                                      .dilation = (uint32_t)rule->dilation,
                                      .causal = rule->causal};
    }
}

static void set_lists(const cases_case *item, gpu_problem *p) {
    const ref_lists *lists = &item->lists;
    vatten_lists_desc *desc = &p->lists;
    desc->q_len = lists->dense.q_len;
    desc->kv_len = lists->dense.kv_len;
    desc->kind = (vatten_list_kind)lists->kind;
    desc->q_block = (uint32_t)lists->q_block;
    desc->kv_block = (uint32_t)lists->kv_block;
    desc->entries = (uint32_t)lists->entries;
    desc->rows = lists->kind == REF_RANGES ? lists->rows : 0;
    desc->list_heads = (uint32_t)lists->heads;
    desc->causal = lists->dense.causal;
    desc->align = lists->dense.align_first ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    desc->window.enabled = lists->dense.left >= 0 || lists->dense.right >= 0;
    desc->window.left = lists->dense.left;
    desc->window.right = lists->dense.right;
    desc->prefix = lists->dense.prefix;
    desc->bias = item->biased ? VATTEN_BIAS_TENSOR : VATTEN_BIAS_NONE;
    desc->bias_heads = item->biased ? (uint32_t)item->kv_heads : 0;
    p->words = lists->words;
    p->v_is_k = item->v_is_k;
    if (item->v_is_k) {
        desc->heads.v = within_k(item, desc->kv_len);
    }
}

static gpu_problem problem_of(const cases_case *item, ref_dtype dtype) {
    static const vatten_dtype dtypes[3] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};
    gpu_problem p = {
        .grid = item->op == CASES_GRID, .listed = item->op == CASES_LISTS, .seed = item->seed, .rows = 16};
    vatten_heads *h = gpu_heads(&p);
    *h = (vatten_heads){
        .dtype = dtypes[dtype],
        .batch = item->batch,
        .heads = (uint32_t)item->heads,
        .kv_heads = (uint32_t)item->kv_heads,
        .dim = (uint32_t)item->dim,
        .value_dim = (uint32_t)item->value_dim,
        .scale = (float)item->scale,
        .write_lse = true,
        .label = item->id,
    };
    if (p.listed) {
        set_lists(item, &p);
    } else if (p.grid) {
        set_grid(item, &p.hood);
    } else {
        set_dense(item, &p.dense);
        set_beyond(item, &p.dense);
        p.tables = case_tables;
        p.v_is_k = item->v_is_k;
        h->v = item->v_is_k ? within_k(item, p.dense.kv_len) : h->v;
    }
    p.once = item->macs > 100000000;
    p.tolerance = item->tolerance[dtype];
    p.lse_tolerance = item->lse_tolerance;
    p.value = case_value;
    p.user = item;
    gpu_name(&p, "%s %s", item->id, gpu_dtype_name(dtypes[dtype]));
    return p;
}

/* ---- Against the answers ---- */

static void check_number(const char *name, unsigned probe, const char *what, double got, double want,
                         double tolerance) {
    if (!(fabs(got - want) <= tolerance || got == want)) {
        gpu_fail(&device, "%s probe %u: %s is %.9g, known is %.9g, tolerance %.2g", name, probe, what, got,
                 want, tolerance);
    }
}

/* out and lse point at the probe's row. */
static void check_probe(const gpu_problem *p, unsigned n, const cases_probe *probe, uint64_t value_dim,
                        const float *out, float lse) {
    double sum = 0.0;
    for (uint32_t d = 0; d < probe->outs; ++d) {
        check_number(p->name, n, "out", (double)out[d] * probe->share, probe->out[d], p->tolerance);
    }
    for (uint64_t d = 0; d < value_dim; ++d) {
        sum += (double)out[d] * probe->share;
    }
    /* errors of a row's elements are independent: their sum grows with the root of their number */
    check_number(p->name, n, "sum of out", sum, probe->out_sum, p->tolerance * sqrt((double)value_dim));
    check_number(p->name, n, "lse", (double)lse, probe->lse, p->lse_tolerance);
    probes_checked++;
}

static void check_probes(const cases_case *item, const gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_OUT];
    for (uint32_t n = 0; n < item->probes; ++n) {
        const cases_probe *probe = &item->probe[n];
        check_probe(trial->problem, n, probe, view->dim,
                    trial->out + ((probe->b * view->tokens + probe->q) * view->heads + probe->h) * view->dim,
                    trial->lse[(probe->b * view->heads + probe->h) * view->tokens + probe->q]);
    }
    /* of lists and tables a plan knows only how long they may be */
    bool counts = item->op != CASES_LISTS && trial->info.tables_bytes == 0;
    if (counts && item->visible_pairs != UINT64_MAX && item->visible_pairs != trial->info.pairs) {
        gpu_fail(&device, "%s: plan counts %llu visible pairs, known are %llu", trial->problem->name,
                 (unsigned long long)trial->info.pairs, (unsigned long long)item->visible_pairs);
    }
}

/* ---- The tests ---- */

static void run_problem(const cases_case *item, const gpu_problem *p) {
    gpu_trial trial;
    vatten_result result = gpu_trial_begin(&device, p, &trial);
    if (result != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create gave %s: %s", p->name, vatten_result_name(result), device.message);
    } else {
        device.cases++;
        if (gpu_trial_run(&trial) && gpu_trial_collect(&trial)) {
            check_probes(item, &trial);
            gpu_trial_compare(&trial);
        }
    }
    gpu_trial_end(&trial);
    gpu_check_validation(&device, p->name);
}

/* Once, or for each number of workgroups that share the keys. */
static void run_case(const cases_case *item, ref_dtype dtype) {
    gpu_problem p = problem_of(item, dtype);
    bool shared = item->op == CASES_DENSE && item->splits > 0;
    for (uint32_t n = 0; n < (shared ? item->splits : 1); ++n) {
        if (shared) {
            p.dense.splits = (uint32_t)item->split[n];
            gpu_name(&p, "%s %s, %u splits", item->id, gpu_dtype_name(p.dense.heads.dtype), p.dense.splits);
        }
        run_problem(item, &p);
    }
}

/* All dtypes of the case; on a software device, which takes seconds to compile each, they take turns. */
static void run_dtypes(const cases_case *item, unsigned turn) {
    for (unsigned n = 0; n < 3; ++n) {
        ref_dtype t = (ref_dtype)((turn + n) % 3);
        if (item->dtype[t] && (t == REF_F32 || gpu_has_dtype(&device, VATTEN_DTYPE_F16))) {
            run_case(item, t);
            if (!gpu_thorough(&device)) {
                return;
            }
        }
    }
}

static void test_known_answers(void **state) {
    (void)state;
    unsigned done = 0, skipped = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        bool elsewhere = item->op == CASES_WINDOW_TABLE || item->op == CASES_REJECT ||
                         item->op == CASES_SELECTION || item->op == CASES_MERGE; /* other tests have them */
        if (elsewhere || !is_wanted(item)) {
            continue;
        }
        const char *reason = why_not(item);
        if (reason) {
            printf("  skip %s: %s\n", item->id, reason);
            skipped++;
            continue;
        }
        run_dtypes(item, done++);
        fflush(stdout);
    }
    printf("  %u cases with %u probes, %u skipped\n", done, probes_checked, skipped);
    assert_true(done > 0 || *wanted);
    gpu_assert_clean(&device);
}

static bool selects(const cases_case *item) {
    return strcmp(item->target, "moba") == 0 || strcmp(item->target, "nsa_selected") == 0;
}

/* What the device reads it cannot refuse: copies on the host are checked. */
static bool in_tables(const cases_case *item) {
    return strcmp(item->target, "varlen") == 0 || strcmp(item->target, "paged") == 0 ||
           strcmp(item->target, "block_sparse") == 0;
}

static void hear(void *user, vatten_log_level level, const char *message) {
    (void)level;
    snprintf(user, sizeof device.message, "%s", message);
}

static const vatten_logger logger = {hear, device.message};

static vatten_result check_list(const cases_case *item, const vatten_heads *heads) {
    const vatten_lists_desc lists = {.heads = *heads,
                                     .q_len = 16,
                                     .kv_len = 16 * item->limit,
                                     .q_block = 16,
                                     .kv_block = 16,
                                     .entries = item->entries};
    return vatten_lists_check(&logger, &lists, item->entry);
}

/* Sequences, or one batch entry of one page. */
static vatten_result check_tables(const cases_case *item, const vatten_heads *heads) {
    vatten_attention_desc desc = {.heads = *heads, .q_len = 16, .kv_len = 16};
    uint32_t words[2 * CASES_MAX_ENTRIES];
    uint32_t bytes = (uint32_t)sizeof(uint32_t) * item->entries;
    if (strcmp(item->target, "varlen") == 0) {
        desc.lengths = VATTEN_LENGTHS_PACKED;
        desc.sequences = item->entries - 1;
        desc.q_len = desc.kv_len = item->limit;
    } else {
        desc.page_size = 16;
        desc.pool_pages = item->limit;
    }
    vatten_tables at;
    vatten_attention_tables(&desc, &at);
    memcpy(words, item->entry, bytes); /* queries and keys alike */
    memcpy(words + item->entries, item->entry, bytes);
    assert_true(at.bytes <= sizeof words);
    return vatten_attention_check(&logger, &desc, words);
}

/* Why nothing can be asked to refuse a case; NULL if something can. */
static const char *why_not_refused(const cases_case *item) {
    static char text[64];
    snprintf(text, sizeof text, "needs %s", item->target);
    bool can = strcmp(item->target, "dense") == 0 || strncmp(item->target, "na", 2) == 0 || selects(item) ||
               in_tables(item);
    return can ? NULL : text;
}

static vatten_result create_rejected(const cases_case *item, vatten_plan **out_plan) {
    gpu_problem p = {.grid = !selects(item) && strcmp(item->target, "dense") != 0};
    *gpu_heads(&p) = (vatten_heads){.dtype = VATTEN_DTYPE_F32,
                                    .batch = 1,
                                    .heads = (uint32_t)item->heads,
                                    .kv_heads = (uint32_t)item->kv_heads,
                                    .dim = 16};
    if (in_tables(item)) {
        bool listed = strcmp(item->target, "block_sparse") == 0;
        return listed ? check_list(item, gpu_heads(&p)) : check_tables(item, gpu_heads(&p));
    }
    if (selects(item)) {
        const vatten_sparse_desc sparse = {
            .heads = *gpu_heads(&p),
            .q_len = 16,
            .kv_len = 16,
            .q_block = 1,
            .kv_block = (uint32_t)item->selection.block,
            .rule = {.entries = (uint32_t)item->selection.entries, .own = true},
            .causal = true};
        return vatten_sparse_create(device.device, &sparse, out_plan);
    }
    p.dense.q_len = p.dense.kv_len = 16;
    set_grid(item, &p.hood);
    return gpu_plan_create(&device, &p, out_plan);
}

static void test_invalid_problems_are_refused(void **state) {
    (void)state;
    unsigned checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        if (item->op != CASES_REJECT || !is_wanted(item)) {
            continue;
        }
        const char *reason = why_not_refused(item);
        if (reason) {
            printf("  skip %s (%s): %s\n", item->id, item->why, reason);
            continue;
        }
        vatten_plan *plan = NULL;
        device.message[0] = '\0';
        vatten_result result = create_rejected(item, &plan);
        printf("  %s (%s): %s: %s\n", item->id, item->why, vatten_result_name(result), device.message);
        if (result != VATTEN_ERROR_INVALID_ARGUMENT || plan || device.message[0] == '\0') {
            gpu_fail(&device, "%s: not refused as it should be", item->id);
            vatten_plan_destroy(plan);
        }
        checked++;
    }
    assert_true(checked >= 15 || *wanted);
    gpu_assert_clean(&device);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_invalid_problems_are_refused),
    };
    const char *limit = getenv("VATTEN_CASES_MACS");
    wanted = argv + (argc > 2 ? 2 : argc); /* argv ends with NULL */
    int opened = gpu_open(&device, "test_cases", NULL);
    if (opened) {
        return opened;
    }
    macs_limit = limit ? strtod(limit, NULL) : device.brief ? 2.5e8 : 2.5e10;
    if (!cases_read(argc > 1 ? argv[1] : VATTEN_CASES_FILE, &cases)) {
        return gpu_close(&device, 1);
    }
    int failed = gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
    cases_free(&cases);
    return failed;
}
