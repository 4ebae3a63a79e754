/* SPDX-License-Identifier: MIT
 *
 * Opening a device, keeping the score, telling it.
 */
#include "gpu_harness.h"

#include "gpu_caps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_TOLD 40 /* printed in full; the rest is counted */

static void hear(void *user, vatten_log_level level, const char *message) {
    gpu *g = user;
    if (level == VATTEN_LOG_ERROR) {
        snprintf(g->message, sizeof g->message, "%s", message);
    }
    bool opening = !g->context && level == VATTEN_LOG_ERROR; /* why there is no device takes several lines */
    if (opening || getenv("VATTEN_VERBOSE")) {
        fprintf(stderr, "  [%d] %s\n", (int)level, message);
    }
}

/* Says what was opened; false if it has more than was asked for. */
static bool tell_device(const gpu *g, const vatten_context_desc *wanted, const char *caps) {
    vatten_context_info info;
    vatten_context_get_info(g->context, &info);
    printf("%s on %s (%s), validation %s, subgroup %u, shared %u bytes, quirks \"%s\"", g->program,
           info.device_name, info.driver, info.validation ? "on" : "NOT INSTALLED", g->limits.subgroup_size,
           g->limits.shared_bytes, g->limits.quirks);
    printf(*caps ? ", caps \"%s\"\n" : "\n", caps);
    if (!gpu_caps_kept(wanted, &g->limits)) {
        printf("%s: the device does not keep its caps\n", g->program);
        return false;
    }
    return true;
}

/* VATTEN_TEST_LAYOUT; false if that is no layout. */
static bool take_only(gpu *g, const char *name) {
    for (int n = VATTEN_LAYOUT_ROWS; name && n < GPU_LAYOUTS; ++n) {
        if (strcmp(name, gpu_layout_name((vatten_layout)n)) == 0) {
            g->only = (vatten_layout)n;
        }
    }
    return !name || g->only != VATTEN_LAYOUT_AUTO;
}

int gpu_open(gpu *g, const char *program, const vatten_context_desc *desc) {
    vatten_context_desc wanted = {0};
    const char *caps = getenv("VATTEN_TEST_CAPS");
    char wrong[1024];
    caps = caps ? caps : "";
    if (desc) {
        wanted = *desc;
    }
    if (!gpu_caps_lower(&wanted, caps, wrong, sizeof wrong)) {
        printf("%s: %s\n", program, wrong);
        return 1;
    }
    if (!take_only(g, getenv("VATTEN_TEST_LAYOUT"))) {
        printf("%s: VATTEN_TEST_LAYOUT: \"%s\" is no layout\n", program, getenv("VATTEN_TEST_LAYOUT"));
        return 1;
    }
    if (getenv("VATTEN_TEST")) {
        cmocka_set_test_filter(getenv("VATTEN_TEST"));
    }
    g->brief = getenv("VATTEN_TEST_BRIEF") != NULL;
    wanted.validation = true;
    wanted.logger.write = hear;
    wanted.logger.user = g;
    snprintf(g->program, sizeof g->program, "%s", program);

    vatten_result result = vatten_context_create(&wanted, &g->context);
    if (result != VATTEN_SUCCESS) {
        const char *named = getenv("VATTEN_DEVICE");
        printf("%s: no device: %s\n", program, vatten_result_name(result));
        /* a device asked for by name that is not there is a mistake, not a machine without one */
        return result == VATTEN_ERROR_UNSUPPORTED && !(named && *named) ? GPU_SKIP : 1;
    }
    g->device = vatten_context_device(g->context);
    vatten_device_get_info(g->device, &g->limits);
    if (!tell_device(g, &wanted, caps)) {
        vatten_context_destroy(g->context);
        g->context = NULL;
        return 1;
    }
    return 0;
}

static void tell_worst(const char *what, const gpu_worst *worst) {
    if (worst->tolerance > 0.0) {
        printf("  worst %-4s %.3f of tolerance %.2g: %s got %.9g want %.9g\n", what, worst->ratio,
               worst->tolerance, worst->where, worst->got, worst->want);
    }
}

static void tell_summary(const gpu *g) {
    static const char *const names[3] = {[REF_F32] = "f32", [REF_F16] = "f16", [REF_BF16] = "bf16"};
    printf("%s: %llu cases, %llu rows compared, %llu failures\n", g->program, (unsigned long long)g->cases,
           (unsigned long long)g->rows, (unsigned long long)g->failures);
    if (g->brief) {
        printf("  brief: one turn of %u problems and %u loops, %llu left out\n", g->brief_problems,
               g->brief_loops, (unsigned long long)g->left_out);
    }
    for (int t = 0; t < 3; ++t) {
        tell_worst(names[t], &g->worst_out[t]);
    }
    tell_worst("lse", &g->worst_lse);
    for (int n = 0; n < GPU_ALL_LAYOUTS; ++n) {
        if (g->layout_cases[n] || g->layout_refused[n]) {
            printf("  layout %-8s ran %llu, refused by the device %llu\n", gpu_layout_name((vatten_layout)n),
                   (unsigned long long)g->layout_cases[n], (unsigned long long)g->layout_refused[n]);
        }
    }
}

void gpu_leave(gpu *g) {
    if (!g->context) {
        return;
    }
    gpu_check_validation(g, "at the end");
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        vatten_memory_destroy(g->spare[slot]);
        g->spare[slot] = NULL;
    }
    vatten_context_destroy(g->context);
    g->context = NULL;
    g->device = NULL;
    g->validation_errors = 0; /* the next context counts its own */
}

int gpu_close(gpu *g, int failed) {
    if (!g->context) {
        return failed;
    }
    gpu_leave(g);
    tell_summary(g);
    return failed + (g->failures ? 1 : 0);
}

void gpu_fail(gpu *g, const char *format, ...) {
    va_list list;
    if (g->failures++ < FAILURES_TOLD && !g->quiet) {
        printf("FAIL ");
        va_start(list, format);
        vprintf(format, list);
        va_end(list);
        printf("\n");
        fflush(stdout);
    }
}

bool gpu_expect(gpu *g, const char *what, vatten_result got, vatten_result want) {
    if (got != want) {
        gpu_fail(g, "%s gave %s instead of %s: %s", what, vatten_result_name(got), vatten_result_name(want),
                 g->message);
    }
    return got == want;
}

void gpu_assert_clean(gpu *g) {
    uint64_t fresh = g->failures - g->asserted;
    g->asserted = g->failures;
    if (fresh) {
        fail_msg("%llu failures, told above", (unsigned long long)fresh);
    }
}

void gpu_check_validation(gpu *g, const char *name) {
    vatten_context_info info;
    vatten_context_get_info(g->context, &info);
    if (info.validation_errors != g->validation_errors) {
        gpu_fail(g, "%s: %u validation errors, the last message: %s", name,
                 info.validation_errors - g->validation_errors, g->message);
        g->validation_errors = info.validation_errors;
    }
}

bool gpu_has_dtype(const gpu *g, vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 || (g->limits.features & VATTEN_FEATURE_STORAGE_16BIT) != 0;
}

bool gpu_has_layout(const gpu *g, vatten_layout layout) {
    const vatten_features matrix = VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL |
                                   VATTEN_FEATURE_COOPERATIVE_MATRIX;
    bool shuffles = g->limits.subgroup_size > 1;
    if (layout == VATTEN_LAYOUT_MATRIX2 && !(g->limits.features & VATTEN_FEATURE_COOPERATIVE_MATRIX_2)) {
        return false;
    }
    if (layout == VATTEN_LAYOUT_MATRIX_WORKGROUP &&
        !(g->limits.features & VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP)) {
        return false;
    }
    if (gpu_has_matrices(layout)) {
        return shuffles && (g->limits.features & matrix) == matrix && g->limits.matrices[0] != '\0';
    }
    if (gpu_stages_f16(layout)) {
        const vatten_features half = VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_SHADER_FLOAT16 |
                                     (layout == VATTEN_LAYOUT_MIXED ? VATTEN_FEATURE_MIXED_DOT_PRODUCT : 0);
        return (shuffles || layout == VATTEN_LAYOUT_PACKED_SHARED) && (g->limits.features & half) == half;
    }
    if (layout == VATTEN_LAYOUT_ADDRESS) {
        return (g->limits.features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0 &&
               g->limits.push_bytes >= 152;
    }
    if (layout == VATTEN_LAYOUT_DOT) {
        return shuffles && (g->limits.features & VATTEN_FEATURE_INTEGER_DOT_PRODUCT) != 0;
    }
    return shuffles || layout == VATTEN_LAYOUT_AUTO || layout == VATTEN_LAYOUT_SHARED;
}

bool gpu_has_matrices(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_MATRIX || layout == VATTEN_LAYOUT_MATRIX2 ||
           layout == VATTEN_LAYOUT_MATRIX_WORKGROUP;
}

bool gpu_is_packed(vatten_layout layout) {
    return layout == VATTEN_LAYOUT_PACKED || layout == VATTEN_LAYOUT_PACKED_SHARED;
}

bool gpu_stages_f16(vatten_layout layout) {
    return gpu_is_packed(layout) || layout == VATTEN_LAYOUT_HALF || layout == VATTEN_LAYOUT_MIXED;
}

vatten_dtype gpu_matrix_dtype(const gpu *g, vatten_dtype dtype) {
    bool bf16 = dtype == VATTEN_DTYPE_BF16 && g->limits.bf16_matrices[0] != '\0';
    return bf16 ? VATTEN_DTYPE_BF16 : VATTEN_DTYPE_F16;
}

bool gpu_thorough(const gpu *g) {
    return !g->limits.cpu || getenv("VATTEN_THOROUGH");
}

vatten_tile gpu_small_tile(const gpu *g, vatten_layout layout) {
    uint32_t lanes = g->limits.subgroup_min < 8 ? g->limits.subgroup_min : 8;
    if (layout == VATTEN_LAYOUT_ROWS || layout == VATTEN_LAYOUT_ADDRESS) {
        return (vatten_tile){
            .layout = layout, .workgroup = lanes, .rows = lanes, .keys = 2, .lanes_per_row = 1};
    }
    if (gpu_has_matrices(layout)) {
        return (vatten_tile){.layout = layout, .keys = 16};
    }
    if (layout == VATTEN_LAYOUT_STREAM) {
        return (vatten_tile){
            .layout = layout, .workgroup = lanes, .rows = 2, .keys = lanes, .lanes_per_row = lanes};
    }
    uint32_t keys =
        layout == VATTEN_LAYOUT_PACKED_SHARED ? 8 : 4; /* two columns of weights to a word, or one */
    return (vatten_tile){.layout = layout, .workgroup = 8, .rows = 2, .keys = keys, .lanes_per_row = 4};
}

const char *gpu_dtype_name(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F16 ? "f16" : dtype == VATTEN_DTYPE_BF16 ? "bf16" : "f32";
}

const char *gpu_layout_name(vatten_layout layout) {
    static const char *const names[GPU_ALL_LAYOUTS] = {
        "auto",    "rows",    "subgroup",         "shared", "matrix",        "stream",
        "matrix2", "address", "matrix_workgroup", "packed", "packed_shared", "half",
        "mixed",   "dot"};
    return (unsigned)layout < GPU_ALL_LAYOUTS ? names[layout] : "?";
}

ref_dtype gpu_ref_dtype(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F16 ? REF_F16 : dtype == VATTEN_DTYPE_BF16 ? REF_BF16 : REF_F32;
}
