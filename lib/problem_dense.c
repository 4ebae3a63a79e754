/* SPDX-License-Identifier: MIT
 *
 * The rules of vatten_attention_desc, which lists have too.
 */
#include "problem_check.h"
#include "sizes.h"
#include "visible.h"

#include <iface/interface.h>

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

vatten_result vt_fill_dense(const vt_checker *check, const vatten_heads *heads, uint64_t q_len,
                            uint64_t kv_len, const vt_diagonal *rule, vt_problem *out) {
    vatten_result result = vt_check_heads(check, heads, false);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "q_len", q_len);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "kv_len", kv_len);
    if (result == VATTEN_SUCCESS)
        result = check_window(check, rule->window);
    if (result != VATTEN_SUCCESS)
        return result;
    INVALID_IF(rule->align != VATTEN_ALIGN_LAST && rule->align != VATTEN_ALIGN_FIRST, "align %d is unknown",
               (int)rule->align);
    vt_fill_heads(heads, check->caps, out);
    out->q_len = q_len;
    out->kv_len = kv_len;
    out->causal = rule->causal;
    out->align_first = rule->align == VATTEN_ALIGN_FIRST;
    /* The diagonal of any lengths that a record may shrink to lies within q_len + kv_len of any key. */
    out->left = clamp_side(rule->window, rule->window->left, q_len + kv_len);
    out->right = clamp_side(rule->window, rule->window->right, q_len + kv_len);
    out->prefix = vt_min(rule->prefix, kv_len);
    return VATTEN_SUCCESS;
}

/* Where tables decide, no more than there may be. */
static uint64_t pairs_of(const vt_problem *p) {
    uint64_t all = vt_saturating_mul(vt_visible_dense(p), p->heads);
    if (vt_rules_packed(&p->rules))
        all = vt_saturating_mul(vt_saturating_mul(p->q_len, vt_ceil_div(p->kv_len, p->rules.sequences)),
                                p->heads);
    uint64_t extra = vt_saturating_mul(vt_saturating_mul(p->q_len, p->extra_len), p->heads);
    return all + vt_min(extra, UINT64_MAX - all);
}

static vatten_result fill_extra(const vt_checker *check, const vatten_attention_desc *d, vt_problem *out) {
    const vt_shape k = {
        "extra_k",          d->extra_k, d->extra_len, out->kv_heads, vt_kv_row(out, out->dim), false,
        vt_kv_element(out), 0};
    const vt_shape v = {
        "extra_v",          d->extra_v, d->extra_len, out->kv_heads, vt_kv_row(out, out->value_dim), false,
        vt_kv_element(out), 0};
    out->extra_len = d->extra_len;
    if (d->extra_len == 0)
        return VATTEN_SUCCESS;
    vatten_result result = vt_fill_tensor(check, &k, &out->extra_k);
    if (result == VATTEN_SUCCESS)
        result = vt_check_kv_strides(check, k.name, &out->extra_k);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensor(check, &v, &out->extra_v);
    return result == VATTEN_SUCCESS ? vt_check_kv_strides(check, v.name, &out->extra_v) : result;
}

vatten_result vt_problem_from_attention(const vt_caps *caps, const vatten_logger *logger,
                                        const vatten_attention_desc *desc, vt_problem *out) {
    const vt_checker check = vt_checker_begin(caps, logger, "attention", desc->heads.label, out);
    const vt_diagonal rule = {desc->causal, desc->align, &desc->window, desc->prefix};
    vatten_result result = vt_fill_dense(&check, &desc->heads, desc->q_len, desc->kv_len, &rule, out);
    if (result == VATTEN_SUCCESS)
        result = vt_check_rules(&check, desc);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_rules(&check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensors(&check, &desc->heads, out);
    if (result == VATTEN_SUCCESS)
        result = fill_extra(&check, desc, out);
    out->map = VT_MAP_DENSE;
    out->pairs = result == VATTEN_SUCCESS ? pairs_of(out) : 0;
    return result;
}
