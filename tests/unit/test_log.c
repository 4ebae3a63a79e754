/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "log.h"

static void the_label_stands_in_front(void **state) {
    (void)state;
    unit_log log;
    unit_log_start(&log);
    vt_log(&log.logger, VATTEN_LOG_WARN, "layer 3", "heads %d", 7);
    assert_string_equal(log.text, "layer 3: heads 7");
    assert_int_equal(log.level, VATTEN_LOG_WARN);
    assert_int_equal(log.count, 1);
}

static void no_label_leaves_the_message_alone(void **state) {
    (void)state;
    unit_log log;
    unit_log_start(&log);
    vt_log(&log.logger, VATTEN_LOG_INFO, NULL, "plain");
    assert_string_equal(log.text, "plain");
    vt_log(&log.logger, VATTEN_LOG_INFO, "", "plain too");
    assert_string_equal(log.text, "plain too");
}

static void long_messages_are_cut_at_511_bytes(void **state) {
    (void)state;
    char text[701];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    unit_log log;
    unit_log_start(&log);
    vt_log(&log.logger, VATTEN_LOG_ERROR, "label", "%s", text);
    assert_int_equal(strlen(log.text), 511);
    assert_int_equal(strncmp(log.text, "label: xxx", 10), 0);
}

static void without_a_writer_nothing_is_said(void **state) {
    (void)state;
    const vatten_logger empty = {0};
    vt_log(NULL, VATTEN_LOG_ERROR, "label", "%d", 1);
    vt_log(&empty, VATTEN_LOG_ERROR, "label", "%d", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_label_stands_in_front),
        cmocka_unit_test(no_label_leaves_the_message_alone),
        cmocka_unit_test(long_messages_are_cut_at_511_bytes),
        cmocka_unit_test(without_a_writer_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
