/* SPDX-License-Identifier: MIT */
#include "html_plot.h"

#include <math.h>

#include "html_axis.h"
#include "html_text.h"

/* Units of the picture; the page scales it to its width. */
enum {
    WIDTH = 960,
    LABELS = 400,      /* left of bars and dots */
    RIGHT = 60,        /* right of them, for the text beside the longest */
    LINE = 19,         /* height of a line */
    HEAD = 30,         /* above: the legend */
    FOOT = 40,         /* below: ticks and the axis' title */
    LEFT = 80,         /* left of points */
    HEIGHT = 420,      /* of points */
    LABEL_LETTERS = 60 /* what LABELS holds */
};

/* ---- Pieces ---- */

static void begin(FILE *out, const html_chart *chart, double height) {
    fputs("<figure><figcaption>", out);
    html_text(out, chart->title);
    fprintf(out, "</figcaption><svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"", WIDTH, height);
    html_text(out, chart->title);
    fputs("\">\n", out);
}

static void end(FILE *out) {
    fputs("</svg></figure>\n", out);
}

static void put_text(FILE *out, double x, double y, const char *class, const char *text, size_t most) {
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    html_text_cut(out, text, most);
    fputs("</text>\n", out);
}

static void put_line(FILE *out, const char *class, double x0, double y0, double x1, double y1) {
    fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x0, y0, x1,
            y1);
}

static void put_tip(FILE *out, const char *tip) {
    if (tip == NULL)
        return;
    fputs("<title>", out);
    html_text(out, tip);
    fputs("</title>", out);
}

static void put_legend(FILE *out, const html_legend *legend, double x) {
    for (unsigned c = 0; c < HTML_COLOURS; ++c) {
        if (legend->names[c] == NULL)
            continue;
        fprintf(out, "<circle class=\"s%u\" cx=\"%.1f\" cy=\"12\" r=\"5\"/>\n", c, x);
        put_text(out, x + 10, 16, "ink", legend->names[c], 40);
        size_t letters = 0;
        while (letters < 40 && legend->names[c][letters] != '\0')
            ++letters;
        x += 34 + 6.6 * (double)letters;
    }
}

static void put_tick(FILE *out, const char *class, double x, double y, double value) {
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%.6g</text>\n", class, x, y, value);
}

/* The axis along x at the height `y`, with a grid up to `top`. */
static void put_x_axis(FILE *out, const html_axis *axis, const char *title, double top, double y) {
    double ticks[HTML_TICKS];
    size_t count = html_axis_ticks(axis, ticks);
    for (size_t i = 0; i < count; ++i) {
        double x = html_axis_at(axis, ticks[i]);
        put_line(out, "grid", x, top, x, y);
        put_tick(out, "tick middle", x, y + 15, ticks[i]);
    }
    put_text(out, 0.5 * (axis->from + axis->to), y + 32, "tick middle", title, 80);
}

static void put_y_axis(FILE *out, const html_axis *axis, const char *title, double left, double right) {
    double ticks[HTML_TICKS];
    size_t count = html_axis_ticks(axis, ticks);
    for (size_t i = 0; i < count; ++i) {
        double y = html_axis_at(axis, ticks[i]);
        put_line(out, "grid", left, y, right, y);
        put_tick(out, "tick end", left - 6, y + 4, ticks[i]);
    }
    put_text(out, 4, HEAD - 14, "tick", title, 40);
}

static void put_labels(FILE *out, const html_chart *chart) {
    for (size_t i = 0; i < chart->line_count; ++i)
        put_text(out, LABELS - 8, HEAD + LINE * ((double)i + 0.72), "ink end", chart->lines[i],
                 LABEL_LETTERS);
}

static double middle_of(const html_mark *mark) {
    return HEAD + LINE * ((double)mark->line + 0.5);
}

/* ---- Bars ---- */

static void put_bar(FILE *out, const html_axis *axis, const html_mark *mark) {
    double y = middle_of(mark), x = html_axis_at(axis, mark->value);
    fprintf(out, "<rect class=\"s%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
            mark->colour % HTML_COLOURS, axis->from, y - 0.35 * LINE, x - axis->from, 0.7 * LINE);
    put_tip(out, mark->tip);
    fputs("</rect>\n", out);
    if (mark->text != NULL)
        put_text(out, x + 5, y + 4, "ink", mark->text, 24);
}

void html_bars(FILE *out, const html_chart *chart) {
    double most = chart->limit, bottom = HEAD + LINE * (double)chart->line_count;
    for (size_t i = 0; i < chart->mark_count; ++i)
        most = fmax(most, chart->marks[i].value);
    html_axis axis = html_axis_linear(most, LABELS, WIDTH - RIGHT);
    begin(out, chart, bottom + FOOT);
    put_legend(out, &chart->legend, LABELS + 6);
    put_x_axis(out, &axis, chart->x_title, HEAD, bottom);
    put_labels(out, chart);
    for (size_t i = 0; i < chart->mark_count; ++i)
        put_bar(out, &axis, &chart->marks[i]);
    if (chart->limit > 0.0)
        put_line(out, "limit", html_axis_at(&axis, chart->limit), HEAD, html_axis_at(&axis, chart->limit),
                 bottom);
    end(out);
}

/* ---- Dots ---- */

static bool has_spread(const html_mark *mark) {
    return mark->low > 0.0 && mark->high > 0.0;
}

static void put_circle(FILE *out, const html_mark *mark, double x, double y) {
    fprintf(out, "<circle class=\"s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\">", mark->colour % HTML_COLOURS, x, y);
    put_tip(out, mark->tip);
    fputs("</circle>\n", out);
}

static void put_dot(FILE *out, const html_axis *axis, const html_mark *mark) {
    double y = middle_of(mark);
    if (has_spread(mark))
        put_line(out, "spread", html_axis_at(axis, mark->low), y, html_axis_at(axis, mark->high), y);
    put_circle(out, mark, html_axis_at(axis, mark->value), y);
}

void html_dots(FILE *out, const html_chart *chart) {
    double low = INFINITY, high = 0.0, bottom = HEAD + LINE * (double)chart->line_count;
    for (size_t i = 0; i < chart->mark_count; ++i) {
        const html_mark *mark = &chart->marks[i];
        if (mark->value <= 0.0)
            continue;
        low = fmin(low, has_spread(mark) ? fmin(mark->low, mark->value) : mark->value);
        high = fmax(high, has_spread(mark) ? fmax(mark->high, mark->value) : mark->value);
    }
    if (high <= 0.0)
        return;
    html_axis axis = html_axis_logarithmic(low, high, LABELS + 10, WIDTH - RIGHT);
    begin(out, chart, bottom + FOOT);
    put_legend(out, &chart->legend, LABELS + 16);
    put_x_axis(out, &axis, chart->x_title, HEAD, bottom);
    put_labels(out, chart);
    for (size_t i = 0; i < chart->mark_count; ++i)
        if (chart->marks[i].value > 0.0)
            put_dot(out, &axis, &chart->marks[i]);
    end(out);
}

/* ---- Points ---- */

static bool is_shown(const html_mark *mark) {
    return mark->value > 0.0 && mark->height > 0.0;
}

static void widen(double *low, double *high, double value) {
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* False when there is nothing to show. */
static bool make_axes(const html_chart *chart, html_axis *x, html_axis *y) {
    double low_x = INFINITY, high_x = 0.0, low_y = INFINITY, high_y = 0.0;
    for (size_t i = 0; i < chart->mark_count; ++i) {
        if (!is_shown(&chart->marks[i]))
            continue;
        widen(&low_x, &high_x, chart->marks[i].value);
        widen(&low_y, &high_y, chart->marks[i].height);
    }
    for (size_t i = 0; i < chart->guide_count; ++i)
        for (size_t end_of = 0; end_of < 4; end_of += 2) {
            widen(&low_x, &high_x, chart->guides[i][end_of]);
            widen(&low_y, &high_y, chart->guides[i][end_of + 1]);
        }
    if (high_x <= 0.0 || high_y <= 0.0)
        return false;
    *x = html_axis_logarithmic(low_x, high_x, LEFT, WIDTH - 30);
    *y = html_axis_logarithmic(low_y, high_y, HEIGHT - FOOT, HEAD);
    return true;
}

/* Joins the points of a colour. */
static void put_path(FILE *out, const html_chart *chart, const html_axis *x, const html_axis *y,
                     unsigned colour) {
    const char *lead = "M";
    for (size_t i = 0; i < chart->mark_count; ++i) {
        const html_mark *mark = &chart->marks[i];
        if (mark->colour != colour || !is_shown(mark))
            continue;
        if (lead[0] == 'M')
            fprintf(out, "<path class=\"path p%u\" d=\"", colour % HTML_COLOURS);
        fprintf(out, "%s%.1f %.1f", lead, html_axis_at(x, mark->value), html_axis_at(y, mark->height));
        lead = "L";
    }
    if (lead[0] == 'L')
        fputs("\"/>\n", out);
}

void html_points(FILE *out, const html_chart *chart) {
    html_axis x, y;
    if (!make_axes(chart, &x, &y))
        return;
    begin(out, chart, HEIGHT);
    put_legend(out, &chart->legend, LEFT + 120);
    put_x_axis(out, &x, chart->x_title, HEAD, HEIGHT - FOOT);
    put_y_axis(out, &y, chart->y_title, LEFT, WIDTH - 30);
    for (size_t i = 0; i < chart->guide_count; ++i) {
        const double *guide = chart->guides[i];
        put_line(out, "limit", html_axis_at(&x, guide[0]), html_axis_at(&y, guide[1]),
                 html_axis_at(&x, guide[2]), html_axis_at(&y, guide[3]));
    }
    for (unsigned c = 0; chart->joined && c < HTML_COLOURS; ++c)
        put_path(out, chart, &x, &y, c);
    for (size_t i = 0; i < chart->mark_count; ++i) {
        const html_mark *mark = &chart->marks[i];
        if (is_shown(mark))
            put_circle(out, mark, html_axis_at(&x, mark->value), html_axis_at(&y, mark->height));
    }
    end(out);
}
