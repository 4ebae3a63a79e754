/* SPDX-License-Identifier: MIT
 *
 * Where the tables of a dense plan stand in one buffer: one part after the other, in the order of vatten_tables.
 */
#include "tables.h"

#include "sizes.h"

#include <string.h>

/* Words so far. */
typedef struct layout {
    vt_sum words;
} layout;

static vt_sum product(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return vt_times(vt_times(vt_sum_of(a), vt_sum_of(b)), vt_times(vt_sum_of(c), vt_sum_of(d)));
}

/* Room for a table of a x b x c x d words, if there is one; returns its place in bytes. */
static uint64_t place(layout *l, bool has, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    if (!has)
        return VATTEN_NO_TABLE;
    uint64_t at = l->words.value;
    l->words = vt_plus(l->words, product(a, b, c, d));
    return at * sizeof(uint32_t);
}

static void place_lengths(layout *l, const vatten_attention_desc *d, vatten_tables *out) {
    bool packed = d->lengths == VATTEN_LENGTHS_PACKED, both = d->lengths == VATTEN_LENGTHS_BOTH;
    bool paged = d->page_size != 0;
    uint64_t rows = packed ? d->sequences : d->heads.batch;
    out->q_lengths = place(l, both, rows, 1, 1, 1);
    out->kv_lengths = place(l, d->lengths == VATTEN_LENGTHS_KV || both || (packed && paged), rows, 1, 1, 1);
    out->q_starts = place(l, packed, (uint64_t)d->sequences + 1, 1, 1, 1);
    out->kv_starts = place(l, packed && !paged, (uint64_t)d->sequences + 1, 1, 1, 1);
    out->row_pages = paged ? vt_ceil_div(d->kv_len, d->page_size) : 0;
    out->pages = place(l, paged, rows, out->row_pages, 1, 1);
}

static void place_masks(layout *l, const vatten_attention_desc *d, vatten_tables *out) {
    uint64_t batch = d->mask_batch ? d->heads.batch : 1, heads = d->mask_heads ? d->mask_heads : 1;
    bool segments = d->masks & VATTEN_MASK_SEGMENTS, expiry = d->masks & VATTEN_MASK_EXPIRY;
    out->q_segments = place(l, segments, batch, d->q_len, 1, 1);
    out->kv_segments = place(l, segments, batch, d->kv_len, 1, 1);
    out->visible = place(l, segments && d->segments, heads, d->segments, vt_ceil_div(d->segments, 32), 1);
    out->intervals = place(l, d->masks & VATTEN_MASK_INTERVALS, batch, heads, d->q_len, 2);
    out->expiry = place(l, expiry, batch, heads, d->kv_len, 1);
    out->bits = place(l, d->masks & VATTEN_MASK_BITS, batch, heads, d->q_len, vt_ceil_div(d->kv_len, 32));
    out->spans = place(l, segments || expiry, batch, heads, vt_ceil_div(d->kv_len, VT_SPAN), VT_SPAN_WORDS);
}

vatten_result vatten_attention_tables(const vatten_attention_desc *desc, vatten_tables *out_tables) {
    if (out_tables)
        memset(out_tables, 0, sizeof *out_tables);
    if (!desc || !out_tables)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    layout l = {{0, false}};
    vatten_tables tables = {0};
    uint64_t head_batch = desc->head_batch ? desc->heads.batch : 1;
    tables.heads = place(&l, desc->head_fields != 0, head_batch, desc->heads.heads,
                         sizeof(vatten_head) / sizeof(uint32_t), 1);
    place_lengths(&l, desc, &tables);
    place_masks(&l, desc, &tables);
    vt_sum bytes = vt_times(l.words, vt_sum_of(sizeof(uint32_t)));
    if (bytes.overflow)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    tables.bytes = bytes.value;
    *out_tables = tables;
    return VATTEN_SUCCESS;
}
