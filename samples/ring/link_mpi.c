/* SPDX-License-Identifier: MIT */
#include "ring_link.h"

#include "complain.h"
#include "ring_shape.h"

#ifdef RING_MPI

#include <mpi.h>

typedef struct mpi_link {
    ring_link link; /* first: links are cast */
    MPI_Request requests[2];
} mpi_link;

/* MPI's default is to end the job where a call fails: nothing to look at here. */
static void mpi_barrier(ring_link *link) {
    (void)link;
    MPI_Barrier(MPI_COMM_WORLD);
}

static void mpi_start(ring_link *link, const float *send, float *receive, size_t count) {
    mpi_link *m = (mpi_link *)link;
    int next = (int)((link->rank + 1) % link->ranks),
        before = (int)((link->rank + link->ranks - 1) % link->ranks);
    MPI_Irecv(receive, (int)count, MPI_FLOAT, before, 0, MPI_COMM_WORLD, &m->requests[0]);
    MPI_Isend(send, (int)count, MPI_FLOAT, next, 0, MPI_COMM_WORLD, &m->requests[1]);
}

static void mpi_finish(ring_link *link) {
    mpi_link *m = (mpi_link *)link;
    MPI_Waitall(2, m->requests, MPI_STATUSES_IGNORE);
}

static void mpi_share(ring_link *link, void *data, size_t bytes) {
    (void)link;
    MPI_Bcast(data, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void mpi_gather(ring_link *link, const void *mine, void *all, size_t bytes) {
    (void)link;
    MPI_Gather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void mpi_give_up(ring_link *link) {
    (void)link;
    MPI_Abort(MPI_COMM_WORLD, 1);
}

bool link_mpi_built(void) {
    return true;
}

/* Only this thread calls MPI; another one computes meanwhile. */
int link_mpi_run(int *argc, char ***argv, int (*rank_main)(ring_link *link, const void *user),
                 const void *user) {
    mpi_link m = {.link = {.barrier = mpi_barrier,
                           .start = mpi_start,
                           .finish = mpi_finish,
                           .share = mpi_share,
                           .gather = mpi_gather,
                           .give_up = mpi_give_up}};
    int granted, rank, ranks, code = 1;
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &granted);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    m.link.rank = (uint32_t)rank;
    m.link.ranks = (uint32_t)ranks;
    if (granted < MPI_THREAD_FUNNELED) {
        complain("this MPI knows no threads");
    } else if (ranks > RING_MOST_RANKS) {
        complain("%d ranks are more than %d", ranks, RING_MOST_RANKS);
    } else {
        code = rank_main(&m.link, user);
    }
    MPI_Finalize();
    return code;
}

#else

bool link_mpi_built(void) {
    return false;
}

int link_mpi_run(int *argc, char ***argv, int (*rank_main)(ring_link *link, const void *user),
                 const void *user) {
    (void)argc;
    (void)argv;
    return link_threads_run(1, rank_main, user);
}

#endif
