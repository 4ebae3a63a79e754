# SPDX-License-Identifier: MIT
"""Sparse attention: blocks of keys that each query, or block of queries, chooses by their means."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional, Union

import numpy as np

from .arrays import Tensor, code_of, floats, native, plain, same, tensor
from .attention import HEADS_FIRST, Heads, align_of, finish
from .devices import Device, device_of
from .errors import InvalidArgument
from .native import check, ffi, lib, logger


class Selection(NamedTuple):
    """blocks: int32 [batch, list_heads, rows, entries], each row ascending, then -1; counts: uint32 [batch, list_heads, rows]."""

    blocks: np.ndarray
    counts: np.ndarray


def blocks_in(tokens: int, block: int) -> int:
    if block < 1:
        raise InvalidArgument(f"a block of {block} tokens: at least 1 is needed")
    return -(-tokens // block)


def rule_of(blocks: int, *, top: Optional[int], mass: Optional[float], threshold: Optional[float], entries: Optional[int],
            own: bool, first: int, local: int, softmax: Optional[bool], score_scale: Optional[float],
            list_heads: int) -> dict[str, Any]:
    """vatten_selection, with exactly one budget."""
    budgets = {"TOP": top, "MASS": mass, "THRESHOLD": threshold}
    chosen = [name for name, value in budgets.items() if value is not None]
    if len(chosen) != 1:
        raise InvalidArgument("one of top, mass and threshold is needed, and no other")
    if top is not None and entries is not None:
        raise InvalidArgument("top is the number of entries: leave entries out")
    return {"entries": next((n for n in (top, entries) if n is not None), blocks), "list_heads": list_heads,
            "scale": score_scale or 0.0, "softmax": mass is not None if softmax is None else softmax, "own": own,
            "first": first, "local": local, "budget": getattr(lib, f"VATTEN_BUDGET_{chosen[0]}"),
            "share": mass or threshold or 0.0}


def pooled(device: Device, name: str, x: Tensor, shape: tuple[int, ...], dtype: Any, block: int, kind: str) -> int:
    """Pools tokens by runs into memory of that name, float32 [batch, blocks, heads, dim], and tells how many blocks there are."""
    batch, heads, tokens, dim = shape
    kinds = {"mean": lib.VATTEN_POOL_MEAN, "max": lib.VATTEN_POOL_MAX}
    if kind not in kinds:
        raise InvalidArgument(f"pool is {kind!r}: one of {', '.join(kinds)} is needed")
    desc = {"dtype": code_of(dtype), "batch": batch, "heads": heads, "dim": dim, "x": x.strides, "rank": 1,
            "extent": [tokens], "block": [min(block, tokens)], "kind": kinds[kind]}
    device.run(device.cached("pool", desc), {"k": x}, {"out": name})
    return blocks_in(tokens, block)


def select(q: Any, k: Any, block: int, *, top: Optional[int] = None, mass: Optional[float] = None,
           threshold: Optional[float] = None, entries: Optional[int] = None, q_block: int = 1, causal: bool = False,
           own: bool = False, first: int = 0, local: int = 0, softmax: Optional[bool] = None,
           score_scale: Optional[float] = None, list_heads: Optional[int] = None, pool: str = "mean",
           device: Union[Device, str, int, None] = None) -> Selection:
    """Which blocks of `block` keys each row of queries goes by: q [batch, heads, q_len, dim], k [batch, kv_heads, kv_len, dim]. A
    row is one query, or the mean of `q_block` of them; the last query stands at the last key.

    top, mass, threshold  one of them: so many blocks of the largest values; the fewest whose share of all reaches `mass`; those
                          whose value is `threshold` or more. Forced blocks count.
    entries       room of a list for mass and threshold; all blocks if None
    own, first, local  forced: the blocks of the row's own tokens; the first so many; so many up to the own one
    softmax       values are shares of a softmax; None: for `mass` only
    score_scale   of q . mean(k); 1 if None
    list_heads    how many heads have lists of their own, a divisor of heads; the scores of heads that share are added
    pool          "mean" or "max" of a block's keys
    """
    q, k = floats("q", q, 4), floats("k", k, 4)
    dtype = same("dtype", q=q.dtype, k=k.dtype)
    batch = same("batch", q=q.shape[0], k=k.shape[0])
    dim = same("dim", q=q.shape[3], k=k.shape[3])
    heads, q_len, kv_len = q.shape[1], q.shape[2], k.shape[2]
    rows, blocks = blocks_in(q_len, q_block), blocks_in(kv_len, block)
    lists = heads if list_heads is None else list_heads
    rule = rule_of(blocks, top=top, mass=mass, threshold=threshold, entries=entries, own=own, first=first, local=local,
                   softmax=softmax, score_scale=score_scale, list_heads=lists)
    reads: dict[str, Any] = {"q": tensor(q, HEADS_FIRST), "k": "pooled_k"}
    desc: dict[str, Any] = {
        "dtype": code_of(dtype), "batch": batch, "heads": heads, "kv_heads": k.shape[1], "dim": dim, "rows": rows,
        "blocks": blocks, "q": reads["q"].strides, "rule": rule, "causal": causal, "write_counts": True}
    if causal or own or local:
        if q_len > kv_len:
            raise InvalidArgument(f"{q_len} queries and {kv_len} keys: causal, own and local need a key at each query")
        desc.update({"row_tokens": q_block, "row_shift": kv_len - q_len, "block_tokens": block})
    where = device_of(device)
    with where.lock:
        pooled(where, "pooled_k", tensor(k, HEADS_FIRST), k.shape, dtype, block, pool)
        if q_block > 1:
            pooled(where, "pooled_q", reads["q"], q.shape, dtype, q_block, "mean")
            reads["q"] = "pooled_q"
            desc.update({"dtype": lib.VATTEN_DTYPE_F32, "q": {}})
        plan = where.cached("select", desc)
        found = Selection(np.empty((batch, lists, rows, rule["entries"]), np.int32), np.empty((batch, lists, rows), np.uint32))
        where.run(plan, reads, {"lists": found.blocks, "counts": found.counts})
    return found


def block_attention(q: Any, k: Any, v: Any, blocks: Any, block: int, *, q_block: int = 1, causal: bool = False,
                    align: str = "last", scale: Optional[float] = None, return_lse: bool = False,
                    out: Optional[np.ndarray] = None, device: Union[Device, str, int, None] = None) -> Any:
    """Attention of q [batch, heads, q_len, dim] over the blocks of `block` keys that lists name: blocks int32 [batch, list_heads,
    rows, entries], as `select` gives them or your own: no block twice, -1 behind the last. list_heads divides heads, a row is
    `q_block` queries. A row without blocks gives 0 and log-sum-exp -inf. The rest is as for `attention`."""
    heads = Heads(q, k, v, scale, return_lse)
    lists = native(blocks)
    if lists.ndim != 4 or lists.dtype not in (np.dtype(np.int32), np.dtype(np.uint32)):
        raise InvalidArgument(f"blocks is {lists.dtype.name} of shape {lists.shape}: int32 [batch, list_heads, rows, entries]")
    same("batch", q=heads.out_shape[0], blocks=lists.shape[0])
    same("rows", q=blocks_in(heads.q_len, q_block), blocks=lists.shape[2])
    heads.reads["lists"] = plain(lists)
    desc = {"heads": heads.fields, "q_len": heads.q_len, "kv_len": heads.kv_len, "q_block": q_block, "kv_block": block,
            "entries": lists.shape[3], "list_heads": lists.shape[1], "causal": causal, "align": align_of(align)}
    return finish(device, "lists", desc, heads, out, return_lse)


def sparse(q: Any, k: Any, v: Any, block: int, *, top: Optional[int] = None, mass: Optional[float] = None,
           threshold: Optional[float] = None, entries: Optional[int] = None, q_block: int = 1, causal: bool = False,
           own: bool = False, first: int = 0, local: int = 0, softmax: Optional[bool] = None,
           score_scale: Optional[float] = None, list_heads: Optional[int] = None, scale: Optional[float] = None,
           return_lse: bool = False, out: Optional[np.ndarray] = None,
           device: Union[Device, str, int, None] = None) -> Any:
    """`select` and `block_attention` in one plan, without lists on the way through the host. Options as there."""
    heads = Heads(q, k, v, scale, return_lse)
    rule = rule_of(blocks_in(heads.kv_len, block), top=top, mass=mass, threshold=threshold, entries=entries, own=own,
                   first=first, local=local, softmax=softmax, score_scale=score_scale, list_heads=list_heads or 0)
    desc = {"heads": heads.fields, "q_len": heads.q_len, "kv_len": heads.kv_len, "q_block": q_block, "kv_block": block,
            "rule": rule, "causal": causal}
    return finish(device, "sparse", desc, heads, out, return_lse)


def moba(q: Any, k: Any, v: Any, block: int, topk: int, *, scale: Optional[float] = None, return_lse: bool = False,
         out: Optional[np.ndarray] = None, device: Union[Device, str, int, None] = None) -> Any:
    """Mixture of Block Attention (Lu et al., 2025), causal: every query of every head attends to its own block of `block` keys and
    to the `topk` - 1 blocks before it whose means score highest. With more keys than queries the queries are the last ones. The
    rest is as for `attention`."""
    heads = Heads(q, k, v, scale, return_lse)
    if block < 1 or topk < 1:
        raise InvalidArgument(f"block {block} and topk {topk}: at least 1 of either is needed")
    fields = ffi.new("vatten_heads *", heads.fields)
    desc = ffi.new("vatten_sparse_desc *")
    check(lib.vatten_preset_moba(logger, fields, heads.q_len, heads.kv_len, block, topk, desc))
    return finish(device, "sparse", desc, heads, out, return_lse)
