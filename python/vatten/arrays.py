# SPDX-License-Identifier: MIT
"""numpy arrays as the library sees them: an address, bytes, a dtype, and strides in elements. Nothing here touches a device."""
from __future__ import annotations

import functools
from typing import Any, NamedTuple, Optional, Sequence

import numpy as np

from .errors import InvalidArgument
from .native import lib

#: By name, since numpy knows bfloat16 only where a package like ml_dtypes brings it.
DTYPES = {
    "float32": lib.VATTEN_DTYPE_F32,
    "float16": lib.VATTEN_DTYPE_F16,
    "bfloat16": lib.VATTEN_DTYPE_BF16,
}


@functools.lru_cache(maxsize=64)
def code_of(dtype: Any) -> Optional[int]:
    """The vatten_dtype of a dtype of numpy, None where there is none. Kept, since numpy puts names together anew each time."""
    return DTYPES.get(dtype.name)


class Tensor(NamedTuple):
    """What is uploaded: `nbytes` from `address` on, in which element [b, h, t, d] stands at the sum of strides, d contiguous."""

    array: np.ndarray  # keeps the memory
    address: int
    nbytes: int
    strides: dict[str, int]


def address_of(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def native(value: Any) -> np.ndarray:
    """`value` as an array in this machine's order of bytes, which is what devices read."""
    array = np.asarray(value)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def floats(name: str, value: Any, rank: Optional[int] = None) -> np.ndarray:
    """`value` as an array of one of the dtypes, and of `rank` axes; nothing is rounded unasked."""
    array = native(value)
    if code_of(array.dtype) is None:
        raise InvalidArgument(f"{name} is {array.dtype.name}: float32, float16 or bfloat16 is needed")
    if rank is not None and array.ndim != rank:
        raise InvalidArgument(f"{name} has {array.ndim} axes, {rank} are needed: shape {array.shape}")
    return array


def same(what: str, **values: Any) -> Any:
    """The one value that all have."""
    it = iter(values.items())
    first_name, first = next(it)
    for name, value in it:
        if value != first:
            raise InvalidArgument(f"{what} of {first_name} is {first}, of {name} {value}")
    return first


def lies_within(array: np.ndarray) -> bool:
    """Whether the memory from the first element to the last is no longer than the elements: then it is uploaded as it lies."""
    span = array.itemsize
    for length, stride in zip(array.shape, array.strides):
        if stride < 0 or stride % array.itemsize:
            return False
        span += (length - 1) * stride
    return 0 < span <= array.nbytes


def elements(array: np.ndarray) -> list[int]:
    """Strides in elements; axes of one element have none."""
    return [s // array.itemsize if n > 1 else 0 for n, s in zip(array.shape, array.strides)]


def tensor(array: np.ndarray, axes: Sequence[str]) -> Tensor:
    """A tensor of the four axes named by `axes`, "batch", "head", "token" in any order and the contiguous last one. Views that are
    transposed or repeated are taken as they lie; what has gaps, or runs backwards, is copied."""
    strides = elements(array)
    # All strides zero mean a packed tensor to the library; a single row of one is all that this is true of.
    usable = strides[-1] == (array.shape[-1] > 1) and (any(strides[:-1]) or array.size == array.shape[-1])
    if not usable or not lies_within(array):
        array = np.ascontiguousarray(array)
        strides = elements(array)
    span = array.itemsize * (1 + sum((n - 1) * s for n, s in zip(array.shape, strides)))
    return Tensor(array, address_of(array), span if array.size else 0, dict(zip(axes, strides[:-1])))


def plain(array: np.ndarray) -> Tensor:
    """An array without strides of its own."""
    array = np.ascontiguousarray(array)
    return Tensor(array, address_of(array), array.nbytes, {})
