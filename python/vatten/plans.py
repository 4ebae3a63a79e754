# SPDX-License-Identifier: MIT
"""Plans and recorders: what a device makes, and what it takes down with it."""
from __future__ import annotations

import weakref
from typing import Any, Callable, Mapping, Optional, Union

from .errors import Error, InvalidArgument
from .native import as_dict, check, ffi, lib

#: A VkBuffer as a number, or with an offset, or with offset and size in bytes.
Buffer = Union[int, "tuple[int, int]", "tuple[int, int, int]"]


def fields_of(family: str, desc: Any) -> Any:
    """A pointer to vatten_<family>_desc; `desc` is one, or the fields that are not zero, structs in it as dicts."""
    try:
        return desc if isinstance(desc, ffi.CData) else ffi.new(f"vatten_{family}_desc *", desc)
    except ffi.error:
        raise InvalidArgument(f"there are no plans of the family {family!r}") from None
    except _MISFITS as error:
        place, value, cause = _misfit(ffi.typeof(f"vatten_{family}_desc"), desc) or ("", desc, error)
        if isinstance(cause, KeyError):
            raise InvalidArgument(f"{family}: there is no {place}") from None
        kind = InvalidArgument if isinstance(cause, OverflowError) else TypeError
        raise kind(f"{family}: {place} is {value!r}: {cause}") from None


#: What cffi raises where a value does not fit a struct; it does not say which one.
_MISFITS = (KeyError, OverflowError, TypeError, IndexError)


def _misfit(kind: Any, value: Any) -> "Optional[tuple[str, Any, Exception]]":
    """The innermost part of a desc that cffi does not take: where it stands, what it is, and why."""
    try:
        ffi.new(kind if kind.kind == "array" else ffi.getctype(kind, "*"), value)
        return None
    except _MISFITS as error:
        why = error
    parts: "list[tuple[str, Any, Any]]" = []
    if kind.kind == "struct" and isinstance(value, Mapping):
        members = dict(kind.fields)
        parts = [(name, members.get(name), x) for name, x in value.items()]
    elif kind.kind == "array" and isinstance(value, (list, tuple)):
        parts = [(f"[{i}]", kind.item, x) for i, x in enumerate(value)]
    for name, part, x in parts:
        if part is None:
            return name, x, KeyError(name)
        found = _misfit(part if kind.kind == "array" else part.type, x)
        if found:
            deeper = found[0] if not found[0] or found[0].startswith("[") else f".{found[0]}"
            return name + deeper, *found[1:]
    return "", value, why


class Children:
    """Handles that must go before their device does. Dropped one by one, or all with the device, whichever comes first."""

    def __init__(self) -> None:
        self._held: dict[Any, Callable[[Any], None]] = {}

    def add(self, handle: Any, destroy: Callable[[Any], None]) -> None:
        self._held[handle] = destroy

    def drop(self, handle: Any) -> None:
        destroy = self._held.pop(handle, None)
        if destroy is not None:
            destroy(handle)

    def drop_all(self) -> None:
        for handle in list(self._held):
            self.drop(handle)

    def forget(self) -> None:
        """Leaves all of them alone for good."""
        self._held.clear()

    def holds(self, handle: Any) -> bool:
        return handle in self._held


class Closable:
    """Something that is closed by hand, by `with`, or when nobody has it any more."""

    _finalizer: Any

    def close(self) -> None:
        """Frees all that it has, which the GPU must be done with; later calls raise. Closing twice is fine."""
        self._finalizer()

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} belongs to its process and is neither pickled nor copied: make one where it is used")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Owned(Closable):
    """Something of a device, with a C handle."""

    _what = "object"

    def __init__(self, children: Children, handle: Any, destroy: Callable[[Any], None]):
        children.add(handle, destroy)
        self._children, self._handle = children, handle
        self._finalizer = weakref.finalize(self, children.drop, handle)

    @property
    def handle(self) -> Any:
        """The pointer for functions of vatten.native.lib."""
        if not self._children.holds(self._handle):
            raise Error(f"the {self._what} is closed")
        return self._handle


class Plan(_Owned):
    """One problem shape: kernels chosen and compiled, sizes known. Any thread may use it. Made by `plan` of a device."""

    _what = "plan"

    def __init__(self, children: Children, device: Any, family: str, desc: Any):
        fields = fields_of(family, desc)
        out = ffi.new("vatten_plan **")
        check(getattr(lib, f"vatten_{family}_create")(device, fields, out))
        super().__init__(children, out[0], lib.vatten_plan_destroy)
        self.family = family
        info = ffi.new("vatten_plan_info *")
        lib.vatten_plan_get_info(out[0], info)
        #: vatten_plan_info: the kernel, its tile, dispatches, and the bytes that each buffer must hold.
        self.info: dict[str, Any] = as_dict(info)


class Recorder(_Owned):
    """The descriptors of one frame in flight, and perhaps a workspace. One thread at a time. Made by `recorder` of a device."""

    _what = "recorder"

    def __init__(self, children: Children, device: Any, max_dispatches: int, workspace_bytes: int):
        desc = ffi.new("vatten_recorder_desc *", {"max_dispatches": max_dispatches, "workspace_bytes": workspace_bytes})
        out = ffi.new("vatten_recorder **")
        check(lib.vatten_recorder_create(device, desc, out))
        super().__init__(children, out[0], lib.vatten_recorder_destroy)

    def reset(self) -> None:
        """Makes all descriptor sets free again; the GPU must be done with everything recorded since the last reset."""
        lib.vatten_recorder_reset(self.handle)

    def record(self, command_buffer: int, plan: Plan, *, q_len: int = 0, kv_len: int = 0, part: Optional[tuple[int, int]] = None,
               **buffers: Buffer) -> None:
        """Appends the plan to a VkCommandBuffer that is recording. `buffers` are VkBuffers by their names in vatten_args (q, k, v,
        out, lse, lists and so on), each a number, (number, offset) or (number, offset, size), in bytes. Barriers before and after are the caller's, as vatten_record in vatten.h tells; `part` = (i, n)
        appends the i-th of n shares of the work."""
        args = ffi.new("vatten_args *", {**{name: buffer_of(b) for name, b in buffers.items()}, "q_len": q_len, "kv_len": kv_len})
        commands = handle_of("VkCommandBuffer", command_buffer)
        if part is None:
            check(lib.vatten_record(self.handle, commands, plan.handle, args))
        else:
            check(lib.vatten_record_part(self.handle, commands, plan.handle, args, *part))


def handle_of(kind: str, value: Any) -> Any:
    """A Vulkan handle, or a function's address, from a number (ctypes, cffi, other bindings); what is cffi's already stays."""
    return ffi.cast(kind, int(ffi.cast("uintptr_t", value)) if isinstance(value, ffi.CData) else value)


def buffer_of(buffer: Any) -> Mapping[str, Any]:
    """The fields of vatten_buffer."""
    given = buffer if isinstance(buffer, tuple) else (buffer,)
    return dict(zip(("buffer", "offset", "size"), (handle_of("VkBuffer", given[0]), *given[1:])))
