#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Devices of the Python package: choosing, plans kept, threads, closing, forks, and handles of the caller's own."""
import copy
import gc
import logging
import os
import pickle
import subprocess
import sys
import threading
import unittest

import numpy_oracle as oracle
import python_kit as kit
import vatten
from python_kit import np
from vatten import devices as _function  # the function; its module has that name too
from vatten.native import _said as said
from vatten.native import ffi, lib

devices_module = sys.modules[_function.__module__]


def small(seed, tokens=8):
    return kit.normal(seed, (1, 2, tokens, 8))


class Devices(kit.DeviceTest):
    def test_choosing(self):
        names = vatten.devices()
        with vatten.Device(0) as first:
            self.assertEqual(first.name, names[0])
            self.assertTrue(first.driver and first.info["storage_range"] >= 1 << 27)
        with vatten.Device(names[0].upper()) as named:
            self.assertEqual(named.name, names[0])
        with self.assertRaises(vatten.Unsupported) as raised:
            vatten.Device("no such device")
        self.assertIn('no usable Vulkan device is "no such device"', str(raised.exception))
        self.assertIn(names[0], str(raised.exception))
        self.assertEqual(raised.exception.result, "VATTEN_ERROR_UNSUPPORTED")
        for device in (1.5, [], b"llvmpipe"):
            with self.assertRaisesRegex(vatten.InvalidArgument, "a Device, a name, an index or None"):
                vatten.attention(small(1), small(1), small(1), device=device)
        self.assertIs(devices_module.device_of(np.int64(0)), devices_module.device_of(0))

    def test_devices_stay_where_they_are(self):
        for copied in (pickle.dumps, copy.deepcopy):
            with self.assertRaisesRegex(TypeError, "a Device belongs to its process"):
                copied(kit.device())

    def test_fields_of_descs(self):
        for message, desc in (("topk: there is no value", {"value": 9}), ("topk: values is -1", {"values": -1})):
            with self.assertRaisesRegex(vatten.InvalidArgument, message):
                kit.device().plan("topk", desc)
        with self.assertRaisesRegex(vatten.InvalidArgument, "no plans of the family 'none'"):
            kit.device().plan("none", {})

    def test_report(self):
        told = subprocess.run([sys.executable, "-m", "vatten"], capture_output=True, text=True, check=True).stdout
        for part in (f"vatten {vatten.__version__} in ", f"device 0: {vatten.devices()[0]}", "chosen: ", "features: ", "storage_range: "):
            self.assertIn(part, told)
        none = {**os.environ, "VATTEN_DEVICE": "no such device"}
        failed = subprocess.run([sys.executable, "-m", "vatten"], capture_output=True, text=True, check=False, env=none)
        self.assertEqual(failed.returncode, 1)
        self.assertIn('no usable Vulkan device is "no such device"', failed.stderr)

    def test_default_is_kept(self):
        q = small(2)
        want, _ = oracle.attention(q, q, q)
        self.assert_near(vatten.attention(q, q, q), want, 2e-5)
        self.assertIs(devices_module.device_of(None), devices_module.device_of(None))

    def test_plans_are_kept(self):
        with vatten.Device() as device:
            def call(tokens, **options):
                vatten.attention(*(small(n, tokens) for n in (1, 2, 3)), device=device, **options)
                return device.cache_info()[:2]
            self.assertEqual(call(8), (0, 1))
            self.assertEqual(call(8), (1, 1))
            self.assertEqual(call(9), (1, 2))
            self.assertEqual(call(9, causal=True), (1, 3))
            self.assertEqual(call(9, scale=0.5), (1, 4))
            self.assertEqual(call(8), (2, 4))
            self.assertGreater(device.last_ms, 0)
            device.trim()
            self.assertEqual(device.cache_info().currsize, 0)
            self.assertEqual(call(8), (2, 5))

    def test_old_plans_go(self):
        kept, devices_module.KEPT_PLANS = devices_module.KEPT_PLANS, 2
        try:
            with vatten.Device() as device:
                for tokens in (8, 9, 8, 10, 8):
                    vatten.attention(*(small(n, tokens) for n in (1, 2, 3)), device=device)
                self.assertEqual(device.cache_info(), (2, 3, 2))  # the one not used for longest
        finally:
            devices_module.KEPT_PLANS = kept

    def test_buffers_grow(self):
        with vatten.Device() as device:
            for tokens in (3, 700, 5, 2000, 2001):
                q = small(tokens, tokens)
                self.assert_near(vatten.attention(q, q[:, :, :9], q[:, :, :9], device=device),
                                 oracle.attention(q, q[:, :, :9], q[:, :, :9])[0], 2e-5)
            buffers = dict(device._buffers)
            vatten.attention(small(1), small(1), small(1), device=device)
            self.assertEqual(device._buffers, buffers)

    def test_threads(self):
        wrong = []

        def work(seed):
            for n in range(6):
                q = small(seed, 5 + (seed + n) % 3)
                try:
                    got = vatten.attention(q, q, q, causal=n % 2 == 0, device=kit.device())
                    want, _ = oracle.attention(q, q, q, oracle.dense_visible(q.shape[2], q.shape[2], causal=n % 2 == 0))
                    if np.abs(got - want).max() > 2e-5:
                        wrong.append((seed, n))
                    try:
                        vatten.attention(q, small(1), small(2)[:, :, :seed % 8], device=kit.device())
                        wrong.append((seed, n, "not refused"))
                    except vatten.InvalidArgument as error:  # a thread hears its own messages only
                        if f"of v {seed % 8}" not in str(error):
                            wrong.append((seed, n, str(error)))
                except Exception as error:  # pylint: disable=broad-except
                    wrong.append((seed, n, repr(error)))
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_closing(self):
        device = vatten.Device()
        plan = device.plan("topk", {"batch": 1, "heads": 1, "rows": 2, "values": 9, "entries": 3})
        self.assertEqual(plan.info["lists_bytes"], 24)
        vatten.attention(small(1), small(1), small(1), device=device)
        device.close()
        device.close()
        plan.close()
        for call in (lambda: vatten.attention(small(1), small(1), small(1), device=device), lambda: plan.handle,
                     lambda: device.plan("topk", {}), lambda: device.context):
            with self.assertRaisesRegex(vatten.Error, "closed"):
                call()
        self.assertIn("(closed)", repr(device))
        device = vatten.Device()
        plan = device.plan("topk", {"batch": 1, "heads": 1, "rows": 2, "values": 9, "entries": 3})
        vatten.attention(small(1), small(1), small(1), device=device)
        del device, plan
        gc.collect()

    def test_closing_leaves_nothing_to_the_driver(self):
        device = vatten.Device(validation=True)
        device.plan("topk", {"batch": 1, "heads": 1, "rows": 2, "values": 9, "entries": 3})
        recorder = device.recorder(workspace_bytes=4096)
        vatten.attention(small(1), small(1), small(1), device=device)
        if lib.vatten_context_get_info(device.context, info := ffi.new("vatten_context_info *")) or not info.validation:
            self.skipTest("the validation layer is missing")
        said.lines.clear()
        device.close()
        self.assertEqual([text for level, text in said.lines if level == lib.VATTEN_LOG_ERROR], [])
        del recorder

    def test_messages_of_choices_are_logged(self):
        with self.assertLogs("vatten", logging.DEBUG) as logs, vatten.Device():
            pass
        self.assertTrue(any("context:" in line for line in logs.output), logs.output)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_forked_child_is_told_and_does_not_hang(self):
        q = small(5)
        held = kit.device()
        vatten.attention(q, q, q, device=held)
        child = os.fork()
        if child == 0:
            told = 0
            for call in (lambda: vatten.attention(q, q, q), lambda: vatten.attention(q, q, q, device=held), vatten.devices):
                try:
                    call()
                except vatten.Error as error:
                    told += "forked" in str(error)
            held.close()
            os._exit(0 if told == 3 else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assert_near(vatten.attention(q, q, q, device=held), oracle.attention(q, q, q)[0], 2e-5)


class OwnHandles(kit.DeviceTest):
    """The context plays the caller whose Vulkan device it is."""

    def memory(self, owner, array):
        out = ffi.new("vatten_memory **")
        self.assertEqual(lib.vatten_memory_create(owner.context, array.nbytes, out), 0)
        self.assertEqual(lib.vatten_memory_upload(out[0], 0, ffi.from_buffer(array), array.nbytes), 0)
        return out[0]

    def test_recording(self):
        owner = kit.device()
        handles = owner.vulkan_handles()
        features = vatten.features_supported(**{n: handles[n] for n in ("instance", "physical_device", "get_instance_proc_addr")})
        self.assertEqual(features & handles["features"], features)
        arrays = [np.ascontiguousarray(small(n, 16).transpose(0, 2, 1, 3)) for n in (1, 2, 3)] + [np.empty((1, 16, 2, 8), np.float32)]
        memories = [self.memory(owner, x) for x in arrays]
        buffers = {name: int(ffi.cast("uintptr_t", lib.vatten_memory_buffer(m).buffer)) for name, m in zip(("q", "k", "v", "out"), memories)}
        with vatten.VulkanDevice(**handles) as device:
            plan = device.plan("attention", {"heads": {"dtype": lib.VATTEN_DTYPE_F32, "batch": 1, "heads": 2, "kv_heads": 2, "dim": 8},
                                             "q_len": 16, "kv_len": 16, "causal": True})
            recorder = device.recorder(workspace_bytes=plan.info["workspace_bytes"], max_dispatches=2 * plan.info["dispatches"])
            commands = ffi.new("VkCommandBuffer *")
            self.assertEqual(lib.vatten_context_begin(owner.context, commands), 0)
            recorder.record(int(ffi.cast("uintptr_t", commands[0])), plan, **{**buffers, "v": (buffers["v"], 0, plan.info["v_bytes"])})
            self.assertEqual(lib.vatten_context_end(owner.context, ffi.NULL), 0)
            self.assertEqual(lib.vatten_memory_download(memories[3], 0, ffi.from_buffer(arrays[3]), arrays[3].nbytes), 0)
            with self.assertRaisesRegex(vatten.InvalidArgument, "v has 4 bytes"):
                recorder.record(int(ffi.cast("uintptr_t", commands[0])), plan, **{**buffers, "v": (buffers["v"], 0, 4)})
            with self.assertRaisesRegex(vatten.InvalidArgument, "no plans of the family 'dance'"):
                device.plan("dance", {})
            with self.assertRaisesRegex(vatten.InvalidArgument, "q_len"):
                device.plan("attention", {"heads": {"dtype": 1, "batch": 1, "heads": 2, "kv_heads": 2, "dim": 8}})
        q, k, v, out = (x.transpose(0, 2, 1, 3) for x in arrays)
        self.assert_near(out, oracle.attention(q, k, v, oracle.dense_visible(16, 16, causal=True))[0], 2e-5)
        for memory in memories:
            lib.vatten_memory_destroy(memory)


if __name__ == "__main__":
    kit.run()
