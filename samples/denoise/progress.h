/* SPDX-License-Identifier: MIT
 *
 * How far a long run is, on stderr: in a terminal one line that changes, elsewhere a line now and then.
 */
#ifndef DENOISE_PROGRESS_H
#define DENOISE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool quiet;
    bool terminal;
    bool shown; /* the cursor stands behind the line */
    double begin_ms;
    double said_ms; /* when a line was last written */
} progress;

double progress_now_ms(void);

/* Says nothing at all if `quiet`. */
progress progress_begin(bool quiet);

/* So many of the pieces are done; 0 to begin with. */
void progress_say(progress *p, uint64_t done, uint64_t pieces);

/* Takes the line away; before anything else is written, and at the end. */
void progress_clear(progress *p);

#endif
