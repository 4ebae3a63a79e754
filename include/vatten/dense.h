/* SPDX-License-Identifier: MIT
 *
 * Dense attention.
 * vatten.h includes this; its rules hold here too.
 */
#ifndef VATTEN_DENSE_H
#define VATTEN_DENSE_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Dense attention: out_i = sum_j p_ij v_j with p_i = softmax_j(scale q_i . k_j) over the visible keys j.
 * With diag(i) = i + kv_len - q_len (ALIGN_LAST) or i (ALIGN_FIRST), key j is visible to query i iff
 *   (diag(i) - left <= j <= diag(i) + right, or j < prefix)  and  (not causal, or j <= diag(i)).
 * A row without a visible key gives out 0 and LSE -inf. K and V past kv_len are never used, whatever they
 * hold; V of a key before kv_len must be finite even where a mask hides the key (0 x NaN is NaN).
 * Algorithm: online softmax over tiles of keys (Milakov & Gimelshein 2018; Dao et al. 2022). */
typedef struct vatten_attention_desc {
    vatten_heads heads;
    uint64_t q_len;  /* required: query tokens; a capacity, vatten_args may shrink it per record */
    uint64_t kv_len; /* required: key tokens; likewise */
    bool causal;
    vatten_align align; /* of causal and window */
    vatten_window window;
    uint64_t prefix; /* keys j < prefix are visible whatever the window says; causality still holds */
} vatten_attention_desc;

/* Errors: INVALID_ARGUMENT (a rule above broken), UNSUPPORTED (dtype without its feature, more than the
 * device can address), OUT_OF_*, VULKAN. Compiles the pipelines that the device does not have yet.
 * Thread-safety: safe. */
VATTEN_API vatten_result vatten_attention_create(vatten_device *device, const vatten_attention_desc *desc,
                                                 vatten_plan **out_plan);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_DENSE_H */
