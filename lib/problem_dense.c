/* SPDX-License-Identifier: MIT
 *
 * The rules of vatten_attention_desc.
 */
#include "problem_check.h"
#include "sizes.h"
#include "visible.h"

static vatten_result check_window(const vt_checker *check, const vatten_window *window) {
    INVALID_IF(window->enabled && (window->left < VATTEN_UNLIMITED || window->right < VATTEN_UNLIMITED),
               "window left %" PRId64 ", right %" PRId64 " must be at least 0, or VATTEN_UNLIMITED (-1)",
               window->left, window->right);
    return VATTEN_SUCCESS;
}

/* A side that reaches past every key is no side: it costs no test in the shader. */
static int64_t clamp_side(const vatten_window *window, int64_t side, uint64_t longest) {
    bool bounded = window->enabled && side != VATTEN_UNLIMITED && (uint64_t)side < longest;
    return bounded ? side : VATTEN_UNLIMITED;
}

vatten_result vt_problem_from_attention(const vt_caps *caps, const vatten_logger *logger,
                                        const vatten_attention_desc *desc, vt_problem *out) {
    const vt_checker checks = vt_checker_begin(caps, logger, "attention", desc->heads.label, out);
    const vt_checker *check = &checks;
    vatten_result result = vt_check_heads(check, &desc->heads, false);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "q_len", desc->q_len);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "kv_len", desc->kv_len);
    if (result == VATTEN_SUCCESS)
        result = check_window(check, &desc->window);
    if (result != VATTEN_SUCCESS)
        return result;
    INVALID_IF(desc->align != VATTEN_ALIGN_LAST && desc->align != VATTEN_ALIGN_FIRST, "align %d is unknown",
               (int)desc->align);
    vt_fill_heads(&desc->heads, caps, out);
    out->map = VT_MAP_DENSE;
    out->q_len = desc->q_len;
    out->kv_len = desc->kv_len;
    out->causal = desc->causal;
    out->align_first = desc->align == VATTEN_ALIGN_FIRST;
    /* The diagonal of any lengths that a record may shrink to lies within q_len + kv_len of any key. */
    out->left = clamp_side(&desc->window, desc->window.left, desc->q_len + desc->kv_len);
    out->right = clamp_side(&desc->window, desc->window.right, desc->q_len + desc->kv_len);
    out->prefix = vt_min(desc->prefix, desc->kv_len);
    out->pairs = vt_saturating_mul(vt_visible_dense(out), out->heads);
    return vt_fill_tensors(check, &desc->heads, out);
}
