/* SPDX-License-Identifier: MIT
 *
 * Dense attention pair by pair: which keys a query sees, and what becomes of a product. The library knows runs of keys
 * that are hidden or visible as a whole; here each pair is asked by itself.
 */
#include "ref_dense.h"

#include <math.h>
#include <string.h>

static uint64_t at_most(uint64_t value, uint64_t limit) {
    return value < limit ? value : limit;
}

/* The sequence that a token of q belongs to. */
static ref_entry packed_entry(const ref_problem *problem, uint64_t query) {
    const ref_dense_more *more = problem->more;
    ref_entry entry = {0};
    for (uint64_t s = 0; s < more->sequences; ++s) {
        if (query >= more->q_starts[s] && query < more->q_starts[s + 1]) {
            entry.index = s;
            entry.first_query = more->q_starts[s];
            entry.query = query - more->q_starts[s];
            entry.q_len = more->q_starts[s + 1] - more->q_starts[s];
            if (more->page_size) {
                entry.kv_len = at_most(more->kv_lengths[s], problem->dense->kv_len);
            } else {
                entry.first_key = more->kv_starts[s];
                entry.kv_len = more->kv_starts[s + 1] - more->kv_starts[s];
            }
        }
    }
    return entry;
}

ref_entry ref_dense_entry(const ref_problem *problem, uint64_t b, uint64_t query) {
    const ref_dense_rule *rule = problem->dense;
    const ref_dense_more *more = problem->more;
    if (more && more->lengths == REF_LENGTHS_PACKED) {
        return packed_entry(problem, query);
    }
    ref_entry entry = {.batch = b, .index = b, .query = query};
    entry.q_len = rule->q_len;
    entry.kv_len = rule->kv_len;
    if (more && more->lengths != REF_LENGTHS_PLAN) {
        entry.kv_len = at_most(more->kv_lengths[b], rule->kv_len);
    }
    if (more && more->lengths == REF_LENGTHS_BOTH) {
        entry.q_len = at_most(more->q_lengths[b], rule->q_len);
    }
    return entry;
}

void ref_dense_place(const ref_problem *problem, const ref_entry *entry, uint64_t key, uint64_t *out_batch,
                     uint64_t *out_token) {
    const ref_dense_more *more = problem->more;
    *out_batch = entry->batch;
    *out_token = entry->first_key + key;
    if (more && more->page_size) {
        uint64_t row_pages = (more->kv_tokens + more->page_size - 1) / more->page_size;
        uint64_t page = more->pages[entry->index * row_pages + key / more->page_size];
        *out_batch = at_most(page, more->pool_pages - 1);
        *out_token = key % more->page_size;
    }
}

/* ---- Which pairs count ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* The key on a query's diagonal, which may be none: negative, or past the last. */
static int64_t diagonal(const ref_problem *problem, const ref_entry *entry) {
    int64_t shift = problem->dense->align_first ? 0 : (int64_t)entry->kv_len - (int64_t)entry->q_len;
    return (int64_t)entry->query + shift;
}

static const ref_head *head_of(const ref_problem *problem, const ref_entry *entry, uint64_t head,
                               ref_head_field field) {
    const ref_dense_more *more = problem->more;
    if (!more || !more->heads || !(more->head_fields & field)) {
        return NULL;
    }
    return &more->heads[(more->head_batch ? entry->batch * problem->heads : 0) + head];
}

/* The rules that let a query see a key, of which one is enough. */
static bool is_shown(const ref_problem *problem, const ref_entry *entry, uint64_t head, int64_t key) {
    const ref_dense_more *more = problem->more;
    const ref_head *window = head_of(problem, entry, head, REF_HEAD_WINDOW);
    const ref_head *prefix = head_of(problem, entry, head, REF_HEAD_PREFIX);
    int64_t left = window ? window->left : problem->dense->left;
    int64_t right = window ? window->right : problem->dense->right;
    int64_t ahead = key - diagonal(problem, entry);
    bool near = (left < 0 || -ahead <= left) && (right < 0 || ahead <= right);
    if (more && more->chunk) {
        int64_t chunk = (int64_t)more->chunk;
        near = near && floor_div(key, chunk) == floor_div(diagonal(problem, entry), chunk);
    }
    bool in_prefix = (uint64_t)key < (prefix ? prefix->prefix : problem->dense->prefix);
    bool on_stride = more && more->key_stride && ((uint64_t)key + more->key_phase) % more->key_stride == 0;
    return near || in_prefix || on_stride;
}

/* A row of one of the masks' tables: [Mb][Mh][rows]. */
static uint64_t mask_row(const ref_problem *problem, const ref_entry *entry, uint64_t head, bool heads,
                         uint64_t rows, uint64_t row) {
    const ref_dense_more *more = problem->more;
    uint64_t all = heads && more->mask_heads ? more->mask_heads : 1;
    uint64_t b = more->mask_batch ? entry->batch : 0;
    return (b * all + head / (problem->heads / all)) * rows + row;
}

static bool segments_match(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t query,
                           uint64_t key) {
    const ref_dense_more *more = problem->more;
    uint64_t q = more->q_segments[mask_row(problem, entry, 0, false, more->q_tokens, query)];
    uint64_t k = more->kv_segments[mask_row(problem, entry, 0, false, more->kv_tokens, key)];
    if (more->segments == 0) {
        return q == k;
    }
    if (q >= more->segments || k >= more->segments) {
        return false;
    }
    uint64_t all = more->mask_heads ? more->mask_heads : 1;
    uint64_t row = head / (problem->heads / all) * more->segments + q;
    return more->visible[row * ((more->segments + 31) / 32) + k / 32] >> (k % 32) & 1;
}

/* Tables count tokens as the tensors do; what stands in them counts in the entry. */
static bool masks_show(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    const ref_dense_more *more = problem->more;
    uint64_t query = entry->first_query + entry->query, token = entry->first_key + key;
    if (more->q_segments && !segments_match(problem, entry, head, query, token)) {
        return false;
    }
    if (more->intervals) {
        const uint32_t *span =
            more->intervals + 2 * mask_row(problem, entry, head, true, more->q_tokens, query);
        if (key < span[0] || key >= span[1]) {
            return false;
        }
    }
    if (more->expiry) {
        uint32_t expiry = more->expiry[mask_row(problem, entry, head, true, more->kv_tokens, token)];
        if (diagonal(problem, entry) >= (int64_t)expiry) {
            return false;
        }
    }
    if (more->bits) {
        uint64_t words = (more->kv_tokens + 31) / 32;
        uint64_t row = mask_row(problem, entry, head, true, more->q_tokens, query);
        return more->bits[row * words + token / 32] >> (token % 32) & 1;
    }
    return true;
}

bool ref_dense_sees(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    if (key >= entry->kv_len || ref_dense_gain(problem, entry, head) == 0.0) {
        return false;
    }
    if (problem->dense->causal && (int64_t)key > diagonal(problem, entry)) {
        return false;
    }
    return is_shown(problem, entry, head, (int64_t)key) &&
           (!problem->more || masks_show(problem, entry, head, key));
}

/* ---- What becomes of a product ---- */

static double bias_at(const ref_dense_bias *bias, ref_dtype dtype, int64_t at) {
    const ref_tensor tensor = {.data = bias->data, .dtype = dtype, .token = 1};
    return ref_load(&tensor, 0, (uint64_t)at, 0, 0);
}

/* Coordinates of a token of a row-major grid; the first one is what is left. */
static void coordinates(const ref_dense_bias *bias, int64_t token, int64_t at[3]) {
    for (uint64_t a = bias->rank; a-- > 1;) {
        int64_t extent = (int64_t)bias->extent[a];
        at[a] = token - floor_div(token, extent) * extent;
        token = floor_div(token, extent);
    }
    at[0] = token;
}

static double relative_bias(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    const ref_dense_bias *bias = &problem->more->bias;
    int64_t here[3] = {0}, there[3] = {0}, at = (int64_t)head;
    coordinates(bias, diagonal(problem, entry), here);
    coordinates(bias, (int64_t)key, there);
    for (uint64_t a = 0; a < bias->rank; ++a) {
        int64_t reach = (int64_t)bias->reach[a], offset = there[a] - here[a];
        offset = offset < -reach ? -reach : offset > reach ? reach : offset;
        at = at * (2 * reach + 1) + reach + offset;
    }
    return bias_at(bias, REF_F32, at);
}

/* The tables of the axes stand one after the other. */
static double axes_bias(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    const ref_dense_more *more = problem->more;
    const ref_dense_bias *bias = &more->bias;
    uint64_t query = entry->first_query + entry->query;
    uint64_t rows = more->batch * bias->heads * more->q_tokens, before = 0;
    uint64_t row = (entry->batch * bias->heads + head) * more->q_tokens + query;
    int64_t at[3] = {0};
    double sum = 0.0;
    coordinates(bias, (int64_t)key, at);
    for (uint64_t a = 0; a < bias->rank; ++a) {
        sum += bias_at(bias, bias->dtype, (int64_t)(before + row * bias->extent[a]) + at[a]);
        before += rows * bias->extent[a];
    }
    return sum;
}

/* Packed sequences: the tensor counts tokens of q and k, which in pages are those of the sequence. */
static double tensor_bias(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    const ref_dense_bias *bias = &problem->more->bias;
    int64_t query = (int64_t)(entry->first_query + entry->query), token = (int64_t)(entry->first_key + key);
    return bias_at(bias, bias->dtype,
                   (int64_t)entry->batch * bias->batch + (int64_t)head * bias->head + query * bias->query +
                       token * bias->key);
}

static double bias_of(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key) {
    const ref_dense_bias *bias = &problem->more->bias;
    uint64_t shared = bias->kind ? head / (problem->heads / bias->heads) : 0;
    switch (bias->kind) {
    case REF_BIAS_RELATIVE:
        return relative_bias(problem, entry, shared, key);
    case REF_BIAS_TENSOR:
        return tensor_bias(problem, entry, shared, key);
    case REF_BIAS_AXES:
        return axes_bias(problem, entry, shared, key);
    default:
        return 0.0;
    }
}

static double alibi(const ref_problem *problem, const ref_entry *entry, double slope, uint64_t key) {
    if (problem->more->alibi_signed) {
        return slope * ((double)key - (double)entry->query);
    }
    return -slope * fabs((double)diagonal(problem, entry) - (double)key);
}

double ref_dense_score(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key,
                       bool extra, double dot) {
    const ref_dense_more *more = problem->more;
    const ref_head *scale = head_of(problem, entry, head, REF_HEAD_SCALE);
    const ref_head *offset = head_of(problem, entry, head, REF_HEAD_OFFSET);
    const ref_head *slope = head_of(problem, entry, head, REF_HEAD_SLOPE);
    double plain = problem->scale != 0.0 ? problem->scale : 1.0 / sqrt((double)problem->dim);
    double score = (scale ? (double)scale->scale : plain) * dot;
    if (more->softcap > 0.0) {
        score = more->softcap * tanh(score / more->softcap);
    }
    score += offset ? (double)offset->offset : 0.0;
    if (!extra) {
        score += slope ? alibi(problem, entry, (double)slope->slope, key) : 0.0;
        score += bias_of(problem, entry, head, key);
    }
    return score;
}

double ref_normalised(ref_normaliser normaliser, double score) {
    const double pi = 3.14159265358979323846;
    if (score == -INFINITY) {
        return 0.0;
    }
    switch (normaliser) {
    case REF_SIGMOID:
        return 1.0 / (1.0 + exp(-score));
    case REF_RELU:
        return fmax(score, 0.0);
    case REF_RELU2:
        return fmax(score, 0.0) * fmax(score, 0.0);
    case REF_LAPLACE:
        return (1.0 + erf((score - sqrt(0.5)) / sqrt(0.5 / pi))) / 2.0;
    default:
        return score;
    }
}

double ref_dense_sink(const ref_problem *problem, const ref_entry *entry, uint64_t head) {
    const ref_head *sink = head_of(problem, entry, head, REF_HEAD_SINK);
    bool none = !sink || problem->more->state || ref_dense_gain(problem, entry, head) == 0.0;
    return none ? -INFINITY : (double)sink->sink;
}

double ref_dense_gain(const ref_problem *problem, const ref_entry *entry, uint64_t head) {
    const ref_head *gain = head_of(problem, entry, head, REF_HEAD_GAIN);
    return gain ? (double)gain->gain : 1.0;
}

const float *ref_dense_state(const ref_problem *problem, const ref_entry *entry, uint64_t head) {
    const ref_dense_more *more = problem->more;
    if (!more || !more->state || ref_dense_gain(problem, entry, head) == 0.0) {
        return NULL;
    }
    uint64_t row =
        (entry->batch * problem->heads + head) * more->q_tokens + entry->first_query + entry->query;
    return more->state + row * (problem->value_dim + 2);
}
