/* SPDX-License-Identifier: MIT
 *
 * Random tables of dense plans, valid and by seed: lengths with an empty one and one of one token, sequences of which
 * some are empty, shuffled pages, segments in runs, and masks that hide and show whole tiles as well as single pairs.
 */
#include "gpu_dense.h"

#include <math.h>
#include <string.h>

/* Streams of the random numbers. */
enum {
    HEADS = 1000,
    Q_LENGTHS,
    KV_LENGTHS,
    Q_STARTS,
    KV_STARTS,
    PAGES,
    SEGMENTS,
    VISIBLE,
    INTERVALS,
    EXPIRY,
    BITS
};

/* What is filled: a desc, where its tables stand, and the bytes of all. */
typedef struct filler {
    const gpu_problem *problem;
    const vatten_attention_desc *desc;
    const vatten_tables *at;
    uint8_t *base;
    uint64_t mask_batch, mask_heads;
} filler;

/* A number below `count` from stream `stream`. */
static uint64_t draw(const filler *f, uint64_t stream, uint64_t i, uint64_t count) {
    double unit = ((double)ref_random(f->problem->seed * 64 + stream, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t number = (uint64_t)(unit * (double)count);
    return number < count ? number : count - 1;
}

static void put(const filler *f, uint64_t place, uint64_t i, uint64_t word) {
    uint32_t value = (uint32_t)word;
    memcpy(f->base + place + 4 * i, &value, sizeof value);
}

/* Members that the plan does not read keep what they hold, which is NaN. */
static void fill_head(const filler *f, uint64_t n) {
    uint8_t *at = f->base + f->at->heads + n * sizeof(vatten_head);
    vatten_head head;
    vatten_head_fields fields = f->desc->head_fields;
    float plain = 1.0f / sqrtf((float)f->desc->heads.dim);
    uint64_t sides = f->desc->kv_len / 2 + 1;
    memcpy(&head, at, sizeof head);
    if (fields & VATTEN_HEAD_SCALE) {
        head.scale = n % 5 == 4 ? 0.0f : plain * (0.5f + (float)draw(f, HEADS, 8 * n, 64) / 64.0f);
    }
    if (fields & VATTEN_HEAD_SINK) {
        head.sink = n % 3 == 2 ? -INFINITY : (float)draw(f, HEADS, 8 * n + 1, 64) / 8.0f - 2.0f;
    }
    if (fields & VATTEN_HEAD_SLOPE) {
        head.slope = 1.0f / (float)(2u << draw(f, HEADS, 8 * n + 2, 6));
    }
    if (fields & VATTEN_HEAD_OFFSET) {
        head.offset = (float)draw(f, HEADS, 8 * n + 3, 64) / 32.0f - 1.0f;
    }
    if (fields & VATTEN_HEAD_GAIN) {
        head.gain = n % 4 == 1 ? 0.0f : (float)draw(f, HEADS, 8 * n + 4, 64) / 24.0f - 1.0f;
    }
    if (fields & VATTEN_HEAD_WINDOW) {
        head.left = n % 3 == 1 ? -1 : (int32_t)draw(f, HEADS, 8 * n + 5, sides);
        head.right = n % 4 == 3 ? -1 : (int32_t)draw(f, HEADS, 8 * n + 6, sides);
    }
    if (fields & VATTEN_HEAD_PREFIX) {
        head.prefix = (uint32_t)draw(f, HEADS, 8 * n + 7, f->desc->kv_len / 4 + 1);
    }
    memcpy(at, &head, sizeof head);
}

static void fill_heads(const filler *f) {
    uint64_t count = f->desc->heads.heads * (f->desc->head_batch ? f->desc->heads.batch : 1);
    for (uint64_t n = 0; n < count && f->at->heads != VATTEN_NO_TABLE; ++n) {
        fill_head(f, n);
    }
}

/* ---- Lengths ---- */

static uint64_t entries(const filler *f) {
    return f->desc->lengths == VATTEN_LENGTHS_PACKED ? f->desc->sequences : f->desc->heads.batch;
}

/* All, none, one, then any number. */
static void fill_lengths(const filler *f, uint64_t place, uint64_t stream, uint64_t most) {
    for (uint64_t b = 0; b < entries(f) && place != VATTEN_NO_TABLE; ++b) {
        uint64_t turn = b + (stream == Q_LENGTHS ? 1 : 0), any = draw(f, stream, b, most + 1);
        put(f, place, b, b == 0 ? most : turn == 1 ? 0 : turn == 2 ? 1 : any);
    }
}

/* Sequences of random lengths, of which every fifth is empty; the last one takes what is left. */
static void fill_starts(const filler *f, uint64_t place, uint64_t stream, uint64_t tokens) {
    uint64_t count = f->desc->sequences, at = 0;
    for (uint64_t s = 0; s <= count && place != VATTEN_NO_TABLE; ++s) {
        put(f, place, s, s == count ? tokens : at);
        uint64_t length = s % 5 == 3 ? 0 : draw(f, stream, s, 2 * tokens / count + 2);
        at = at + length < tokens ? at + length : tokens;
    }
}

/* Page n of all is page (n step) mod pool, with a step that meets them all; pages past a length are nowhere. */
static void fill_pages(const filler *f) {
    uint64_t pool = f->desc->pool_pages, row = f->at->row_pages, step = pool / 2 + 1;
    for (uint64_t a = step, b = pool; f->at->pages != VATTEN_NO_TABLE;) {
        while (b) { /* the greatest common divisor */
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) {
            break;
        }
        a = ++step;
        b = pool;
    }
    for (uint64_t n = 0; n < entries(f) * row && f->at->pages != VATTEN_NO_TABLE; ++n) {
        uint32_t length = (uint32_t)f->desc->kv_len;
        if (f->at->kv_lengths != VATTEN_NO_TABLE) {
            memcpy(&length, f->base + f->at->kv_lengths + 4 * (n / row), sizeof length);
        }
        bool used = n % row * f->desc->page_size < length;
        put(f, f->at->pages, n, used ? (n * step + f->problem->seed) % pool : UINT32_MAX);
    }
}

/* ---- Masks ---- */

/* Runs of seven tokens, at the same places before the end in queries and in keys. */
static void fill_segments(const filler *f, uint64_t place, uint64_t tokens) {
    uint64_t ids = f->desc->segments ? f->desc->segments : 5;
    for (uint64_t n = 0; n < f->mask_batch * tokens && place != VATTEN_NO_TABLE; ++n) {
        uint64_t run = (tokens - n % tokens) / 7;
        put(f, place, n, draw(f, SEGMENTS, n / tokens * 100003 + run, ids));
    }
}

static void fill_visible(const filler *f) {
    uint64_t words = f->mask_heads * f->desc->segments * ((f->desc->segments + 31) / 32);
    for (uint64_t n = 0; n < words && f->at->visible != VATTEN_NO_TABLE; ++n) {
        put(f, f->at->visible, n, draw(f, VISIBLE, 2 * n, 65536) << 16 | draw(f, VISIBLE, 2 * n + 1, 65536));
    }
}

/* Every eighth is empty. */
static void fill_intervals(const filler *f) {
    uint64_t count = f->mask_batch * f->mask_heads * f->desc->q_len, keys = f->desc->kv_len;
    for (uint64_t n = 0; n < count && f->at->intervals != VATTEN_NO_TABLE; ++n) {
        uint64_t first = draw(f, INTERVALS, 2 * n, keys + 1);
        uint64_t length = n % 8 == 5 ? 0 : draw(f, INTERVALS, 2 * n + 1, keys - first + 2);
        put(f, f->at->intervals, 2 * n, first);
        put(f, f->at->intervals, 2 * n + 1, first + length);
    }
}

/* Some keys are never seen, some never expire. */
static void fill_expiry(const filler *f) {
    uint64_t count = f->mask_batch * f->mask_heads * f->desc->kv_len, keys = f->desc->kv_len;
    for (uint64_t n = 0; n < count && f->at->expiry != VATTEN_NO_TABLE; ++n) {
        uint64_t kind = draw(f, EXPIRY, 2 * n, 8), own = n % keys;
        uint64_t end = own + draw(f, EXPIRY, 2 * n + 1, keys);
        put(f, f->at->expiry, n, kind == 0 ? 0 : kind == 1 ? UINT32_MAX : end);
    }
}

/* Rectangles of 16 queries by 32 keys are empty, full, or have bits of the problem's density. */
static void fill_bits(const filler *f) {
    uint64_t words = (f->desc->kv_len + 31) / 32, rows = f->desc->q_len;
    double density = f->problem->density > 0.0 ? f->problem->density : 0.5;
    uint64_t count = f->mask_batch * f->mask_heads * rows * words;
    for (uint64_t n = 0; n < count && f->at->bits != VATTEN_NO_TABLE; ++n) {
        uint64_t kind = draw(f, BITS, n / words / 16 * 1009 + n % words, 4);
        uint32_t word = kind == 0 ? 0u : kind == 1 ? UINT32_MAX : 0u;
        for (uint32_t bit = 0; bit < 32 && kind >= 2; ++bit) {
            double one = (double)draw(f, BITS + 1, n * 32 + bit, 1u << 20) / (double)(1u << 20);
            word |= (uint32_t)(one < density) << bit;
        }
        put(f, f->at->bits, n, word);
    }
}

void gpu_fill_tables(const gpu_problem *problem, const vatten_tables *at, uint8_t *base) {
    const vatten_attention_desc *desc = &problem->dense;
    const filler f = {.problem = problem,
                      .desc = desc,
                      .at = at,
                      .base = base,
                      .mask_batch = desc->mask_batch ? desc->heads.batch : 1,
                      .mask_heads = desc->mask_heads ? desc->mask_heads : 1};
    fill_heads(&f);
    fill_lengths(&f, at->q_lengths, Q_LENGTHS, desc->q_len);
    fill_lengths(&f, at->kv_lengths, KV_LENGTHS, desc->kv_len);
    fill_starts(&f, at->q_starts, Q_STARTS, desc->q_len);
    fill_starts(&f, at->kv_starts, KV_STARTS, desc->kv_len);
    fill_pages(&f);
    fill_segments(&f, at->q_segments, desc->q_len);
    fill_segments(&f, at->kv_segments, desc->kv_len);
    fill_visible(&f);
    fill_intervals(&f);
    fill_expiry(&f);
    fill_bits(&f);
}
