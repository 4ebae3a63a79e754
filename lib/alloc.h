/* SPDX-License-Identifier: MIT
 *
 * Host memory through the caller's allocator.
 */
#ifndef VT_ALLOC_H
#define VT_ALLOC_H

#include <vatten/vatten.h>

/* Fills in malloc and free where the caller gave none. */
vatten_allocator vt_allocator_resolve(const vatten_allocator *allocator);

/* Zeroed memory for any object, or NULL. */
void *vt_alloc(const vatten_allocator *allocator, size_t size);

/* `memory` may be NULL. */
void vt_release(const vatten_allocator *allocator, void *memory);

#endif /* VT_ALLOC_H */
