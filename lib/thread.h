/* SPDX-License-Identifier: MIT
 *
 * A mutex; C11's own is missing from several C libraries that vatten is built for.
 */
#ifndef VT_THREAD_H
#define VT_THREAD_H

#include <stdbool.h>

#if defined(_WIN32)
typedef struct vt_mutex {
    void *lock; /* an SRWLOCK, which is one pointer; spares every user of this header windows.h */
} vt_mutex;
#else
#include <pthread.h>
typedef struct vt_mutex {
    pthread_mutex_t lock;
} vt_mutex;
#endif

bool vt_mutex_init(vt_mutex *mutex);
void vt_mutex_destroy(vt_mutex *mutex);
void vt_mutex_lock(vt_mutex *mutex);
void vt_mutex_unlock(vt_mutex *mutex);

#endif /* VT_THREAD_H */
