/* SPDX-License-Identifier: MIT */
#include "bench_page.h"

#include <string.h>

#include "bench_json.h"
#include "html_table.h"
#include "html_text.h"
#include "page_plots.h"
#include "page_style.h"

/* ---- A device ---- */

static bool same_device(const cJSON *a, const cJSON *b) {
    return strcmp(bench_text_of(a, "device"), bench_text_of(b, "device")) == 0 &&
           strcmp(bench_text_of(a, "driver"), bench_text_of(b, "driver")) == 0;
}

static bool is_new_device(const cJSON *runs, const cJSON *run) {
    const cJSON *other;
    cJSON_ArrayForEach(other, runs) {
        if (other == run)
            break;
        if (same_device(other, run))
            return false;
    }
    return true;
}

static void put_quirks(FILE *out, const cJSON *run) {
    const cJSON *quirks = cJSON_GetObjectItem(run, "quirks");
    fputs("<h3>Quirks in force</h3>\n", out);
    if (cJSON_GetArraySize(quirks) != 0) {
        fputs("<div class=\"prose\">", out);
        html_objects(out, quirks);
        fputs("</div>\n", out);
    } else {
        fputs(quirks != NULL ? "<p>None.</p>\n" : "<p>This run does not say.</p>\n", out);
    }
}

static void put_device(FILE *out, const cJSON *run) {
    const cJSON *limits = cJSON_GetObjectItem(run, "limits");
    fputs("<h2>Device: ", out);
    html_text(out, bench_text_of(run, "device"));
    fputs("</h2>\n<p>", out);
    html_text(out, bench_text_of(run, "driver"));
    fputs(cJSON_IsTrue(cJSON_GetObjectItem(run, "validation")) ? ", validation layer on</p>\n" : "</p>\n",
          out);
    if (limits != NULL) {
        static const char *const elsewhere[] = {"quirks", NULL};
        fputs("<h3>Versions, features and limits</h3>\n<div class=\"columns\">", out);
        html_members(out, limits, elsewhere);
        fputs("</div>\n", out);
    }
    put_quirks(out, run);
}

/* ---- A run ---- */

static void put_roofs(FILE *out, const cJSON *run) {
    static const struct {
        const char *name, *words, *unit;
    } roofs[] = {{"fma_gflops", "multiply-add, f32", "GFLOP/s"},
                 {"matrix_gflops", "matrices, f16", "GFLOP/s"},
                 {"copy_gbs", "copy, read and written bytes", "GB/s"}};
    fputs("<h3>Roofs measured in this run</h3>\n<table>\n<thead><tr><th scope=\"col\">roof</th>"
          "<th scope=\"col\">median (min \xe2\x80\x93 max)</th><th scope=\"col\">unit</th><th "
          "scope=\"col\">by</th></tr></thead>\n"
          "<tbody>\n",
          out);
    for (size_t i = 0; i < sizeof roofs / sizeof *roofs; ++i) {
        const cJSON *roof = cJSON_GetObjectItem(run, roofs[i].name);
        bool absent = !cJSON_IsObject(roof);
        fprintf(out, "<tr><td>%s</td><td class=\"number\">", roofs[i].words);
        if (absent)
            fputs("absent", out);
        else
            html_value(out, roof);
        fprintf(out, "</td><td>%s</td><td>", roofs[i].unit);
        html_text(out, absent ? bench_text_of(run, "matrix_absent") : bench_text_of(roof, "by"));
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

/* "12 lines: 11 RIGHT, 1 unsupported" */
static void put_counts(FILE *out, const cJSON *rows) {
    const cJSON *row, *other;
    int count = cJSON_GetArraySize(rows);
    fprintf(out, "<p>%d line%s", count, count == 1 ? "" : "s");
    const char *lead = ": ";
    cJSON_ArrayForEach(row, rows) {
        const char *status = bench_text_of(row, "status");
        int same = 0;
        bool first = true, before = true;
        cJSON_ArrayForEach(other, rows) {
            before = before && other != row;
            bool like = strcmp(bench_text_of(other, "status"), status) == 0;
            first = first && !(before && like);
            same += like ? 1 : 0;
        }
        if (!first)
            continue;
        fprintf(out, "%s%d ", lead, same);
        html_text(out, status);
        lead = ", ";
    }
    fputs("</p>\n", out);
}

static const html_column columns[] = {
    {"problem", "problem"},
    {"ms", "ms"},
    {"gflops", "GFLOP/s"},
    {"of_fma_roof", "of FMA roof"},
    {"of_matrix_roof", "of matrix roof"},
    {"gbs", "GB/s"},
    {"of_copy_roof", "of copy roof"},
    {"speedup", "speed-up"},
    {"ideal", "ideal"},
    {"bound", "bound"},
    {"of_bound", "of bound"},
    {"dense_ms", "dense ms"},
    {"forward_ms", "forward ms"},
    {"by_forward", "by forward"},
    {"by_contiguous", "by contiguous"},
    {"causal_ratio", "causal / dense"},
    {"selection_share", "selection / attention"},
    {"us_per_token", "us / token"},
    {"bytes_per_token", "bytes / token"},
    {"record_us", "record us"},
    {"plan_cold_ms", "plan cold ms"},
    {"plan_warm_ms", "plan warm ms"},
    {"first_ms", "first run ms"},
    {"first_cold_ms", "first cold ms"},
    {"first_warm_ms", "first warm ms"},
    {"kernel", "kernel"},
    {"tile", "tile"},
    {"dispatches", "dispatches"},
    {"runs", "runs"},
    {"max_error", "max error"},
    {"max_lse_error", "max LSE error"},
    {"workspace_bytes", "workspace bytes"},
    {"tile_reason", "why this tile"},
};

/* What the lines of a document hold in lines of their own: the other boxes of a neighborhood. */
static void put_inner(FILE *out, const cJSON *rows) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const cJSON *boxes = cJSON_GetObjectItem(row, "boxes");
        if (cJSON_GetArraySize(boxes) == 0)
            continue;
        fputs("<h3>Other boxes of ", out);
        html_text(out, bench_text_of(row, "problem"));
        fputs("</h3>\n", out);
        html_objects(out, boxes);
    }
}

static void put_array(FILE *out, const char *title, const cJSON *array) {
    if (!cJSON_IsArray(array) || !cJSON_IsObject(array->child))
        return;
    fputs("<h3>", out);
    html_text(out, title);
    fputs("</h3>\n", out);
    html_objects(out, array);
}

/* Tables that only some suites have: exponents, pairs of masks; and a comparison. */
static void put_others(FILE *out, const cJSON *run) {
    const cJSON *item;
    cJSON_ArrayForEach(item, run) {
        if (strcmp(item->string, "rows") != 0 && strcmp(item->string, "quirks") != 0)
            put_array(out, item->string, item);
    }
    const cJSON *comparison = cJSON_GetObjectItem(run, "comparison");
    put_array(out, "Compared with an earlier run", cJSON_GetObjectItem(comparison, "rows"));
}

static void put_run(FILE *out, const cJSON *run, size_t number) {
    const cJSON *rows = cJSON_GetObjectItem(run, "rows");
    const char *suite = bench_text_of(run, "suite");
    fprintf(out, "<h2 id=\"run%zu\">Run %zu: ", number, number);
    html_text(out, suite[0] != '\0' ? suite : "lists of its own");
    fputs("</h2>\n<p>", out);
    html_text(out, bench_text_of(run, "date"));
    fputs(", vatten ", out);
    html_text(out, bench_text_of(run, "version"));
    fputs(", on ", out);
    html_text(out, bench_text_of(run, "device"));
    fputs("</p>\n<p><code>", out);
    html_text(out, bench_text_of(run, "command"));
    fputs("</code></p>\n", out);
    put_counts(out, rows);
    put_roofs(out, run);
    page_plots(out, run);
    fputs("<h3>Lines</h3>\n", out);
    html_rows(out, rows, columns, sizeof columns / sizeof *columns, number);
    put_inner(out, rows);
    put_others(out, run);
}

/* ---- The page ---- */

/* A run a line: what stands in the element is a history that vatten_bench reads. */
static void put_json(FILE *out, const cJSON *runs) {
    const cJSON *run;
    fputs("<h2>The runs as JSON</h2>\n<details><summary>JSON Lines, as --history keeps them: everything "
          "above, and what has no "
          "column there</summary>\n<pre id=\"runs\">",
          out);
    cJSON_ArrayForEach(run, runs) {
        char *text = cJSON_PrintUnformatted(run);
        html_text(out, text);
        fputc('\n', out);
        cJSON_free(text);
    }
    fputs("</pre></details>\n", out);
}

void bench_page_print(FILE *out, const cJSON *runs) {
    const cJSON *run, *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    size_t number = 0;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>vatten_bench: ",
          out);
    html_text(out, bench_text_of(last, "device"));
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>vatten_bench</h1>\n",
            page_style);
    fputs("<p>Times are GPU medians. GFLOP/s count visible pairs only, GB/s every input read and output "
          "written once. Parts "
          "of roofs are by the roofs of the same run. Every line was held against a double-precision oracle "
          "before it was "
          "timed; one that is not RIGHT says why.</p>\n",
          out);
    cJSON_ArrayForEach(run, runs) {
        if (is_new_device(runs, run))
            put_device(out, run);
    }
    cJSON_ArrayForEach(run, runs) {
        put_run(out, run, ++number);
    }
    put_json(out, runs);
    fputs("</main>\n</body>\n</html>\n", out);
}
