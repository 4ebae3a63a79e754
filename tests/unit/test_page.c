/* SPDX-License-Identifier: MIT
 *
 * Pages of vatten_bench: whatever a driver calls its device stays text, and axes hold what they show.
 */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bench_page.h>
#include <html_axis.h>
#include <html_text.h>

/* What `write` puts into a file, to be freed. */
static char *written(void (*write)(FILE *out, const void *user), const void *user) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(out, user);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

/* ---- Text ---- */

static void write_text(FILE *out, const void *user) {
    html_text(out, user);
}

static void assert_text(const char *text, const char *wanted) {
    char *got = written(write_text, text);
    assert_string_equal(got, wanted);
    free(got);
}

#define UNKNOWN "\xef\xbf\xbd"

static void what_means_something_in_html_is_escaped(void **state) {
    (void)state;
    assert_text("<script>alert('x' + \"y\")</script> & more",
                "&lt;script&gt;alert(&#39;x&#39; + &quot;y&quot;)&lt;/script&gt; &amp; more");
    assert_text("&lt;", "&amp;lt;");
    assert_text("", "");
    assert_text(NULL, "");
}

static void utf8_stays_and_other_bytes_do_not(void **state) {
    (void)state;
    assert_text("\xc2\xb5s \xe2\x82\xac \xf0\x9f\x99\x82", "\xc2\xb5s \xe2\x82\xac \xf0\x9f\x99\x82");
    assert_text("\xff", UNKNOWN);
    assert_text("a\xe2\x82", "a" UNKNOWN UNKNOWN);                    /* cut off */
    assert_text("\xc0\xbc", UNKNOWN UNKNOWN);                         /* a long form of < */
    assert_text("\xed\xa0\x80", UNKNOWN UNKNOWN UNKNOWN);             /* half of a surrogate pair */
    assert_text("\xf4\x90\x80\x80", UNKNOWN UNKNOWN UNKNOWN UNKNOWN); /* beyond the last */
    assert_text("\xe2<\x82", UNKNOWN "&lt;" UNKNOWN);                 /* what is swallowed by nobody */
}

static void controls_are_shown_as_unknown(void **state) {
    (void)state;
    assert_text("a\x01\x1b[0m\x7f\tb\n", "a" UNKNOWN UNKNOWN "[0m" UNKNOWN "\tb\n");
    assert_text("\xc2\x85\xc2\x9f\xc2\xa0", UNKNOWN UNKNOWN "\xc2\xa0");
}

static void write_cut(FILE *out, const void *user) {
    html_text_cut(out, user, 3);
}

static void a_cut_counts_characters(void **state) {
    (void)state;
    static const char *const texts[][2] = {
        {"abc", "abc"},
        {"abcd", "abc\xe2\x80\xa6"},
        {"<<<<", "&lt;&lt;&lt;\xe2\x80\xa6"},
        {"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        char *got = written(write_cut, texts[i][0]);
        assert_string_equal(got, texts[i][1]);
        free(got);
    }
}

/* ---- Axes ---- */

static void assert_axis(const html_axis *axis, double low, double high) {
    double ticks[HTML_TICKS];
    size_t count = html_axis_ticks(axis, ticks);
    assert_true(axis->low <= low * (1.0 + 1e-9) && axis->high >= high * (1.0 - 1e-9));
    assert_in_range(count, 2, HTML_TICKS);
    for (size_t i = 0; i < count; ++i) {
        assert_true(isfinite(ticks[i]) && (i == 0 || ticks[i] > ticks[i - 1]));
        assert_true(ticks[i] >= axis->low * (1.0 - 1e-6) && ticks[i] <= axis->high * (1.0 + 1e-6));
    }
    assert_true(fabs(html_axis_at(axis, axis->low) - axis->from) < 1e-9);
    assert_true(fabs(html_axis_at(axis, axis->high) - axis->to) < 1e-9);
}

static void axes_hold_their_values_and_round_ticks(void **state) {
    (void)state;
    for (double low = 1e-9; low < 1e12; low *= 1.37)
        for (double wide = 1.0; wide < 1e30; wide *= 7.1) {
            html_axis axis = html_axis_logarithmic(low, low * wide, 100.0, 500.0);
            assert_axis(&axis, low, low * wide);
        }
    for (double high = 1e-9; high < 1e12; high *= 1.37) {
        html_axis axis = html_axis_linear(high, 10.0, 20.0);
        assert_axis(&axis, 0.0, high);
    }
}

static void an_axis_of_nothing_is_one(void **state) {
    (void)state;
    html_axis axis = html_axis_linear(0.0, 10.0, 20.0);
    assert_axis(&axis, 0.0, 1.0);
}

static void ticks_are_where_hands_would_put_them(void **state) {
    (void)state;
    double ticks[HTML_TICKS];
    html_axis axis = html_axis_logarithmic(0.3, 7.0, 0.0, 1.0);
    assert_int_equal(html_axis_ticks(&axis, ticks), 6); /* 0.2, 0.5, 1, 2, 5, 10 */
    assert_true(fabs(ticks[0] - 0.2) < 1e-12 && fabs(ticks[5] - 10.0) < 1e-9);
    assert_true(fabs(html_axis_at(&axis, sqrt(0.2 * 10.0)) - 0.5) < 1e-9);
    axis = html_axis_linear(0.9, 0.0, 1.0);
    assert_int_equal(html_axis_ticks(&axis, ticks), 6); /* 0, 0.2, ..., 1 */
    assert_true(fabs(ticks[1] - 0.2) < 1e-12);
}

/* ---- Pages ---- */

static void write_page(FILE *out, const void *user) {
    bench_page_print(out, user);
}

static char *page_of(const char *json) {
    cJSON *runs = cJSON_Parse(json);
    assert_non_null(runs);
    char *page = written(write_page, runs);
    cJSON_Delete(runs);
    return page;
}

/* The name stands in every place that a text can come to: no part of it may open anything. */
static void a_hostile_name_opens_nothing(void **state) {
    (void)state;
#define EVIL "</pre></title><img src=x onerror=alert(1)>'\\\""
    char *page = page_of(
        "[{\"device\":\"" EVIL "\",\"driver\":\"" EVIL "\",\"suite\":\"" EVIL "\",\"command\":\"" EVIL
        "\",\"date\":\"" EVIL "\",\"version\":\"" EVIL "\",\"limits\":{\"" EVIL "\":\"" EVIL
        "\"},\"quirks\":[{\"" EVIL "\":\"" EVIL "\"}],\"matrix_absent\":\"" EVIL
        "\",\"copy_gbs\":{\"median\":9,\"min\":8,\"max\":10,\"by\":\"" EVIL
        "\"},\"rows\":[{\"problem\":\"" EVIL "\",\"status\":\"" EVIL "\",\"reason\":\"" EVIL
        "\",\"kernel\":\"" EVIL "\",\"method\":\"" EVIL "\",\"tokens\":64,\"tile\":{\"layout\":\"" EVIL
        "\",\"workgroup\":1,\"lanes_per_row\":1},\"ms\":1,\"of_copy_roof\":0.5,\"speedup\":2,\"gflops\":3,"
        "\"flops\":10,\"bytes\":5,\"boxes\":[{\"" EVIL "\":\"" EVIL "\"}]}],\"" EVIL "\":[{\"a\":\"" EVIL
        "\"}]}]");
    size_t names = 0;
    for (const char *at = page; (at = strstr(at, "onerror=alert(1)")) != NULL; ++at) {
        ++names;
        assert_memory_equal(at - strlen("&lt;img src=x "), "&lt;img src=x ", strlen("&lt;img src=x "));
        assert_memory_equal(at + strlen("onerror=alert(1)"), "&gt;&#39;", strlen("&gt;&#39;"));
    }
    assert_in_range(names, 40, 200);
    assert_null(strstr(page, "<img"));
    free(page);
}

static void what_is_missing_is_no_reason_to_fail(void **state) {
    (void)state;
    static const char *const documents[] = {
        "[]",
        "[{}]",
        "[{\"rows\":[]}]",
        "[{\"device\":7,\"rows\":[{}]}]",
        "[{\"rows\":[1,\"a\",null,[],{\"ms\":-1}]}]",
        ("[{\"rows\":[{\"problem\":\"p\",\"ms\":1e308,\"ms_min\":1e-308,\"ms_max\":1e308,\"of_fma_roof\":"
         "1e300}]}]"),
        "[{\"limits\":[],\"quirks\":{},\"comparison\":1,\"rows\":{\"a\":{\"boxes\":3}}}]"};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; ++i) {
        char *page = page_of(documents[i]);
        assert_non_null(strstr(page, "</html>"));
        assert_null(strstr(page, "nan"));
        assert_null(strstr(page, "inf\""));
        free(page);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_in_html_is_escaped),
        cmocka_unit_test(utf8_stays_and_other_bytes_do_not),
        cmocka_unit_test(controls_are_shown_as_unknown),
        cmocka_unit_test(a_cut_counts_characters),
        cmocka_unit_test(axes_hold_their_values_and_round_ticks),
        cmocka_unit_test(an_axis_of_nothing_is_one),
        cmocka_unit_test(ticks_are_where_hands_would_put_them),
        cmocka_unit_test(a_hostile_name_opens_nothing),
        cmocka_unit_test(what_is_missing_is_no_reason_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
