/* SPDX-License-Identifier: MIT
 *
 * The whole list of steps of a few named problems as text, held against tests/golden/<name>.txt. A change
 * there is a change of what GPUs are told: look at it, then run the test with VATTEN_GOLDEN=write to accept
 * it.
 */
#include "unit.h"

#include "program_build.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const roles[] = {"q",       "k",       "v",         "out",  "lse",
                                    "extra_k", "extra_v", "workspace", "bias", "lists"};

typedef struct sheet {
    char text[65536];
    size_t used;
} sheet;

static void put(sheet *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(s->text + s->used, sizeof s->text - s->used, format, args);
    va_end(args);
    assert_true(size >= 0 && (size_t)size < sizeof s->text - s->used);
    s->used += (size_t)size;
}

static void put_push(sheet *s, const vt_push *p) {
    put(s, "  q %u..%u of %u, k %u..%u of %u, scale %.6f, group %u, head %u, flags %u, map %u %u %u\n",
        p->q_first, p->q_last, p->q_len, p->k_first, p->k_last, p->kv_len, (double)p->scale_log2, p->group,
        p->head_first, p->flags, p->map0, p->map1, p->map2);
    put(s, "  q %u+%u,%u,%u k %u+%u,%u,%u v %u+%u,%u,%u out %u+%u,%u,%u lse %u+%u,%u\n", p->q_base,
        p->q_batch, p->q_head, p->q_token, p->k_base, p->k_batch, p->k_head, p->k_token, p->v_base,
        p->v_batch, p->v_head, p->v_token, p->out_base, p->out_batch, p->out_head, p->out_token, p->lse_base,
        p->lse_batch, p->lse_head);
}

static void put_step(sheet *s, const vt_step *step) {
    put(s, "%sdispatch %u,%u,%u variant %u macs %" PRIu64 "%s%s\n", step->barrier_before ? "barrier\n" : "",
        step->groups[0], step->groups[1], step->groups[2], step->variant, step->macs,
        step->rows ? " shrinks" : "", step->dense_keys ? "" : " fixed keys");
    for (uint32_t i = 0; i < step->binding_count; ++i)
        put(s, "  %u %s %" PRIu64 "+%" PRIu64 "\n", i, roles[step->binding[i].role], step->binding[i].offset,
            step->binding[i].range);
    put_push(s, &step->push);
}

static void put_program(sheet *s, const vt_program *program) {
    put(s, "%" PRIu64 " steps, workspace %" PRIu64 ", largest %" PRIu64 " macs\n", program->step_count,
        program->workspace_bytes, program->largest_macs);
    for (uint32_t i = 0; i < program->variant_count; ++i) {
        put(s, "variant %u: %s", i, vt_kernels[program->variants[i].kernel].name);
        /* what stands behind is mostly 0 */
        uint32_t count = VT_SPEC_COUNT;
        while (count > VT_SPEC_SUBGROUP && program->variants[i].spec[count - 1] == 0)
            --count;
        for (uint32_t j = 0; j < count; ++j)
            put(s, "%s%u", j == 0 || j == VT_SPEC_WINDOW || j == VT_SPEC_BOX ? " | " : " ",
                program->variants[i].spec[j]);
        put(s, "\n");
    }
    for (uint64_t i = 0; i < program->step_count; ++i)
        put_step(s, &program->steps[i]);
}

static void compare(const char *name, const sheet *s) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.txt", VATTEN_GOLDEN_DIR, name);
    const char *mode = getenv("VATTEN_GOLDEN");
    bool write = mode && strcmp(mode, "write") == 0;
    FILE *file = fopen(path, write ? "wb" : "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    if (write) {
        size_t written = fwrite(s->text, 1, s->used, file);
        fclose(file);
        assert_int_equal(written, s->used);
        return;
    }
    static sheet golden;
    golden.used = fread(golden.text, 1, sizeof golden.text - 1, file);
    golden.text[golden.used] = '\0';
    fclose(file);
    assert_string_equal(s->text, golden.text);
}

static void check(const char *name, program_case *c, vatten_result result) {
    static sheet s;
    assert_int_equal(result, VATTEN_SUCCESS);
    assert_int_equal(program_build(c, NULL), VATTEN_SUCCESS);
    assert_null(program_broken(c, 1));
    s.used = 0;
    put_program(&s, &c->program);
    program_free(c);
    compare(name, &s);
}

static void check_dense(const char *name, const vt_caps *caps, const vatten_attention_desc *desc) {
    program_case c = {.caps = *caps};
    check(name, &c, vt_problem_from_attention(caps, NULL, desc, &c.problem));
}

static void check_grid(const char *name, const vt_caps *caps, const vatten_neighborhood_desc *desc) {
    program_case c = {.caps = *caps};
    check(name, &c, vt_problem_from_neighborhood(caps, NULL, desc, &c.problem));
}

static void check_lists(const char *name, const vt_caps *caps, const vatten_lists_desc *desc) {
    program_case c = {.caps = *caps};
    check(name, &c, vt_problem_from_lists(caps, NULL, desc, &c.problem));
}

/* ---- The problems ---- */

static void dense_on_a_desktop(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc desc = unit_dense();
    check_dense("dense_desktop", &caps, &desc);
}

static void causal_window_with_lse_on_lavapipe(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc desc = unit_dense();
    desc.causal = true;
    desc.window = (vatten_window){true, 15, 0};
    desc.prefix = 4;
    desc.heads.write_lse = true;
    check_dense("dense_window_lavapipe", &caps, &desc);
}

static void half_precision_with_strides_on_the_least_device(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_least();
    vatten_attention_desc desc = unit_dense();
    desc.heads.dtype = VATTEN_DTYPE_F16;
    desc.heads.dim = 80;
    desc.heads.value_dim = 72;
    desc.heads.q = (vatten_strides){24 * 4 * 100, 24 * 100, 100};
    check_dense("dense_strides_least", &caps, &desc);
}

static void batches_larger_than_a_binding(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc desc = unit_dense();
    desc.heads.batch = 64;
    desc.q_len = desc.kv_len = 50000;
    desc.heads.max_macs = UINT64_MAX;
    check_dense("dense_many_bindings", &caps, &desc);
}

static void keys_in_a_chain(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc desc = unit_dense();
    desc.kv_len = 200;
    desc.heads.write_lse = true;
    desc.heads.batch = 1;
    desc.heads.kv_heads = desc.heads.heads = 1;
    desc.heads.max_macs = 64 * 64 * 32;
    check_dense("dense_chain", &caps, &desc);
}

static void grid_of_two_axes(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[0] = (vatten_axis){32, 7, 1, 1, false};
    desc.axis[1] = (vatten_axis){48, 9, 2, 4, true};
    check_grid("grid_2d", &caps, &desc);
}

static void grid_with_extra_keys(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_neighborhood_desc desc = unit_grid();
    desc.extra_len = 10;
    check_grid("grid_extra_lavapipe", &caps, &desc);
}

static void grid_of_three_axes_cut_along_the_first(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc desc = unit_grid();
    desc.rank = 3;
    desc.heads.batch = 1;
    desc.axis[0] = (vatten_axis){16, 4, 4, 1, false};
    desc.axis[1] = desc.axis[2] = (vatten_axis){8, 4, 1, 1, false};
    desc.heads.max_macs = 4000000;
    check_grid("grid_3d_cut", &caps, &desc);
}

static void grid_with_a_bias_on_lavapipe(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[0] = (vatten_axis){6, 5, 1, 1, false, VATTEN_EDGE_ZERO, 2};
    desc.bias = VATTEN_BIAS_RELATIVE;
    check_grid("grid_bias_lavapipe", &caps, &desc);
}

static void weights_on_a_desktop(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc desc = unit_grid();
    desc.heads.dim = 0;
    desc.heads.value_dim = 12;
    desc.weights = true;
    check_grid("grid_weights", &caps, &desc);
}

static void boxes_on_lavapipe(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    const vatten_lists_desc desc = {.heads = {.dtype = VATTEN_DTYPE_F16,
                                              .batch = 1,
                                              .heads = 4,
                                              .kv_heads = 2,
                                              .dim = 32,
                                              .max_macs = 4000000},
                                    .q_len = 4 * 80,
                                    .kv_len = 6 * 80,
                                    .entries = 5,
                                    .list_heads = 2,
                                    .row_masks = true,
                                    .boxes = {3, {6, 8, 10}, 4, {2, 4, 4}, {2, 3, 4}}};
    check_lists("lists_boxes", &caps, &desc);
}

static void lists_with_a_bias(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.storage_range = 32768; /* the bias is cut along queries and keys */
    const vatten_lists_desc desc = {
        .heads =
            {.dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 2, .kv_heads = 1, .dim = 32, .write_lse = true},
        .q_len = 100,
        .kv_len = 500,
        .q_block = 32,
        .kv_block = 64,
        .entries = 4,
        .bias = VATTEN_BIAS_TENSOR,
        .bias_heads = 1};
    check_lists("lists_bias", &caps, &desc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_on_a_desktop),
        cmocka_unit_test(causal_window_with_lse_on_lavapipe),
        cmocka_unit_test(half_precision_with_strides_on_the_least_device),
        cmocka_unit_test(batches_larger_than_a_binding),
        cmocka_unit_test(keys_in_a_chain),
        cmocka_unit_test(grid_of_two_axes),
        cmocka_unit_test(grid_with_extra_keys),
        cmocka_unit_test(grid_of_three_axes_cut_along_the_first),
        cmocka_unit_test(grid_with_a_bias_on_lavapipe),
        cmocka_unit_test(weights_on_a_desktop),
        cmocka_unit_test(boxes_on_lavapipe),
        cmocka_unit_test(lists_with_a_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
