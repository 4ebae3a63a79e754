#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_run lists and vatten_run sparse against a plain NumPy statement of what they mean, what they refuse, and what
vatten_info says about them.

usage: test_listed.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import json
import unittest

import tool_support as support  # first: it skips where there is no NumPy
import numpy as np
from tool_support import ToolCase, dense_visible, run_tool

END = 0xFFFFFFFF


# ---- What lists mean: [..., query, key] counts how often a key is seen --------------------------------------------------


def seen_by_blocks(lists, q_len, kv_len, q_block, kv_block, masks=False):
    width = 1 + (q_block + 31) // 32 if masks else 1
    counts = np.zeros((q_len, kv_len), int)
    for row, words in enumerate(lists):
        for entry in words.reshape(-1, width):
            if entry[0] == END:
                break
            for r in range(min(q_block, q_len - row * q_block)):
                if not masks or entry[1 + r // 32] >> np.uint32(r % 32) & 1:
                    counts[row * q_block + r, entry[0] * kv_block:(entry[0] + 1) * kv_block] = 1
    return counts


def seen_by_ranges(lists, q_len, kv_len):
    counts = np.zeros((q_len, kv_len), int)
    for words in lists:
        for first, end in words[2:].reshape(-1, 2):
            if first == END:
                break
            counts[words[0]:words[1], first:end] = 1
    return counts


def seen_by_keys(lists, q_len, kv_len, q_block):
    counts = np.zeros((q_len, kv_len), int)
    for row, words in enumerate(lists):
        for key in words[words < kv_len]:
            counts[row * q_block:(row + 1) * q_block, key] += 1
    return counts


def attend(q, k, v, counts):
    """Softmax attention with keys that count several times; counts [B, heads, Sq, Sk]."""
    group = q.shape[2] // k.shape[2]
    k, v = np.repeat(k, group, axis=2), np.repeat(v, group, axis=2)
    scores = np.einsum("bihd,bjhd->bhij", q, k) / np.sqrt(q.shape[3])
    weights = counts * np.exp(scores)
    total = weights.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(total)[..., 0]
    return np.einsum("bhij,bjhd->bihd", weights / np.where(total == 0, 1, total), v), lse


class ListCase(ToolCase):
    Q, K = (2, 45, 4, 16), (2, 70, 2, 16)  # [batch, tokens, heads, dim]

    def setUp(self):
        super().setUp()
        self.tensors = self.save_qkv(self.Q, self.K, self.K)

    def save_lists(self, lists):
        np.save(self.path("lists.npy"), np.asarray(lists, "<u4"))

    def options(self, *more):
        return ["--lists", self.path("lists.npy"), *more]

    def compare(self, counts, *options, family="lists", dtype="f32"):
        """counts [batch or 1, list heads, Sq, Sk]"""
        whole = np.broadcast_to(counts, (self.Q[0], *counts.shape[1:]))
        whole = np.repeat(whole, self.Q[2] // counts.shape[1], axis=1)
        code, out, err = run_tool("vatten_run", family, *self.files(), *options, "--lse", self.path("lse.npy"))
        self.assertEqual(code, 0, err)
        summary = json.loads(out)
        self.assertEqual(summary["family"], family)
        self.assertIn("attention", summary["kernel"])
        wanted, lse = attend(*self.tensors, whole)
        self.check(wanted, dtype, lse)

    def draw_blocks(self, heads, rows, blocks, entries, batch=2):
        """Distinct blocks of each row, some lists shorter, one of them empty."""
        lists = np.full((batch, heads, rows, entries), END, "<u4")
        for at in np.ndindex(batch, heads, rows):
            count = self.random.integers(0, entries + 1)
            lists[at][:count] = self.random.permutation(blocks)[:count]
        lists[0, 0, 0] = END
        return lists


# ---- Lists ----------------------------------------------------------------------------------------------------------------


class Blocks(ListCase):
    def counts(self, lists, *shape, **more):
        return np.array([[seen_by_blocks(rows, self.Q[1], self.K[1], *shape, **more) for rows in head]
                         for head in lists])

    def test_of_each_head(self):
        lists = self.draw_blocks(4, 6, 9, 5)
        self.save_lists(lists)
        self.compare(self.counts(lists, 8, 8), *self.options("--q-block", 8, "--kv-block", 8))

    def test_shared_by_heads_and_batch(self):
        lists = self.draw_blocks(2, 3, 5, 3, batch=1)
        self.save_lists(lists)
        self.compare(self.counts(lists, 16, 16), *self.options("--q-block", 16, "--kv-block", 16))

    def test_by_query(self):
        lists = self.draw_blocks(1, 45, 7, 2)
        self.save_lists(lists)
        self.compare(self.counts(lists, 1, 10), *self.options("--q-block", 1, "--kv-block", 10))

    def test_row_masks(self):
        lists = np.full((2, 1, 2, 3, 3), END, "<u4")  # the last axis: block, 40 bits in two words
        for at in np.ndindex(2, 1, 2):
            lists[at][:, 0] = self.random.permutation(5)[:3]
            lists[at][:, 1:] = self.random.integers(0, 2**32, (3, 2), dtype=np.uint32)
        lists = lists.reshape(2, 1, 2, 9)
        self.save_lists(lists)
        self.compare(self.counts(lists, 40, 16, masks=True),
                     *self.options("--q-block", 40, "--kv-block", 16, "--row-masks"))

    def test_causal_window_prefix_and_stride(self):
        lists = self.draw_blocks(4, 6, 9, 9)
        self.save_lists(lists)
        counts = self.counts(lists, 8, 8)
        options = self.options("--q-block", 8, "--kv-block", 8)
        self.compare(counts * dense_visible(45, 70, causal="last"), *options, "--causal", "last")
        self.compare(counts * dense_visible(45, 70, causal="first"), *options, "--causal", "first")
        seen = dense_visible(45, 70, window=(6, 2), prefix=5) | ((np.arange(70) + 1) % 7 == 0)
        self.compare(counts * seen, *options, "--window", "6,2", "--prefix", 5, "--key-stride", 7, "--key-phase", 1)

    def test_f16(self):
        self.tensors = self.save_qkv(self.Q, self.K, self.K, "f16")
        lists = self.draw_blocks(4, 6, 9, 5)
        self.save_lists(lists)
        self.compare(self.counts(lists, 8, 8), *self.options("--q-block", 8, "--kv-block", 8), dtype="f16")

    def test_validation_layer_is_silent(self):
        lists = self.draw_blocks(4, 6, 9, 5)
        self.save_lists(lists)
        self.compare(self.counts(lists, 8, 8), *self.options("--q-block", 8, "--kv-block", 8, "--validate"))


class OtherKinds(ListCase):
    def test_ranges(self):
        lists = np.full((1, 2, 3, 2 + 2 * 3), END, "<u4")
        for head in range(2):
            for row, (first, end) in enumerate(((0, 20), (20, 21), (21, 45))):
                cuts = np.sort(self.random.permutation(71)[:6])
                lists[0, head, row] = [first, end, *cuts]
        lists[0, 1, 2, 4:] = END
        self.save_lists(lists)
        counts = np.array([[seen_by_ranges(rows, 45, 70) for rows in lists[0]]])
        self.compare(counts, *self.options("--list-kind", "ranges", "--q-block", 24))

    def test_keys(self):
        lists = self.random.integers(0, 70, (2, 4, 9, 12)).astype("<u4")  # some of them twice
        lists[:, :, :, 3] = END
        self.save_lists(lists)
        counts = np.array([[seen_by_keys(rows, 45, 70, 5) for rows in head] for head in lists])
        self.compare(counts, *self.options("--list-kind", "keys", "--q-block", 5))


class Refused(ListCase):
    def setUp(self):
        super().setUp()
        self.lists = self.draw_blocks(4, 6, 9, 5)
        self.lists[1, 2, 3] = [4, 2, 7, END, END]

    def refuse(self, code, *words, options=("--q-block", 8, "--kv-block", 8)):
        self.run_refused("lists", [*self.files(), *self.options(*options)], code, *words)

    def test_lists_that_break_a_rule(self):
        for entry, value, words in ((2, 4, ("entry 2", "block 4 is also entry 0")), (2, 9, ("block 9", "not below 9")),
                                    (4, 1, ("block 1", "behind the end"))):
            broken = self.lists.copy()
            broken[1, 2, 3, entry] = value
            self.save_lists(broken)
            self.refuse(1, "batch 1, head 2, row 3", *words)

    def test_shapes(self):
        for lists, words in ((self.lists[:, :, :5], ("rows 5", "wanted 6")), (self.lists[:, :3], ("list_heads 3",)),
                             (np.repeat(self.lists, 2, axis=0), ("batch 4", "wanted 2")),
                             (self.lists[:, :, :, :0], ("whole entries",)), (self.lists[0], ("rank 3",))):
            self.save_lists(lists)
            self.refuse(1, "lists.npy" if "list_heads 3" not in words else "lists", *words)
        self.save_lists(self.lists)
        self.refuse(1, "a list of 5 words", "2 in front", options=("--q-block", 24, "--list-kind", "ranges"))
        self.refuse(1, "whole entries of 2", options=("--q-block", 8, "--kv-block", 8, "--row-masks"))
        self.refuse(1, "kv_block 0", options=("--q-block", 8))
        self.refuse(1, "q_block 0", options=("--kv-block", 8))

    def test_files_and_command_lines(self):
        np.save(self.path("lists.npy"), self.lists.astype("<i4"))
        self.refuse(1, "lists.npy", "<i4")
        np.save(self.path("lists.npy"), np.zeros(self.lists.shape, "<f4"))
        self.refuse(1, "lists.npy", "<f4", "<u4")
        self.save_lists(self.lists)
        self.run_refused("lists", self.files(), 2, "--lists is required")
        self.run_refused("attention", [*self.files(), *self.options()], 2, "--lists")
        self.refuse(2, "--list-kind", options=("--list-kind", "pages"))
        np.save(self.path("q.npy"), np.zeros(self.Q, "<u4"))
        self.refuse(1, "q.npy", "<u4")


# ---- Sparse ---------------------------------------------------------------------------------------------------------------


class Sparse(ListCase):
    Q, K = (1, 48, 4, 16), (1, 96, 2, 16)

    def values(self, q_block, kv_block, list_heads):
        """q . k of pooled rows and blocks, summed over the heads of a list: [list heads, rows, blocks]"""
        q, k, _ = (t[0] for t in self.tensors)
        q = q.reshape(-1, q_block, *q.shape[1:]).mean(axis=1)
        k = np.repeat(k.reshape(-1, kv_block, *k.shape[1:]).mean(axis=1), self.Q[2] // self.K[2], axis=1)
        scores = np.einsum("ihd,jhd->hij", q, k)
        return scores.reshape(list_heads, -1, *scores.shape[1:]).sum(axis=1), scores

    def counts(self, chosen, q_block, kv_block):
        """chosen [list heads, rows, blocks]"""
        return np.repeat(np.repeat(chosen, q_block, axis=1), kv_block, axis=2)[None].astype(int)

    def test_top(self):
        values, _ = self.values(8, 8, 4)
        chosen = values >= np.sort(values, axis=-1)[..., -3:-2]
        self.compare(self.counts(chosen, 8, 8), "--q-block", 8, "--kv-block", 8, "--entries", 3, family="sparse")

    def test_mixture_of_block_attention(self):
        values, _ = self.values(1, 16, 4)
        own = (np.arange(48) + 48) // 16  # the last query meets the last key
        block = np.arange(6)
        values = np.where(block > own[:, None], -np.inf, np.where(block == own[:, None], np.inf, values))
        chosen = values >= np.sort(values, axis=-1)[..., -3:-2]
        counts = self.counts(chosen, 1, 16) * dense_visible(48, 96, causal="last")
        self.compare(counts, "--q-block", 1, "--kv-block", 16, "--entries", 3, "--own", "--causal", "last",
                     family="sparse")

    def test_both_executions(self):
        values, _ = self.values(1, 16, 4)
        counts = self.counts(values >= np.sort(values, axis=-1)[..., -2:-1], 1, 16)
        for execution in ("union", "gather"):
            self.compare(counts, "--q-block", 1, "--kv-block", 16, "--entries", 2, "--execution", execution,
                         family="sparse")

    def test_budgets_of_many_rows(self):
        values, _ = self.values(8, 16, 4)
        best = np.sort(values.reshape(4, -1), axis=-1)[:, -13, None, None]  # of all six rows of a head
        self.compare(self.counts(values >= best, 8, 16), "--q-block", 8, "--kv-block", 16, "--entries", 6,
                     "--budget-rows", 6, "--total", 13, family="sparse")
        best = np.sort(values.transpose(2, 0, 1).reshape(6, -1), axis=-1)[:, -7]  # of all rows and heads of a block
        self.compare(self.counts(values >= best, 8, 16), "--q-block", 8, "--kv-block", 16, "--entries", 6,
                     "--budget-rows", 6, "--budget-heads", 4, "--total", 7, "--by-block", family="sparse")

    def test_mass_of_shared_heads(self):
        _, scores = self.values(4, 16, 4)
        shares = np.exp(0.7 * scores)
        shares = (shares / shares.sum(axis=-1, keepdims=True)).reshape(2, 2, 12, 6).sum(axis=1)
        order = np.argsort(-shares, axis=-1)
        before = np.cumsum(np.take_along_axis(shares, order, -1), -1) / shares.sum(-1, keepdims=True)
        taken = np.concatenate([np.ones((2, 12, 1), bool), before[..., :-1] < 0.6], axis=-1)
        chosen = np.zeros_like(taken)
        np.put_along_axis(chosen, order, taken, -1)
        self.compare(self.counts(chosen, 4, 16), "--q-block", 4, "--kv-block", 16, "--entries", 6, "--list-heads", 2,
                     "--softmax", "--select-scale", 0.7, "--budget", "mass", "--share", 0.6, family="sparse")

    def test_threshold_with_forced_blocks(self):
        values, _ = self.values(8, 16, 4)
        chosen = values >= 0.1
        chosen[..., 0] = True
        self.compare(self.counts(chosen, 8, 16), "--q-block", 8, "--kv-block", 16, "--entries", 6, "--budget",
                     "threshold", "--share", 0.1, "--first", 1, family="sparse")

    def test_refused(self):
        good = ["--q-block", 8, "--kv-block", 8, "--entries", 3]
        for options, code, words in ((good[:4], 1, ("entries 0",)), ([*good, "--first", 4], 1, ("first 4",)),
                                     ([*good, "--budget", "mass", "--share", 2], 1, ("share 2",)),
                                     ([*good, "--list-heads", 3], 1, ("list_heads 3",)),
                                     ([*good, "--execution", "gather"], 1, ("GATHER", "q_block 8")),
                                     ([*good, "--by-block"], 1, ("by_block", "total 0")),
                                     ([*good, "--budget", "most"], 2, ("--budget",)),
                                     ([*good, "--window", "3,3"], 2, ("--window",))):
            self.run_refused("sparse", [*self.files(), *options], code, *words)


class Info(unittest.TestCase):
    def plan(self, *words):
        code, out, err = run_tool("vatten_info", *words, "--heads", 4, "--dim", 32, "--json")
        self.assertEqual(code, 0, err)
        return json.loads(out)["plan"]

    def test_lists(self):
        shape = ("--q-len", 256, "--kv-len", 512, "--entries", 3)
        plan = self.plan("lists", *shape, "--q-block", 64, "--kv-block", 64, "--list-heads", 2)
        self.assertEqual(plan["lists_bytes"], 2 * 4 * 3 * 4)
        self.assertEqual(plan["pairs"], 256 * 3 * 64)
        plan = self.plan("lists", *shape, "--q-block", 64, "--kv-block", 64, "--row-masks")
        self.assertEqual(plan["lists_bytes"], 4 * 4 * 3 * 3 * 4)
        plan = self.plan("lists", *shape, "--q-block", 64, "--list-kind", "ranges", "--rows", 5)
        self.assertEqual(plan["lists_bytes"], 4 * 5 * (2 + 3 * 2) * 4)

    def test_sparse(self):
        plan = self.plan("sparse", "--q-len", 256, "--q-block", 64, "--kv-block", 64, "--entries", 2, "--causal", "last",
                         "--own")
        self.assertEqual(plan["family"], "sparse")
        self.assertEqual(plan["lists_bytes"], 0)
        self.assertGreater(plan["workspace_bytes"], 4 * 4 * 2 * 4)

    def test_help(self):
        for tool in ("vatten_info", "vatten_run"):
            for family in ("lists", "sparse"):
                code, out, err = run_tool(tool, family, "--help")
                self.assertEqual((code, err), (0, ""))
                self.assertIn("--kv-block", out)
                self.assertEqual("--row-masks" in out, family == "lists")
        code, out, err = run_tool("vatten_bench", "lists")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("vatten_bench sparse", err)


if __name__ == "__main__":
    support.main(__doc__)
