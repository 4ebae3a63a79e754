#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_run neighborhood with --bias and --weights, against NumPy, and what it refuses of them.

usage: test_scores.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""

import tool_support as support  # first: it skips where there is no NumPy
import numpy as np
from tool_support import ToolCase, grid_visible, run_tool

EXTENT, WINDOW, HEADS, DIM = (9, 7), (5, 3), 2, 8
TOKENS = EXTENT[0] * EXTENT[1]


def places():
    """[token, axis] on the grid, row-major."""
    return np.stack(np.meshgrid(*map(np.arange, EXTENT), indexing="ij"), axis=-1).reshape(TOKENS, 2)


class Bias(ToolCase):
    def setUp(self):
        super().setUp()
        shape = (1, *EXTENT, HEADS, DIM)
        self.tensors = [a.reshape(TOKENS, HEADS, DIM) for a in self.save_qkv(shape, shape, shape)]
        self.options = ["--window", "5,3", "--bias", self.path("bias.npy")]

    def test_by_offset(self):
        table = self.save("bias.npy", (HEADS, 9, 5))
        offset = places()[None, :, :] - places()[:, None, :] + [4, 2]  # [query, key, axis]
        visible = grid_visible(EXTENT, WINDOW, (1, 1), (1, 1), (0, 0))
        q, k, v = self.tensors
        bias = table[:, np.where(visible, offset[..., 0], 0), np.where(visible, offset[..., 1], 0)]
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(DIM) + bias
        weights = np.where(visible, np.exp(scores), 0)
        total = weights.sum(axis=-1, keepdims=True)
        self.run_ok("neighborhood", *self.options, "--lse", self.path("lse.npy"))
        out = np.einsum("hij,jhd->ihd", weights / total, v)
        self.check(out.reshape(1, *EXTENT, HEADS, DIM), lse=np.log(total[..., 0])[None])

    def test_refused(self):
        self.save("bias.npy", (HEADS, 9, 3))
        self.run_refused("neighborhood", [*self.files(), *self.options], 1, "bias.npy", "[2, 9, 3]", "216", "360")
        self.save("bias.npy", (HEADS, 45))
        self.run_refused("neighborhood", [*self.files(), *self.options], 1, "bias.npy", "rank 2")
        self.save("bias.npy", (HEADS, 9, 5), "f16")
        self.run_refused("neighborhood", [*self.files(), *self.options], 1, "bias.npy", "<f2")
        self.run_refused("attention", [*self.files(), *self.options[2:]], 2, "--bias")


class Weights(ToolCase):
    def files(self):
        return ["--weights", self.path("w.npy"), "--v", self.path("v.npy"), "--out", self.path("o.npy")]

    def test_of_each_key(self):
        for dtype in ("f32", "f16"):
            w = self.save("w.npy", (1, *EXTENT, HEADS, 15), dtype).reshape(*EXTENT, HEADS, 5, 3)
            v = self.save("v.npy", (1, *EXTENT, HEADS, DIM), dtype)[0]
            padded = np.pad(v, ((2, 2), (1, 1), (0, 0), (0, 0)))
            out = np.zeros_like(v)
            for y in range(5):
                for x in range(3):
                    out += w[:, :, :, y, x, None] * padded[y:y + EXTENT[0], x:x + EXTENT[1]]
            self.run_ok("neighborhood", "--window", "5,3", "--edge", "crop")
            stored = np.load(self.path("o.npy")).astype(np.float64)
            self.assertLessEqual(np.abs(stored - out[None]).max() / np.abs(out).max(), support.TOLERANCE[dtype])

    def test_refused(self):
        self.save("w.npy", (1, *EXTENT, HEADS, 15))
        self.save("v.npy", (1, 9, 8, HEADS, DIM))
        options = [*self.files(), "--window", "5,3"]
        self.run_refused("neighborhood", options, 1, "v.npy", "extent 8 is not 7")
        self.save("v.npy", (1, *EXTENT, HEADS, DIM))
        self.run_refused("neighborhood", [*options, "--q", self.path("v.npy")], 2, "--weights", "--q")
        self.run_refused("neighborhood", [*options, "--lse", self.path("l.npy")], 1, "log-sum-exp")
        self.save("w.npy", (1, *EXTENT, HEADS, 14))
        self.run_refused("neighborhood", options, 1, "w.npy", "[1, 9, 7, 2, 14]", "7056", "7560")


if __name__ == "__main__":
    support.main(__doc__)
