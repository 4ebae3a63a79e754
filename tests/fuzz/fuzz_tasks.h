/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TASKS_H
#define FUZZ_TASKS_H

#include "caps.h"

#include <stddef.h>

/* Bytes as the raw memory of a desc of selection, topk or appending. Returns which rule its steps break, or NULL. */
const char *fuzz_tasks(const vt_caps *caps, const uint8_t *data, size_t size);

#endif /* FUZZ_TASKS_H */
