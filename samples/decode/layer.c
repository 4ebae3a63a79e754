/* SPDX-License-Identifier: MIT
 *
 * The sample's use of vatten:
 *   make_desc    one desc of attention, which appending goes by too
 *   make_plans   appends of many tokens and of a step's, and attention
 *   record       the loop's command buffer, once
 *   layer_grow   new lengths, in the tables alone
 *   layer_submit the same command buffer again
 */
#include "layer.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "storage.h"

#define CHUNK 1024u /* tokens that fill the cache at a time */
#define SPARE 3u    /* pages of the pool that nobody takes */
#define FRESH 0xa5  /* bytes of the cache before anything is written */

static bool good(const char *what, vatten_result result) {
    return result == VATTEN_SUCCESS || complain("%s: %s", what, vatten_result_name(result));
}

/* ---- Plans ---- */

static uint64_t pages_of_entry(const layer_desc *d) {
    return (d->tokens.capacity + d->page - 1) / d->page;
}

static vatten_attention_desc make_desc(const layer_desc *d) {
    const token_desc *t = &d->tokens;
    return (vatten_attention_desc){
        .heads = {.dtype = t->dtype,
                  .batch = t->batch,
                  .heads = t->heads,
                  .kv_heads = t->kv_heads,
                  .dim = t->dim,
                  .label = "decode"},
        .q_len = d->rows,
        .kv_len = t->capacity, /* the most; how many there are is in the tables */
        .causal = d->rows > 1, /* a single new token sees all */
        .window = {.enabled = t->window != 0, .left = (int64_t)t->window - 1},
        .lengths = VATTEN_LENGTHS_KV,
        .page_size = d->page,
        .pool_pages = t->batch * pages_of_entry(d) + SPARE,
    };
}

/* The tables of all three stand in the same places, as those hang on the batch, the capacity and the pages only. */
static bool make_plans(layer *l) {
    vatten_device *device = vatten_context_device(l->context);
    vatten_attention_desc filled = l->attention;
    filled.q_len = l->chunk;
    const vatten_append_desc fill = {.attention = &filled, .label = "filling"};
    const vatten_append_desc append = {.attention = &l->attention, .label = "appending"};
    if (!good("attention", vatten_attention_create(device, &l->attention, &l->attend)) ||
        !good("appending", vatten_append_create(device, &append, &l->append)) ||
        !good("filling", vatten_append_create(device, &fill, &l->fill))) {
        return false;
    }
    vatten_plan_get_info(l->attend, &l->attend_info);
    vatten_plan_get_info(l->append, &l->append_info);
    const vatten_recorder_desc recorder = {.max_dispatches =
                                               l->append_info.dispatches + l->attend_info.dispatches,
                                           .workspace_bytes = l->attend_info.workspace_bytes};
    return good("recorder", vatten_recorder_create(device, &recorder, &l->recorder));
}

/* ---- Buffers ---- */

static void set_sizes(layer *l, const vatten_tables *at) {
    vatten_plan_info fill;
    vatten_plan_get_info(l->fill, &fill);
    const uint64_t bytes[LAYER_SLOTS] = {
        [LAYER_Q] = l->attend_info.q_bytes,
        [LAYER_K] = l->append_info.k_bytes,
        [LAYER_V] = l->append_info.v_bytes,
        [LAYER_TABLES] = at->bytes,
        [LAYER_OUT] = l->attend_info.out_bytes,
        [LAYER_CACHE_K] = l->append_info.cache_k_bytes,
        [LAYER_CACHE_V] = l->append_info.cache_v_bytes,
        [LAYER_BULK_K] = fill.k_bytes,
        [LAYER_BULK_V] = fill.v_bytes,
    };
    memcpy(l->bytes, bytes, sizeof(bytes));
}

/* The cache begins with bytes that show later whether anything was written where nothing belongs. */
static bool freshen(layer *l) {
    void *bytes = malloc(l->bytes[LAYER_CACHE_K]);
    if (!bytes) {
        return complain("out of memory for the cache");
    }
    memset(bytes, FRESH, l->bytes[LAYER_CACHE_K]);
    bool done =
        good("upload", vatten_memory_upload(l->memory[LAYER_CACHE_K], 0, bytes, l->bytes[LAYER_CACHE_K])) &&
        good("upload", vatten_memory_upload(l->memory[LAYER_CACHE_V], 0, bytes, l->bytes[LAYER_CACHE_V]));
    free(bytes);
    return done;
}

static bool make_buffers(layer *l) {
    uint64_t staging = 0;
    for (int slot = 0; slot < LAYER_SLOTS; slot++) {
        if (!good("memory", vatten_memory_create(l->context, l->bytes[slot], &l->memory[slot]))) {
            return false;
        }
        if (slot < LAYER_STAGED) {
            l->staged[slot] = staging;
            staging += (l->bytes[slot] + 63) / 64 * 64;
        }
    }
    return commands_create(&l->commands, l->context, staging) && freshen(l);
}

static vatten_buffer buffer(const layer *l, layer_slot slot) {
    return vatten_memory_buffer(l->memory[slot]);
}

/* ---- The command buffer ---- */

static void copy_in(const layer *l, layer_slot slot) {
    commands_copy(&l->commands, l->commands.staging, l->staged[slot], buffer(l, slot).buffer, 0,
                  l->bytes[slot]);
}

static bool record_append(layer *l) {
    const vatten_args args = {.k = buffer(l, LAYER_K),
                              .v = buffer(l, LAYER_V),
                              .cache_k = buffer(l, LAYER_CACHE_K),
                              .cache_v = buffer(l, LAYER_CACHE_V),
                              .tables = buffer(l, LAYER_TABLES)};
    return good("appending", vatten_record(l->recorder, l->commands.buffer, l->append, &args));
}

static bool record_attend(layer *l) {
    const vatten_args args = {.q = buffer(l, LAYER_Q),
                              .k = buffer(l, LAYER_CACHE_K),
                              .v = buffer(l, LAYER_CACHE_V),
                              .out = buffer(l, LAYER_OUT),
                              .tables = buffer(l, LAYER_TABLES)};
    return good("attention", vatten_record(l->recorder, l->commands.buffer, l->attend, &args));
}

/* In a model q, k and v come from the layers before; here the host writes them. */
static bool record(layer *l) {
    commands *c = &l->commands;
    const VkPipelineStageFlags compute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                               transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    if (!commands_begin(c)) {
        return false;
    }
    for (int slot = 0; slot < LAYER_OUT; slot++) {
        copy_in(l, (layer_slot)slot);
    }
    /* Also sees what earlier submissions wrote into the cache and the workspace. */
    commands_barrier(c, transfer | compute, VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_SHADER_WRITE_BIT,
                     compute, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    commands_stamp(c, 0);
    if (!record_append(l)) {
        return false;
    }
    commands_barrier(c, compute, VK_ACCESS_SHADER_WRITE_BIT, compute, VK_ACCESS_SHADER_READ_BIT);
    commands_stamp(c, 1);
    if (!record_attend(l)) {
        return false;
    }
    commands_stamp(c, 2);
    commands_barrier(c, compute, VK_ACCESS_SHADER_WRITE_BIT, transfer, VK_ACCESS_TRANSFER_READ_BIT);
    commands_copy(c, buffer(l, LAYER_OUT).buffer, 0, c->staging, l->staged[LAYER_OUT], l->bytes[LAYER_OUT]);
    commands_barrier(c, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
                     VK_ACCESS_HOST_READ_BIT);
    return commands_end(c);
}

bool layer_create(layer *l, vatten_context *context, const layer_desc *desc) {
    vatten_tables at;
    const token_desc *t = &desc->tokens;
    *l = (layer){.desc = *desc,
                 .context = context,
                 .attention = make_desc(desc),
                 .chunk = t->capacity < CHUNK ? (uint32_t)t->capacity : CHUNK};
    if (!make_plans(l) || !good("tables", vatten_attention_tables(&l->attention, &at))) {
        return false;
    }
    set_sizes(l, &at);
    return pages_create(&l->pages, &at, t->batch, desc->page, (uint32_t)l->attention.pool_pages, t->seed) &&
           make_buffers(l) && record(l);
}

void layer_destroy(layer *l) {
    commands_destroy(&l->commands);
    for (int slot = 0; slot < LAYER_SLOTS; slot++) {
        vatten_memory_destroy(l->memory[slot]);
    }
    vatten_recorder_destroy(l->recorder);
    vatten_plan_destroy(l->fill);
    vatten_plan_destroy(l->append);
    vatten_plan_destroy(l->attend);
    pages_destroy(&l->pages);
}

/* ---- Filling ---- */

/* The last tokens of each entry, a chunk of them; before the first there is nothing to append. */
static bool load_chunk(layer *l, const tokens *t, const unsigned char *side, layer_slot slot) {
    size_t row = tokens_row(&t->desc);
    unsigned char *rows = calloc(1, l->bytes[slot]);
    for (uint32_t entry = 0; entry < t->desc.batch && rows; entry++) {
        uint64_t end = pages_length(&l->pages, entry), count = end < l->chunk ? end : l->chunk;
        unsigned char *to = rows + ((size_t)entry * l->chunk + l->chunk - count) * row;
        memcpy(to, tokens_at(t, side, entry, end - count), count * row);
    }
    bool done = rows ? good("upload", vatten_memory_upload(l->memory[slot], 0, rows, l->bytes[slot]))
                     : complain("out of memory");
    free(rows);
    return done;
}

static bool fill_once(layer *l, const tokens *t) {
    const vatten_args args = {.k = buffer(l, LAYER_BULK_K),
                              .v = buffer(l, LAYER_BULK_V),
                              .cache_k = buffer(l, LAYER_CACHE_K),
                              .cache_v = buffer(l, LAYER_CACHE_V),
                              .tables = buffer(l, LAYER_TABLES)};
    return load_chunk(l, t, t->k, LAYER_BULK_K) && load_chunk(l, t, t->v, LAYER_BULK_V) &&
           good("upload",
                vatten_memory_upload(l->memory[LAYER_TABLES], 0, l->pages.tables, l->bytes[LAYER_TABLES])) &&
           good("filling", vatten_context_run(l->context, l->fill, &args, NULL));
}

bool layer_fill(layer *l, const tokens *t, const uint64_t *lengths) {
    bool more = true;
    while (more) {
        more = false;
        for (uint32_t entry = 0; entry < t->desc.batch; entry++) {
            uint64_t has = pages_length(&l->pages, entry), wanted = lengths[entry];
            bool far = wanted > has + l->chunk;
            pages_set_length(&l->pages, entry, far ? has + l->chunk : wanted);
            more = more || far;
        }
        /* An entry that has all of its tokens already appends the last ones again. */
        if (!fill_once(l, t)) {
            return false;
        }
    }
    return true;
}

/* ---- Steps ---- */

void *layer_staged(const layer *l, layer_slot slot) {
    return l->commands.mapped + l->staged[slot];
}

void layer_grow(layer *l) {
    for (uint32_t entry = 0; entry < l->desc.tokens.batch; entry++) {
        pages_set_length(&l->pages, entry, pages_length(&l->pages, entry) + l->desc.rows);
    }
}

bool layer_submit(layer *l, layer_times *out) {
    double ms[COMMANDS_STAMPS - 1];
    memcpy(layer_staged(l, LAYER_TABLES), l->pages.tables, l->bytes[LAYER_TABLES]);
    bool done = commands_submit(&l->commands, ms, &out->wall_ms);
    out->append_ms = done ? ms[0] : 0.0;
    out->attend_ms = done ? ms[1] : 0.0;
    return done;
}

/* ---- What the pools hold ---- */

/* Marks the places that tokens have, and compares those. */
static const char *tokens_fault(const layer *l, const tokens *t, const unsigned char *side,
                                const unsigned char *pool, unsigned char *marks) {
    size_t row = tokens_row(&t->desc);
    for (uint32_t entry = 0; entry < t->desc.batch; entry++) {
        for (uint64_t token = 0; token < pages_length(&l->pages, entry); token++) {
            uint64_t place = pages_place(&l->pages, entry, token);
            if (memcmp(pool + place * row, tokens_at(t, side, entry, token), row) != 0) {
                return "a page does not hold what was appended";
            }
            marks[place] = 1;
        }
    }
    return NULL;
}

static const char *pool_fault(layer *l, const tokens *t, const unsigned char *side, layer_slot slot) {
    size_t row = tokens_row(&t->desc), places = l->bytes[slot] / row;
    unsigned char *pool = malloc(l->bytes[slot]), *marks = calloc(1, places), *fresh = malloc(row);
    const char *fault = pool && marks && fresh ? NULL : "memory is short";
    if (!fault && vatten_memory_download(l->memory[slot], 0, pool, l->bytes[slot]) != VATTEN_SUCCESS) {
        fault = "the pages could not be read back";
    }
    if (!fault) {
        memset(fresh, FRESH, row);
        fault = tokens_fault(l, t, side, pool, marks);
    }
    for (size_t place = 0; place < places && !fault; place++) {
        if (!marks[place] && memcmp(pool + place * row, fresh, row) != 0) {
            fault = "something was written where no token is";
        }
    }
    free(pool);
    free(marks);
    free(fresh);
    return fault;
}

const char *layer_fault(layer *l, const tokens *t) {
    if (vatten_attention_check(NULL, &l->attention, l->pages.tables) != VATTEN_SUCCESS) {
        return "the tables break a rule";
    }
    const char *fault = pool_fault(l, t, t->k, LAYER_CACHE_K);
    return fault ? fault : pool_fault(l, t, t->v, LAYER_CACHE_V);
}
