# SPDX-License-Identifier: MIT
"""Dense attention."""
from __future__ import annotations

from typing import Any, Optional, Union

import numpy as np

from .arrays import Tensor, address_of, code_of, elements, floats, lies_within, native, plain, same, tensor
from .devices import Device, device_of
from .errors import InvalidArgument
from .native import check, ffi, lib

HEADS_FIRST = ("batch", "head", "token")


class Heads:
    """q, k and v of [batch, heads, tokens, dim], checked against each other, and what all descs say of them."""

    def __init__(self, q: Any, k: Any, v: Any, scale: Optional[float], write_lse: bool = False):
        arrays = [floats(name, x, 4) for name, x in (("q", q), ("k", k), ("v", v))]
        q, k, v = arrays
        self.dtype = same("dtype", q=q.dtype, k=k.dtype, v=v.dtype)
        batch = same("batch", q=q.shape[0], k=k.shape[0], v=v.shape[0])
        kv_heads = same("heads", k=k.shape[1], v=v.shape[1])
        self.q_len, self.kv_len = q.shape[2], same("tokens", k=k.shape[2], v=v.shape[2])
        dim, value_dim = same("dim", q=q.shape[3], k=k.shape[3]), v.shape[3]
        self.reads: dict[str, Any] = {name: tensor(x, HEADS_FIRST) for name, x in zip("qkv", arrays)}
        self.out_shape = (batch, q.shape[1], self.q_len, value_dim)
        self.fields = {
            "dtype": code_of(self.dtype), "batch": batch, "heads": q.shape[1], "kv_heads": kv_heads, "dim": dim,
            "value_dim": value_dim, "scale": scale_of(scale), "write_lse": write_lse,
            "q": self.reads["q"].strides, "k": self.reads["k"].strides, "v": self.reads["v"].strides,
            "out": packed(self.out_shape)}


def scale_of(scale: Optional[float]) -> float:
    """0 is the library's word for the default, so that a caller's 0 would not be what it says."""
    if scale is None:
        return 0.0
    if scale == 0:
        raise InvalidArgument("scale 0 would make all weights equal: leave it out for 1 / sqrt(dim)")
    return float(scale)


def packed(shape: tuple[int, ...]) -> dict[str, int]:
    """Strides of a packed [batch, heads, tokens, dim]."""
    _, heads, tokens, dim = shape
    return {"batch": heads * tokens * dim, "head": tokens * dim, "token": dim}


def out_of(out: Optional[np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The array that an operator fills: the caller's if it fits, else a new one."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype or not out.flags.carray:
        raise InvalidArgument(f"out must be a contiguous, writable array of shape {shape} and dtype {dtype}")
    return out


def finish(device: Union[Device, str, int, None], family: str, desc: Any, heads: Heads, out: Optional[np.ndarray],
           return_lse: bool) -> Any:
    """Runs a plan of attention, and gives what its caller asked for."""
    result = out_of(out, heads.out_shape, heads.dtype)
    writes = {"out": result}
    if return_lse:
        writes["lse"] = np.empty(heads.out_shape[:3], np.float32)
    where = device_of(device)
    with where.lock:
        where.run(where.cached(family, desc), heads.reads, writes)
    return (result, writes["lse"]) if return_lse else result


def side(limit: Optional[int]) -> int:
    return int(lib.VATTEN_UNLIMITED) if limit is None else limit


def window_fields(window: Optional[tuple[Optional[int], Optional[int]]]) -> dict[str, Any]:
    if window is None:
        return {}
    try:
        left, right = window
    except (TypeError, ValueError):
        raise InvalidArgument(f"window is {window!r}: (left, right) is needed") from None
    return {"enabled": True, "left": side(left), "right": side(right)}


def align_of(align: str) -> int:
    try:
        return {"last": int(lib.VATTEN_ALIGN_LAST), "first": int(lib.VATTEN_ALIGN_FIRST)}[align]
    except KeyError:
        raise InvalidArgument(f"align is {align!r}: 'last' or 'first' is needed") from None


def bias_of(bias: Any, shape: tuple[int, int, int, int]) -> tuple[dict[str, Any], Tensor]:
    """The fields of a bias, and the bias: floats that are added, or booleans of which False hides a pair."""
    array = native(bias)
    if array.dtype == bool:
        array = np.where(array, np.float32(0), np.float32(-np.inf))
    elif array.dtype.name not in ("float32", "float16"):
        raise InvalidArgument(f"bias is {array.dtype.name}: float32, float16 or bool is needed")
    try:
        spread = np.broadcast_to(array, shape)
    except ValueError:
        raise InvalidArgument(f"bias has shape {array.shape}, which does not spread to {shape}") from None
    # An axis that repeats has stride 0; all four of them 0 would mean a packed bias.
    if not lies_within(array) or not any(elements(spread)):
        array = spread = np.ascontiguousarray(spread)
    strides = dict(zip(("batch", "head", "query", "key"), elements(spread)))
    span = array.itemsize * (1 + sum((n - 1) * s for n, s in zip(array.shape, elements(array))))
    fields = {"bias": lib.VATTEN_BIAS_TENSOR, "bias_dtype": code_of(array.dtype), "bias_strides": strides}
    return fields, Tensor(array, address_of(array), span, strides)


def head_fields(desc: dict[str, Any], heads: int, columns: dict[str, Any]) -> Optional[Tensor]:
    """The table of heads, with what `columns` give by members of vatten_head; the fields that say so are added to the desc."""
    given = {name: np.asarray(x, np.float32) for name, x in columns.items() if x is not None}
    if not given:
        return None
    for name, values in given.items():
        if values.shape not in ((), (1,), (heads,)):
            raise InvalidArgument(f"{name} of heads has shape {values.shape}: one number or {heads} are needed")
        desc["head_fields"] = desc.get("head_fields", 0) | getattr(lib, f"VATTEN_HEAD_{name.upper()}")
    places = ffi.new("vatten_tables *")
    check(lib.vatten_attention_tables(ffi.new("vatten_attention_desc *", desc), places))
    kinds = {"float": "f4", "int32_t": "i4", "uint32_t": "u4"}
    members = ffi.typeof("vatten_head").fields
    row = np.dtype({"names": [name for name, _ in members], "formats": [kinds[m.type.cname] for _, m in members],
                    "offsets": [m.offset for _, m in members], "itemsize": ffi.sizeof("vatten_head")})
    table = np.zeros(places.bytes, np.uint8)
    rows = table[places.heads:places.heads + heads * row.itemsize].view(row)
    for name, values in given.items():
        rows[name] = values
    return plain(table)


def attention(q: Any, k: Any, v: Any, *, causal: bool = False, window: Optional[tuple[Optional[int], Optional[int]]] = None,
              prefix: int = 0, align: str = "last", scale: Optional[float] = None, softcap: Optional[float] = None,
              bias: Any = None, sinks: Any = None, alibi_slopes: Any = None, return_lse: bool = False,
              out: Optional[np.ndarray] = None, device: Union[Device, str, int, None] = None) -> Any:
    """Softmax attention of q [batch, heads, q_len, dim] over k [batch, kv_heads, kv_len, dim] and v [batch, kv_heads, kv_len,
    value_dim]; kv_heads divides heads. All float32, all float16, or all bfloat16 (of ml_dtypes); sums are float32. Views are fine:
    transposed and repeated ones are not copied.

    causal        keys after the query's diagonal are hidden
    window        (left, right): keys to the left and right of the diagonal that are visible, both counted inclusively; None, or -1, lifts one
    prefix        keys before this one are visible whatever the window says
    align         the diagonal of the last query is the "last" key, or that of the first query the "first" (as is_causal of torch)
    scale         of q . k; 1 / sqrt(dim) if None
    softcap       c: scores become c tanh(score / c)
    bias          added to scores, or booleans of which False hides a pair; spreads to [batch, heads, q_len, kv_len]
    sinks         for each head a logit that takes part in the softmax with value 0
    alibi_slopes  for each head: slope x distance is taken off a score
    return_lse    (out, lse), lse float32 [batch, heads, q_len], the natural log-sum-exp of the scores
    out           the array to fill
    device        a Device, a name or an index; None: the default

    A query that sees no key gives 0, and log-sum-exp -inf. Raises InvalidArgument, Unsupported, OutOfMemory, VulkanError.
    """
    heads = Heads(q, k, v, scale, return_lse)
    desc: dict[str, Any] = {
        "heads": heads.fields, "q_len": heads.q_len, "kv_len": heads.kv_len, "causal": causal, "align": align_of(align),
        "window": window_fields(window), "prefix": prefix, "softcap": softcap or 0.0}
    reads = heads.reads
    if bias is not None:
        fields, reads["bias"] = bias_of(bias, (*heads.out_shape[:3], heads.kv_len))
        desc.update(fields)
    table = head_fields(desc, heads.out_shape[1], {"sink": sinks, "slope": alibi_slopes})
    if table is not None:
        reads["tables"] = table
    return finish(device, "attention", desc, heads, out, return_lse)
