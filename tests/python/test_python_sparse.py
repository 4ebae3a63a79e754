#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten.select, block_attention, sparse and moba against the oracle."""
import numpy_oracle as oracle
import python_kit as kit
import vatten
from python_kit import np


class Sparse(kit.DeviceTest):
    def test_moba(self):
        for dtype in ("float32", "float16"):
            q, k, v = kit.normal(1, (2, 4, 50, 16), dtype), kit.normal(2, (2, 2, 70, 16), dtype), kit.normal(3, (2, 2, 70, 12), dtype)
            lists = oracle.best_blocks(q, k, 16, 3, causal=True, own=True)
            seen = oracle.chosen_visible(lists, 16, 1, 50, 70, 4) & oracle.dense_visible(50, 70, causal=True)
            want, want_lse = oracle.attention(q, k, v, seen)
            out, lse = vatten.moba(q, k, v, 16, 3, return_lse=True, device=kit.device())
            self.assert_near(out, want, oracle.TOLERANCE[dtype])
            self.assert_near(lse, want_lse, oracle.LSE_TOLERANCE)

    def test_select_then_attend_is_sparse(self):
        q, k, v = kit.normal(4, (1, 4, 33, 8)), kit.normal(5, (1, 2, 33, 8)), kit.normal(6, (1, 2, 33, 8))
        found = vatten.select(q, k, 8, top=2, own=True, causal=True, device=kit.device())
        self.assertTrue((found.blocks == oracle.best_blocks(q, k, 8, 2, causal=True, own=True)).all())
        self.assertTrue((found.counts == (found.blocks >= 0).sum(-1)).all())
        seen = oracle.chosen_visible(found.blocks, 8, 1, 33, 33, 4) & oracle.dense_visible(33, 33, causal=True)
        want, _ = oracle.attention(q, k, v, seen)
        self.assert_near(vatten.block_attention(q, k, v, found.blocks, 8, causal=True, device=kit.device()), want, 2e-5)
        self.assert_near(vatten.sparse(q, k, v, 8, top=2, own=True, causal=True, device=kit.device()), want, 2e-5)

    def test_last_queries_of_a_cache(self):
        q, k = kit.normal(13, (1, 2, 10, 8)), kit.normal(14, (1, 2, 43, 8))
        found = vatten.select(q, k, 8, top=3, own=True, causal=True, device=kit.device())
        self.assertTrue((found.blocks == oracle.best_blocks(q, k, 8, 3, causal=True, own=True)).all())

    def test_rows_of_queries(self):
        q, k = kit.normal(7, (1, 2, 21, 8)), kit.normal(8, (1, 2, 40, 8))
        found = vatten.select(q, k, 8, top=2, q_block=5, device=kit.device())
        means = np.stack([q[:, :, i:i + 5].mean(2) for i in range(0, 21, 5)], 2)
        self.assertTrue((found.blocks == oracle.best_blocks(means, k, 8, 2, causal=False, own=False)).all())

    def test_budgets(self):
        q, k = kit.normal(9, (1, 2, 12, 8)), kit.normal(10, (1, 2, 40, 8))
        means = k.astype(np.float64).reshape(1, 2, 5, 8, 8).mean(3)
        scores = np.einsum("bhid,bhnd->bhin", q, means)
        above = vatten.select(q, k, 8, threshold=0.25, device=kit.device())
        for b, h, i in np.ndindex(1, 2, 12):
            self.assertEqual([n for n in above.blocks[b, h, i] if n >= 0], list(np.flatnonzero(scores[b, h, i] >= 0.25)))
        mass = vatten.select(q, k, 8, mass=0.7, device=kit.device())
        shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        needed = (np.cumsum(-np.sort(-shares, -1), -1) < 0.7).sum(-1) + 1
        self.assertTrue((mass.counts == needed).all())

    def test_lists_of_ones_own(self):
        q = kit.normal(11, (1, 2, 24, 8), "float16")
        lists = np.array([[[[0, 2], [1, -1], [-1, -1]]]], np.int32)  # for both heads, of rows of eight queries
        want, want_lse = oracle.attention(q, q, q, oracle.chosen_visible(lists, 8, 8, 24, 24, 2))
        out, lse = vatten.block_attention(q, q, q, lists, 8, q_block=8, return_lse=True, device=kit.device())
        self.assert_near(out, want, 2e-3)
        self.assert_near(lse, want_lse, oracle.LSE_TOLERANCE)
        self.assertTrue((out[:, :, 16:] == 0).all() and (lse[:, :, 16:] == -np.inf).all())

    def test_refusals(self):
        q = kit.normal(12, (1, 2, 24, 8))
        for message, call in (
                ("one of top, mass and threshold", lambda: vatten.select(q, q, 8, device=kit.device())),
                ("leave entries out", lambda: vatten.select(q, q, 8, top=1, entries=2, device=kit.device())),
                ("a block of 0 tokens", lambda: vatten.select(q, q, 0, top=1, device=kit.device())),
                ("entries 9", lambda: vatten.select(q, q, 8, top=9, device=kit.device())),
                ("24 queries and 8 keys", lambda: vatten.select(q, q[:, :, :8], 8, top=1, causal=True, device=kit.device())),
                ("pool is 'median'", lambda: vatten.select(q, q, 8, top=1, pool="median", device=kit.device())),
                ("blocks is float64", lambda: vatten.block_attention(q, q, q, np.zeros((1, 2, 24, 1)), 8, device=kit.device())),
                ("block -8 and topk 1", lambda: vatten.moba(q, q, q, -8, 1, device=kit.device())),
                ("topk", lambda: vatten.moba(q, q, q, 8, 0, device=kit.device()))):
            with self.subTest(message=message), self.assertRaises(vatten.InvalidArgument) as raised:
                call()
            self.assertIn(message, str(raised.exception))


if __name__ == "__main__":
    kit.run()
