# SPDX-License-Identifier: MIT
"""What the tests of the tools stand on: their beginning and end, running a tool, storage forms, the NumPy reference, and a test
case with files. To import it where there is no NumPy skips the test."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SKIP = 77

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no NumPy")
    sys.exit(SKIP)

TOLERANCE = {"f32": 2e-5, "f16": 2e-3, "bf16": 1.6e-2}
LSE_TOLERANCE = 1e-4

folder_of_tools = "."


def run_tool(name, *arguments, cwd=None, env=None):
    """(exit code, stdout, stderr)"""
    words = [os.path.join(folder_of_tools, name)] + [str(a) for a in arguments]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=600,
                          env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr


def main(usage, needs_device=True):
    """Runs the tests of the program: its first argument is the folder of the tools, all others are unittest's."""
    global folder_of_tools
    if len(sys.argv) < 2:
        print(usage)
        sys.exit(2)
    folder_of_tools = sys.argv.pop(1)
    code, _, err = run_tool("vatten_info") if needs_device else (0, "", "")
    if code != 0 and "no vulkan device" in err.lower():
        print("skipped: " + err.strip())
        sys.exit(SKIP)
    unittest.main()


# ---- Storage forms -------------------------------------------------------------------------------------------------


def to_storage(values, dtype):
    if dtype == "f32":
        return values.astype("<f4")
    if dtype == "f16":
        return values.astype("<f2")
    bits = np.ascontiguousarray(values.astype("<f4")).view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")  # round to nearest even


def from_storage(stored):
    if stored.dtype == np.dtype("<u2"):
        return (stored.astype("<u4") << 16).view("<f4").astype(np.float64)
    return stored.astype(np.float64)


# ---- The reference: predicates over all pairs, float64 --------------------------------------------------------------


def dense_visible(q_len, kv_len, causal="none", window=None, prefix=0, align="last"):
    first = causal == "first" or (causal == "none" and align == "first")
    i = np.arange(q_len)[:, None] + (0 if first else kv_len - q_len)
    j = np.arange(kv_len)[None, :]
    seen = np.ones((q_len, kv_len), bool)
    if window is not None:
        left, right = window
        if left >= 0:
            seen &= j >= i - left
        if right >= 0:
            seen &= j <= i + right
        seen |= j < prefix
    if causal != "none":
        seen &= j <= i
    return seen


def axis_visible(extent, window, stride, dilation, causal):
    seen = np.zeros((extent, extent), bool)
    for i in range(extent):
        group, p = i % dilation, i // dilation
        n = (extent - group + dilation - 1) // dilation
        if causal:
            lead = min(p // stride * stride + stride - 1, n - 1)
            keys = range(max(lead - window + 1, 0), p + 1)
        else:
            lead = min(p // stride * stride + stride // 2, n - 1)
            start = min(max(lead - window // 2, 0), n - window)
            keys = range(start, start + window)
        for key in keys:
            seen[i, key * dilation + group] = True
    return seen


def grid_visible(extent, window, stride, dilation, causal):
    seen = np.ones((1, 1), bool)
    for axis in zip(extent, window, stride, dilation, causal):
        seen = np.kron(seen, axis_visible(*axis))
    return seen.astype(bool)


def reference(q, k, v, visible, scale=None):
    """q [B, Sq, H, D], k [B, Sk, Hkv, D], v [B, Sk, Hkv, Dv] -> out [B, Sq, H, Dv], lse [B, H, Sq]"""
    group = q.shape[2] // k.shape[2]
    k, v = np.repeat(k, group, axis=2), np.repeat(v, group, axis=2)
    scale = 1 / np.sqrt(q.shape[3]) if scale is None else scale
    scores = np.einsum("bihd,bjhd->bhij", q, k) * scale
    scores = np.where(visible, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = weights.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = (np.log(total) + np.where(np.isfinite(top), top, 0))[..., 0]
    out = np.einsum("bhij,bjhd->bihd", weights / np.where(total == 0, 1, total), v)
    return out, lse


# ---- Common parts of the tests --------------------------------------------------------------------------------------


class ToolCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(7)

    def path(self, name):
        return os.path.join(self.folder, name)

    def save(self, name, shape, dtype="f32"):
        """Writes a random tensor and returns it as stored, in float64."""
        stored = to_storage(self.random.standard_normal(shape), dtype)
        np.save(self.path(name), stored)
        return from_storage(stored)

    def save_qkv(self, q, k, v, dtype="f32"):
        return self.save("q.npy", q, dtype), self.save("k.npy", k, dtype), self.save("v.npy", v, dtype)

    def files(self):
        return ["--q", self.path("q.npy"), "--k", self.path("k.npy"), "--v", self.path("v.npy"),
                "--out", self.path("o.npy")]

    def run_ok(self, family, *options):
        """Runs vatten_run and returns its JSON object."""
        code, out, err = run_tool("vatten_run", family, *self.files(), *options)
        self.assertEqual(code, 0, err)
        summary = json.loads(out)
        for key in ("device", "kernel", "tile", "gpu_ms"):
            self.assertIn(key, summary)
        self.assertIn(family, summary["kernel"])
        self.assertGreater(summary["gpu_ms"], 0)
        return summary

    def run_refused(self, family, options, wanted_code, *wanted_words):
        """Runs vatten_run, expects `wanted_code`, all words on stderr, nothing on stdout and no new file."""
        before = sorted(os.listdir(self.folder))
        code, out, err = run_tool("vatten_run", family, *options)
        self.assertEqual(code, wanted_code, err)
        for word in wanted_words:
            self.assertIn(word.lower(), err.lower())
        self.assertEqual(out, "")
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def check(self, wanted, dtype="f32", lse=None):
        stored = np.load(self.path("o.npy"))
        self.assertEqual(stored.dtype, to_storage(np.zeros(1), dtype).dtype)
        self.assertEqual(stored.shape, wanted.shape)
        error = np.abs(from_storage(stored) - wanted).max()
        self.assertLessEqual(error, TOLERANCE[dtype])
        if lse is not None:
            got = np.load(self.path("lse.npy"))
            self.assertEqual(got.dtype, np.dtype("<f4"))
            self.assertEqual(got.shape, lse.shape)
            hidden = np.isneginf(lse)
            self.assertTrue(np.array_equal(np.isneginf(got), hidden))
            self.assertLessEqual(np.abs(got[~hidden] - lse[~hidden]).max(initial=0), LSE_TOLERANCE)
