/* SPDX-License-Identifier: MIT
 *
 * Descs of published mechanisms that choose blocks by their scores (vatten/presets.h).
 */
#include "preset_check.h"

vatten_result vatten_preset_moba(const vatten_logger *logger, const vatten_heads *heads, uint64_t q_len,
                                 uint64_t kv_len, uint32_t block, uint32_t topk, vatten_sparse_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "moba", heads, out, sizeof *out);
    if (!heads || !out)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (block == 0 || topk == 0)
        return vt_preset_refuse(&preset, "block %" PRIu32 " and topk %" PRIu32 " must be at least 1", block,
                                topk);
    out->heads = *heads;
    out->q_len = q_len;
    out->kv_len = kv_len;
    out->q_block = 1;
    out->kv_block =
        (uint32_t)vt_min(block, kv_len); /* one block of all keys, if it is longer than they are */
    out->rule.entries = kv_len ? (uint32_t)vt_min(topk, vt_ceil_div(kv_len, block)) : topk;
    out->rule.own = true;
    out->causal = true;
    return VATTEN_SUCCESS;
}
