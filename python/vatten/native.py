# SPDX-License-Identifier: MIT
"""The C library: `lib` has every function and enumerator of its headers, `ffi` every type.

    from vatten.native import ffi, lib
    info = ffi.new("vatten_device_info *")
    lib.vatten_device_get_info(device.handle, info)

Calls let other Python threads run meanwhile.
"""
from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from ._declarations import ffi
from .errors import BY_RESULT, Error

__all__ = ["ffi", "lib", "check", "as_dict", "logger"]


def _open() -> Any:
    folder = Path(__file__).parent
    names = ("_vatten.so", "_vatten.dylib", "_vatten.dll")
    for name in names:
        if (folder / name).exists():
            return ffi.dlopen(str(folder / name))
    raise ImportError(f"the library of vatten is missing: none of {', '.join(names)} is in {folder}")


lib: Any = _open()
_log = logging.getLogger("vatten")
_LEVELS = {lib.VATTEN_LOG_WARN: logging.WARNING, lib.VATTEN_LOG_INFO: logging.DEBUG}


class _Said(threading.local):
    """What the library said in this thread since the last check."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []


_said = _Said()


@ffi.callback("void(void *, vatten_log_level, const char *)")
def _write(_user: Any, level: int, message: Any) -> None:
    _said.lines.append((level, ffi.string(message).decode("utf-8", "replace")))


#: For the descs that take a logger: what it is told becomes exceptions, and lines of logging.getLogger("vatten").
logger: Any = ffi.new("vatten_logger *", {"write": _write})


def check(result: int) -> None:
    """Raises what a vatten_result says, with the messages of this thread; warnings and choices go to `logging`, whose handlers must
    not call vatten."""
    if result == 0 and not _said.lines:
        return
    lines, _said.lines = _said.lines, []
    for level, text in lines:
        if level in _LEVELS:
            _log.log(_LEVELS[level], "%s", text)
    if result != 0:
        name = ffi.string(lib.vatten_result_name(result)).decode()
        errors = [text for level, text in lines if level == lib.VATTEN_LOG_ERROR]
        raise BY_RESULT.get(name, Error)("\n".join(errors) or name, name)


def as_dict(value: Any) -> Any:
    """A C struct as a dict of numbers, texts, tuples and dicts; anything else as it is."""
    if not isinstance(value, ffi.CData):
        return value
    kind = ffi.typeof(value)
    if kind.kind == "pointer" and kind.item.kind == "struct" and kind.item.fields:
        value, kind = value[0], kind.item
    if kind.kind == "struct":
        return {name: as_dict(getattr(value, name)) for name, _ in kind.fields}
    if kind.kind == "array":
        if kind.item.cname == "char":
            return ffi.string(value).decode("utf-8", "replace")
        return tuple(as_dict(item) for item in value)
    return value
