/* SPDX-License-Identifier: MIT */
#include "html_axis.h"

#include <math.h>

static const double MOST = 1e200, MOST_RATIO = 1e60;
static const double steps[] = {1.0, 2.0, 5.0, 10.0};

/* 1, 2 or 5 times a power of ten: the largest that is not above `value` (but for rounding), or the smallest not below it. */
static double round_value(double value, bool up) {
    double power = pow(10.0, floor(log10(value)));
    double part = value / power, found = up ? 10.0 : 1.0;
    for (size_t i = 0; i < 4; ++i) {
        double step = steps[up ? 3 - i : i];
        if (up ? step >= part * (1.0 - 1e-9) : step <= part * (1.0 + 1e-9))
            found = step;
    }
    return found * power;
}

html_axis html_axis_linear(double high, double from, double to) {
    high = fmin(high, MOST);
    html_axis axis = {0.0, high > 0.0 ? round_value(high, true) : 1.0, from, to, false};
    return axis;
}

html_axis html_axis_logarithmic(double low, double high, double from, double to) {
    high = fmin(high, MOST); /* what no time is, but a file may say: quotients and powers stay finite */
    low = fmin(fmax(low, high / MOST_RATIO), high);
    html_axis axis = {round_value(low, false), round_value(high, true), from, to, true};
    if (axis.high <= axis.low * 1.5) /* one value, and it is round */
        axis.high = round_value(axis.low * 1.9, true);
    return axis;
}

double html_axis_at(const html_axis *axis, double value) {
    double inside = fmin(fmax(value, axis->low), axis->high);
    double part = axis->logarithmic ? log(inside / axis->low) / log(axis->high / axis->low)
                                    : (inside - axis->low) / (axis->high - axis->low);
    return axis->from + part * (axis->to - axis->from);
}

static size_t linear_ticks(const html_axis *axis, double out[HTML_TICKS]) {
    double step = round_value(axis->high / 5.0 * (1.0 + 1e-9), false);
    size_t count = 0;
    for (; count < HTML_TICKS && (double)count * step <= axis->high * (1.0 + 1e-9); ++count)
        out[count] = (double)count * step;
    return count;
}

/* Powers of ten, and between them 2 and 5 where there is room. */
static size_t logarithmic_ticks(const html_axis *axis, double out[HTML_TICKS]) {
    double decades = log10(axis->high / axis->low);
    int stride = decades > (double)(HTML_TICKS - 2) ? (int)ceil(decades / (HTML_TICKS - 2)) : 1;
    size_t used = decades > 4.0 ? 1 : 3, count = 0;
    int last = (int)ceil(log10(axis->high) - 1e-9);
    for (int power = (int)floor(log10(axis->low) + 1e-9); power <= last; power += stride)
        for (size_t i = 0; i < used && count < HTML_TICKS; ++i) {
            double value = steps[i] * pow(10.0, power);
            if (value >= axis->low * (1.0 - 1e-9) && value <= axis->high * (1.0 + 1e-9))
                out[count++] = value;
        }
    return count;
}

size_t html_axis_ticks(const html_axis *axis, double out[HTML_TICKS]) {
    return axis->logarithmic ? logarithmic_ticks(axis, out) : linear_ticks(axis, out);
}
