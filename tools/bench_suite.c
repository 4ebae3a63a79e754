/* SPDX-License-Identifier: MIT */
#include "bench_suite.h"

#include "bench_compare.h"
#include "bench_history.h"
#include "bench_page.h"
#include "say.h"

bool bench_suite_parse(const bench_call *call, const option_table *lines, const char *usage,
                       bench_measure *measure, tool_options *tool, int *out_status) {
    const option_table tables[] = {*lines, bench_measure_table(measure), tool_option_table(tool)};
    return tool_parse("vatten_bench", call->argc, call->argv, tables, sizeof tables / sizeof *tables, usage,
                      tool, out_status);
}

/* False when the device itself failed. */
static bool run_all(const bench_suite *suite, vatten_context *context, roof *device_roof) {
    for (size_t at = 0; at < suite->count;) {
        if (!roof_measure(device_roof))
            return false;
        at += suite->race(suite->user, context, at);
    }
    if (suite->finish != NULL)
        suite->finish(suite->user, context);
    return roof_measure(device_roof);
}

static bench_form form_of(const bench_suite *suite) {
    return suite->run->measure->csv ? BENCH_CSV : suite->tool->json ? BENCH_JSON : BENCH_MARKDOWN;
}

static void print(const bench_suite *suite) {
    bench_form form = form_of(suite);
    if (form == BENCH_MARKDOWN) {
        bench_print_device(suite->run->context);
        bench_print_roof(suite->run->roof);
    }
    suite->print(suite->user, form);
}

/* As who reads its JSON gets it: cJSON writes 15 digits where these are near enough, which can round to others in a table. */
static cJSON *as_read(const cJSON *document) {
    char *text = cJSON_PrintUnformatted(document);
    cJSON *copy = cJSON_Parse(text);
    cJSON_free(text);
    return copy;
}

/* The page is written anew after each suite, so that what was measured stays when a later one fails. */
static bool write_page(const bench_suite *suite, const cJSON *document) {
    cJSON *copy = as_read(document);
    return cJSON_AddItemToArray(suite->call->runs, copy) &&
           bench_page_write(suite->run->measure->html, suite->call->runs);
}

/* Takes the document. */
static bool report(const bench_suite *suite, cJSON *document) {
    const bench_measure *measure = suite->run->measure;
    bool json = form_of(suite) == BENCH_JSON, good = true;
    if (!json)
        print(suite);
    cJSON *comparison = NULL;
    if (measure->compare != NULL) /* before the run is kept: with what stood there, were it the same file */
        good = bench_compare_with(measure->compare, measure->threshold, document, &comparison);
    if (measure->history != NULL)
        good = bench_history_append(measure->history, document) && good;
    if (comparison != NULL && !json)
        bench_compare_print(comparison);
    if (comparison != NULL)
        cJSON_AddItemToObject(document, "comparison", comparison);
    if (measure->html != NULL)
        good = write_page(suite, document) && good;
    if (json)
        return tool_json_print(document, false) && good;
    cJSON_Delete(document);
    return say_flush() && good;
}

static bool finish(const bench_suite *suite, vatten_context *context, const bench_vk *vk, roof *device_roof) {
    suite->run->context = context;
    suite->run->vk = vk;
    suite->run->roof = device_roof;
    if (!run_all(suite, context, device_roof))
        return false;
    cJSON *document = bench_json_document(suite->name, suite->call->text, context, device_roof);
    suite->add(suite->user, document);
    bool good = report(suite, document) && !tool_found_invalid(context);
    for (size_t i = 0; good && i < suite->count; ++i)
        good = suite->passes(suite->user, i);
    return good;
}

int bench_suite_run(const bench_suite *suite) {
    vatten_context *context = NULL;
    roof *device_roof = NULL;
    bench_vk vk;
    const char *page = suite->run->measure->html;
    if (page != NULL && !bench_page_can_write(page))
        return SAY_FAILED;
    bool good = tool_open(suite->tool, say_quiet_logger(), &context) && bench_vk_load(context, &vk) &&
                roof_create(context, &vk, &device_roof) && finish(suite, context, &vk, device_roof);
    roof_destroy(device_roof);
    vatten_context_destroy(context);
    return good ? SAY_OK : SAY_FAILED;
}
