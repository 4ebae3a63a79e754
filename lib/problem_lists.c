/* SPDX-License-Identifier: MIT
 *
 * The rules of vatten_lists_desc.
 */
#include "problem_check.h"
#include "sizes.h"

/* Lists are read by 32-bit words, and an entry is cheaper to walk than a key. */
#define ENTRIES_MAX (1u << 24)
#define BLOCK_MAX   (1u << 20)

static bool known(vatten_list_kind kind) {
    return kind >= VATTEN_LIST_BLOCKS && kind <= VATTEN_LIST_KEYS;
}

static uint64_t entry_words(const vatten_lists_desc *desc) {
    if (desc->kind == VATTEN_LIST_RANGES)
        return 2;
    return desc->row_masks ? 1 + vt_ceil_div(vt_block_rows(desc), 32) : 1;
}

uint64_t vatten_lists_words(const vatten_lists_desc *desc) {
    if (!desc || !known(desc->kind))
        return 0;
    return (desc->kind == VATTEN_LIST_RANGES ? 2 : 0) + vt_saturating_mul(desc->entries, entry_words(desc));
}

static vatten_result check_sizes(const vt_checker *check, const vatten_lists_desc *desc) {
    bool blocks = desc->kind == VATTEN_LIST_BLOCKS;
    bool ranges = desc->kind == VATTEN_LIST_RANGES;
    INVALID_IF(!known(desc->kind), "kind %d is unknown", (int)desc->kind);
    INVALID_IF(desc->q_block == 0, "q_block %d must be at least 1", 0);
    INVALID_IF(desc->q_block > BLOCK_MAX, "q_block %" PRIu32 " is above %u", desc->q_block, BLOCK_MAX);
    INVALID_IF(blocks && desc->kv_block == 0, "kv_block %d must be at least 1", 0);
    INVALID_IF(desc->kv_block > BLOCK_MAX, "kv_block %" PRIu32 " is above %u", desc->kv_block, BLOCK_MAX);
    INVALID_IF(!blocks && desc->kv_block != 0, "kv_block %" PRIu32 " is for lists of blocks only",
               desc->kv_block);
    INVALID_IF(desc->entries == 0, "entries %d must be at least 1", 0);
    INVALID_IF(desc->entries > ENTRIES_MAX, "entries %" PRIu32 " are above %u", desc->entries, ENTRIES_MAX);
    INVALID_IF(ranges && desc->rows == 0, "lists of ranges need rows, they are %d", 0);
    INVALID_IF(!ranges && desc->rows != 0, "rows %" PRIu64 " are for lists of ranges only", desc->rows);
    INVALID_IF(desc->rows > VT_LENGTH_MAX, "rows %" PRIu64 " are above %u", desc->rows, VT_LENGTH_MAX);
    INVALID_IF(!blocks && desc->row_masks, "row_masks %d are for lists of blocks only", 1);
    INVALID_IF(desc->key_stride == 0 && desc->key_phase != 0, "key_phase %" PRIu32 " without a key_stride",
               desc->key_phase);
    return VATTEN_SUCCESS;
}

/* A list of blocks cannot be longer than there are blocks without naming one twice. */
static vatten_result check_entries(const vt_checker *check, const vatten_lists_desc *desc, uint64_t blocks) {
    INVALID_IF(desc->kind == VATTEN_LIST_BLOCKS && desc->entries > blocks,
               "entries %" PRIu32 " are above the %" PRIu64 " blocks of %" PRIu32 " keys that %" PRIu64
               " keys make",
               desc->entries, blocks, desc->kv_block, desc->kv_len);
    return VATTEN_SUCCESS;
}

static vatten_result fill_words(const vt_checker *check, const vatten_lists_desc *desc, uint32_t list_heads,
                                vt_problem *out) {
    vt_list_rule *list = &out->list;
    const vatten_strides *t = &desc->lists;
    bool packed = t->batch == 0 && t->head == 0 && t->token == 0;
    uint64_t words = vatten_lists_words(desc);
    INVALID_IF(words > UINT32_MAX, "a list of %" PRIu32 " entries has %" PRIu64 " words, above 32 bits",
               desc->entries, words);
    list->row_words = (uint32_t)words;
    const vt_shape shape = {"lists", *t, list->rows, list_heads, list->row_words, false, sizeof(uint32_t)};
    vatten_result result = vt_fill_tensor(check, &shape, &list->words);
    if (result != VATTEN_SUCCESS)
        return result;
    if (packed) { /* rows of a head stand together */
        list->words.token = words;
        list->words.head = words * list->rows;
    }
    UNSUPPORTED_IF(list->words.token > UINT32_MAX, "lists strides: token %" PRIu64 " is above 32 bits",
                   list->words.token);
    return VATTEN_SUCCESS;
}

static vatten_result fill_list(const vt_checker *check, const vatten_lists_desc *desc, vt_problem *out) {
    vt_list_rule *list = &out->list;
    uint32_t list_heads = desc->list_heads ? desc->list_heads : out->heads;
    INVALID_IF(out->heads % list_heads != 0, "heads %" PRIu32 " is not a multiple of list_heads %" PRIu32,
               out->heads, list_heads);
    list->kind = desc->kind;
    list->q_block = desc->q_block;
    list->kv_block = desc->kv_block ? desc->kv_block : 1;
    list->entries = desc->entries;
    list->group = out->heads / list_heads;
    list->rows = desc->rows ? desc->rows : vt_ceil_div(list->q_units, list->row_units) * list->row_lists;
    list->row_masks = desc->row_masks;
    list->key_stride = desc->key_stride;
    list->key_phase = desc->key_stride ? desc->key_phase % desc->key_stride : 0;
    return fill_words(check, desc, list_heads, out);
}

/* Packed is by head before query, unlike tensors of tokens. */
static vatten_result fill_bias(const vt_checker *check, const vatten_lists_desc *desc, vt_problem *out) {
    vt_list_rule *list = &out->list;
    const vatten_strides *t = &desc->bias_strides;
    bool packed = t->batch == 0 && t->head == 0 && t->token == 0;
    uint32_t heads = desc->bias_heads ? desc->bias_heads : out->heads;
    bool biased = desc->bias == VATTEN_BIAS_TENSOR;
    INVALID_IF(!biased && desc->bias != VATTEN_BIAS_NONE, "bias %d is neither NONE (0) nor TENSOR (2)",
               (int)desc->bias);
    INVALID_IF(!biased && desc->bias_heads != 0, "bias_heads %" PRIu32 " without a bias", desc->bias_heads);
    INVALID_IF(!biased && !packed,
               "bias_strides batch %" PRId64 ", head %" PRId64 ", token %" PRId64 " without a bias", t->batch,
               t->head, t->token);
    INVALID_IF(out->heads % heads != 0, "heads %" PRIu32 " is not a multiple of bias_heads %" PRIu32,
               out->heads, heads);
    if (!biased)
        return VATTEN_SUCCESS;
    list->biased = true;
    list->bias_group = out->heads / heads;
    const vt_shape shape = {"bias", *t, out->q_len, heads, (uint32_t)out->kv_len, false, sizeof(float)};
    vatten_result result = vt_fill_tensor(check, &shape, &list->bias);
    if (packed) { /* queries of a head stand together */
        list->bias.token = out->kv_len;
        list->bias.head = out->kv_len * out->q_len;
    }
    out->bias_bytes = list->bias.elements * sizeof(float);
    return result;
}

/* Of full lists that share nothing. */
static uint64_t most_pairs(const vt_problem *p) {
    uint64_t listed = vt_saturating_mul(p->list.entries, p->list.kv_block);
    uint64_t keys = p->list.kind == VATTEN_LIST_RANGES ? p->kv_len
                    : p->list.kind == VATTEN_LIST_KEYS ? listed
                                                       : vt_min(listed, p->kv_len);
    return vt_saturating_mul(vt_saturating_mul(p->q_len, keys), p->heads);
}

vatten_result vt_problem_from_lists(const vt_caps *caps, const vatten_logger *logger,
                                    const vatten_lists_desc *given, vt_problem *out) {
    const vt_checker checks = vt_checker_begin(caps, logger, "lists", given->heads.label, out);
    const vt_checker *check = &checks;
    vatten_lists_desc resolved;
    const vatten_lists_desc *desc = &resolved;
    vatten_result result = vt_resolve_boxes(check, given, &resolved);
    const vt_diagonal rule = {desc->causal, desc->align, &desc->window, desc->prefix};
    if (result == VATTEN_SUCCESS)
        result = check_sizes(check, desc);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_dense(check, &desc->heads, desc->q_len, desc->kv_len, &rule, out);
    if (result == VATTEN_SUCCESS)
        result = vt_refuse_bytes(check, &desc->heads);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensors(check, &desc->heads, out);
    if (result == VATTEN_SUCCESS)
        vt_fill_boxes(desc, &out->list);
    if (result == VATTEN_SUCCESS)
        result = check_entries(check, desc, out->list.blocks);
    if (result == VATTEN_SUCCESS)
        result = fill_list(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_bias(check, desc, out);
    out->map = VT_MAP_LISTS;
    out->pairs = result == VATTEN_SUCCESS ? most_pairs(out) : 0;
    return result;
}
