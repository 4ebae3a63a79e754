/* SPDX-License-Identifier: MIT
 *
 * Presets from raw numbers: nothing crashes, what is refused is told once and leaves zeros, lists are written into their
 * words and no further, and are lists that the check accepts.
 */
#include "fuzz_descs.h"
#include "fuzz_input.h"
#include "sparse.h"

#include <vatten/presets.h>

#include <stdlib.h>
#include <string.h>

#define MOST_WORDS ((uint64_t)1 << 14) /* more take long */
#define MOST_KEYS                                                                                            \
    ((uint64_t)1 << 16) /* as do these: each row of lists goes through all, unless they are refused */

/* What all presets are made of. */
typedef struct numbers {
    vatten_heads heads;
    vatten_blocks blocks;
    uint32_t word[16];
    uint64_t extent[4];
    float share;
} numbers;

static bool is_zero(const void *desc, size_t size) {
    const uint8_t *bytes = desc;
    for (size_t i = 0; i < size; ++i)
        if (bytes[i])
            return false;
    return true;
}

static const char *refusal(const fuzz_log *log, vatten_result result, const void *desc, size_t size) {
    return result != VATTEN_SUCCESS && !is_zero(desc, size) ? "presets: a refused desc is not all zero"
                                                            : fuzz_log_broken(log, result);
}

static bool is_long(const vatten_lists_desc *d) {
    return d->kv_len > MOST_KEYS && d->kv_len <= VT_LENGTH_MAX;
}

/* Of exactly so many words. NULL: there are none, or too many. */
static uint32_t *make_words(const vatten_lists_desc *d) {
    uint64_t count = vatten_preset_words(d);
    if (count == 0 || count > MOST_WORDS || is_long(d))
        return NULL;
    uint32_t *words = malloc((size_t)count * sizeof *words);
    if (!words)
        abort();
    return words;
}

/* What a device says of the desc is not the preset's; but where it is one, the lists are good. */
static const char *check_words(const vatten_lists_desc *d, const uint32_t *words) {
    static const vt_caps any = {.name = "any device",
                                .storage_range = UINT64_MAX,
                                .max_macs = UINT64_MAX,
                                .features = VATTEN_FEATURE_STORAGE_16BIT};
    static const vatten_logger silent = {0};
    static vt_problem p;
    if (d->heads.batch > 64 || vt_problem_from_lists(&any, &silent, d, &p) != VATTEN_SUCCESS)
        return NULL;
    if (p.list.words.elements != vatten_preset_words(d))
        return "presets: the words are not as many as the desc's";
    return vatten_lists_check(NULL, d, words) == VATTEN_SUCCESS ? NULL
                                                                : "presets: lists that the check refuses";
}

static const char *try_streaming(const numbers *n, fuzz_log *log) {
    bool full[16];
    vatten_lists_desc d;
    for (uint32_t h = 0; h < 16; ++h)
        full[h] = (n->word[2] >> h & 1) != 0;
    const vatten_streaming pattern = {n->word[0], n->word[1],
                                      n->heads.heads <= 16 && n->word[3] & 1 ? full : NULL};
    vatten_result result = vatten_preset_streaming(&log->logger, &n->heads, &n->blocks, &pattern, &d);
    const char *broken = refusal(log, result, &d, sizeof d);
    uint32_t *words = make_words(&d);
    if (words) {
        vatten_fill_streaming(&d, &pattern, words);
        broken = broken ? broken : check_words(&d, words);
    }
    free(words);
    return broken;
}

static const char *try_strided(const numbers *n, fuzz_log *log) {
    vatten_lists_desc d;
    const vatten_strided pattern = {n->word[0], n->word[1], n->word[2], n->word[3]};
    vatten_result result = vatten_preset_strided(&log->logger, &n->heads, &n->blocks, &pattern, &d);
    const char *broken = refusal(log, result, &d, sizeof d);
    uint32_t *words = make_words(&d);
    if (words) {
        vatten_fill_strided(&d, &pattern, words);
        broken = broken ? broken : check_words(&d, words);
    }
    free(words);
    return broken;
}

static const char *try_vertical_slash(const numbers *n, fuzz_log *log) {
    vatten_lists_desc d;
    vatten_vertical_slash patterns[8];
    for (uint32_t h = 0; h < 8; ++h)
        patterns[h] = (vatten_vertical_slash){n->word, n->word[15] >> 2 * h & 3, n->word + 4 + h % 4,
                                              n->word[14] >> 3 * h & 7};
    uint32_t list_heads = n->word[13] & 7;
    vatten_result result =
        vatten_preset_vertical_slash(&log->logger, &n->heads, &n->blocks, list_heads, patterns, &d);
    const char *broken = refusal(log, result, &d, sizeof d);
    uint32_t *words = make_words(&d);
    if (words) {
        vatten_fill_vertical_slash(&d, patterns, words);
        broken = broken ? broken : check_words(&d, words);
    }
    free(words);
    return broken;
}

static const char *try_nsa(const numbers *n, fuzz_log *log) {
    static vatten_nsa_descs d;
    const vatten_nsa method = {n->word[0], n->word[1], n->word[2]};
    vatten_result result =
        vatten_preset_nsa(&log->logger, &n->heads, n->blocks.q_len, n->blocks.kv_len, &method, &d);
    const char *broken = refusal(log, result, &d, sizeof d);
    uint32_t *words = make_words(&d.compressed);
    if (words) {
        vatten_fill_nsa(&d, words);
        broken = broken ? broken : check_words(&d.compressed, words);
    }
    free(words);
    return broken;
}

static const char *try_dma(const numbers *n, fuzz_log *log) {
    vatten_topk_desc choose;
    vatten_lists_desc attend;
    vatten_result result = vatten_preset_dma(&log->logger, &n->heads, n->blocks.q_len, n->blocks.kv_len,
                                             n->word[0], &choose, &attend);
    const char *broken = refusal(log, result, &attend, sizeof attend);
    return broken ? broken : refusal(log, result, &choose, sizeof choose);
}

/* The desc goes on to the rules of sparse plans, which may refuse it. */
static const char *try_sparse(const numbers *n, fuzz_log *log, vatten_result result,
                              const vatten_sparse_desc *d, const vt_caps *caps) {
    static vt_sparse sparse;
    const char *broken = refusal(log, result, d, sizeof *d);
    (void)n;
    if (broken || result != VATTEN_SUCCESS)
        return broken;
    return fuzz_log_broken(log, vt_sparse_from(caps, &log->logger, d, &sparse));
}

static const char *try_boxes(const numbers *n, fuzz_log *log, const vt_caps *caps, uint8_t which) {
    vatten_sparse_desc d;
    const vatten_vmoba vmoba = {.rank = n->word[6],
                                .extent = {n->extent[0], n->extent[1], n->extent[2]},
                                .block = {n->word[0], n->word[1], n->word[2]},
                                .scope = (vatten_vmoba_scope)(n->word[3] & 3),
                                .topk = n->word[4],
                                .share = n->share};
    const vatten_flashvsr flashvsr = {.extent = {n->extent[0], n->extent[1], n->extent[2]},
                                      .q_extent = n->extent[3],
                                      .block = {n->word[0], n->word[1], n->word[2]},
                                      .range = n->word[3],
                                      .total = n->word[4]};
    vatten_result result;
    if (which == 0)
        result = vatten_preset_vmoba(&log->logger, &n->heads, &vmoba, &d);
    else if (which == 1)
        result = vatten_preset_flashvsr(&log->logger, &n->heads, &flashvsr, &d);
    else if (which == 2)
        result = vatten_preset_biformer(&log->logger, &n->heads, n->extent, n->word[0], n->word[1], &d);
    else
        result = vatten_preset_moba(&log->logger, &n->heads, n->blocks.q_len, n->blocks.kv_len, n->word[0],
                                    n->word[1], &d);
    return try_sparse(n, log, result, &d, caps);
}

/* Small numbers, unless the bits say otherwise. */
static void mend(numbers *n, uint8_t bits) {
    fuzz_mend_heads(&n->heads, bits);
    n->share = n->share == n->share ? n->share : 0.5f;
    if (bits & 4)
        return;
    n->blocks.q_len &= 0xfff;
    n->blocks.kv_len &= 0xfff;
    n->blocks.block &= 0x3f;
    for (int i = 0; i < 13; ++i)
        n->word[i] &= 0xff;
    for (int i = 0; i < 4; ++i)
        n->extent[i] &= 0x3f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t head = 2 + FUZZ_CAPS_BYTES;
    if (size < head + 2)
        return 0;
    numbers n;
    fuzz_log log;
    const vt_caps caps = fuzz_caps(data + 2, FUZZ_CAPS_BYTES);
    fuzz_copy(&n, sizeof n, data + head, size - head);
    mend(&n, data[1]);
    fuzz_log_start(&log);
    uint8_t which = data[0] % 9;
    fuzz_judge(which == 0   ? try_streaming(&n, &log)
               : which == 1 ? try_strided(&n, &log)
               : which == 2 ? try_vertical_slash(&n, &log)
               : which == 3 ? try_nsa(&n, &log)
               : which == 4 ? try_dma(&n, &log)
                            : try_boxes(&n, &log, &caps, which - 5));
    return 0;
}
