/* SPDX-License-Identifier: MIT
 *
 * Dense problems in full: where their tables, biases and states stand, what they hold, and the same for the oracle.
 */
#include "gpu_dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

static const vatten_attention_desc *desc_of(const gpu_trial *trial) {
    return &trial->problem->dense;
}

static uint8_t *bytes_of(const gpu_trial *trial, gpu_slot slot) {
    return trial->region[slot].image + trial->region[slot].offset;
}

/* A table of words; NULL: there is none. */
static const uint32_t *table(const gpu_trial *trial, uint64_t place) {
    return place == VATTEN_NO_TABLE ? NULL
                                    : (const uint32_t *)(const void *)(bytes_of(trial, GPU_TABLES) + place);
}

static bool packed(const gpu_trial *trial) {
    return desc_of(trial)->lengths == VATTEN_LENGTHS_PACKED;
}

/* ---- Views ---- */

/* Rows of k, v and extra keys in blocks of bytes: strides count bytes. */
static void place_bytes(gpu_view *view, const vatten_strides *strides, uint64_t block) {
    view->dtype = REF_I8;
    view->block = block;
    if (strides->batch == 0 && strides->head == 0 && strides->token == 0) {
        view->strides.head = (int64_t)(view->dim / block * (block + 4));
        view->strides.token = view->strides.head * (int64_t)view->heads;
        view->strides.batch = view->strides.token * (int64_t)view->capacity;
    }
}

/* Keys in pages: a page takes the place of a batch entry. */
static void place_pages(gpu_view *view, const vatten_strides *strides, const vatten_attention_desc *desc) {
    view->batch = desc->pool_pages;
    view->tokens = view->capacity = desc->page_size;
    if (strides->batch == 0 && strides->head == 0 && strides->token == 0) {
        view->strides.batch = view->strides.token * (int64_t)desc->page_size;
    }
}

static gpu_view line_of(ref_dtype dtype, uint64_t elements) {
    return (gpu_view){.used = true,
                      .dtype = dtype,
                      .batch = 1,
                      .tokens = 1,
                      .capacity = 1,
                      .heads = 1,
                      .dim = elements,
                      .strides = {.token = (int64_t)elements}};
}

static uint64_t bias_heads(const vatten_attention_desc *desc) {
    return desc->bias_heads ? desc->bias_heads : desc->heads.heads;
}

static vatten_bias_strides bias_strides(const vatten_attention_desc *desc) {
    vatten_bias_strides s = desc->bias_strides;
    if (s.batch == 0 && s.head == 0 && s.query == 0 && s.key == 0) {
        s.key = 1;
        s.query = (int64_t)desc->kv_len;
        s.head = s.query * (int64_t)desc->q_len;
        s.batch = s.head * (int64_t)bias_heads(desc);
    }
    return s;
}

static uint64_t bias_elements(const vatten_attention_desc *desc) {
    const vatten_bias_strides s = bias_strides(desc);
    uint64_t product = bias_heads(desc), sum = 0;
    for (uint32_t a = 0; a < desc->bias_rank; ++a) {
        product *= 2 * (uint64_t)desc->bias_reach[a] + 1;
        sum += desc->bias_extent[a];
    }
    if (desc->bias == VATTEN_BIAS_RELATIVE) {
        return product;
    }
    if (desc->bias == VATTEN_BIAS_AXES) {
        return desc->heads.batch * bias_heads(desc) * desc->q_len * sum;
    }
    return (desc->heads.batch - 1) * (uint64_t)s.batch + (bias_heads(desc) - 1) * (uint64_t)s.head +
           (desc->q_len - 1) * (uint64_t)s.query + (desc->kv_len - 1) * (uint64_t)s.key + 1;
}

static void place_state(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    int64_t row = (int64_t)trial->view[GPU_V].dim + 2, head = row * (int64_t)desc->q_len;
    trial->view[GPU_STATE] = (gpu_view){
        .used = desc->carry != 0,
        .dtype = REF_F32,
        .batch = desc->heads.batch,
        .tokens = desc->q_len,
        .capacity = desc->q_len,
        .heads = desc->heads.heads,
        .dim = (uint64_t)row,
        .strides = {.batch = head * desc->heads.heads, .head = head, .token = row},
    };
}

bool gpu_dense_place(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    const vatten_heads *h = &desc->heads;
    gpu_view *view = trial->view;
    if (vatten_attention_tables(desc, &trial->at) != VATTEN_SUCCESS) {
        gpu_fail(trial->owner, "%s: the library does not say where tables stand", trial->problem->name);
        return false;
    }
    if (trial->at.bytes) {
        view[GPU_TABLES] = line_of(REF_F32, trial->at.bytes / 4);
    }
    if (h->kv_dtype == VATTEN_DTYPE_I8) {
        place_bytes(&view[GPU_K], &h->k, h->kv_block);
        place_bytes(&view[GPU_V], &h->v, h->kv_block);
        place_bytes(&view[GPU_EXTRA_K], &desc->extra_k, h->kv_block);
        place_bytes(&view[GPU_EXTRA_V], &desc->extra_v, h->kv_block);
    }
    if (desc->page_size) {
        place_pages(&view[GPU_K], &h->k, desc);
        place_pages(&view[GPU_V], &h->v, desc);
    }
    if (desc->bias) {
        bool half = desc->bias_dtype == VATTEN_DTYPE_F16;
        view[GPU_BIAS] = line_of(half ? REF_F16 : REF_F32, bias_elements(desc));
    }
    place_state(trial);
    return true;
}

/* ---- What they hold ---- */

static float bias_value(const gpu_trial *trial, uint64_t b, uint64_t query, uint64_t head, uint64_t d) {
    const gpu_problem *p = trial->problem;
    uint64_t i = ((b * 64 + head) * 65536 + query) * 65536 + d;
    return p->value ? p->value(p->user, GPU_BIAS, b, query, head, d)
                    : ref_random(p->seed * GPU_SLOTS + GPU_BIAS, i);
}

static void put_bias(gpu_trial *trial, uint64_t at, float value) {
    gpu_region_write(&trial->region[GPU_BIAS], &trial->view[GPU_BIAS], at, value);
}

/* A row of the tensor, or of each axis. */
static void fill_bias_row(gpu_trial *trial, uint64_t b, uint64_t head, uint64_t query) {
    const vatten_attention_desc *desc = desc_of(trial);
    const vatten_bias_strides s = bias_strides(desc);
    uint64_t rows = desc->heads.batch * bias_heads(desc) * desc->q_len, before = 0, d = 0;
    uint64_t row = (b * bias_heads(desc) + head) * desc->q_len + query;
    for (uint64_t key = 0; key < desc->kv_len && desc->bias == VATTEN_BIAS_TENSOR; ++key) {
        uint64_t at = b * (uint64_t)s.batch + head * (uint64_t)s.head + query * (uint64_t)s.query;
        put_bias(trial, at + key * (uint64_t)s.key, bias_value(trial, b, query, head, key));
    }
    for (uint32_t a = 0; a < desc->bias_rank && desc->bias == VATTEN_BIAS_AXES; ++a) {
        for (uint64_t x = 0; x < desc->bias_extent[a]; ++x, ++d) {
            put_bias(trial, before + row * desc->bias_extent[a] + x, bias_value(trial, b, query, head, d));
        }
        before += rows * desc->bias_extent[a];
    }
}

static void fill_bias(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    uint64_t heads = bias_heads(desc), entries = trial->view[GPU_BIAS].dim / heads;
    for (uint64_t n = 0; n < heads * entries && desc->bias == VATTEN_BIAS_RELATIVE; ++n) {
        put_bias(trial, n, bias_value(trial, 0, 0, n / entries, n % entries));
    }
    for (uint64_t n = 0; n < desc->heads.batch * heads * desc->q_len && desc->bias != VATTEN_BIAS_RELATIVE;
         ++n) {
        fill_bias_row(trial, n / desc->q_len / heads, n / desc->q_len % heads, n % desc->q_len);
    }
}

/* Rows of which every seventh has seen no key yet. Without CARRY_IN any content will do. */
static void fill_state(gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_STATE];
    uint64_t rows = view->batch * view->heads * view->tokens, row = view->dim;
    for (uint64_t i = 0; i < rows * row && (desc_of(trial)->carry & VATTEN_CARRY_IN); ++i) {
        uint64_t d = i % row;
        bool none = i / row % 7 == 3;
        float unit = ref_random(trial->problem->seed * GPU_SLOTS + GPU_STATE, i);
        float value = d + 2 < row ? 3.0f * unit : d + 2 == row ? 4.0f * unit : 4.0f + unit;
        float empty = d + 2 == row ? -1e30f : 0.0f;
        gpu_region_write(&trial->region[GPU_STATE], view, i, none ? empty : value);
    }
    trial->start = malloc(rows * row * sizeof *trial->start + 1);
    if (trial->start) {
        memcpy(trial->start, bytes_of(trial, GPU_STATE), rows * row * sizeof *trial->start);
    }
}

/* Which page of which row a page of the pool is. */
static void find_owners(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    const uint32_t *pages = table(trial, trial->at.pages), *lengths = table(trial, trial->at.kv_lengths);
    uint64_t rows = packed(trial) ? desc->sequences : desc->heads.batch;
    trial->page_owner = malloc(desc->pool_pages * sizeof *trial->page_owner + 1);
    for (uint64_t n = 0; n < desc->pool_pages && trial->page_owner; ++n) {
        trial->page_owner[n] = NOBODY;
    }
    for (uint64_t n = 0; n < rows * trial->at.row_pages && trial->page_owner; ++n) {
        uint64_t row = n / trial->at.row_pages, first = n % trial->at.row_pages * desc->page_size;
        uint64_t page = pages[n] < desc->pool_pages ? pages[n] : desc->pool_pages - 1;
        if (first < (lengths ? lengths[row] : trial->kv_now) && trial->page_owner[page] == NOBODY) {
            trial->page_owner[page] = (uint32_t)n;
        }
    }
}

static ref_head head_of(const vatten_head *head) {
    return (ref_head){.scale = head->scale,
                      .sink = head->sink,
                      .slope = head->slope,
                      .offset = head->offset,
                      .gain = head->gain,
                      .left = head->left,
                      .right = head->right,
                      .prefix = head->prefix};
}

static void copy_heads(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    uint64_t count = desc->heads.heads * (desc->head_batch ? desc->heads.batch : 1);
    trial->heads = malloc(count * sizeof *trial->heads + 1);
    for (uint64_t n = 0; n < count && trial->heads; ++n) {
        vatten_head head;
        memcpy(&head, bytes_of(trial, GPU_TABLES) + trial->at.heads + n * sizeof head, sizeof head);
        trial->heads[n] = head_of(&head);
    }
}

/* ---- For the oracle ---- */

static ref_dense_bias oracle_bias(const gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    const vatten_bias_strides s = bias_strides(desc);
    ref_dense_bias bias = {.kind = (ref_bias_kind)desc->bias,
                           .data = desc->bias ? bytes_of(trial, GPU_BIAS) : NULL,
                           .dtype = trial->view[GPU_BIAS].dtype,
                           .heads = bias_heads(desc),
                           .batch = s.batch,
                           .head = s.head,
                           .query = s.query,
                           .key = s.key,
                           .rank = desc->bias_rank};
    for (uint32_t a = 0; a < 3; ++a) {
        bias.extent[a] = desc->bias_extent[a];
        bias.reach[a] = desc->bias_reach[a];
    }
    return bias;
}

static void set_oracle(gpu_trial *trial) {
    const vatten_attention_desc *desc = desc_of(trial);
    const vatten_tables *at = &trial->at;
    bool in = desc->carry & VATTEN_CARRY_IN;
    trial->more = (ref_dense_more){.batch = desc->heads.batch,
                                   .q_tokens = desc->q_len,
                                   .kv_tokens = desc->kv_len,
                                   .chunk = desc->chunk,
                                   .key_stride = desc->key_stride,
                                   .key_phase = desc->key_phase,
                                   .mask_heads = desc->mask_heads,
                                   .mask_batch = desc->mask_batch,
                                   .q_segments = table(trial, at->q_segments),
                                   .kv_segments = table(trial, at->kv_segments),
                                   .visible = table(trial, at->visible),
                                   .segments = desc->segments,
                                   .intervals = table(trial, at->intervals),
                                   .expiry = table(trial, at->expiry),
                                   .bits = table(trial, at->bits),
                                   .heads = trial->heads,
                                   .head_fields = desc->head_fields,
                                   .head_batch = desc->head_batch,
                                   .alibi_signed = desc->alibi_signed,
                                   .softcap = (double)desc->softcap,
                                   .bias = oracle_bias(trial),
                                   .lengths = (ref_lengths)desc->lengths,
                                   .sequences = desc->sequences,
                                   .q_lengths = table(trial, at->q_lengths),
                                   .kv_lengths = table(trial, at->kv_lengths),
                                   .q_starts = table(trial, at->q_starts),
                                   .kv_starts = table(trial, at->kv_starts),
                                   .page_size = desc->page_size,
                                   .pool_pages = desc->pool_pages,
                                   .pages = table(trial, at->pages),
                                   .normaliser = (ref_normaliser)desc->normaliser,
                                   .state = in ? trial->start : NULL};
}

bool gpu_dense_fill(gpu_trial *trial) {
    const gpu_problem *p = trial->problem;
    const vatten_logger told = {0};
    if (trial->at.bytes) {
        uint8_t *base = bytes_of(trial, GPU_TABLES);
        gpu_fill_tables(p, &trial->at, base);
        if (p->tables) {
            p->tables(p->user, &p->dense, &trial->at, base);
        } else if (vatten_attention_check(&told, &p->dense, base) != VATTEN_SUCCESS) {
            gpu_fail(trial->owner, "%s: valid tables do not pass their check", p->name);
            return false;
        }
    }
    if (trial->at.bytes && trial->at.heads != VATTEN_NO_TABLE) {
        copy_heads(trial);
    }
    if (p->dense.page_size) {
        find_owners(trial);
    }
    if (p->dense.bias) {
        fill_bias(trial);
    }
    if (p->dense.carry) {
        fill_state(trial);
    }
    set_oracle(trial);
    return true;
}

/* ---- What is in use ---- */

static uint64_t key_length(const gpu_trial *trial, uint64_t index) {
    const uint32_t *lengths = trial->at.bytes ? table(trial, trial->at.kv_lengths) : NULL;
    return lengths && lengths[index] < trial->kv_now ? lengths[index] : trial->kv_now;
}

bool gpu_token_used(const gpu_trial *trial, gpu_slot slot, uint64_t b, uint64_t token, uint64_t *out_b,
                    uint64_t *out_token) {
    const vatten_attention_desc *desc = desc_of(trial);
    *out_b = b;
    *out_token = token;
    if (trial->problem->grid || trial->problem->listed) {
        return true;
    }
    if (slot == GPU_Q) {
        return gpu_row_used(trial, b, token);
    }
    if (slot != GPU_K && slot != GPU_V) {
        return true;
    }
    if (desc->page_size) {
        uint32_t owner = trial->page_owner ? trial->page_owner[b] : NOBODY;
        if (owner == NOBODY) {
            return false;
        }
        *out_b = owner / trial->at.row_pages;
        *out_token = owner % trial->at.row_pages * desc->page_size + token;
        return *out_token < key_length(trial, *out_b);
    }
    return packed(trial) || token < key_length(trial, b);
}

bool gpu_row_used(const gpu_trial *trial, uint64_t b, uint64_t token) {
    bool both =
        !trial->problem->grid && !trial->problem->listed && desc_of(trial)->lengths == VATTEN_LENGTHS_BOTH;
    const uint32_t *lengths = both ? table(trial, trial->at.q_lengths) : NULL;
    return !lengths || token < lengths[b];
}

void gpu_write_bytes(gpu_region *region, const gpu_view *view, uint64_t index, const float *values) {
    for (uint64_t d = 0; d < view->dim; d += view->block) {
        uint8_t *at = region->image + region->offset + index + d / view->block * (view->block + 4);
        float most = 0.0f;
        for (uint64_t n = 0; n < view->block; ++n) {
            most = fmaxf(most, fabsf(values[d + n]));
        }
        float scale = most / 127.0f;
        memcpy(at, &scale, sizeof scale);
        for (uint64_t n = 0; n < view->block; ++n) {
            int8_t number = (int8_t)(scale > 0.0f ? lrintf(values[d + n] / scale) : 0);
            memcpy(at + 4 + n, &number, 1);
        }
    }
}

/* ---- What comes back ---- */

void gpu_spans(const gpu_trial *trial, uint64_t *out_first, uint64_t *out_end) {
    const vatten_tables *at = &trial->at;
    const uint64_t places[] = {at->heads,     at->q_lengths, at->kv_lengths, at->q_starts,
                               at->kv_starts, at->pages,     at->q_segments, at->kv_segments,
                               at->visible,   at->intervals, at->expiry,     at->bits};
    *out_first = *out_end = 0;
    if (at->bytes == 0 || at->spans == VATTEN_NO_TABLE) {
        return;
    }
    *out_first = at->spans;
    *out_end = at->bytes;
    for (size_t n = 0; n < sizeof places / sizeof places[0]; ++n) {
        *out_end = places[n] > at->spans && places[n] < *out_end ? places[n] : *out_end;
    }
}

/* A row that has come back, or the one that was there. */
static void take_row(gpu_trial *trial, uint64_t b, uint64_t h, uint64_t q, double *state, double *out) {
    const gpu_view *view = &trial->view[GPU_STATE];
    uint64_t dim = view->dim - 2, index = gpu_view_index(view, b, q, h, 0);
    double lse;
    for (uint64_t d = 0; d < view->dim; ++d) {
        state[d] = (double)gpu_region_read(&trial->region[GPU_STATE], view, index + d);
        gpu_region_restore(&trial->region[GPU_STATE], view, index + d);
    }
    ref_state_row(state, dim, out, &lse);
    trial->lse[(b * view->heads + h) * trial->q_now + q] = (float)lse;
    for (uint64_t d = 0; d < dim; ++d) {
        trial->out[((b * trial->q_now + q) * view->heads + h) * dim + d] = (float)out[d];
    }
}

bool gpu_take_state(gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_STATE];
    uint64_t rows = view->batch * view->heads * trial->q_now;
    double *state = malloc(2 * view->dim * sizeof *state);
    trial->out = calloc(rows * view->dim + 1, sizeof *trial->out);
    trial->lse = calloc(rows + 1, sizeof *trial->lse);
    bool good = state && trial->out && trial->lse;
    for (uint64_t n = 0; n < rows && good; ++n) {
        uint64_t q = n % trial->q_now, b = n / trial->q_now / view->heads;
        if (gpu_row_used(trial, b, q)) {
            take_row(trial, b, n / trial->q_now % view->heads, q, state, state + view->dim);
        }
    }
    free(state);
    return good;
}

void gpu_dense_end(gpu_trial *trial) {
    free(trial->heads);
    free(trial->start);
    free(trial->page_owner);
    trial->heads = NULL;
    trial->start = NULL;
    trial->page_owner = NULL;
}
