#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten.attention beside PyTorch's scaled_dot_product_attention on the CPU, in double precision there."""
import sys

try:
    import torch
except ImportError:
    print("skipped: PyTorch is missing (an optional package of several hundred megabytes)")
    sys.exit(77)
if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):
    print(f"skipped: PyTorch {torch.__version__} has no scaled_dot_product_attention, 2.0 has")
    sys.exit(77)

import numpy_oracle as oracle
import python_kit as kit
import vatten


class Torch(kit.DeviceTest):
    def check(self, dtype, q_len, kv_len, **options):
        q, k, v = kit.normal(1, (2, 4, q_len, 32), dtype), kit.normal(2, (2, 4, kv_len, 32), dtype), kit.normal(3, (2, 4, kv_len, 32), dtype)
        ours = {"causal": options.get("is_causal", False), "align": "first", "bias": options.get("attn_mask"),
                "scale": options.get("scale")}
        theirs = {name: torch.from_numpy(x) if name == "attn_mask" else x for name, x in options.items()}
        if "attn_mask" in theirs and theirs["attn_mask"].dtype != torch.bool:
            theirs["attn_mask"] = theirs["attn_mask"].double()
        want = torch.nn.functional.scaled_dot_product_attention(*(torch.from_numpy(x).double() for x in (q, k, v)), **theirs)
        got = vatten.attention(torch.from_numpy(q), torch.from_numpy(k), torch.from_numpy(v), device=kit.device(), **ours)
        self.assert_near(got, want.numpy(), oracle.TOLERANCE[dtype])
        print(f"torch {torch.__version__} {dtype} {q_len}x{kv_len} {list(options)}: largest difference {abs(got - want.numpy()).max():.1e}")

    def test_scaled_dot_product_attention(self):
        for dtype in ("float32", "float16"):
            self.check(dtype, 33, 57)
            self.check(dtype, 57, 57, is_causal=True)
            self.check(dtype, 33, 57, scale=0.25)
        self.check("float32", 33, 57, attn_mask=kit.normal(4, (2, 4, 33, 57)))
        seen = kit.normal(5, (33, 57)) > 0
        seen[:, 0] = True  # rows without keys are NaN in some versions of torch
        self.check("float32", 33, 57, attn_mask=seen)


if __name__ == "__main__":
    kit.run()
