# SPDX-License-Identifier: MIT
"""attention_pictures.py [FOLDER]: three pictures of attention, made with vatten and matplotlib, cell by cell as in a notebook."""
# %% What is needed
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import vatten

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
folder.mkdir(parents=True, exist_ok=True)
if not vatten.devices():
    print("skipped: there is no Vulkan device")
    sys.exit(77)
device = vatten.Device()
print(device.name, "by", device.driver)
random = np.random.default_rng(1)


# %% Attention weights: with the unit matrix as values, the output of a query is its weights
def weights(q, k, **options):
    values = np.broadcast_to(np.eye(k.shape[2], dtype=np.float32), (*k.shape[:3], k.shape[2]))
    return vatten.attention(q, k, values, device=device, **options)[0, 0]


tokens = 96
walk = np.cumsum(random.standard_normal((tokens, 32)) * 0.5, 0)  # neighbours are alike
x = (walk - walk.mean(0)).astype(np.float32)[None, None]
patterns = {"all keys": {}, "causal": {"causal": True}, "causal, window of 16,\n4 keys always": {
    "causal": True, "window": (15, 0), "prefix": 4}}
figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), constrained_layout=True)
for axis, (title, options) in zip(axes, patterns.items()):
    found = weights(x, x, scale=0.05, **options)
    assert np.allclose(found.sum(-1), 1, atol=1e-4)
    image = axis.imshow(np.log10(np.maximum(found, 1e-4)), cmap="magma", vmin=-4, vmax=0)
    axis.set(title=title, xlabel="key")
axes[0].set_ylabel("query")
figure.colorbar(image, ax=axes, label="weight, power of ten", shrink=0.8)
figure.savefig(folder / "attention-weights.png", dpi=100)

# %% The windows of three queries on a grid
grid, at = (24, 24), [(2, 3), (12, 12), (21, 14)]
settings = [("window 7", {}), ("window 7, stride 4", {"stride": 4}), ("window 7, dilation 3", {"dilation": 3})]
q = np.zeros((1, *grid, 1, 4), np.float32)  # equal scores: every key that is seen weighs 1 / 49
values = np.eye(grid[0] * grid[1], dtype=np.float32)
figure, axes = plt.subplots(1, 3, figsize=(12, 4.3), constrained_layout=True)
for axis, (title, options) in zip(axes, settings):
    seen = np.zeros((*grid, *grid), np.float32)
    for first in range(0, grid[0] * grid[1], 192):  # values have at most 576 dims
        part = values[:, first:first + 192].reshape(1, *grid, 1, -1)
        out = vatten.neighborhood(q, q, np.ascontiguousarray(part), 7, device=device, **options)
        seen.reshape(*grid, -1)[..., first:first + 192] = out[0, :, :, 0]
    axis.imshow(sum((n + 1) * (seen[p] > 0) for n, p in enumerate(at)), cmap="viridis")
    for row, column in at:
        axis.plot(column, row, "r.", markersize=10)
        assert np.count_nonzero(seen[row, column]) == 49
    axis.set(title=title)
figure.savefig(folder / "neighborhood-windows.png", dpi=100)


# %% Speed beside numpy
def numpy_attention(q, k, v):
    scores = q @ k.swapaxes(-1, -2) * np.float32(q.shape[-1] ** -0.5)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    return scores / scores.sum(-1, keepdims=True) @ v


def seconds(call, repeat=3):
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


lengths = [64, 256, 1024]
contenders = {"numpy, all keys": numpy_attention,
              "vatten, all keys": lambda q, k, v: vatten.attention(q, k, v, device=device),
              "vatten, window of 128": lambda q, k, v: vatten.attention(q, k, v, causal=True, window=(127, 0), device=device),
              "vatten, MoBA: 3 blocks of 64": lambda q, k, v: vatten.moba(q, k, v, 64, 3, device=device)}
times = {name: [] for name in contenders}
for length in lengths:
    q, k, v = (random.standard_normal((1, 4, length, 64)).astype(np.float32) for _ in range(3))
    assert np.abs(numpy_attention(q, k, v) - vatten.attention(q, k, v, device=device)).max() < 1e-4
    for name, call in contenders.items():
        times[name].append(seconds(lambda: call(q, k, v)) * 1e3)
figure, axis = plt.subplots(figsize=(7.5, 5), constrained_layout=True)
for name, milliseconds in times.items():
    axis.loglog(lengths, milliseconds, "o-", label=name, base=2)
    print(name, " ".join(f"{t:.2f}" for t in milliseconds), "ms")
axis.set(xlabel="tokens (4 heads of 64)", ylabel="milliseconds, uploads and downloads included", title=device.name)
axis.grid(alpha=0.3)
axis.legend()
figure.savefig(folder / "speed.png", dpi=100)
device.close()
