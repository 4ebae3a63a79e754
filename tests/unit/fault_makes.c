/* SPDX-License-Identifier: MIT */
#include "fault_makes.h"

/* For the world's device; its row is for dims that no plan has. */
static const char *tuning_text(const char *device_name) {
    static char text[512];
    snprintf(text, sizeof text,
             "vatten-tuning 1\ndevice name=\"%s\"\nrow layout=shared tile=8,2,4,4 dim=500.. # none\nend\n",
             device_name);
    return text;
}

vatten_device_desc fault_device_desc(fault_world *world) {
    return (vatten_device_desc){
        .get_instance_proc_addr = fake_get_instance_proc_addr,
        .instance = world->things.instance,
        .physical_device = world->things.physical_device,
        .device = world->things.device,
        .features = world->caps->features,
        .logger = world->said.logger,
        .allocator = fault_allocator(&world->host),
        .tuning = tuning_text(world->caps->name),
        .tuning_size = strlen(tuning_text(world->caps->name)),
    };
}

vatten_result fault_make_device(fault_world *world) {
    const vatten_device_desc desc = fault_device_desc(world);
    return vatten_device_create(&desc, &world->device);
}

void fault_drop(fault_world *world) {
    vatten_recorder_destroy(world->recorder);
    vatten_plan_destroy(world->plan);
    vatten_device_destroy(world->device);
}

/* ---- Plans ---- */

static void **plan_of(fault_world *world) {
    return (void **)&world->plan;
}

/* In 16 bits where there are matrices, so that their layouts are taken. */
static vatten_attention_desc dense_of(const fault_world *world) {
    vatten_attention_desc desc = unit_dense();
    if (world->caps->features & VATTEN_FEATURE_COOPERATIVE_MATRIX)
        desc.heads.dtype = VATTEN_DTYPE_F16;
    return desc;
}

static vatten_result act_dense(fault_world *world) {
    const vatten_attention_desc desc = dense_of(world);
    return vatten_attention_create(world->device, &desc, &world->plan);
}

/* Spans, extra keys, shares and their merge: several kernels. */
static vatten_result act_rules(fault_world *world) {
    vatten_attention_desc desc = dense_of(world);
    desc.masks = VATTEN_MASK_SEGMENTS;
    desc.lengths = VATTEN_LENGTHS_KV;
    desc.extra_len = 3;
    desc.splits = 2;
    return vatten_attention_create(world->device, &desc, &world->plan);
}

/* Enough queries for each key that addresses repack. */
static vatten_result act_long(fault_world *world) {
    vatten_attention_desc desc = dense_of(world);
    desc.q_len = 300;
    desc.heads.max_macs = 100000;
    return vatten_attention_create(world->device, &desc, &world->plan);
}

static vatten_result act_grid(fault_world *world) {
    vatten_neighborhood_desc desc = unit_grid();
    desc.heads.dtype = dense_of(world).heads.dtype;
    desc.extra_len = 3;
    return vatten_neighborhood_create(world->device, &desc, &world->plan);
}

static vatten_result act_lists(fault_world *world) {
    const vatten_lists_desc desc = {.heads = dense_of(world).heads,
                                    .q_len = 40,
                                    .kv_len = 64,
                                    .q_block = 16,
                                    .kv_block = 16,
                                    .entries = 3};
    return vatten_lists_create(world->device, &desc, &world->plan);
}

/* Pools, selects, joins lists and goes by them, or gathers. */
static vatten_result make_sparse(fault_world *world, vatten_sparse_execution execution) {
    const vatten_sparse_desc desc = {.execution = execution,
                                     .heads = dense_of(world).heads,
                                     .q_len = 64,
                                     .kv_len = 64,
                                     .q_block = 1,
                                     .kv_block = 16,
                                     .rule = {.entries = 2, .own = true},
                                     .causal = true};
    return vatten_sparse_create(world->device, &desc, &world->plan);
}

static vatten_result act_union(fault_world *world) {
    return make_sparse(world, VATTEN_SPARSE_UNION);
}

static vatten_result act_gather(fault_world *world) {
    return make_sparse(world, VATTEN_SPARSE_GATHER);
}

static vatten_result act_mass(fault_world *world) {
    const vatten_attention_desc dense = dense_of(world);
    const vatten_mass_desc desc = {.attention = &dense, .kind = VATTEN_MASS_COLUMNS};
    return vatten_mass_create(world->device, &desc, &world->plan);
}

static vatten_result act_pool(fault_world *world) {
    const vatten_pool_desc desc = {.dtype = VATTEN_DTYPE_F32,
                                   .batch = 1,
                                   .heads = 2,
                                   .dim = 8,
                                   .rank = 1,
                                   .extent = {64},
                                   .block = {16}};
    return vatten_pool_create(world->device, &desc, &world->plan);
}

/* Budgets that rows share take several kernels. */
static vatten_result act_select(fault_world *world) {
    const vatten_select_desc desc = {.dtype = VATTEN_DTYPE_F32,
                                     .batch = 1,
                                     .heads = 2,
                                     .kv_heads = 1,
                                     .dim = 8,
                                     .rows = 20,
                                     .blocks = 10,
                                     .rule = {.entries = 4, .budget_rows = 5, .total = 12},
                                     .write_counts = true};
    return vatten_select_create(world->device, &desc, &world->plan);
}

static vatten_result act_combine(fault_world *world) {
    const vatten_combine_desc desc = {
        .dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 2, .tokens = 8, .dim = 8, .parts = 2};
    return vatten_combine_create(world->device, &desc, &world->plan);
}

static vatten_result act_topk(fault_world *world) {
    const vatten_topk_desc desc = {.batch = 1, .heads = 1, .rows = 2, .values = 100, .entries = 3};
    return vatten_topk_create(world->device, &desc, &world->plan);
}

static vatten_result act_append(fault_world *world) {
    const vatten_attention_desc dense = dense_of(world);
    const vatten_append_desc desc = {.attention = &dense};
    return vatten_append_create(world->device, &desc, &world->plan);
}

static bool no_memory(VkResult failure) {
    return failure == VK_ERROR_OUT_OF_HOST_MEMORY || failure == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* A shader that is refused means the next tile, or once more without optimization. */
static bool tries_again(const char *call, VkResult failure, vatten_result result, vatten_result usual) {
    bool shader =
        call && (strcmp(call, "vkCreateShaderModule") == 0 || strcmp(call, "vkCreateComputePipelines") == 0);
    bool refused = shader && !no_memory(failure) && failure != VK_ERROR_DEVICE_LOST;
    return result == (refused ? VATTEN_SUCCESS : usual);
}

#define PLAN(ACT, SURVIVES)                                                                                  \
    { #ACT, fault_make_device, act_##ACT, plan_of, fault_drop, SURVIVES }

const fault_round fault_plans[] = {
    PLAN(dense, tries_again),  PLAN(rules, tries_again),  PLAN(long, tries_again),    PLAN(grid, tries_again),
    PLAN(lists, tries_again),  PLAN(union, tries_again),  PLAN(gather, tries_again),  PLAN(mass, tries_again),
    PLAN(pool, tries_again),   PLAN(select, tries_again), PLAN(combine, tries_again), PLAN(topk, tries_again),
    PLAN(append, tries_again),
};
const uint32_t fault_plan_count = sizeof fault_plans / sizeof fault_plans[0];

/* ---- Devices, recorders, and what is asked ---- */

static void **device_of(fault_world *world) {
    return (void **)&world->device;
}

static bool does_without_matrices(const char *call, VkResult failure, vatten_result result,
                                  vatten_result usual) {
    bool matrices = call && strstr(call, "CooperativeMatrix");
    return result == (matrices && !no_memory(failure) ? VATTEN_SUCCESS : usual);
}

/* Says 0 where it cannot be asked: nothing that a caller must not enable. */
static vatten_result act_features(fault_world *world) {
    vatten_features features = vatten_features_supported(fake_get_instance_proc_addr, world->things.instance,
                                                         world->things.physical_device);
    assert_int_equal(features & ~world->caps->features & ~(vatten_features)VATTEN_FEATURE_SHADER_FLOAT16, 0);
    return VATTEN_SUCCESS;
}

static bool always(const char *call, VkResult failure, vatten_result result, vatten_result usual) {
    (void)call;
    (void)failure;
    (void)usual;
    return result == VATTEN_SUCCESS;
}

static void **recorder_of(fault_world *world) {
    return (void **)&world->recorder;
}

static vatten_result act_recorder(fault_world *world) {
    const vatten_recorder_desc desc = {.max_dispatches = 3, .workspace_bytes = 4096};
    return vatten_recorder_create(world->device, &desc, &world->recorder);
}

static vatten_result prepare_plan(fault_world *world) {
    vatten_result result = fault_make_device(world);
    return result == VATTEN_SUCCESS ? act_rules(world) : result;
}

/* Two executables of three figures for each pipeline; a list that is incomplete has fewer. */
static vatten_result act_statistics(fault_world *world) {
    vatten_statistic list[100];
    vatten_plan_info info;
    vatten_plan_get_info(world->plan, &info);
    if (!(world->caps->features & VATTEN_FEATURE_PIPELINE_STATISTICS))
        return VATTEN_SUCCESS;
    uint32_t count = 100;
    vatten_result result = vatten_plan_get_statistics(world->plan, NULL, &count);
    if (result == VATTEN_SUCCESS) {
        count = 100;
        result = vatten_plan_get_statistics(world->plan, list, &count);
    }
    assert_true(result == VATTEN_SUCCESS ? count > 0 && count <= 6 * info.pipelines : count == 0);
    return result;
}

const fault_round fault_others[] = {
    {"features", NULL, act_features, NULL, fault_drop, always},
    {"device", NULL, fault_make_device, device_of, fault_drop, does_without_matrices},
    {"recorder", fault_make_device, act_recorder, recorder_of, fault_drop, NULL},
    {"statistics", prepare_plan, act_statistics, NULL, fault_drop, NULL},
};
const uint32_t fault_other_count = sizeof fault_others / sizeof fault_others[0];
