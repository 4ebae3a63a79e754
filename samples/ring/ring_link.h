/* SPDX-License-Identifier: MIT
 *
 * How ranks talk: over MPI (link_mpi.c), or between threads of one process (link_threads.c). All ranks make the same calls in the
 * same order; what cannot be sent ends the program.
 */
#ifndef RING_LINK_H
#define RING_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ring_link ring_link;
struct ring_link {
    uint32_t rank, ranks;
    bool one_process; /* ranks are threads */
    void (*barrier)(ring_link *link);
    /* Begins to send to the next rank, and to receive from the one before; both buffers are the link's until finish returns. */
    void (*start)(ring_link *link, const float *send, float *receive, size_t count);
    void (*finish)(ring_link *link);
    void (*share)(ring_link *link, void *data, size_t bytes); /* of rank 0, to all */
    void (*gather)(ring_link *link, const void *mine, void *all,
                   size_t bytes);     /* to rank 0, rank after rank */
    void (*give_up)(ring_link *link); /* ends all ranks with exit status 1 */
};

enum { RING_MOST_BYTES = 1 << 30 }; /* of a message: MPI counts in int */

/* Runs `rank_main` once for each of `ranks` threads; returns what that of rank 0 returned, or 1 when threads cannot be made. */
int link_threads_run(uint32_t ranks, int (*rank_main)(ring_link *link, const void *user), const void *user);

/* Whether the program was built with an MPI; and that of an MPI job, which this begins and ends. */
bool link_mpi_built(void);
int link_mpi_run(int *argc, char ***argv, int (*rank_main)(ring_link *link, const void *user),
                 const void *user);

#endif
