/* SPDX-License-Identifier: MIT
 *
 * The attention layer of a language model while it writes, as plans of vatten: new keys and values are appended to a paged
 * cache, then the new tokens attend to all that is in it.
 */
#ifndef DECODE_LAYER_H
#define DECODE_LAYER_H

#include <vatten/context.h>

#include "commands.h"
#include "pages.h"
#include "tokens.h"

typedef struct layer_desc {
    token_desc tokens;
    uint32_t page; /* tokens of a page */
    uint32_t rows; /* new tokens of a step */
} layer_desc;

typedef enum layer_slot {
    LAYER_Q,
    LAYER_K, /* of the new tokens */
    LAYER_V,
    LAYER_TABLES,
    LAYER_OUT,
    LAYER_STAGED, /* those before it pass through the staging buffer */
    LAYER_CACHE_K = LAYER_STAGED,
    LAYER_CACHE_V,
    LAYER_BULK_K, /* of many tokens */
    LAYER_BULK_V,
    LAYER_SLOTS
} layer_slot;

typedef struct layer {
    layer_desc desc;
    vatten_context *context;
    vatten_attention_desc attention;
    vatten_plan *fill;            /* appends many tokens */
    vatten_plan *append, *attend; /* the loop's */
    vatten_plan_info attend_info, append_info;
    vatten_recorder *recorder;
    vatten_memory *memory[LAYER_SLOTS];
    uint64_t bytes[LAYER_SLOTS];
    uint64_t staged[LAYER_STAGED]; /* where each stands in the staging buffer */
    uint32_t chunk;                /* tokens of an append that fills */
    pages pages;
    commands commands;
} layer;

typedef struct layer_times {
    double append_ms, attend_ms; /* on the device */
    double wall_ms;              /* from submission to the end, with copies */
} layer_times;

/* Makes plans and buffers, and records the command buffer. False after a message; destroy it in either case. */
bool layer_create(layer *l, vatten_context *context, const layer_desc *desc);
void layer_destroy(layer *l);

/* Appends tokens, many at a time, until each entry has so many. */
bool layer_fill(layer *l, const tokens *t, const uint64_t *lengths);

/* The host's side of what a step reads and leaves; entry by entry, each [rows][heads][dim]. */
void *layer_staged(const layer *l, layer_slot slot);

/* Each entry has a step's rows more from now on. */
void layer_grow(layer *l);

/* Submits the one command buffer. A second time for the same lengths it does the same again. */
bool layer_submit(layer *l, layer_times *out_times);

/* Whether the pools hold what was appended, bit by bit, and nothing else was written. NULL if so, else what is wrong. */
const char *layer_fault(layer *l, const tokens *t);

#endif
