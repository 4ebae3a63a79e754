#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten.attention against the oracle: dtypes, odd shapes, masks, layouts in memory, rows without keys."""
import itertools

import numpy_oracle as oracle
import python_kit as kit
import vatten
from python_kit import np

DTYPES = ("float32", "float16")
SHAPES = [  # batch, heads, kv_heads, q_len, kv_len, dim, value_dim
    (1, 1, 1, 1, 1, 1, 1), (2, 4, 2, 17, 33, 20, 24), (3, 2, 2, 31, 129, 7, 5), (1, 8, 2, 1, 300, 64, 64),
]


class Attention(kit.DeviceTest):
    def check(self, shape, dtype, seen=None, **options):
        b, h, g, sq, sk, d, dv = shape
        q, k, v = kit.normal(1, (b, h, sq, d), dtype), kit.normal(2, (b, g, sk, d), dtype), kit.normal(3, (b, g, sk, dv), dtype)
        out, lse = vatten.attention(q, k, v, return_lse=True, device=kit.device(), **options)
        masks = {n: options[n] for n in ("causal", "window", "prefix", "align") if n in options}
        scores = {n: options[n] for n in ("scale", "softcap", "sinks") if n in options}
        want, want_lse = oracle.attention(q, k, v, oracle.dense_visible(sq, sk, **masks) if seen is None else seen, **scores,
                                          bias=options.get("bias") if seen is None else None)
        self.assertEqual(out.dtype.name, dtype)
        self.assert_near(out, want, oracle.TOLERANCE[dtype])
        self.assert_near(lse, want_lse, oracle.LSE_TOLERANCE)
        return out, lse

    def test_shapes_and_dtypes(self):
        for n, (shape, dtype) in enumerate(itertools.product(SHAPES, DTYPES)):
            causal = n % 3 != 0  # a kernel is compiled for each, which is what takes time here
            with self.subTest(shape=shape, dtype=dtype, causal=causal):
                self.check(shape, dtype, causal=causal)

    def test_masks_and_scores(self):
        shape = (2, 4, 2, 21, 45, 16, 12)
        for n, options in enumerate(({"window": (7, 0)}, {"window": (None, 3)}, {"window": (5, 5), "prefix": 3, "causal": True},
                        {"causal": True, "align": "first"}, {"scale": 0.3}, {"softcap": 2.0}, {"sinks": [0.5, -1, 2, 0]},
                        {"bias": kit.normal(4, (2, 4, 21, 45))}, {"bias": kit.normal(5, (45,), "float16")},
                        {"bias": kit.normal(6, (4, 1, 1))}, {"bias": np.float32(0.5)})):
            with self.subTest(options=options):
                self.check(shape, DTYPES[n % 2], **options)

    def test_booleans_hide(self):
        seen = np.random.default_rng(7).random((2, 1, 21, 45)) < 0.3
        seen[:, :, 4] = False
        out, lse = self.check((2, 4, 2, 21, 45, 16, 12), "float32", seen=seen, bias=seen)
        self.assertTrue((out[:, :, 4] == 0).all() and (lse[:, :, 4] == -np.inf).all())

    def test_slopes(self):
        q, k, v = (kit.normal(n, (1, 2, 30, 8)) for n in (1, 2, 3))
        distance = np.abs(np.arange(30)[:, None] - np.arange(30)[None])
        slopes = np.array([0.5, 0.25])
        want, _ = oracle.attention(q, k, v, bias=-slopes[:, None, None] * distance)
        self.assert_near(vatten.attention(q, k, v, alibi_slopes=slopes, device=kit.device()), want, 2e-5)

    def test_rows_without_keys(self):
        out, lse = self.check((2, 4, 2, 40, 9, 16, 8), "float16", causal=True)
        self.assertTrue((out[:, :, :31] == 0).all() and (lse[:, :, :31] == -np.inf).all())
        self.assertTrue(np.isfinite(lse[:, :, 31:]).all())

    def test_views(self):
        base = kit.normal(8, (2, 19, 4, 16))
        views = {"transposed": base.transpose(0, 2, 1, 3), "sliced": kit.normal(9, (2, 8, 19, 16))[:, ::2],
                 "reversed": kit.normal(10, (2, 4, 19, 16))[:, :, ::-1], "gaps": kit.normal(11, (2, 4, 19, 32))[..., ::2],
                 "repeated": np.broadcast_to(kit.normal(12, (1, 1, 19, 16)), (2, 4, 19, 16)),
                 "one row": np.broadcast_to(kit.normal(13, (16,)), (2, 4, 19, 16))}
        for (n, q), (m, k) in zip(views.items(), [*list(views.items())[1:], *list(views.items())[:1]]):
            with self.subTest(q=n, k=m):
                want, _ = oracle.attention(q, k, k)
                self.assert_near(vatten.attention(q, k, k, device=kit.device()), want, 2e-5)

    def test_orders_of_bytes(self):
        q, bias = kit.normal(18, (1, 2, 9, 8)), kit.normal(19, (9, 9))
        want = vatten.attention(q, q, q, bias=bias, device=kit.device())
        foreign = q.astype(q.dtype.newbyteorder("S"))
        out = vatten.attention(foreign, q, foreign, bias=bias.astype(bias.dtype.newbyteorder("S")), device=kit.device())
        self.assertTrue((out == want).all() and out.dtype.isnative)

    def test_out_is_filled(self):
        q = kit.normal(14, (1, 2, 5, 8))
        out = np.full(q.shape, np.nan, np.float32)
        self.assertIs(vatten.attention(q, q, q, out=out, device=kit.device()), out)
        self.assert_near(out, oracle.attention(q, q, q)[0], 2e-5)

    def test_bfloat16(self):
        try:
            from ml_dtypes import bfloat16
        except ImportError:
            self.skipTest("ml_dtypes, which has bfloat16, is missing")
        q = kit.normal(15, (2, 4, 21, 16)).astype(bfloat16)
        self.assert_near(vatten.attention(q, q, q, device=kit.device()), oracle.attention(q, q, q)[0], oracle.TOLERANCE["bfloat16"])

    def test_refusals(self):
        q, k = kit.normal(16, (1, 4, 5, 8)), kit.normal(17, (1, 3, 5, 8))
        for message, args, options in (
                ("attention: heads 4 is not a multiple of kv_heads 3", (q, k, k), {}),
                ("q is float64", (q.astype(np.float64), q, q), {}),
                ("dtype of q is float32, of k float16", (q, q.astype(np.float16), q), {}),
                ("q has 3 axes, 4 are needed", (q[0], q, q), {}),
                ("tokens of k is 5, of v 4", (q, q, q[:, :, :4]), {}),
                ("dim of q is 8, of k 4", (q, q[..., :4], q), {}),
                ("scale 0", (q, q, q), {"scale": 0}),
                ("align is 'middle'", (q, q, q), {"align": "middle"}),
                ("out must be", (q, q, q), {"out": np.empty((1, 4, 5, 9), np.float32)}),
                ("does not spread", (q, q, q), {"bias": np.zeros((3, 5), np.float32)}),
                ("softcap", (q, q, q), {"softcap": -1.0}),
                ("window is 5: (left, right)", (q, q, q), {"window": 5}),
                ("window left -5", (q, q, q), {"window": (-5, 0)}),
                ("attention: prefix is -1", (q, q, q), {"prefix": -1}),
                ("attention: causal is 2", (q, q, q), {"causal": 2}),
                ("sink of heads has shape (3,)", (q, q, q), {"sinks": np.zeros(3)}),
                ("q_len", (q[:, :, :0], q, q), {})):
            with self.subTest(message=message), self.assertRaises(vatten.InvalidArgument) as raised:
                vatten.attention(*args, device=kit.device(), **options)
            self.assertIn(message, str(raised.exception))
        with self.assertRaisesRegex(TypeError, r"attention: window\.left is 1\.5: an integer"):
            vatten.attention(q, q, q, window=(1.5, 0), device=kit.device())
        with self.assertRaises(vatten.InvalidArgument):
            vatten.attention(np.empty((1, 1, 2, 577), np.float32), np.empty((1, 1, 2, 577), np.float32), q[:, :1, :2],
                             device=kit.device())
        self.check((1, 2, 2, 5, 5, 8, 8), "float32")  # and it goes on


if __name__ == "__main__":
    kit.run()
