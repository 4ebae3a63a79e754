# SPDX-License-Identifier: MIT
"""Neighborhood attention on grids of tokens, by NATTEN's names and shapes."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

import numpy as np

from .arrays import code_of, floats, same, tensor
from .attention import out_of, scale_of
from .devices import Device, device_of
from .errors import InvalidArgument
from .native import lib

HEADS_LAST = ("batch", "token", "head")


def per_axis(name: str, value: Any, rank: int) -> list[Any]:
    """One value for each axis of the grid, of one for all or of as many."""
    values = list(value) if isinstance(value, (tuple, list, np.ndarray)) else [value] * rank
    if len(values) != rank:
        raise InvalidArgument(f"{name} has {len(values)} numbers for a grid of {rank} axes")
    return values


def flat(array: np.ndarray) -> np.ndarray:
    """[batch, ...grid, heads, dim] with the grid as one axis; a view where the grid lies row-major."""
    return array.reshape(array.shape[0], -1, *array.shape[-2:])


def edge_of(edge: str) -> int:
    edges = {"shift": lib.VATTEN_EDGE_SHIFT, "crop": lib.VATTEN_EDGE_CROP, "zero": lib.VATTEN_EDGE_ZERO}
    if edge not in edges:
        raise InvalidArgument(f"edge is {edge!r}: one of {', '.join(edges)} is needed")
    return int(edges[edge])


def neighborhood(q: Any, k: Any, v: Any, kernel_size: Union[int, Sequence[int]], *, stride: Union[int, Sequence[int]] = 1,
                 dilation: Union[int, Sequence[int]] = 1, is_causal: Union[bool, Sequence[bool]] = False,
                 scale: Optional[float] = None, additional_keys: Any = None, additional_values: Any = None,
                 edge: Union[str, Sequence[str]] = "shift", roll: Union[int, Sequence[int]] = 0, return_lse: bool = False,
                 out: Optional[np.ndarray] = None, device: Union[Device, str, int, None] = None) -> Any:
    """Attention of each token of a grid to its window: na1d, na2d and na3d of NATTEN in one. q is [batch, X, heads, dim],
    [batch, X, Y, heads, dim] or [batch, X, Y, Z, heads, dim], k and v likewise with kv_heads, which divides heads, and v with a dim
    of its own.

    kernel_size   keys that a query sees along each axis; one number for all axes, or one for each, as all that follow
    stride        queries that share one window
    dilation      distance of neighbours
    is_causal     keys after the query are hidden along this axis
    additional_keys, additional_values  [batch, tokens, kv_heads, dim]: what every query sees besides
    edge          windows at the border: "shift" moves them inward (NATTEN), "crop" cuts them, "zero" pads with score and value 0
    roll          tokens by which the grid is shifted back before windows are laid (Swin)
    return_lse    (out, lse), lse float32 [batch, ...grid, heads]
    scale, out, device  as for `attention`
    """
    arrays = [floats(name, x) for name, x in (("q", q), ("k", k), ("v", v))]
    ranks = same("axes", q=arrays[0].ndim, k=arrays[1].ndim, v=arrays[2].ndim)
    if not 4 <= ranks <= 6:
        raise InvalidArgument(f"q has {ranks} axes: batch, one to three of a grid, heads and dim are needed")
    rank = ranks - 3
    grid = same("grid", q=arrays[0].shape[1:-2], k=arrays[1].shape[1:-2], v=arrays[2].shape[1:-2])
    q, k, v = (flat(x) for x in arrays)
    dtype = same("dtype", q=q.dtype, k=k.dtype, v=v.dtype)
    batch = same("batch", q=q.shape[0], k=k.shape[0], v=v.shape[0])
    kv_heads = same("heads", k=k.shape[2], v=v.shape[2])
    dim = same("dim", q=q.shape[3], k=k.shape[3])
    reads = {name: tensor(x, HEADS_LAST) for name, x in zip("qkv", (q, k, v))}
    options = {"window": kernel_size, "stride": stride, "dilation": dilation, "causal": is_causal, "roll": roll}
    columns = {name: per_axis("kernel_size" if name == "window" else name, x, rank) for name, x in options.items()}
    columns["edge"] = [edge_of(e) for e in per_axis("edge", edge, rank)]
    axes = [{"extent": x, **{name: values[a] for name, values in columns.items()}} for a, x in enumerate(grid)]
    desc: dict[str, Any] = {
        "heads": {"dtype": code_of(dtype), "batch": batch, "heads": q.shape[2], "kv_heads": kv_heads, "dim": dim,
                  "value_dim": v.shape[3], "scale": scale_of(scale), "write_lse": return_lse, "q": reads["q"].strides,
                  "k": reads["k"].strides, "v": reads["v"].strides},
        "rank": rank, "axis": axes}
    if (additional_keys is None) != (additional_values is None):
        raise InvalidArgument("additional_keys and additional_values come together")
    if additional_keys is not None:
        extra = [floats("additional_keys", additional_keys, 4), floats("additional_values", additional_values, 4)]
        for role, name, x, like in zip("kv", ("additional_keys", "additional_values"), extra, (k, v)):
            same("dtype", **{role: dtype, name: x.dtype})
            same("batch, heads and dim", **{role: (batch, *like.shape[2:]), name: (x.shape[0], *x.shape[2:])})
            reads[f"extra_{role}"] = tensor(x, HEADS_LAST)
            desc[f"extra_{role}"] = reads[f"extra_{role}"].strides
        desc["extra_len"] = same("tokens", additional_keys=extra[0].shape[1], additional_values=extra[1].shape[1])
    result = out_of(out, (batch, *grid, q.shape[2], v.shape[3]), dtype)
    writes = {"out": result}
    if return_lse:
        writes["lse"] = np.empty((batch, q.shape[2], *grid), np.float32)
    where = device_of(device)
    with where.lock:
        where.run(where.cached("neighborhood", desc), reads, writes)
    return (result, np.moveaxis(writes["lse"], 1, -1)) if return_lse else result
