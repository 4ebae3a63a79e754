#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten.neighborhood against the oracle: one to three axes, strides, dilations, causality, additional keys."""
import numpy_oracle as oracle
import python_kit as kit
import vatten
from python_kit import np


def reference(q, k, v, axes, extra=None):
    """[batch, ...grid, heads, dim], the oracle by tokens."""
    grid = q.shape[1:-2]
    q, k, v = (x.reshape(x.shape[0], -1, *x.shape[-2:]).transpose(0, 2, 1, 3) for x in (q, k, v))
    seen = oracle.grid_visible(axes)
    if extra is not None:
        k, v = (np.concatenate([x, y.transpose(0, 2, 1, 3)], 2) for x, y in zip((k, v), extra))
        seen = np.concatenate([seen, np.ones((seen.shape[0], extra[0].shape[1]), bool)], 1)
    out, lse = oracle.attention(q, k, v, seen)
    return out.transpose(0, 2, 1, 3).reshape(-1, *grid, out.shape[1], out.shape[3]), lse.transpose(0, 2, 1).reshape(-1, *grid, lse.shape[1])


class Neighborhood(kit.DeviceTest):
    CASES = [  # grid, kernel_size, stride, dilation, is_causal, dtype
        ((37,), 9, 1, 1, False, "float32"), ((37,), 6, 4, 3, True, "float16"),
        ((13, 9), (5, 3), (2, 1), (1, 2), (False, True), "float32"), ((11, 7), 3, 1, 2, False, "float16"),
        ((5, 6, 7), (3, 2, 5), (1, 2, 1), (1, 3, 1), (True, False, False), "float32"),
    ]

    def test_grids(self):
        for case in self.CASES:
            grid, kernel, stride, dilation, causal, dtype = case
            with self.subTest(case=case):
                rank = len(grid)
                q = kit.normal(1, (2, *grid, 4, 12), dtype)
                k, v = kit.normal(2, (2, *grid, 2, 12), dtype), kit.normal(3, (2, *grid, 2, 8), dtype)
                columns = [x if isinstance(x, tuple) else (x,) * rank for x in (kernel, stride, dilation, causal)]
                want, want_lse = reference(q, k, v, list(zip(grid, *columns)))
                out, lse = vatten.neighborhood(q, k, v, kernel_size=kernel, stride=stride, dilation=dilation, is_causal=causal,
                                               return_lse=True, device=kit.device())
                self.assert_near(out, want, oracle.TOLERANCE[dtype])
                self.assert_near(lse, want_lse, oracle.LSE_TOLERANCE)

    def test_additional_keys_and_views(self):
        q = kit.normal(4, (1, 8, 2, 9, 16)).transpose(0, 1, 3, 2, 4)  # what lies heads before columns
        extra = kit.normal(5, (1, 3, 2, 16)), kit.normal(6, (1, 3, 2, 16))
        want, _ = reference(q, q, q, [(8, 3), (9, 3)], extra)
        out = vatten.neighborhood(q, q, q, 3, additional_keys=extra[0], additional_values=extra[1], device=kit.device())
        self.assert_near(out, want, 2e-5)

    def test_refusals(self):
        q = kit.normal(7, (1, 4, 6, 2, 8))
        for message, args, options in (
                ("neighborhood: axis 0: window 5", (q, q, q, 5), {}),
                ("kernel_size has 3 numbers for a grid of 2 axes", (q, q, q, (3, 3, 3)), {}),
                ("q has 3 axes", (q[0, 0], q[0, 0], q[0, 0], 3), {}),
                ("grid of q is (4, 6), of k (4, 5)", (q, q[:, :, :5], q, 3), {}),
                ("edge is 'round'", (q, q, q, 3), {"edge": "round"}),
                ("axis[0].window is -3", (q, q, q, (-3, 3)), {}),
                ("batch, heads and dim of v is (1, 2, 8), of additional_values (1, 2, 7)", (q, q, q, 3),
                 {"additional_keys": q[:, 0], "additional_values": q[:, 0, :, :, :7]}),
                ("come together", (q, q, q, 3), {"additional_keys": q[0]})):
            with self.subTest(message=message), self.assertRaises(vatten.InvalidArgument) as raised:
                vatten.neighborhood(*args, device=kit.device(), **options)
            self.assertIn(message, str(raised.exception))


if __name__ == "__main__":
    kit.run()
