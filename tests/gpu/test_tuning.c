/* SPDX-License-Identifier: MIT
 *
 * Tuning files on a device: plans take the tiles that a file names and are right with them, the reason is told, and a context
 * goes on without a file that is broken or not there.
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <string.h>

static gpu device;
static const char path[] = "test_tuning.txt";
static const char reason[] = "of this test alone";

/* ---- Files and contexts that go by them ---- */

static void write_text(const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* A file with one row for this device, told by all that a device line may say. */
static void write_row(const char *row) {
    const vatten_device_info *d = &device.limits;
    char text[2048];
    snprintf(text, sizeof text,
             "vatten-tuning 1\ndevice vendor=0x%x device=%u driver=%u version=0x%x build=\"%s\" name=\"%s\"\n"
             "row %s # %s\nend\n",
             d->vendor_id, d->device_id, d->driver_id, d->driver_version, d->driver_info, d->name, row,
             reason);
    write_text(text);
}

static void open_tuned(gpu *tuned) {
    const vatten_context_desc desc = {.tuning = path};
    memset(tuned, 0, sizeof *tuned);
    assert_int_equal(gpu_open(tuned, "test_tuning", &desc), 0);
}

static void row_of_tile(const vatten_tile *tile, const char *rest, char out[256]) {
    snprintf(out, 256, "layout=%s tile=%u,%u,%u,%u %s", gpu_layout_name(tile->layout), tile->workgroup,
             tile->rows, tile->keys, tile->lanes_per_row, rest);
}

static vatten_plan_info info_of(gpu *g, const gpu_problem *problem) {
    vatten_plan *plan = NULL;
    vatten_plan_info info = {0};
    vatten_result result = problem->grid ? vatten_neighborhood_create(g->device, &problem->hood, &plan)
                                         : vatten_attention_create(g->device, &problem->dense, &plan);
    assert_int_equal(result, VATTEN_SUCCESS);
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    return info;
}

static bool same_tile(const vatten_tile *a, const vatten_tile *b) {
    return a->layout == b->layout && a->workgroup == b->workgroup && a->rows == b->rows &&
           a->keys == b->keys && a->lanes_per_row == b->lanes_per_row;
}

/* ---- Tests ---- */

static gpu_problem problem_of(bool grid) {
    const uint64_t extents[2] = {7, 9};
    gpu_problem problem = grid ? gpu_grid(VATTEN_DTYPE_F32, 2, extents, 2, 1, 24)
                               : gpu_dense(VATTEN_DTYPE_F32, 45, 67, 2, 1, 24);
    gpu_name(&problem, "%s by a tuning file", grid ? "grid" : "dense");
    return problem;
}

/* The tile of the file is one that no row of the table has; dims beside it keep the table's. */
static void check_tile(vatten_layout layout, bool grid) {
    gpu tuned;
    char row[256];
    gpu_problem problem = problem_of(grid);
    const vatten_tile tile = gpu_small_tile(&device, layout);
    if (!gpu_has_layout(&device, layout))
        return;
    row_of_tile(&tile,
                grid ? "task=neighborhood dtype=f32 dim=17..24" : "task=attention dtype=f32 dim=17..24", row);
    write_row(row);
    open_tuned(&tuned);
    assert_int_equal(tuned.limits.tuned_rows, 1);
    vatten_plan_info info = info_of(&tuned, &problem);
    assert_true(same_tile(&info.tile, &tile));
    assert_string_equal(info.tile_reason, reason);
    gpu_check(&tuned, &problem);
    gpu_heads(&problem)->dim = 25;
    gpu_heads(&problem)->value_dim = 25;
    info = info_of(&tuned, &problem);
    const vatten_plan_info plain = info_of(&device, &problem);
    assert_true(same_tile(&info.tile, &plain.tile));
    assert_string_equal(info.tile_reason, plain.tile_reason);
    assert_true(plain.tile_reason[0] != '\0');
    gpu_assert_clean(&tuned);
    assert_int_equal(gpu_close(&tuned, 0), 0);
}

static void test_plans_take_the_tiles_of_a_file(void **state) {
    (void)state;
    for (int grid = 0; grid < 2; ++grid)
        for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout)
            check_tile((vatten_layout)layout, grid != 0);
}

static void test_a_tile_that_does_not_fit_is_passed_over(void **state) {
    (void)state;
    gpu tuned;
    gpu_problem problem = problem_of(false);
    write_row("layout=shared tile=1024,1024,1024,8");
    open_tuned(&tuned);
    assert_int_equal(tuned.limits.tuned_rows, 1);
    const vatten_plan_info info = info_of(&tuned, &problem), plain = info_of(&device, &problem);
    assert_true(same_tile(&info.tile, &plain.tile));
    gpu_check(&tuned, &problem);
    gpu_assert_clean(&tuned);
    assert_int_equal(gpu_close(&tuned, 0), 0);
}

static void test_a_tile_that_is_asked_for_has_no_other_reason(void **state) {
    (void)state;
    gpu_problem problem = problem_of(false);
    problem.dense.heads.tile = gpu_small_tile(&device, VATTEN_LAYOUT_SHARED);
    const vatten_plan_info info = info_of(&device, &problem);
    assert_string_equal(info.tile_reason, "as asked for");
}

typedef struct heard {
    int errors, warnings;
    char warning[512]; /* the last one */
} heard;

static void hear(void *user, vatten_log_level level, const char *message) {
    heard *h = user;
    h->errors += level == VATTEN_LOG_ERROR;
    if (level != VATTEN_LOG_WARN || strstr(message, "tuning") == NULL)
        return;
    ++h->warnings;
    snprintf(h->warning, sizeof h->warning, "%s", message);
}

/* The context says what is wrong as warnings, and works. */
static void test_a_broken_file_is_ignored(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int warnings; /* the rule, and that the file is ignored */
        const char *last;
    } files[] = {{NULL, 0, ""},
                 {"", 1, "context: tuning file test_tuning.txt is empty: it is ignored"},
                 {"no such text", 2, "context: tuning file test_tuning.txt is ignored"},
                 {"vatten-tuning 1\ndevice vendor=0\nrow layout=rows tile=8,", 2,
                  "context: tuning file test_tuning.txt is ignored"},
                 {"vatten-tuning 1\ndevice name=\"another\"\nrow layout=rows tile=8,8,2,1\nend\n", 0, ""}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
        heard h = {0};
        vatten_device_info info;
        vatten_context *context = NULL;
        const vatten_context_desc desc = {.tuning = path, .logger = {hear, &h}};
        remove(path);
        if (files[i].text)
            write_text(files[i].text);
        assert_int_equal(vatten_context_create(&desc, &context), VATTEN_SUCCESS);
        vatten_device_get_info(vatten_context_device(context), &info);
        assert_int_equal(info.tuned_rows, 0);
        assert_int_equal(h.errors, 0);
        assert_int_equal(h.warnings, files[i].warnings);
        assert_string_equal(h.warning, files[i].last);
        vatten_context_destroy(context);
    }
}

/* What the context forgives the core does not. */
static void test_a_broken_text_makes_no_device(void **state) {
    (void)state;
    static const char text[] = "vatten-tuning 1\n";
    vatten_context_info info;
    vatten_context_get_info(device.context, &info);
    const vatten_device_desc desc = {.get_instance_proc_addr =
                                         vatten_context_get_instance_proc_addr(device.context),
                                     .instance = vatten_context_instance(device.context),
                                     .physical_device = vatten_context_physical_device(device.context),
                                     .device = vatten_context_vk_device(device.context),
                                     .features = info.enabled,
                                     .tuning = text,
                                     .tuning_size = sizeof text - 1};
    vatten_device *made = NULL;
    assert_int_equal(vatten_device_create(&desc, &made), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_null(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_take_the_tiles_of_a_file),
        cmocka_unit_test(test_a_tile_that_does_not_fit_is_passed_over),
        cmocka_unit_test(test_a_tile_that_is_asked_for_has_no_other_reason),
        cmocka_unit_test(test_a_broken_file_is_ignored),
        cmocka_unit_test(test_a_broken_text_makes_no_device),
    };
    int opened = gpu_open(&device, "test_tuning", NULL);
    if (opened != 0)
        return opened;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(path);
    return gpu_close(&device, failed);
}
