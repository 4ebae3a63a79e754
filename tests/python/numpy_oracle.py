# SPDX-License-Identifier: MIT
"""What the Python package must compute, from docs/semantics.md in the most naive way: float64, and a matrix of visible pairs."""
import numpy as np

#: Largest absolute errors for inputs of unit variance.
TOLERANCE = {"float32": 2e-5, "float16": 2e-3, "bfloat16": 1.6e-2}
LSE_TOLERANCE = 1e-4


def dense_visible(q_len, kv_len, causal=False, window=None, prefix=0, align="last"):
    i = np.arange(q_len)[:, None] + (kv_len - q_len if align == "last" else 0)
    j = np.arange(kv_len)[None, :]
    seen = np.ones((q_len, kv_len), bool)
    if window is not None:
        left, right = window
        seen &= (left is None) | (j >= i - (left or 0))
        seen &= (right is None) | (j <= i + (right or 0))
        seen |= j < prefix
    return seen & (j <= i) if causal else seen


def softmax(scores, seen, sinks=None):
    """Weights and log-sum-exps of [B, H, Sq, Sk]; rows that see nothing get 0 and -inf."""
    scores = np.where(seen, scores, -np.inf)
    extra = np.full(scores.shape[:3] + (1,), -np.inf)
    if sinks is not None:
        extra[...] = np.asarray(sinks, np.float64)[None, :, None, None]
    top = np.maximum(scores.max(-1, keepdims=True, initial=-np.inf), extra)
    top = np.where(np.isfinite(top), top, 0)
    weights = np.exp(scores - top)
    total = weights.sum(-1, keepdims=True) + np.exp(extra - top)
    with np.errstate(divide="ignore"):
        lse = (top + np.log(total))[..., 0]
    return weights / np.where(total > 0, total, 1), lse


def attention(q, k, v, seen=True, scale=None, softcap=None, bias=None, sinks=None):
    """[B, H, S, D] with grouped heads; `seen` and `bias` spread to [B, H, Sq, Sk]."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    scores = np.einsum("bhid,bhjd->bhij", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    if bias is not None:
        scores = scores + np.asarray(bias, np.float64)
    weights, lse = softmax(scores, seen, sinks)
    return weights @ v, lse


def axis_visible(extent, window, stride=1, dilation=1, causal=False):
    """NATTEN's rule along one axis, pair by pair."""
    seen = np.zeros((extent, extent), bool)
    for i in range(extent):
        group, p = i % dilation, i // dilation
        n = -(-(extent - group) // dilation)
        if causal:
            lead = min(p // stride * stride + stride - 1, n - 1)
            first, end = max(lead - window + 1, 0), p + 1
        else:
            lead = min(p // stride * stride + stride // 2, n - 1)
            first = min(max(lead - window // 2, 0), n - window)
            end = first + window
        seen[i, [group + dilation * x for x in range(first, end)]] = True
    return seen


def grid_visible(axes):
    """Of tokens of a grid, row-major: visible along every axis."""
    seen = np.ones((1, 1), bool)
    for axis in axes:
        seen = np.kron(seen, axis_visible(*axis)).astype(bool)
    return seen


def chosen_visible(blocks, block, q_block, q_len, kv_len, heads):
    """[B, heads, Sq, Sk] of lists of blocks [B, list_heads, rows, entries]."""
    seen = np.zeros((blocks.shape[0], heads, q_len, kv_len), bool)
    for b, h, i in np.ndindex(*seen.shape[:3]):
        for n in blocks[b, h * blocks.shape[1] // heads, i // q_block]:
            if n >= 0:
                seen[b, h, i, n * block:(n + 1) * block] = True
    return seen


def best_blocks(q, k, block, top, causal, own):
    """Lists of the `top` blocks of q . mean(k) for each query and head, the own one forced, of equal values the higher."""
    q, k = np.asarray(q, np.float64), np.asarray(k, np.float64)
    count = -(-k.shape[2] // block)
    means = np.stack([k[:, :, n * block:(n + 1) * block].mean(2) for n in range(count)], 2)
    values = np.einsum("bhid,bhnd->bhin", q, np.repeat(means, q.shape[1] // k.shape[1], 1))
    lists = np.full(values.shape[:3] + (top,), -1)
    for b, h, i in np.ndindex(*values.shape[:3]):
        mine = (i + k.shape[2] - q.shape[2]) // block
        order = sorted(range(mine + 1 if causal else count), key=lambda n: (own and n == mine, values[b, h, i, n], n))
        found = sorted(order[-top:])
        lists[b, h, i, :len(found)] = found
    return lists
