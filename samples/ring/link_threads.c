/* SPDX-License-Identifier: MIT */
#include "ring_link.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "ring_shape.h"

/* What all ranks of the process have in common. */
typedef struct hall {
    pthread_mutex_t lock;
    pthread_cond_t all_here;
    uint32_t ranks, here;
    uint64_t round;
    const void *shown[RING_MOST_RANKS]; /* what each rank lets others read between two barriers */
} hall;

typedef struct thread_link {
    ring_link link; /* first: links are cast */
    hall *hall;
    float *receive;
    size_t count;
} thread_link;

/* pthread_barrier_t is not everywhere. */
static void meet(hall *h) {
    pthread_mutex_lock(&h->lock);
    uint64_t round = h->round;
    if (++h->here == h->ranks) {
        h->here = 0;
        h->round++;
        pthread_cond_broadcast(&h->all_here);
    }
    while (h->round == round) {
        pthread_cond_wait(&h->all_here, &h->lock);
    }
    pthread_mutex_unlock(&h->lock);
}

static thread_link *of(ring_link *link) {
    return (thread_link *)link;
}

static void thread_barrier(ring_link *link) {
    meet(of(link)->hall);
}

static void thread_start(ring_link *link, const float *send, float *receive, size_t count) {
    thread_link *t = of(link);
    t->hall->shown[link->rank] = send; /* nobody looks before all have met */
    t->receive = receive;
    t->count = count;
}

static void thread_finish(ring_link *link) {
    thread_link *t = of(link);
    uint32_t before = (link->rank + link->ranks - 1) % link->ranks;
    meet(t->hall);
    memcpy(t->receive, t->hall->shown[before], t->count * sizeof(float));
    meet(t->hall);
}

static void thread_share(ring_link *link, void *data, size_t bytes) {
    hall *h = of(link)->hall;
    h->shown[link->rank] = data;
    meet(h);
    if (link->rank != 0) {
        memcpy(data, h->shown[0], bytes);
    }
    meet(h);
}

static void thread_gather(ring_link *link, const void *mine, void *all, size_t bytes) {
    hall *h = of(link)->hall;
    h->shown[link->rank] = mine;
    meet(h);
    for (uint32_t r = 0; link->rank == 0 && r < link->ranks; r++) {
        memcpy((char *)all + r * bytes, h->shown[r], bytes);
    }
    meet(h);
}

static void thread_give_up(ring_link *link) {
    (void)link;
    _Exit(1); /* not exit: other threads are inside of drivers that exit would take down under them */
}

/* ---- Threads ---- */

typedef struct job {
    thread_link link;
    int (*rank_main)(ring_link *link, const void *user);
    const void *user;
    int code;
} job;

static void *run_job(void *user) {
    job *j = user;
    j->code = j->rank_main(&j->link.link, j->user);
    return NULL;
}

static const ring_link calls = {.one_process = true,
                                .barrier = thread_barrier,
                                .start = thread_start,
                                .finish = thread_finish,
                                .share = thread_share,
                                .gather = thread_gather,
                                .give_up = thread_give_up};

int link_threads_run(uint32_t ranks, int (*rank_main)(ring_link *link, const void *user), const void *user) {
    hall h = {.lock = PTHREAD_MUTEX_INITIALIZER, .all_here = PTHREAD_COND_INITIALIZER, .ranks = ranks};
    job jobs[RING_MOST_RANKS] = {0};
    pthread_t threads[RING_MOST_RANKS];
    for (uint32_t r = 0; r < ranks; r++) {
        jobs[r] = (job){.link = {.link = calls, .hall = &h}, .rank_main = rank_main, .user = user};
        jobs[r].link.link.rank = r;
        jobs[r].link.link.ranks = ranks;
        if (pthread_create(&threads[r], NULL, run_job, &jobs[r]) != 0) {
            complain("no thread for rank %u", r);
            thread_give_up(NULL); /* those that run wait for this one */
        }
    }
    for (uint32_t r = 0; r < ranks; r++) {
        pthread_join(threads[r], NULL);
    }
    return jobs[0].code;
}
