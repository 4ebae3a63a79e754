/* SPDX-License-Identifier: MIT */
#include "thread.h"

#if defined(_WIN32)
#include <windows.h>

bool vt_mutex_init(vt_mutex *mutex) {
    InitializeSRWLock((PSRWLOCK)&mutex->lock);
    return true;
}

void vt_mutex_destroy(vt_mutex *mutex) {
    (void)mutex;
}

void vt_mutex_lock(vt_mutex *mutex) {
    AcquireSRWLockExclusive((PSRWLOCK)&mutex->lock);
}

void vt_mutex_unlock(vt_mutex *mutex) {
    ReleaseSRWLockExclusive((PSRWLOCK)&mutex->lock);
}
#else
bool vt_mutex_init(vt_mutex *mutex) {
    return pthread_mutex_init(&mutex->lock, NULL) == 0;
}

void vt_mutex_destroy(vt_mutex *mutex) {
    pthread_mutex_destroy(&mutex->lock);
}

void vt_mutex_lock(vt_mutex *mutex) {
    pthread_mutex_lock(&mutex->lock);
}

void vt_mutex_unlock(vt_mutex *mutex) {
    pthread_mutex_unlock(&mutex->lock);
}
#endif
