/* SPDX-License-Identifier: MIT
 *
 * Plots as SVG inside a page of HTML. Colours are classes ("s0" to "s5") that the page's style knows, so that they follow light
 * and dark; whatever text comes in is escaped here.
 */
#ifndef TOOLS_HTML_PLOT_H
#define TOOLS_HTML_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { HTML_COLOURS = 6 };

/* A mark of a line of a chart, or of a point. */
typedef struct html_mark {
    size_t line;      /* of a chart of lines: which one */
    unsigned colour;  /* below HTML_COLOURS */
    double value;     /* along x */
    double low, high; /* its spread; both 0 = none */
    double height;    /* of charts with a y axis: the value along it */
    const char *text; /* what stands beside a bar; NULL: nothing */
    const char *tip;  /* what is told when the mouse rests on it; NULL: nothing */
} html_mark;

typedef struct html_legend {
    const char *names[HTML_COLOURS]; /* NULL: that colour is not used */
} html_legend;

typedef struct html_chart {
    const char *title;
    const char *x_title, *y_title; /* y_title: of points only */
    html_legend legend;
    const char *const *lines; /* labels, of bars and dots only */
    size_t line_count;
    const html_mark *marks;
    size_t mark_count;
    double limit; /* bars: a value that is marked by a line, and that the axis reaches; 0 = none */
    bool joined;  /* points: those of a colour are joined, in their order */
    /* Points: straight lines in the picture, from (x, y) to (x, y), such as roofs. */
    const double (*guides)[4];
    size_t guide_count;
} html_chart;

/* A bar for each mark from 0 on, one line each, on a linear axis. */
void html_bars(FILE *out, const html_chart *chart);

/* Dots with their spread, any number on a line, on a logarithmic axis; values that are not above 0 are left out. */
void html_dots(FILE *out, const html_chart *chart);

/* Points (value, height) on two logarithmic axes; what is not above 0 is left out. */
void html_points(FILE *out, const html_chart *chart);

#endif /* TOOLS_HTML_PLOT_H */
