/* SPDX-License-Identifier: MIT
 *
 * How far a long run is, on stderr: in a terminal one line that changes, elsewhere a line now and then.
 */
#ifndef SAMPLES_PROGRESS_H
#define SAMPLES_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    const char *unit;
    bool quiet;
    bool terminal;
    bool shown; /* the cursor stands behind the line */
    bool timed; /* a line has told how long it will take */
    double begin_ms;
    double said_ms; /* when a line was last written */
} progress;

double progress_now_ms(void);

/* `unit` is what is counted, in the singular; it must stay alive. Says nothing at all if `quiet`. */
progress progress_begin(const char *unit, bool quiet);

/* So many are done; 0 to begin with. */
void progress_say(progress *p, uint64_t done, uint64_t all);

/* Takes the line away; before anything else is written, and at the end. */
void progress_clear(progress *p);

#endif
