/* SPDX-License-Identifier: MIT */
#include "page_plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_json.h"
#include "html_plot.h"

enum { LABEL = 192, TIP = 256, SERIES = 6 };

/* Room for the marks and lines of a chart: a row is at most one line with SERIES marks. */
typedef struct canvas {
    const cJSON *run;
    char (*labels)[LABEL];
    const char **lines;
    char (*tips)[TIP];
    char (*texts)[16];
    html_mark *marks;
    size_t line_count, mark_count, rows;
} canvas;

static void canvas_free(canvas *c) {
    free(c->labels);
    free(c->lines);
    free(c->tips);
    free(c->texts);
    free(c->marks);
}

static bool canvas_make(canvas *c, const cJSON *run) {
    size_t rows = (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(run, "rows")) + 1;
    memset(c, 0, sizeof *c);
    c->run = run;
    c->rows = rows;
    c->labels = calloc(rows, sizeof *c->labels);
    c->lines = calloc(rows, sizeof *c->lines);
    c->tips = calloc(rows * SERIES, sizeof *c->tips);
    c->texts = calloc(rows * SERIES, sizeof *c->texts);
    c->marks = calloc(rows * SERIES, sizeof *c->marks);
    return c->labels != NULL && c->lines != NULL && c->tips != NULL && c->texts != NULL && c->marks != NULL;
}

static void canvas_clear(canvas *c) {
    c->line_count = c->mark_count = 0;
}

static const cJSON *rows_of(const canvas *c) {
    return cJSON_GetObjectItem(c->run, "rows");
}

static void add_line(canvas *c, const cJSON *row, size_t number) {
    snprintf(c->labels[c->line_count], LABEL, "%zu  %.170s", number, bench_text_of(row, "problem"));
    c->lines[c->line_count] = c->labels[c->line_count];
    ++c->line_count;
}

/* A mark of the last line; its tip is written by the caller. */
static html_mark *add_mark(canvas *c, unsigned colour, double value) {
    html_mark *mark = &c->marks[c->mark_count];
    memset(mark, 0, sizeof *mark);
    mark->line = c->line_count - (c->line_count != 0 ? 1 : 0);
    mark->colour = colour;
    mark->value = value;
    mark->tip = c->tips[c->mark_count++];
    return mark;
}

static void show_value(canvas *c, html_mark *mark, const char *format, double value) {
    char *text = c->texts[mark - c->marks];
    snprintf(text, sizeof *c->texts, format, value); /* NOLINT: formats are literals of this file */
    mark->text = text;
}

static html_chart chart_of(const canvas *c, const char *title, const char *x_title) {
    html_chart chart = {.title = title,
                        .x_title = x_title,
                        .lines = c->lines,
                        .line_count = c->line_count,
                        .marks = c->marks,
                        .mark_count = c->mark_count};
    return chart;
}

/* ---- Parts of roofs ---- */

static const struct {
    const char *name, *words;
} roofs[] = {{"fma_gflops", "of the multiply-add roof"},
             {"copy_gbs", "of the copy roof"},
             {"matrix_gflops", "of the matrix roof"}};

static unsigned roof_number(const cJSON *row) {
    unsigned n = 0;
    while (n < 2 && strcmp(roofs[n].name, bench_roof_of(row)) != 0)
        ++n;
    return n;
}

static void plot_roofs(FILE *out, canvas *c) {
    const cJSON *row;
    size_t number = 0;
    html_legend legend = {{NULL}};
    canvas_clear(c);
    cJSON_ArrayForEach(row, rows_of(c)) {
        double part = bench_part_of_roof(row);
        ++number;
        if (part <= 0.0)
            continue;
        unsigned roof = roof_number(row);
        add_line(c, row, number);
        html_mark *mark = add_mark(c, roof, part);
        show_value(c, mark, "%.3f", part);
        snprintf(c->tips[c->mark_count - 1], TIP, "%.160s: %.3f %s", bench_text_of(row, "kernel"), part,
                 roofs[roof].words);
        legend.names[roof] = roofs[roof].words;
    }
    html_chart chart = chart_of(c, "What part of its roof each line reaches",
                                "part of the roof of this run that the line is nearer to");
    chart.legend = legend;
    chart.limit = 1.0;
    if (c->line_count != 0)
        html_bars(out, &chart);
}

/* ---- The roofline ---- */

static double roof_of(const canvas *c, const char *name) {
    return bench_number_of(cJSON_GetObjectItem(c->run, name), "median");
}

/* From the left end along the copy's slope, then level: multiply-add, and matrices where there are some. */
static size_t make_guides(const canvas *c, double left, double right, double guides[4][4]) {
    double copy = roof_of(c, "copy_gbs");
    const double level[2] = {roof_of(c, "fma_gflops"), roof_of(c, "matrix_gflops")};
    size_t count = 0;
    for (size_t i = 0; i < 2 && copy > 0.0; ++i) {
        double corner = level[i] / copy;
        if (level[i] <= 0.0)
            continue;
        double from = fmin(left, 0.5 * corner), to = fmax(right, 2.0 * corner);
        const double slope[4] = {from, from * copy, corner, level[i]},
                     top[4] = {corner, level[i], to, level[i]};
        memcpy(guides[count++], slope, sizeof slope);
        memcpy(guides[count++], top, sizeof top);
    }
    return count;
}

static void plot_roofline(FILE *out, canvas *c) {
    const cJSON *row;
    double guides[4][4], left = INFINITY, right = 0.0;
    size_t number = 0;
    canvas_clear(c);
    cJSON_ArrayForEach(row, rows_of(c)) {
        double flops = bench_number_of(row, "flops"), bytes = bench_number_of(row, "bytes");
        double rate = bench_number_of(row, "gflops");
        ++number;
        if (flops <= 0.0 || bytes <= 0.0 || rate <= 0.0)
            continue;
        html_mark *mark = add_mark(c, roof_number(row), flops / bytes);
        mark->height = rate;
        left = fmin(left, flops / bytes);
        right = fmax(right, flops / bytes);
        snprintf(c->tips[c->mark_count - 1], TIP, "%zu  %.150s: %.4g FLOP/byte, %.4g GFLOP/s", number,
                 bench_text_of(row, "problem"), flops / bytes, rate);
    }
    if (c->mark_count == 0)
        return;
    html_chart chart = chart_of(c, "Roofline: speed against arithmetic for each byte",
                                "FLOP per byte of inputs read once and outputs written once");
    chart.y_title = "GFLOP/s";
    chart.guides = (const double(*)[4])guides;
    chart.guide_count = make_guides(c, left, right, guides);
    html_points(out, &chart);
}

/* ---- Times ---- */

typedef struct series {
    const char *name, *words;
} series;

static void add_times(canvas *c, const cJSON *row, size_t number, const series *of, html_legend *legend) {
    bool line = false;
    for (unsigned s = 0; s < SERIES && of[s].name != NULL; ++s) {
        bench_timing timing;
        bool spread = bench_timing_of(row, of[s].name, &timing);
        double value = bench_number_of(row, of[s].name);
        if (value <= 0.0)
            continue;
        if (!line)
            add_line(c, row, number);
        line = true;
        html_mark *mark = add_mark(c, s, value);
        mark->low = spread ? timing.min : 0.0;
        mark->high = spread ? timing.max : 0.0;
        snprintf(c->tips[c->mark_count - 1], TIP, "%s: %.4g ms", of[s].words, value);
        legend->names[s] = of[s].words;
    }
}

/* Returns how many lines there are. */
static size_t plot_times_of(FILE *out, canvas *c, const series *of, const char *title) {
    const cJSON *row;
    size_t number = 0;
    html_legend legend = {{NULL}};
    canvas_clear(c);
    cJSON_ArrayForEach(row, rows_of(c)) {
        add_times(c, row, ++number, of, &legend);
    }
    html_chart chart = chart_of(c, title, "ms, median and spread");
    chart.legend = legend;
    if (c->line_count != 0)
        html_dots(out, &chart);
    return c->line_count;
}

static void plot_times(FILE *out, canvas *c) {
    static const series gpu[SERIES] = {{"ms", "this line"},
                                       {"dense_ms", "dense attention"},
                                       {"forward_ms", "forward attention"},
                                       {"attention_ms", "attention alone"},
                                       {"select_ms", "selection"}};
    static const series cpu[SERIES] = {{"plan_cold_ms", "plan, cold"},
                                       {"plan_warm_ms", "plan, warm"},
                                       {"first_cold_ms", "first run, cold"},
                                       {"first_warm_ms", "first run, warm"}};
    if (plot_times_of(out, c, gpu, "Times") == 0)
        plot_times_of(out, c, cpu, "Times of the CPU");
}

/* ---- Against dense attention ---- */

static void plot_speedups(FILE *out, canvas *c) {
    const cJSON *row;
    size_t number = 0;
    canvas_clear(c);
    cJSON_ArrayForEach(row, rows_of(c)) {
        double speedup = bench_number_of(row, "speedup");
        ++number;
        if (speedup <= 0.0)
            continue;
        add_line(c, row, number);
        html_mark *mark = add_mark(c, 3, speedup);
        show_value(c, mark, "%.2f", speedup);
        snprintf(c->tips[c->mark_count - 1], TIP, "%.2f times as fast; the bound is %.2f", speedup,
                 bench_number_of(row, "bound"));
    }
    html_chart chart = chart_of(c, "Against dense attention over the same tokens", "times as fast");
    chart.limit = 1.0;
    if (c->line_count != 0)
        html_bars(out, &chart);
}

/* ---- Against tokens ---- */

/* The number of a method: the order in which they come. Methods beyond the colours share the last. */
static unsigned method_number(html_legend *legend, const char *method) {
    for (unsigned n = 0; n < HTML_COLOURS; ++n) {
        if (legend->names[n] == NULL)
            legend->names[n] = method;
        if (strcmp(legend->names[n], method) == 0)
            return n;
    }
    return HTML_COLOURS - 1;
}

static void plot_tokens(FILE *out, canvas *c) {
    const cJSON *row;
    html_legend legend = {{NULL}};
    canvas_clear(c);
    cJSON_ArrayForEach(row, rows_of(c)) {
        const char *method = bench_text_of(row, "method");
        double tokens = bench_number_of(row, "tokens"), ms = bench_number_of(row, "ms");
        if (method[0] == '\0' || tokens <= 0.0 || ms <= 0.0)
            continue;
        html_mark *mark = add_mark(c, method_number(&legend, method), tokens);
        mark->height = ms;
        snprintf(c->tips[c->mark_count - 1], TIP, "%.60s, %.0f tokens: %.4g ms", method, tokens, ms);
    }
    html_chart chart = chart_of(c, "Time against tokens", "tokens");
    chart.y_title = "ms";
    chart.legend = legend;
    chart.joined = true;
    if (c->mark_count != 0)
        html_points(out, &chart);
}

void page_plots(FILE *out, const cJSON *run) {
    canvas c;
    if (canvas_make(&c, run)) {
        plot_roofs(out, &c);
        plot_roofline(out, &c);
        plot_times(out, &c);
        plot_speedups(out, &c);
        plot_tokens(out, &c);
    }
    canvas_free(&c);
}
