/* SPDX-License-Identifier: MIT
 *
 * Tuning files: what is read, what each rule says when it is broken, and that rows are tried before the table.
 */
#include "unit.h"

#include "tune_file.h"

#include <stdlib.h>

#define HEAD   "vatten-tuning 1\n"
#define DEVICE "device name=\"Desktop\"\n"
#define ROW    "row layout=shared tile=64,32,16,4"
#define END    "end\n"

#define MOST_ROWS  8
#define MOST_WORDS 1024

static unit_log said;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

/* Room for rows and their reasons, as a device has it. */
typedef struct tuned {
    vt_tune_row rows[MOST_ROWS];
    char words[MOST_WORDS];
    vt_tuning tuning;
} tuned;

/* Both calls, as a device makes them; the text stands at the end of memory of its own, so that what is read beyond it is
 * seen. */
static vatten_result read_bytes(const vt_caps *caps, const char *text, size_t size, tuned *out) {
    char *exact = malloc(size + 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    exact = realloc(exact, size ? size : 1);
    assert_non_null(exact);
    vt_tuning counted = {0};
    vatten_result result = vt_tune_file_read(caps, &said.logger, exact, size, &counted);
    assert_true(counted.count <= MOST_ROWS && counted.words_size <= MOST_WORDS);
    out->tuning = (vt_tuning){.rows = out->rows, .words = out->words};
    assert_int_equal(vt_tune_file_read(caps, NULL, exact, size, &out->tuning), result);
    assert_int_equal(out->tuning.count, counted.count);
    assert_int_equal(out->tuning.words_size, counted.words_size);
    assert_int_equal(vatten_tuning_check(NULL, exact, size), result);
    free(exact);
    return result;
}

static vatten_result read_text(const vt_caps *caps, const char *text, tuned *out) {
    return read_bytes(caps, text, strlen(text), out);
}

/* The row of a text that has one for the desktop. */
static vt_tune_row row_of(const char *line) {
    static tuned out;
    char text[1024];
    const vt_caps caps = unit_caps_desktop();
    snprintf(text, sizeof text, HEAD DEVICE "%s\n" END, line);
    assert_int_equal(read_text(&caps, text, &out), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_int_equal(out.tuning.count, 1);
    return out.rows[0];
}

/* ---- What is read ---- */

static void a_row_is_read_with_all_its_conditions(void **state) {
    (void)state;
    const vt_tune_row row = row_of("row layout=subgroup tile=128,16,32,8 when=asked task=attention,mass "
                                   "dtype=f16,bf16 dim=33..64 rows=2..0x10 percent=80 # 1.5 ms, not 2 ms");
    assert_int_equal(row.layout, VATTEN_LAYOUT_SUBGROUP);
    assert_true(row.workgroup == 128 && row.rows == 16 && row.keys == 32 && row.lanes_per_row == 8);
    assert_int_equal(row.when, VT_TUNE_ASKED);
    assert_int_equal(row.tasks, VT_TUNE_ATTENTION | VT_TUNE_MASS);
    assert_int_equal(row.dtypes, 1 << VATTEN_DTYPE_F16 | 1 << VATTEN_DTYPE_BF16);
    assert_true(row.min_dim == 33 && row.max_dim == 64);
    assert_true(row.min_rows == 2 && row.max_rows == 16);
    assert_int_equal(row.percent, 80);
    assert_int_equal(row.registers, 0);
    assert_string_equal(row.reason, "1.5 ms, not 2 ms");
}

static void what_a_row_leaves_out_is_no_condition(void **state) {
    (void)state;
    const vt_tune_row row = row_of("\t" ROW "\t");
    assert_int_equal(row.when, VT_TUNE_ANY);
    assert_true(row.tasks == 0 && row.dtypes == 0 && row.min_rows == 0 && row.max_rows == 0);
    assert_true(row.min_dim == 0 && row.max_dim == VATTEN_MAX_DIM && row.percent == 0);
    assert_string_equal(row.reason, "a row of a tuning file");
}

static void ranges_may_be_single_or_open(void **state) {
    (void)state;
    vt_tune_row row = row_of(ROW " dim=64 rows=17..");
    assert_true(row.min_dim == 64 && row.max_dim == 64);
    assert_true(row.min_rows == 17 && row.max_rows == 0);
    row = row_of(ROW " dim=65.. rows=1");
    assert_true(row.min_dim == 65 && row.max_dim == VATTEN_MAX_DIM);
    assert_true(row.min_rows == 1 && row.max_rows == 1);
}

static void ends_of_lines_blanks_and_comments_do_not_matter(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    static const char *const texts[] = {
        HEAD DEVICE ROW " # why\n" END,
        "vatten-tuning 1\r\ndevice name=\"Desktop\"\r\n" ROW " # why\r\nend\r\n",
        HEAD DEVICE ROW " # why\nend",
        "vatten-tuning 1 \n\n# a file\n\t" DEVICE "\n" ROW "   #why  \n end # of it\n\n# nothing more\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
        tuned out;
        assert_int_equal(read_text(&caps, texts[i], &out), VATTEN_SUCCESS);
        assert_int_equal(out.tuning.count, 1);
        assert_string_equal(out.rows[0].reason, "why");
    }
    assert_silent(&said);
}

static void a_name_may_hold_blanks_and_marks(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    snprintf(caps.name, sizeof caps.name, "A = #1 GPU, 8\xc3\x97");
    tuned out;
    assert_int_equal(read_text(&caps, HEAD "device name=\"A = #1 GPU, 8\xc3\x97\"\n" ROW "\n" END, &out),
                     VATTEN_SUCCESS);
    assert_int_equal(out.tuning.count, 1);
}

static void long_reasons_end_at_a_whole_character(void **state) {
    (void)state;
    char line[512];
    int used = snprintf(line, sizeof line, "%s # ", ROW);
    memset(line + used, 'x', 126);
    snprintf(line + used + 126, sizeof line - (size_t)used - 126,
             "\xe2\x82\xac and more"); /* of three bytes */
    const vt_tune_row row = row_of(line);
    assert_int_equal(strlen(row.reason), 126);
    line[used + 126] = 'y';
    line[used + 127] = 'z';
    line[used + 128] = 'z';
    assert_int_equal(strlen(row_of(line).reason), VT_REASON_BYTES - 1);
}

/* ---- Devices ---- */

static void rows_of_other_devices_are_left_alone_and_told(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.device_id = 0x2330;
    caps.driver_id = 4;
    caps.driver_version = 7;
    snprintf(caps.driver_info, sizeof caps.driver_info, "1.2");
    static const struct {
        const char *device;
        const char *message;
    } others[] = {
        {"vendor=0x1002",
         "tuning: line 2: rows for another device: vendor 0x1002, that of Desktop is 0x10de"},
        {"device=9040", "tuning: line 2: rows for another device: device 0x2350, that of Desktop is 0x2330"},
        {"driver=3", "tuning: line 2: rows for another device: driver 0x3, that of Desktop is 0x4"},
        {"version=8 vendor=0x10de",
         "tuning: line 2: rows for another device: version 0x8, that of Desktop is 0x7"},
        {"name=\"Desk\"",
         "tuning: line 2: rows for another device: name \"Desk\", that of Desktop is \"Desktop\""},
        {"build=\"1.3\"",
         "tuning: line 2: rows for another device: build \"1.3\", that of Desktop is \"1.2\""},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        char text[512];
        tuned out;
        snprintf(text, sizeof text, HEAD "device %s\n" ROW "\n" ROW "\n" END, others[i].device);
        unit_log_start(&said);
        assert_int_equal(read_text(&caps, text, &out), VATTEN_SUCCESS);
        assert_int_equal(out.tuning.count, 0);
        assert_string_equal(said.text, others[i].message);
        assert_int_equal(said.level, VATTEN_LOG_INFO);
    }
}

static void a_file_may_serve_several_devices(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    tuned out;
    const char *text = HEAD
        "device vendor=1\n" ROW " # no\n" DEVICE ROW " # one\n" ROW " # two\n"
        "device vendor=2\n" ROW " # no\n"
        "device vendor=0x10de device=0 driver=0 version=0 build=\"\" name=\"Desktop\"\n" ROW " # three\n" END;
    assert_int_equal(read_text(&caps, text, &out), VATTEN_SUCCESS);
    assert_int_equal(out.tuning.count, 3);
    assert_string_equal(out.rows[0].reason, "one");
    assert_string_equal(out.rows[1].reason, "two");
    assert_string_equal(out.rows[2].reason, "three");
}

static void no_device_takes_no_row(void **state) {
    (void)state;
    tuned out;
    assert_int_equal(read_text(NULL, HEAD DEVICE ROW "\n" END, &out), VATTEN_SUCCESS);
    assert_int_equal(out.tuning.count, 0);
    assert_silent(&said);
}

/* ---- What is refused ---- */

static void assert_broken(const char *text, const char *why) {
    const vt_caps caps = unit_caps_desktop();
    tuned out;
    char message[512];
    assert_int_equal(read_text(&caps, text, &out), VATTEN_ERROR_INVALID_ARGUMENT);
    snprintf(message, sizeof message, "tuning: %s", why);
    assert_said(&said, message);
}

static void a_file_has_a_head_and_an_end(void **state) {
    (void)state;
    static const char none[] = "line 1: no tuning file: one begins with 'vatten-tuning 1'";
    assert_broken("", none);
    assert_broken("\n" HEAD END, none);
    assert_broken("vatten-tuning\n" END, none);
    assert_broken("vatten-tuning 1 2\n" END, none);
    assert_broken("vatten-tuning one\n" END, none);
    assert_broken("vatten-tuning 2\n" END, "line 1: version 2 of tuning files, 1 is known");
    assert_broken(HEAD, "line 1: the text stops without an 'end' line");
    assert_broken(HEAD DEVICE ROW, "line 3: the text stops without an 'end' line");
    assert_broken(HEAD END DEVICE, "line 3: 'device' stands behind the end");
    assert_broken(HEAD "end of it\n", "line 2: 'end' begins no line: device, row and a lone end do");
}

static void lines_begin_with_known_words(void **state) {
    (void)state;
    assert_broken(HEAD "rows\n" END, "line 2: 'rows' begins no line: device, row and a lone end do");
    assert_broken(HEAD ROW "\n" END, "line 2: a row stands before the first device line");
    assert_broken(HEAD "device\n" END,
                  "line 2: a device line says none of vendor, device, driver, version, build and name");
    assert_broken(HEAD "\x01\n" END, "line 2: byte 1 is 0x01: no text");
    assert_broken(HEAD "# \x7f\n" END, "line 2: byte 3 is 0x7f: no text");
    assert_broken("vatten-tuning 1\r\r\n" END, "line 1: byte 16 is 0x0d: no text");
}

static void device_lines_keep_their_rules(void **state) {
    (void)state;
    assert_broken(HEAD "device vendor\n" END, "line 2: 'vendor' is no key=value");
    assert_broken(HEAD "device uuid=1\n" END, "line 2: 'uuid' is no key of such a line");
    assert_broken(HEAD "device vendor=1 vendor=1\n" END, "line 2: vendor stands twice");
    assert_broken(HEAD "device vendor=\n" END, "line 2: vendor: '' is no number from 0 to 4294967295");
    assert_broken(HEAD "device version=4294967296\n" END,
                  "line 2: version: '4294967296' is no number from 0 to 4294967295");
    assert_broken(HEAD "device driver=-1\n" END, "line 2: driver: '-1' is no number from 0 to 4294967295");
    assert_broken(HEAD "device driver=0x\n" END, "line 2: driver: '0x' is no number from 0 to 4294967295");
    assert_broken(HEAD "device driver=0xG\n" END, "line 2: driver: '0xG' is no number from 0 to 4294967295");
    assert_broken(HEAD "device name=Desktop\n" END, "line 2: name: 'Desktop' is not in quotes");
    assert_broken(HEAD "device name=\"Desktop\n" END, "line 2: name: '\"Desktop' is not in quotes");
    assert_broken(HEAD "device name=\"a\"b\"\n" END, "line 2: name: '\"a\"b\"' is not in quotes");
    assert_broken(HEAD "device name=\"\n" END, "line 2: name: '\"' is not in quotes");
}

static void row_lines_keep_their_rules(void **state) {
    (void)state;
    static const struct {
        const char *row;
        const char *why;
    } rows[] = {
        {"row", "a row without layout"},
        {"row layout=rows", "a row without tile"},
        {"row tile=8,8,8,1", "a row without layout"},
        {ROW " keys=1", "'keys' is no key of such a line"},
        {ROW " tile=8,8,8,1", "tile stands twice"},
        {"row layout=auto", "layout: 'auto' is not one of rows|subgroup|shared|matrix|stream"},
        {"row layout=", "layout: '' is not one of rows|subgroup|shared|matrix|stream"},
        {"row tile=8,8,8", "tile: '' is no number from 1 to 4294967295"},
        {"row tile=8,8,8,1,1", "tile 8,8,8,1,1: more than workgroup, rows, keys and lanes per row"},
        {"row tile=8,8,8,", "'tile=8,8,8,' is no key=value"},
        {"row tile=8,0,8,1", "tile: '0' is no number from 1 to 4294967295"},
        {"row layout=rows tile=8,1025,8,1", "tile 8,1025,8,1: rows or keys are above 1024"},
        {"row layout=rows tile=8,8,1025,1", "tile 8,8,1025,1: rows or keys are above 1024"},
        {"row layout=rows tile=96,8,8,3",
         "tile 96,8,8,3: lanes_per_row must be a power of two that divides workgroup"},
        {"row layout=rows tile=12,8,8,8",
         "tile 12,8,8,8: lanes_per_row must be a power of two that divides workgroup"},
        {"row tile=128,32,64,8 layout=matrix_workgroup",
         "tile 128,32,64,8: lanes_per_row must be keys in the MATRIX_WORKGROUP layout"},
        {"row tile=99999999999999999999999,8,8,8",
         "tile: '99999999999999999999999' is no number from 1 to 4294967295"},
        {ROW " when=cpu", "when: 'cpu' is not one of any|asked"},
        {ROW " task=attention,sparse", "task: 'sparse' is not one of attention|neighborhood|lists|mass"},
        {ROW " dtype=i8", "dtype: 'i8' is not one of f32|f16|bf16"},
        {ROW " dtype=f16,", "'dtype=f16,' is no key=value"},
        {ROW " dim=0..64", "dim: '0' is no number from 1 to 576"},
        {ROW " dim=65..577", "dim: '577' is no number from 1 to 576"},
        {ROW " dim=65..64", "dim: 65..64 is empty"},
        {ROW " dim=1.64", "dim: '1.64' is no range such as 33..64"},
        {ROW " dim=1...64", "dim: '.64' is no number from 1 to 576"},
        {ROW " rows=..", "rows: '' is no number from 1 to 4294967295"},
        {ROW " percent=101", "percent: '101' is no number from 1 to 100"},
        {ROW " percent=80%s%n", "percent: '80%s%n' is no number from 1 to 100"},
        {ROW " a-key-that-is-far-longer-than-any-message-should-be-because-of-it=1",
         "'a-key-that-is-far-longer-than-any-messag' is no key of such a line"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        char text[512], why[512];
        snprintf(text, sizeof text, HEAD "device vendor=1\n%s\n" END, rows[i].row);
        snprintf(why, sizeof why, "line 3: %s", rows[i].why);
        const vt_caps caps = unit_caps_desktop();
        tuned out;
        assert_int_equal(read_text(&caps, text, &out), VATTEN_ERROR_INVALID_ARGUMENT);
        if (!strstr(said.text, why)) /* whichever device the row is for */
            fail_msg("%s: said '%s', not '%s'", rows[i].row, said.text, why);
        assert_int_equal(said.level, VATTEN_LOG_ERROR);
        unit_log_start(&said);
    }
}

static void a_device_has_at_most_so_many_rows(void **state) {
    (void)state;
    static char text[(VT_TUNING_MOST_ROWS + 1) * sizeof ROW + 64];
    const vt_caps caps = unit_caps_desktop();
    vt_tuning counted = {0};
    size_t used = (size_t)snprintf(text, sizeof text, HEAD DEVICE);
    for (uint32_t i = 0; i < VT_TUNING_MOST_ROWS; ++i)
        used += (size_t)snprintf(text + used, sizeof text - used, ROW "\n");
    size_t end = used + (size_t)snprintf(text + used, sizeof text - used, END);
    assert_int_equal(vt_tune_file_read(&caps, &said.logger, text, end, &counted), VATTEN_SUCCESS);
    assert_int_equal(counted.count, VT_TUNING_MOST_ROWS);
    used += (size_t)snprintf(text + used, sizeof text - used, ROW "\n" END);
    assert_int_equal(vt_tune_file_read(&caps, &said.logger, text, used, &counted),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "tuning: line 4099: more than 4096 rows for one device");
}

static const char whole[] =
    HEAD "# a file\ndevice vendor=0x10de name=\"Desktop\"\n" ROW
         " task=attention dtype=f16 dim=33..64 rows=17.. percent=90 # a reason\r\n" END;

static void a_file_that_is_cut_anywhere_is_refused(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    tuned out;
    const size_t size = sizeof whole - 1;
    for (size_t cut = 0; cut < size - 1; ++cut) { /* the last line end is not missed */
        unit_log_start(&said);
        assert_int_equal(read_bytes(&caps, whole, cut, &out), VATTEN_ERROR_INVALID_ARGUMENT);
        assert_int_equal(said.level, VATTEN_LOG_ERROR);
    }
    assert_int_equal(read_bytes(&caps, whole, size - 1, &out), VATTEN_SUCCESS);
    assert_int_equal(read_bytes(&caps, whole, size, &out), VATTEN_SUCCESS);
}

static void any_byte_may_be_any_other(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    tuned out;
    for (size_t at = 0; at < sizeof whole - 1; ++at)
        for (int byte = 0; byte < 256; ++byte) {
            char text[sizeof whole];
            memcpy(text, whole, sizeof whole);
            text[at] = (char)byte;
            unit_log_start(&said);
            vatten_result result = read_bytes(&caps, text, sizeof whole - 1, &out);
            assert_true(result == VATTEN_SUCCESS || said.level == VATTEN_LOG_ERROR);
        }
}

static void no_text_is_an_error(void **state) {
    (void)state;
    assert_int_equal(vatten_tuning_check(NULL, NULL, 0), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_tuning_check(&said.logger, HEAD END, strlen(HEAD END)), VATTEN_SUCCESS);
    assert_int_equal(vatten_tuning_check(&said.logger, HEAD "x", strlen(HEAD) + 1),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "tuning: line 2: 'x' begins no line: device, row and a lone end do");
}

/* ---- The choice ---- */

static vt_problem problem_of(uint32_t dim) {
    return (vt_problem){.map = VT_MAP_DENSE,
                        .dtype = VATTEN_DTYPE_F32,
                        .dim = dim,
                        .value_dim = dim,
                        .q_len = 1024,
                        .kv_len = 1024,
                        .heads = 1};
}

/* The caps with the rows of a text; `out` must live as long. */
static vt_caps with_rows(vt_caps caps, const char *rows, tuned *out) {
    char text[1024];
    snprintf(text, sizeof text, HEAD "device name=\"%s\"\n%s\n" END, caps.name, rows);
    assert_int_equal(read_text(&caps, text, out), VATTEN_SUCCESS);
    caps.tuned = out->rows;
    caps.tuned_count = out->tuning.count;
    return caps;
}

static const char *reason_for(const vt_caps *caps, const vt_problem *problem, vt_tile *tile) {
    uint32_t row = 0;
    assert_int_equal(vt_tune(caps, &said.logger, problem, &row, tile), VATTEN_SUCCESS);
    return vt_tune_row_at(caps, row)->reason;
}

static bool is_mine(const vt_caps *caps, const vt_problem *problem) {
    vt_tile tile;
    return strcmp(reason_for(caps, problem, &tile), "mine") == 0;
}

static void assert_same(const vt_tile *a, const vt_tile *b) {
    assert_int_equal(a->layout, b->layout);
    assert_true(a->workgroup == b->workgroup && a->rows == b->rows && a->keys == b->keys &&
                a->lanes_per_row == b->lanes_per_row && a->shared_bytes == b->shared_bytes);
}

static void a_row_of_the_file_is_tried_before_the_table(void **state) {
    (void)state;
    tuned out;
    vt_tile tile;
    const vt_problem problem = problem_of(64);
    const vt_caps caps = with_rows(unit_caps_desktop(), ROW " # mine", &out);
    assert_string_equal(reason_for(&caps, &problem, &tile), "mine");
    assert_int_equal(tile.layout, VATTEN_LAYOUT_SHARED);
    assert_true(tile.workgroup == 64 && tile.rows == 32 && tile.keys == 16 && tile.lanes_per_row == 4);
}

static void a_row_that_does_not_fit_falls_through(void **state) {
    (void)state;
    tuned out;
    const vt_problem problem = problem_of(64);
    const vt_caps bare = unit_caps_desktop();
    vt_tile normal, tile;
    const char *reason = reason_for(&bare, &problem, &normal);
    static const char *const misfits[] = {
        "row layout=shared tile=2048,32,16,4", "row layout=shared tile=64,512,16,4",
        "row layout=subgroup tile=64,4,64,64", "row layout=rows tile=64,64,2,1",
        "row layout=stream tile=32,4,32,32",   "row layout=matrix tile=128,64,32,8",
    };
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; ++i) {
        const vt_caps caps = with_rows(bare, misfits[i], &out);
        assert_string_equal(reason_for(&caps, &problem, &tile), reason);
        assert_same(&tile, &normal);
    }
}

static void each_condition_is_asked(void **state) {
    (void)state;
    tuned out;
    vt_problem problem = problem_of(64);
    static const struct {
        const char *row;
        bool mine;
    } cases[] = {
        {ROW " dim=64 # mine", true},           {ROW " dim=1..63 # mine", false},
        {ROW " dim=65.. # mine", false},        {ROW " dtype=f32,f16 # mine", true},
        {ROW " dtype=bf16 # mine", false},      {ROW " task=attention # mine", true},
        {ROW " task=mass,lists # mine", false}, {ROW " task=neighborhood # mine", false},
        {ROW " rows=17.. # mine", true},        {ROW " rows=1..16 # mine", false},
        {ROW " when=asked # mine", false},      {ROW " percent=100 # mine", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        const vt_caps caps = with_rows(unit_caps_desktop(), cases[i].row, &out);
        assert_true(is_mine(&caps, &problem) == cases[i].mine);
    }
    vt_caps caps = with_rows(unit_caps_desktop(), ROW " when=asked # mine", &out);
    problem.tile.layout = VATTEN_LAYOUT_SHARED;
    assert_true(is_mine(&caps, &problem));
    problem.tile.layout = VATTEN_LAYOUT_SUBGROUP;
    assert_false(is_mine(&caps, &problem));
}

static void rows_are_those_that_a_problem_fills(void **state) {
    (void)state;
    tuned out;
    vt_problem problem = problem_of(64);
    problem.rules = (vt_rules){.used = true, .sequences = 1, .tile_heads = 4};
    const vt_caps few = with_rows(unit_caps_desktop(), ROW " rows=5..16 # mine", &out);
    for (uint64_t q = 1; q <= 6; ++q) {
        problem.q_len = q;
        assert_true(is_mine(&few, &problem) == (q >= 2 && q <= 4));
    }
}

static void the_search_goes_on_in_the_table(void **state) {
    (void)state;
    tuned out;
    const vt_problem problem = problem_of(64);
    const vt_caps bare = unit_caps_desktop();
    const vt_caps caps = with_rows(bare, ROW " # mine\n" ROW " # mine too", &out);
    uint32_t row = 0, own = 0, plain = 0;
    vt_tile tile, other;
    assert_int_equal(vt_tune(&caps, NULL, &problem, &row, &tile), VATTEN_SUCCESS);
    assert_int_equal(row++, 0);
    assert_int_equal(vt_tune(&caps, NULL, &problem, &row, &tile), VATTEN_SUCCESS);
    assert_int_equal(row++, 1);
    for (;;) { /* from here on as without a file */
        vatten_result result = vt_tune(&caps, NULL, &problem, &row, &tile);
        assert_int_equal(vt_tune(&bare, NULL, &problem, &plain, &other), result);
        if (result != VATTEN_SUCCESS)
            break;
        assert_int_equal(row++, 2 + plain++);
        assert_same(&tile, &other);
        ++own;
    }
    assert_true(own > 3);
    assert_null(vt_tune_row_at(&caps, 2 + vt_tune_table_count));
    assert_non_null(vt_tune_row_at(&caps, 1 + vt_tune_table_count));
}

/* Sizes of a matrix row are those of the tile, not counts of subgroups. */
static void matrix_rows_are_told_in_invocations(void **state) {
    (void)state;
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX))
        skip();
    tuned out;
    vt_tile tile;
    vt_problem problem = problem_of(64);
    problem.dtype = VATTEN_DTYPE_F16;
    const vt_caps caps = with_rows(unit_caps_matrix(), "row layout=matrix tile=64,32,32,2 # mine", &out);
    assert_string_equal(reason_for(&caps, &problem, &tile), "mine");
    assert_int_equal(tile.layout, VATTEN_LAYOUT_MATRIX);
    assert_true(tile.workgroup == 64 && tile.rows == 32 && tile.keys == 32 && tile.lanes_per_row == 2);
    problem.dtype = VATTEN_DTYPE_F32; /* for which there is none */
    assert_false(is_mine(&caps, &problem));
}

/* A row that is there for windows with few pairs is taken for those only. */
static void a_share_of_pairs_is_held_against_the_table(void **state) {
    (void)state;
    tuned out;
    vatten_neighborhood_desc desc = unit_grid();
    vt_problem problem;
    desc.axis[0] = (vatten_axis){64, 5, 1, 1, false};
    desc.axis[1] = desc.axis[0];
    static const char *const rows[] = {"row layout=shared tile=64,8,16,8 task=neighborhood percent=90 # mine",
                                       "row layout=shared tile=64,8,16,8 task=neighborhood percent=1 # mine"};
    for (int i = 0; i < 2; ++i) {
        const vt_caps caps = with_rows(unit_caps_desktop(), rows[i], &out);
        assert_int_equal(vt_problem_from_neighborhood(&caps, &said.logger, &desc, &problem), VATTEN_SUCCESS);
        assert_true(is_mine(&caps, &problem) == (i == 0));
    }
}

static void every_row_of_the_table_has_a_reason(void **state) {
    (void)state;
    for (uint32_t i = 0; i < vt_tune_table_count; ++i) {
        assert_non_null(vt_tune_table[i].reason);
        assert_true(strlen(vt_tune_table[i].reason) > 10);
        assert_true(strlen(vt_tune_table[i].reason) < VT_REASON_BYTES);
    }
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_read_with_all_its_conditions),
        TEST(what_a_row_leaves_out_is_no_condition),
        TEST(ranges_may_be_single_or_open),
        TEST(ends_of_lines_blanks_and_comments_do_not_matter),
        TEST(a_name_may_hold_blanks_and_marks),
        TEST(long_reasons_end_at_a_whole_character),
        TEST(rows_of_other_devices_are_left_alone_and_told),
        TEST(a_file_may_serve_several_devices),
        TEST(no_device_takes_no_row),
        TEST(a_file_has_a_head_and_an_end),
        TEST(lines_begin_with_known_words),
        TEST(device_lines_keep_their_rules),
        TEST(row_lines_keep_their_rules),
        TEST(a_device_has_at_most_so_many_rows),
        TEST(a_file_that_is_cut_anywhere_is_refused),
        TEST(any_byte_may_be_any_other),
        TEST(no_text_is_an_error),
        TEST(a_row_of_the_file_is_tried_before_the_table),
        TEST(a_row_that_does_not_fit_falls_through),
        TEST(each_condition_is_asked),
        TEST(rows_are_those_that_a_problem_fills),
        TEST(the_search_goes_on_in_the_table),
        TEST(matrix_rows_are_told_in_invocations),
        TEST(a_share_of_pairs_is_held_against_the_table),
        TEST(every_row_of_the_table_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
