/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdlib.h>

static void remember(void *user, vatten_log_level level, const char *message) {
    unit_log *log = user;
    snprintf(log->text, sizeof log->text, "%s", message);
    log->level = level;
    ++log->count;
}

uint64_t unit_slowness(void) {
    const char *text = getenv("VATTEN_UNIT_SHARE");
    uint64_t of = text ? strtoull(text, NULL, 10) : 1;
    return of > 1 ? of : 1;
}

uint64_t unit_share(uint64_t cases) {
    uint64_t of = unit_slowness();
    return cases > of ? cases / of : cases;
}

int unit_share_finds(int cases) {
    uint64_t of = unit_slowness();
    return of == 1 ? cases : (int)((uint64_t)cases / of / 2);
}

void unit_log_start(unit_log *log) {
    *log = (unit_log){.logger = {remember, log}};
}

vt_tile unit_tuned(unit_log *log, const vt_caps *caps, const vt_problem *problem) {
    uint32_t row = 0;
    vt_tile tile;
    assert_int_equal(vt_tune(caps, &log->logger, problem, &row, &tile), VATTEN_SUCCESS);
    assert_silent(log);
    return tile;
}

vt_caps unit_caps_desktop(void) {
    vt_caps caps = {
        .name = "Desktop",
        .vendor_id = VT_VENDOR_NVIDIA,
        .device_type = VT_DEVICE_DISCRETE,
        .api_version = 1u << 22 | 3u << 12,
        .subgroup_size = 32,
        .subgroup_min = 32,
        .subgroup_max = 32,
        .subgroup_ops = VT_SUBGROUP_BASIC | VT_SUBGROUP_SHUFFLE,
        .shared_bytes = 49152,
        .invocations = 1024,
        .workgroup_size_x = 1024,
        .groups = {2147483647, 65535, 65535},
        .storage_range = 4294967295,
        .storage_alignment = 16,
        .storage_buffers = 1048576,
        .push_bytes = 256,
        .features = VATTEN_FEATURE_STORAGE_16BIT,
    };
    vt_caps_complete(&caps);
    return caps;
}

vt_caps unit_caps_matrix(void) {
    vt_caps caps = unit_caps_desktop();
    caps.features |= VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL | VATTEN_FEATURE_COOPERATIVE_MATRIX |
                     VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 | VATTEN_FEATURE_COOPERATIVE_MATRIX_2;
    caps.subgroup_asked = true;
    caps.subgroups = 32;
    caps.matrix_count = 3;
    caps.matrices[0] = (vt_matrix){16, 8, 8};
    caps.matrices[1] = (vt_matrix){16, 16, 16};
    caps.matrices[2] = (vt_matrix){16, 8, 16};
    caps.bf16_matrix_count = 2;
    caps.bf16_matrices[0] = (vt_matrix){16, 8, 8};
    caps.bf16_matrices[1] = (vt_matrix){16, 8, 16};
    vt_caps_complete(&caps);
    return caps;
}

vt_caps unit_caps_workgroup(void) {
    vt_caps caps = unit_caps_matrix();
    caps.features |= VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    caps.flexible_count = 2;
    caps.flexible[0] = (vt_flexible){{16, 16, 16}, 128};
    caps.flexible[1] = (vt_flexible){{32, 64, 16}, 256};
    caps.bf16_flexible_count = 1;
    caps.bf16_flexible[0] = (vt_flexible){{16, 16, 16}, 128};
    caps.matrix_side_max = 1024;
    caps.matrix_reserved = 16384;
    vt_caps_complete(&caps);
    return caps;
}

vt_caps unit_caps_addresses(void) {
    vt_caps caps = unit_caps_lavapipe();
    caps.driver_version = 26u << 22 | 2 << 12 | 6;
    caps.features |= VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS | VATTEN_FEATURE_STORAGE_16BIT;
    caps.push_bytes = 256;
    vt_caps_complete(&caps);
    return caps;
}

vt_problem unit_of_layout(vatten_layout layout, uint32_t dim, uint32_t value_dim) {
    return (vt_problem){.map = VT_MAP_DENSE,
                        .dtype = VATTEN_DTYPE_F16,
                        .dim = dim,
                        .value_dim = value_dim,
                        .tile = {.layout = layout}};
}

void unit_tile_refused(unit_log *log, const vt_caps *caps, const vt_problem *problem, const char *why) {
    uint32_t row = 0;
    vt_tile out;
    assert_int_equal(vt_tune(caps, &log->logger, problem, &row, &out), VATTEN_ERROR_UNSUPPORTED);
    const char *end = strstr(log->text, " bytes): ");
    assert_non_null(end);
    assert_string_equal(end + strlen(" bytes): "), why);
    assert_int_equal(log->count, 1);
    unit_log_start(log);
}

/* The table "Required Limits" of the Vulkan specification; offsets may be aligned to as much as 256. */
vt_caps unit_caps_least(void) {
    vt_caps caps = {
        .name = "Least",
        .device_type = VT_DEVICE_INTEGRATED,
        .api_version = 1u << 22 | 1u << 12,
        .subgroup_size = 1,
        .subgroup_min = 1,
        .subgroup_max = 1,
        .subgroup_ops = VT_SUBGROUP_BASIC,
        .shared_bytes = 16384,
        .invocations = 128,
        .workgroup_size_x = 128,
        .groups = {65535, 65535, 65535},
        .storage_range = 1u << 27,
        .storage_alignment = 256,
        .storage_buffers = 4,
        .push_bytes = 128,
        .features = VATTEN_FEATURE_STORAGE_16BIT,
    };
    vt_caps_complete(&caps);
    return caps;
}

vt_caps unit_caps_lavapipe(void) {
    vt_caps caps = {
        .name = "llvmpipe (LLVM 15.0.6, 256 bits)",
        .device_type = VT_DEVICE_CPU,
        .driver_id = VT_DRIVER_LLVMPIPE,
        .driver_version = 22u << 22 | 3u << 12 | 6u,
        .api_version = 1u << 22 | 3u << 12,
        .subgroup_size = 8,
        .subgroup_min = 8,
        .subgroup_max = 8,
        .subgroup_ops = 191,
        .shared_bytes = 32768,
        .invocations = 1024,
        .workgroup_size_x = 1024,
        .groups = {65535, 65535, 65535},
        .storage_range = 1u << 27,
        .storage_alignment = 16,
        .storage_buffers = 32,
        .push_bytes = 128,
        .features = VATTEN_FEATURE_STORAGE_16BIT,
    };
    vt_caps_complete(&caps);
    return caps;
}

vatten_attention_desc unit_dense(void) {
    return (vatten_attention_desc){
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16},
        .q_len = 24,
        .kv_len = 40,
    };
}

vatten_neighborhood_desc unit_grid(void) {
    return (vatten_neighborhood_desc){
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16},
        .rank = 2,
        .axis = {{6, 3, 1, 1, false}, {8, 3, 1, 1, false}},
    };
}

void unit_step_fits(const vt_caps *caps, const vt_step *step, const uint64_t bytes[VT_ROLE_COUNT],
                    uint64_t seed) {
    for (int i = 0; i < 3; ++i)
        if (step->groups[i] < 1 || step->groups[i] > caps->groups[i])
            fail_msg("seed %llu: %u workgroups along %d", (unsigned long long)seed, step->groups[i], i);
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *at = &step->binding[i];
        bool good = at->range > 0 && at->range <= caps->storage_range &&
                    at->offset % caps->storage_alignment == 0 && at->offset + at->range <= bytes[at->role];
        if (!good)
            fail_msg("seed %llu: slot %u, role %d: %llu bytes from %llu on of %llu, binding holds %llu",
                     (unsigned long long)seed, i, (int)at->role, (unsigned long long)at->range,
                     (unsigned long long)at->offset, (unsigned long long)bytes[at->role],
                     (unsigned long long)caps->storage_range);
    }
}

void unit_step_works(const vt_program *program, const vt_step *step, const step_bounds *bounds,
                     uint64_t seed) {
    const char *broken = step_work_broken(program, step, bounds);
    if (broken)
        fail_msg("seed %llu: %s: %s: %llu macs of %llu, %llu moves of %llu", (unsigned long long)seed,
                 vt_kernels[program->variants[step->variant].kernel].name, broken,
                 (unsigned long long)step->macs, (unsigned long long)bounds->max_macs,
                 (unsigned long long)step->moves, (unsigned long long)bounds->max_moves);
}
