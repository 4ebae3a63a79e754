# SPDX-License-Identifier: MIT
"""Devices: vatten's own (`Device`), with buffers and a queue behind it, or one that the caller made (`VulkanDevice`)."""
from __future__ import annotations

import operator
import os
import threading
import weakref
from collections import OrderedDict
from typing import Any, Mapping, NamedTuple, Union

import numpy as np

from .arrays import Tensor, address_of
from .errors import Error, InvalidArgument
from .native import as_dict, check, ffi, lib, logger
from .plans import Children, Closable, Plan, Recorder, fields_of, handle_of

#: Plans of a device that are kept, the ones used last.
KEPT_PLANS = 128

_creating = threading.Lock()  # contexts are made one after the other
_made = False  # a driver was loaded by this process
_forked = False  # ... by one that this process is a fork of
_all: "weakref.WeakSet[_Base]" = weakref.WeakSet()


class CacheInfo(NamedTuple):
    """As functools has it: plans found, plans made, and plans kept now."""

    hits: int
    misses: int
    currsize: int


class _Base(Closable):
    """What makes plans. Closing it closes its plans and recorders first."""

    def __init__(self, handle: Any, destroy: Any, owner: Any):
        self._core = handle
        self._children = Children()
        self._finalizer = weakref.finalize(self, _destroy, self._children, destroy, owner)
        info = ffi.new("vatten_device_info *")
        lib.vatten_device_get_info(handle, info)
        #: vatten_device_info: name, limits, features in use, quirks of the driver.
        self.info: dict[str, Any] = as_dict(info)
        _all.add(self)

    @property
    def name(self) -> str:
        """As the driver tells it."""
        name: str = self.info["name"]
        return name

    @property
    def closed(self) -> bool:
        """By `close`, or by a fork."""
        return not self._finalizer.alive

    @property
    def handle(self) -> Any:
        """The vatten_device for functions of vatten.native.lib."""
        if self.closed:
            raise Error(f"the device {self.name!r} is closed, or was made before this process was forked")
        return self._core

    def plan(self, family: str, desc: Mapping[str, Any]) -> Plan:
        """A plan of your own: `desc` has the fields of vatten_<family>_desc that are not zero, structs in it as dicts.

            device.plan("attention", {"heads": {"dtype": 1, "batch": 1, "heads": 8, "kv_heads": 8, "dim": 64},
                                      "q_len": 512, "kv_len": 512, "causal": True})
        """
        return Plan(self._children, self.handle, family, desc)

    def recorder(self, *, max_dispatches: int = 0, workspace_bytes: int = 0) -> Recorder:
        """A recorder for command buffers of your own."""
        return Recorder(self._children, self.handle, max_dispatches, workspace_bytes)

    def __repr__(self) -> str:
        return f"<vatten.{type(self).__name__} {self.name!r}{' (closed)' if self.closed else ''}>"


def _destroy(children: Children, destroy: Any, owner: Any) -> None:
    children.drop_all()
    destroy(owner)


class VulkanDevice(_Base):
    """A Vulkan device of the caller's: handles as numbers, `features` the vatten_feature bits that were enabled on it (see
    `features_supported`). They must outlive this object. Makes plans, and recorders that append to command buffers of the
    caller's; allocates, submits and waits for nothing."""

    def __init__(self, *, instance: int, physical_device: int, device: int, get_instance_proc_addr: int, features: int = 0,
                 pipeline_cache: int = 0):
        desc = ffi.new("vatten_device_desc *", {
            "get_instance_proc_addr": handle_of("PFN_vkGetInstanceProcAddr", get_instance_proc_addr),
            "instance": handle_of("VkInstance", instance),
            "physical_device": handle_of("VkPhysicalDevice", physical_device),
            "device": handle_of("VkDevice", device), "features": features,
            "pipeline_cache": handle_of("VkPipelineCache", pipeline_cache), "logger": logger[0]})
        out = ffi.new("vatten_device **")
        check(lib.vatten_device_create(desc, out))
        super().__init__(out[0], lib.vatten_device_destroy, out[0])


def features_supported(*, instance: int, physical_device: int, get_instance_proc_addr: int) -> int:
    """Bits of vatten_feature that are worth enabling on a physical device of the caller's."""
    return int(lib.vatten_features_supported(handle_of("PFN_vkGetInstanceProcAddr", get_instance_proc_addr),
                                             handle_of("VkInstance", instance),
                                             handle_of("VkPhysicalDevice", physical_device)))


class Device(_Base):
    """A device that vatten makes: `device` is a part of its name or its index in `devices()`; None is what the environment variable
    VATTEN_DEVICE says, else the best one there is. Keeps plans and buffers between calls.

    Any thread may call; calls of one device run one after the other, those of several devices side by side.

    no_software     refuse devices that are this machine's processor
    validation      turn on the validation layer, if it is installed
    pipeline_cache  a file that keeps compiled pipelines from run to run
    tuning          a tuning file of vatten_tune
    """

    def __init__(self, device: Union[str, int, None] = None, *, no_software: bool = False, validation: bool = False,
                 pipeline_cache: Union[str, "os.PathLike[str]", None] = None,
                 tuning: Union[str, "os.PathLike[str]", None] = None):
        global _made
        _refuse_forked()
        texts = [_text(device), _text(pipeline_cache), _text(tuning)]  # alive until the context is made
        desc = ffi.new("vatten_context_desc *", {
            "device": texts[0], "no_software": no_software, "validation": validation, "pipeline_cache": texts[1],
            "tuning": texts[2], "logger": logger[0]})
        out = ffi.new("vatten_context **")
        with _creating:
            _made = True
            result = lib.vatten_context_create(desc, out)
        check(result)
        self._context = out[0]
        super().__init__(lib.vatten_context_device(out[0]), lib.vatten_context_destroy, out[0])
        info = ffi.new("vatten_context_info *")
        lib.vatten_context_get_info(out[0], info)
        #: The driver's name and version, as it tells them.
        self.driver: str = as_dict(info)["driver"]
        #: vatten_feature bits that are enabled.
        self.features: int = info.enabled
        #: Milliseconds on the device of the last call that ran.
        self.last_ms = 0.0
        self._lock = threading.RLock()
        self._plans: "OrderedDict[tuple[str, bytes], Plan]" = OrderedDict()
        self._buffers: dict[str, Any] = {}
        self._hits = self._misses = 0

    @property
    def context(self) -> Any:
        """The vatten_context for functions of vatten.native.lib; hold no call of another thread at the same time."""
        return self.handle and self._context

    def vulkan_handles(self) -> dict[str, int]:
        """Numbers for `VulkanDevice`, or for other code that shares this Vulkan device."""
        context = self.context
        found = {"instance": lib.vatten_context_instance(context),
                 "physical_device": lib.vatten_context_physical_device(context),
                 "device": lib.vatten_context_vk_device(context),
                 "get_instance_proc_addr": lib.vatten_context_get_instance_proc_addr(context)}
        return {**{name: int(ffi.cast("uintptr_t", value)) for name, value in found.items()}, "features": self.features}

    def cache_info(self) -> CacheInfo:
        """Of the plans that calls keep."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, len(self._plans))

    def validation_errors(self) -> int:
        """What the validation layer complained of so far, where it is on."""
        info = ffi.new("vatten_context_info *")
        lib.vatten_context_get_info(self.context, info)
        return int(info.validation_errors)

    def trim(self) -> None:
        """Gives back the plans and buffers that calls keep."""
        with self._lock:
            for plan in self._plans.values():
                plan.close()
            self._plans.clear()
            for memory, _ in self._buffers.values():
                self._children.drop(memory)
            self._buffers.clear()

    def close(self) -> None:
        with self._lock:
            super().close()
            self._plans.clear()
            self._buffers.clear()

    # -- For the operators of this package

    def cached(self, family: str, desc: Any) -> Plan:
        """The plan of a desc without pointers, made at most once: its bytes are its name."""
        fields = fields_of(family, desc)
        key = (family, bytes(ffi.buffer(fields)))
        plan = self._plans.get(key)
        if plan is not None:
            self._hits += 1
            self._plans.move_to_end(key)
            return plan
        plan = self._plans[key] = self.plan(family, fields)
        self._misses += 1
        if len(self._plans) > KEPT_PLANS:
            self._plans.popitem(last=False)[1].close()
        return plan

    def memory(self, role: str, size: int) -> Any:
        """The vatten_memory that calls use for a role, made larger if need be."""
        memory, capacity = self._buffers.get(role, (None, 0))
        if capacity >= size:
            return memory
        if memory is not None:  # the old one goes first: the two together may not fit
            del self._buffers[role]
            self._children.drop(memory)
        roomy = max(size, min(2 * capacity, capacity + (64 << 20)), 4096)
        try:
            memory = self._new_memory(roomy)
        except Error:
            memory, roomy = self._new_memory(size), size
        self._buffers[role] = (memory, roomy)
        return memory

    def _new_memory(self, size: int) -> Any:
        out = ffi.new("vatten_memory **")
        check(lib.vatten_memory_create(self._context, size, out))
        self._children.add(out[0], lib.vatten_memory_destroy)
        return out[0]

    def run(self, plan: Plan, reads: Mapping[str, Union[Tensor, str]], writes: Mapping[str, Union[np.ndarray, str]]) -> None:
        """Runs a plan and waits. By role in vatten_args: tensors are uploaded, arrays filled from the device; a name stands for
        memory that stays there, from an earlier run to a later one."""
        args = ffi.new("vatten_args *")
        for role, source in reads.items():
            memory = self._role(plan, args, role, source)
            if isinstance(source, Tensor):
                check(lib.vatten_memory_upload(memory, 0, ffi.cast("void *", source.address), source.nbytes))
        memories = [self._role(plan, args, role, target) for role, target in writes.items()]
        milliseconds = ffi.new("double *")
        check(lib.vatten_context_run(self._context, plan.handle, args, milliseconds))
        for memory, target in zip(memories, writes.values()):
            if isinstance(target, np.ndarray):
                check(lib.vatten_memory_download(memory, 0, ffi.cast("void *", address_of(target)), target.nbytes))
        self.last_ms = milliseconds[0]

    def _role(self, plan: Plan, args: Any, role: str, what: Union[Tensor, np.ndarray, str]) -> Any:
        name, held = (what, 0) if isinstance(what, str) else (role, what.nbytes)
        memory = self.memory(name, max(held, plan.info[f"{role}_bytes"], 4))
        setattr(args, role, lib.vatten_memory_buffer(memory))
        return memory

    @property
    def lock(self) -> threading.RLock:  # type: ignore[valid-type]
        """Held by an operator from its first upload to its last download."""
        self.handle
        return self._lock


def _text(value: Any) -> Any:
    return ffi.NULL if value is None else ffi.new("char[]", os.fsencode(str(value)))


def devices() -> list[str]:
    """Names of all Vulkan devices; a place in this list is an index for `Device`. Empty without a driver."""
    global _made
    _refuse_forked()
    names: list[str] = []
    text = ffi.new("char[256]")
    with _creating:
        _made = True
        while lib.vatten_context_device_name(len(names), text, 256):
            names.append(ffi.string(text).decode("utf-8", "replace"))
    return names


_chosen: dict[Union[str, int, None], Device] = {}
_choosing = threading.Lock()


def device_of(device: Union[Device, str, int, None] = None) -> Device:
    """A device as the operators take it: one of yours, or by name or index one that is made once and then kept."""
    if isinstance(device, Device):
        return device
    if not (device is None or isinstance(device, str)):
        try:
            device = int(operator.index(device))  # numpy's integers too
        except TypeError:
            raise InvalidArgument(f"device is {device!r}: a Device, a name, an index or None is needed") from None
    found = _chosen.get(device)
    if found is None or found.closed:
        with _choosing:
            found = _chosen.get(device)
            if found is None or found.closed:
                found = _chosen[device] = Device(device)
    return found


def _leave_to_parent() -> None:
    """In a forked child a driver's threads are gone, and what waits for them waits for ever: devices of the parent must neither be
    used nor destroyed here, and some drivers (Mesa's lavapipe) cannot make new ones either."""
    global _forked, _creating, _choosing
    _creating, _choosing = threading.Lock(), threading.Lock()
    _forked = _forked or _made
    for device in list(_all):
        device._finalizer.detach()
        device._children.forget()
        if isinstance(device, Device):
            device._lock = threading.RLock()
    _chosen.clear()  # last, since it may drop devices, which would be destroyed


def _refuse_forked() -> None:
    if _forked:
        raise Error("this process was forked from one that has a Vulkan device: start it another way, with multiprocessing by 'spawn'")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
