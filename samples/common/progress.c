/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <time.h>

#include "complain.h"

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

#define TERMINAL_MS 200.0   /* between two changes of the line */
#define LINES_MS    10000.0 /* between two lines, where they stay */

static bool is_terminal(void) {
#if defined(_WIN32)
    return _isatty(2) != 0;
#else
    return isatty(STDERR_FILENO) != 0;
#endif
}

double progress_now_ms(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

progress progress_begin(const char *unit, bool quiet) {
    double now = progress_now_ms();
    return (progress){
        .unit = unit, .quiet = quiet, .terminal = is_terminal(), .begin_ms = now, .said_ms = now};
}

/* As long as a reader wants to know it: 42 s, 3 min 10 s, 2 h 5 min. */
static void format_duration(double seconds, char *out, size_t size) {
    unsigned long s = (unsigned long)(seconds + 0.5);
    if (s < 60) {
        snprintf(out, size, "%lu s", s);
    } else if (s < 3600) {
        snprintf(out, size, "%lu min %lu s", s / 60, s % 60);
    } else {
        snprintf(out, size, "%lu h %lu min", s / 3600, s / 60 % 60);
    }
}

/* In a terminal the first line comes at once, before there is anything to tell the time by, and the next one as soon as there
 * is. */
static bool is_due(const progress *p, double now, uint64_t done, uint64_t all) {
    if (p->quiet || done >= all) {
        return false;
    }
    bool news = !p->shown || (done && !p->timed);
    return p->terminal ? news || now - p->said_ms >= TERMINAL_MS : done && now - p->said_ms >= LINES_MS;
}

void progress_say(progress *p, uint64_t done, uint64_t all) {
    double now = progress_now_ms();
    if (!is_due(p, now, done, all)) {
        return;
    }
    fprintf(stderr, "%s%s: %llu of %llu %s%s", p->terminal ? "\r" : "", complain_program(),
            (unsigned long long)done, (unsigned long long)all, p->unit, all == 1 ? "" : "s");
    if (done) {
        char left[32];
        format_duration((now - p->begin_ms) / 1e3 / (double)done * (double)(all - done), left, sizeof(left));
        p->timed = true;
        fprintf(stderr, ", %.0f %%, about %s left", 100.0 * (double)done / (double)all, left);
    }
    fputs(p->terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
    p->shown = p->terminal;
    p->said_ms = now;
}

void progress_clear(progress *p) {
    if (p->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        p->shown = false;
    }
}
