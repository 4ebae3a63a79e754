/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

/* What malloc gives on 64-bit systems and more than any object of vatten's needs; MSVC's C has no
 * max_align_t. */
#define OBJECT_ALIGNMENT 16

/* malloc's own alignment serves every object that vatten allocates. */
static void *default_allocate(void *user, size_t size, size_t alignment) {
    (void)user;
    (void)alignment;
    return malloc(size);
}

static void default_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

vatten_allocator vt_allocator_resolve(const vatten_allocator *allocator) {
    if (allocator->allocate && allocator->release)
        return *allocator;
    return (vatten_allocator){default_allocate, default_release, NULL};
}

void *vt_alloc(const vatten_allocator *allocator, size_t size) {
    void *memory = allocator->allocate(allocator->user, size, OBJECT_ALIGNMENT);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void vt_release(const vatten_allocator *allocator, void *memory) {
    if (memory)
        allocator->release(allocator->user, memory);
}
