/* SPDX-License-Identifier: MIT
 *
 * Lists of static patterns, written on the host: which blocks or ranges a block of queries goes by. Presets of vatten/presets.h
 * whose rules need no data.
 */
#include "preset_check.h"
#include "problem.h"

#include <string.h>

static bool blocks_are_good(const vt_preset *preset, const vatten_heads *heads, const vatten_blocks *b) {
    REFUSE_IF(preset, heads->heads == 0 || heads->kv_heads == 0,
              "heads %" PRIu32 " and kv_heads %" PRIu32 " must be at least 1", heads->heads, heads->kv_heads);
    REFUSE_IF(preset, b->block == 0, "block %d must be at least 1", 0);
    REFUSE_IF(preset, b->q_len == 0 || b->kv_len < b->q_len,
              "q_len %" PRIu64 " and kv_len %" PRIu64 ": rows are causal, so 0 < q_len <= kv_len", b->q_len,
              b->kv_len);
    return true;
}

static uint64_t key_blocks(const vatten_blocks *b) {
    return vt_ceil_div(b->kv_len, b->block);
}

/* Lists of a head, packed, the same ones for all batch entries. */
static void set_blocks(const vatten_heads *heads, const vatten_blocks *b, uint32_t list_heads,
                       uint64_t entries, vatten_lists_desc *out) {
    out->heads = *heads;
    out->q_len = b->q_len;
    out->kv_len = b->kv_len;
    out->kind = VATTEN_LIST_BLOCKS;
    out->q_block = b->block;
    out->kv_block = b->block;
    out->entries = (uint32_t)vt_min(entries, key_blocks(b));
    out->list_heads = list_heads;
    out->causal = true;
}

static uint64_t rows_of(const vatten_lists_desc *d) {
    return d->kind == VATTEN_LIST_RANGES ? d->rows : vt_ceil_div(d->q_len, d->q_block);
}

static void share_batches(vatten_lists_desc *d) {
    uint64_t words = vatten_lists_words(d);
    d->lists = (vatten_strides){.batch = 0, .head = (int64_t)(rows_of(d) * words), .token = (int64_t)words};
}

/* Lengths are whatever the caller said: words that wrapped would be few, and lists be written past them; and the blocks of keys
 * that no plan takes have no end. */
uint64_t vatten_preset_words(const vatten_lists_desc *desc) {
    if (!desc || !desc->q_block || desc->kv_len > VT_LENGTH_MAX)
        return 0;
    vt_sum lists = vt_times(vt_sum_of(desc->list_heads), vt_sum_of(rows_of(desc)));
    vt_sum words = vt_times(lists, vt_sum_of(vatten_lists_words(desc)));
    return words.overflow ? 0 : words.value;
}

/* ---- Streaming and strided: one question for each pair of blocks ---- */

static bool any_full(const vatten_heads *heads, const bool *full) {
    bool any = false;
    for (uint32_t h = 0; full && h < heads->heads; ++h)
        any = any || full[h];
    return any;
}

vatten_result vatten_preset_streaming(const vatten_logger *logger, const vatten_heads *heads,
                                      const vatten_blocks *blocks, const vatten_streaming *pattern,
                                      vatten_lists_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "streaming", heads, out, sizeof *out);
    if (!heads || !blocks || !pattern || !out || !blocks_are_good(&preset, heads, blocks))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (pattern->local == 0)
        return vt_preset_refuse(&preset, "local %d must be at least 1: the block on the diagonal", 0);
    bool full = any_full(heads, pattern->full);
    set_blocks(heads, blocks, full ? heads->heads : 1,
               full ? UINT64_MAX : (uint64_t)pattern->sink + pattern->local, out);
    share_batches(out);
    return VATTEN_SUCCESS;
}

vatten_result vatten_preset_strided(const vatten_logger *logger, const vatten_heads *heads,
                                    const vatten_blocks *blocks, const vatten_strided *pattern,
                                    vatten_lists_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "strided", heads, out, sizeof *out);
    if (!heads || !blocks || !pattern || !out || !blocks_are_good(&preset, heads, blocks))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (pattern->local == 0 || pattern->stride == 0)
        return vt_preset_refuse(&preset, "local %" PRIu32 " and stride %" PRIu32 " must be at least 1",
                                pattern->local, pattern->stride);
    if (pattern->full_heads > heads->kv_heads)
        return vt_preset_refuse(&preset, "full_heads %" PRIu32 " are above kv_heads %" PRIu32,
                                pattern->full_heads, heads->kv_heads);
    uint64_t far = vt_ceil_div(key_blocks(blocks), pattern->stride);
    set_blocks(heads, blocks, heads->kv_heads, pattern->full_heads ? UINT64_MAX : pattern->local + far, out);
    share_batches(out);
    return VATTEN_SUCCESS;
}

typedef bool (*listed)(const void *pattern, const vatten_lists_desc *desc, uint32_t head, uint64_t diagonal,
                       uint64_t block);

static bool is_streamed(const void *pattern, const vatten_lists_desc *desc, uint32_t head, uint64_t diagonal,
                        uint64_t block) {
    const vatten_streaming *p = pattern;
    bool full = desc->list_heads > 1 && p->full && p->full[head];
    return full || block < p->sink || diagonal - block < p->local;
}

static bool is_strided(const void *pattern, const vatten_lists_desc *desc, uint32_t head, uint64_t diagonal,
                       uint64_t block) {
    const vatten_strided *p = pattern;
    uint32_t heads = desc->list_heads;
    uint64_t step = vt_max(1, p->stride / heads);
    return diagonal - block < p->local || head >= heads - p->full_heads ||
           (block + head * step + p->offset) % p->stride == 0;
}

static void fill(const vatten_lists_desc *d, listed is_listed, const void *pattern, uint32_t *words) {
    uint64_t ahead = vt_ceil_div(d->kv_len - d->q_len, d->kv_block), rows = rows_of(d);
    uint64_t blocks = vt_ceil_div(d->kv_len, d->kv_block);
    for (uint64_t n = 0; n < d->list_heads * rows; ++n) {
        uint64_t diagonal = vt_min(ahead + n % rows, blocks - 1);
        uint32_t *list = words + n * d->entries, used = 0;
        for (uint64_t block = 0; block <= diagonal && used < d->entries; ++block)
            if (is_listed(pattern, d, (uint32_t)(n / rows), ahead + n % rows, block))
                list[used++] = (uint32_t)block;
        for (; used < d->entries; ++used)
            list[used] = VATTEN_LIST_END;
    }
}

void vatten_fill_streaming(const vatten_lists_desc *desc, const vatten_streaming *pattern, uint32_t *words) {
    if (desc && pattern && words && vatten_preset_words(desc))
        fill(desc, is_streamed, pattern, words);
}

void vatten_fill_strided(const vatten_lists_desc *desc, const vatten_strided *pattern, uint32_t *words) {
    if (desc && pattern && words && vatten_preset_words(desc))
        fill(desc, is_strided, pattern, words);
}

/* ---- Vertical-slash: ranges of keys ---- */

static bool in_order(const vt_preset *preset, uint32_t head, const vatten_vertical_slash *p) {
    REFUSE_IF(preset, (p->verticals && !p->vertical) || (p->slashes && !p->slash),
              "list head %" PRIu32 ": %" PRIu32 " verticals and %" PRIu32 " slashes, but a pointer is NULL",
              head, p->verticals, p->slashes);
    for (uint32_t n = 1; n < p->verticals; ++n)
        REFUSE_IF(preset, p->vertical[n] <= p->vertical[n - 1],
                  "list head %" PRIu32 ": vertical %" PRIu32 " is %" PRIu32 ", after %" PRIu32
                  ": they must ascend",
                  head, n, p->vertical[n], p->vertical[n - 1]);
    for (uint32_t n = 1; n < p->slashes; ++n)
        REFUSE_IF(preset, p->slash[n] >= p->slash[n - 1],
                  "list head %" PRIu32 ": slash %" PRIu32 " is %" PRIu32 ", after %" PRIu32
                  ": they must descend",
                  head, n, p->slash[n], p->slash[n - 1]);
    return true;
}

static bool patterns_are_good(const vt_preset *preset, uint32_t list_heads,
                              const vatten_vertical_slash *patterns, uint64_t *entries) {
    for (uint32_t h = 0; h < list_heads; ++h) {
        if (!in_order(preset, h, &patterns[h]))
            return false;
        *entries = vt_max(*entries, (uint64_t)patterns[h].verticals + patterns[h].slashes);
    }
    REFUSE_IF(preset, *entries == 0 || *entries > UINT32_MAX, "%" PRIu64 " verticals and slashes", *entries);
    return true;
}

vatten_result vatten_preset_vertical_slash(const vatten_logger *logger, const vatten_heads *heads,
                                           const vatten_blocks *blocks, uint32_t list_heads,
                                           const vatten_vertical_slash *patterns, vatten_lists_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "vertical-slash", heads, out, sizeof *out);
    uint64_t entries = 0;
    if (!heads || !blocks || !patterns || !out || !blocks_are_good(&preset, heads, blocks))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (blocks->q_len != blocks->kv_len)
        return vt_preset_refuse(&preset, "q_len %" PRIu64 " is not kv_len %" PRIu64, blocks->q_len,
                                blocks->kv_len);
    if (list_heads == 0 || heads->heads % list_heads != 0)
        return vt_preset_refuse(&preset, "heads %" PRIu32 " are not a multiple of list_heads %" PRIu32,
                                heads->heads, list_heads);
    if (!patterns_are_good(&preset, list_heads, patterns, &entries))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    set_blocks(heads, blocks, list_heads, 0, out);
    out->kind = VATTEN_LIST_RANGES;
    out->kv_block = 0;
    out->rows = vt_ceil_div(blocks->q_len, blocks->block);
    out->entries = (uint32_t)entries;
    share_batches(out);
    return VATTEN_SUCCESS;
}

/* Where the next range of a list goes, and the verticals that are not listed yet. */
typedef struct ranges {
    const vatten_vertical_slash *pattern;
    uint32_t *next;
    uint32_t vertical;
    uint64_t limit; /* keys */
} ranges;

static void put(ranges *to, uint64_t first, uint64_t end) {
    if (first >= vt_min(end, to->limit))
        return;
    *to->next++ = (uint32_t)first;
    *to->next++ = (uint32_t)vt_min(end, to->limit);
}

/* Verticals before `first` are ranges of their own, those before `end` are covered. */
static void put_verticals(ranges *to, uint64_t first, uint64_t end) {
    for (; to->vertical < to->pattern->verticals; ++to->vertical) {
        uint64_t key = to->pattern->vertical[to->vertical];
        if (key >= end)
            return;
        if (key < first)
            put(to, key, key + 1);
    }
}

static void put_slashes(ranges *to, uint64_t block, uint64_t q_end) {
    uint64_t first = 0, end = 0; /* of the keys of neighbouring slashes */
    for (uint32_t n = 0; n < to->pattern->slashes; ++n) {
        uint64_t distance = to->pattern->slash[n];
        if (distance >= q_end)
            continue; /* before the first key */
        uint64_t last = vt_max(q_end - distance, block);
        if (end != 0 && last <= end + block) {
            end += last > end ? block : 0;
            continue;
        }
        put_verticals(to, first, end);
        if (end != 0) {
            put(to, first, end);
        }
        first = last - block;
        end = last;
    }
    put_verticals(to, first, end);
    if (end != 0)
        put(to, first, end);
}

void vatten_fill_vertical_slash(const vatten_lists_desc *desc, const vatten_vertical_slash *patterns,
                                uint32_t *words) {
    uint64_t total = vatten_preset_words(desc);
    if (!desc || !patterns || !words || total == 0)
        return;
    uint64_t row_words = vatten_lists_words(desc);
    memset(words, 0xff, (size_t)total * sizeof *words); /* VATTEN_LIST_END */
    for (uint64_t n = 0; n < desc->list_heads * desc->rows; ++n) {
        uint64_t first = n % desc->rows * desc->q_block;
        uint32_t *list = words + n * row_words;
        ranges to = {&patterns[n / desc->rows], list + 2, 0, desc->kv_len};
        list[0] = (uint32_t)first;
        list[1] = (uint32_t)vt_min(first + desc->q_block, desc->q_len);
        put_slashes(&to, desc->q_block, first + desc->q_block);
        put_verticals(&to, first + desc->q_block, UINT64_MAX);
    }
}
