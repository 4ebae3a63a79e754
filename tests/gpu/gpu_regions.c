/* SPDX-License-Identifier: MIT
 *
 * Buffers between guard zones. Undefined bytes hold a pattern whose 16-bit halves differ with the position
 * and are NaN in f16 and in bf16; two of them make a NaN in f32.
 */
#include "gpu_harness.h"

#include <stdlib.h>
#include <string.h>

#define GUARD 4096u

static void poison(uint8_t *image, uint64_t total) {
    for (uint64_t i = 0; i < total / 2; ++i) {
        uint16_t half = (uint16_t)(0xFF81u + (uint32_t)((i * 2654435761u >> 16) % 126u));
        memcpy(image + 2 * i, &half, sizeof half);
    }
}

static uint64_t round_up(uint64_t value, uint64_t step) {
    return (value + step - 1) / step * step;
}

/* A memory from the trial before, if it is large enough. */
static bool take_memory(gpu *g, gpu_region *region, gpu_slot slot) {
    vatten_memory *spare = g->spare[slot];
    g->spare[slot] = NULL;
    if (spare && vatten_memory_size(spare) >= region->total) {
        region->memory = spare;
        return true;
    }
    vatten_memory_destroy(spare);
    return vatten_memory_create(g->context, region->total, &region->memory) == VATTEN_SUCCESS;
}

bool gpu_region_create(gpu *g, gpu_region *region, gpu_slot slot, uint64_t bytes, uint64_t alignment) {
    memset(region, 0, sizeof *region);
    if (bytes == 0) {
        return true;
    }
    /* an odd number of steps past the guard, so that the offset has no more alignment than was asked for */
    region->offset = round_up(GUARD, 2 * alignment) + alignment * (2 * (uint64_t)slot + 1);
    region->bytes = bytes;
    region->total = round_up(region->offset + bytes + GUARD, 16);
    region->image = malloc(region->total);
    region->seen = malloc(region->total);
    if (!region->image || !region->seen || !take_memory(g, region, slot)) {
        return false;
    }
    poison(region->image, region->total);
    return true;
}

void gpu_region_destroy(gpu *g, gpu_region *region, gpu_slot slot) {
    free(region->image);
    free(region->seen);
    if (g->spare[slot]) {
        vatten_memory_destroy(region->memory);
    } else {
        g->spare[slot] = region->memory;
    }
    memset(region, 0, sizeof *region);
}

void gpu_regions_destroy(gpu *g, gpu_region *regions, int count, const gpu_slot *slots) {
    for (int n = 0; n < count; ++n) {
        gpu_region_destroy(g, &regions[n], slots[n]);
    }
}

static uint64_t element_bytes(const gpu_view *view) {
    return view->dtype == REF_F32 ? 4 : view->dtype == REF_I8 ? 1 : 2;
}

void gpu_region_write(gpu_region *region, const gpu_view *view, uint64_t index, float value) {
    uint8_t *at = region->image + region->offset + index * element_bytes(view);
    uint16_t half = view->dtype == REF_F16 ? ref_f32_to_f16(value) : ref_f32_to_bf16(value);
    if (view->dtype == REF_F32) {
        memcpy(at, &value, sizeof value);
    } else {
        memcpy(at, &half, sizeof half);
    }
}

float gpu_region_read(const gpu_region *region, const gpu_view *view, uint64_t index) {
    const uint8_t *at = region->seen + region->offset + index * element_bytes(view);
    float value;
    uint16_t half;
    if (view->dtype == REF_F32) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    memcpy(&half, at, sizeof half);
    return view->dtype == REF_F16 ? ref_f16_to_f32(half) : ref_bf16_to_f32(half);
}

void gpu_region_restore(gpu_region *region, const gpu_view *view, uint64_t index) {
    uint64_t at = region->offset + index * element_bytes(view);
    memcpy(region->seen + at, region->image + at, element_bytes(view));
}

bool gpu_region_upload(gpu_region *region) {
    return !region->memory ||
           vatten_memory_upload(region->memory, 0, region->image, region->total) == VATTEN_SUCCESS;
}

bool gpu_region_download(gpu_region *region) {
    return !region->memory ||
           vatten_memory_download(region->memory, 0, region->seen, region->total) == VATTEN_SUCCESS;
}

vatten_buffer gpu_region_buffer(const gpu_region *region) {
    vatten_buffer none = {0};
    return region->memory
               ? (vatten_buffer){vatten_memory_buffer(region->memory).buffer, region->offset, region->bytes}
               : none;
}

uint64_t gpu_region_changed(const gpu_region *region, uint64_t from, uint64_t to) {
    if (!region->memory || memcmp(region->seen + from, region->image + from, to - from) == 0) {
        return UINT64_MAX;
    }
    while (region->seen[from] == region->image[from]) {
        from++;
    }
    return from;
}

bool gpu_regions_run(gpu *g, gpu_region *regions, int count, vatten_plan *plan, const vatten_args *args,
                     const char *name) {
    double ms;
    bool good = true;
    for (int n = 0; n < count; ++n) {
        good = good && gpu_region_upload(&regions[n]);
    }
    good = good && vatten_context_run(g->context, plan, args, &ms) == VATTEN_SUCCESS;
    for (int n = 0; n < count; ++n) {
        const gpu_region *region = &regions[n];
        good = good && gpu_region_download(&regions[n]);
        if (good &&
            (gpu_region_changed(region, 0, region->offset) != UINT64_MAX ||
             gpu_region_changed(region, region->offset + region->bytes, region->total) != UINT64_MAX)) {
            gpu_fail(g, "%s: wrote outside buffer %d", name, n);
        }
    }
    return good;
}

/* What `outputs` have seen, one behind the other; NULL without memory for it. */
static uint8_t *keep_seen(const gpu_region *regions, int count, uint32_t outputs) {
    uint64_t total = 1, at = 0;
    for (int n = 0; n < count; ++n) {
        total += outputs >> n & 1 ? regions[n].total : 0;
    }
    uint8_t *kept = malloc((size_t)total);
    for (int n = 0; kept && n < count; ++n) {
        if ((outputs >> n & 1) && regions[n].total) {
            memcpy(kept + at, regions[n].seen, (size_t)regions[n].total);
            at += regions[n].total;
        }
    }
    return kept;
}

bool gpu_regions_run_twice(gpu *g, gpu_region *regions, int count, uint32_t outputs, vatten_plan *plan,
                           const vatten_args *args, const char *name) {
    bool good = gpu_regions_run(g, regions, count, plan, args, name), same = true;
    uint8_t *first = good ? keep_seen(regions, count, outputs) : NULL;
    good = first && gpu_regions_run(g, regions, count, plan, args, name);
    uint64_t at = 0;
    for (int n = 0; good && n < count; ++n) {
        if ((outputs >> n & 1) && regions[n].total) {
            same = same && memcmp(first + at, regions[n].seen, (size_t)regions[n].total) == 0;
            at += regions[n].total;
        }
    }
    free(first);
    if (!good) {
        gpu_fail(g, "%s: run: %s", name, g->message);
    } else if (!same) {
        gpu_fail(g, "%s: the second run differs", name);
    }
    return good && same;
}

uint64_t gpu_view_index(const gpu_view *view, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    return b * (uint64_t)view->strides.batch + token * (uint64_t)view->strides.token +
           head * (uint64_t)view->strides.head + d;
}

uint64_t gpu_view_bytes(const gpu_view *view) {
    if (!view->used) {
        return 0;
    }
    uint64_t row = view->block ? view->dim / view->block * (view->block + 4) : view->dim;
    uint64_t last = gpu_view_index(view, view->batch - 1, view->capacity - 1, view->heads - 1, row - 1);
    return (last + 1) * element_bytes(view);
}

const char *gpu_slot_name(gpu_slot slot) {
    static const char *const names[GPU_SLOTS] = {"q",       "k",         "v",    "out",   "lse",    "extra_k",
                                                 "extra_v", "workspace", "bias", "lists", "tables", "state"};
    return names[slot];
}
