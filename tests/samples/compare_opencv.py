#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sample denoise beside OpenCV's non-local means: the same photograph, the same noise, the same CPU.

    compare_opencv.py PROGRAM PHOTO [--size 960x768] [--sigma 25] [--windows 7,11,15,21] [--patches 3,5,7] [--json FILE]

Both are run with the same search windows; each with the patch and the strength that suit it best there. Printed are,
per window, time and PSNR against the photograph without noise; then, for each of OpenCV's results, the fastest of
denoise's that is no worse. Runs alternate, times are medians of --repeat. Compiling is left out on both sides, as are
loading and saving; patches and copies to and from the device are not.

OpenCV's distances are sums of 8-bit integers that slide along, so its time hardly depends on the patch. `joint` is
fastNlMeansDenoising over three channels, which computes what denoise does but for the pixel's own weight; `lab` is
fastNlMeansDenoisingColored.

Needs OpenCV for Python (Debian, Ubuntu: python3-opencv) and a Vulkan device. Exit status 77: one of them is missing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

SKIP = 77
sys.dont_write_bytecode = True

try:
    import cv2
    import numpy as np
except ImportError:
    print("skipped: this Python has no OpenCV (package python3-opencv; try /usr/bin/python3)")
    sys.exit(SKIP)


def psnr(image, clean):
    return float(10 * np.log10(255.0 ** 2 / np.mean((image.astype(float) - clean) ** 2)))


def of_size(photo, size):
    """Repeated, mirrored at each seam, and cut."""
    height, width = photo.shape[:2]
    rows, columns = -(-size[1] // height), -(-size[0] // width)
    right, down = np.concatenate([photo, photo[:, ::-1]], 1), lambda a: np.concatenate([a, a[::-1]], 0)
    return np.tile(down(right), (-(-rows // 2), -(-columns // 2), 1))[:size[1], :size[0]]


def best_strength(quality, low, high):
    """Golden section: quality has one top."""
    golden = (5 ** 0.5 - 1) / 2
    at = [high - golden * (high - low), low + golden * (high - low)]
    value = [quality(at[0]), quality(at[1])]
    for _ in range(5):
        if value[0] > value[1]:
            high, at[1], value[1] = at[1], at[0], value[0]
            at[0] = high - golden * (high - low)
            value[0] = quality(at[0])
        else:
            low, at[0], value[0] = at[0], at[1], value[1]
            at[1] = low + golden * (high - low)
            value[1] = quality(at[1])
    return at[0] if value[0] > value[1] else at[1]


class OpenCV:
    def __init__(self, kind, noisy):
        self.name = kind
        self.call = {"joint": lambda h, p, w: cv2.fastNlMeansDenoising(noisy, None, h, p, w),
                     "lab": lambda h, p, w: cv2.fastNlMeansDenoisingColored(noisy, None, h, h, p, w)}[kind]

    def run(self, setting, _repeat=1):
        patch, window, strength = setting
        start = time.perf_counter()
        image = self.call(strength, patch, window)
        return image, 1e3 * (time.perf_counter() - start)


class Denoise:
    name = "denoise"

    def __init__(self, program, noisy, sigma, folder):
        self.program, self.sigma = program, sigma
        self.files = [os.path.join(folder, name) for name in ("noisy.png", "out.png")]
        cv2.imwrite(self.files[0], noisy)

    def run(self, setting, repeat=2):
        patch, window, strength = setting
        words = [self.program, self.files[0], "-o", self.files[1], "--sigma", self.sigma, "--patch", patch, "--window",
                 window, "--strength", round(strength / self.sigma, 4), "--repeat", repeat, "--json"]
        run = subprocess.run([str(w) for w in words], capture_output=True, text=True)
        if run.returncode == 1 and "no Vulkan device" in run.stderr:
            print("skipped: " + run.stderr.strip())
            sys.exit(SKIP)
        if run.returncode != 0:
            sys.exit(run.stderr)
        return cv2.imread(self.files[1]), json.loads(run.stdout)["wall_ms"]


def tune(clean, patches, window, low, high, small):
    """The best (patch, window, strength), looked for on a part of the photograph."""
    found = []
    for patch in patches:
        strength = best_strength(lambda h: psnr(small.run((patch, window, h), 1)[0], clean), low, high)
        found.append((psnr(small.run((patch, window, strength), 1)[0], clean), (patch, window, strength)))
    return max(found)[1]


def measure(pairs, repeat):
    """pairs: (method, setting). All in turns: clocks move."""
    times, images = [[] for _ in pairs], [None] * len(pairs)
    for _ in range(repeat):
        for i, (method, setting) in enumerate(pairs):
            images[i], ms = method.run(setting)
            times[i].append(ms)
    return [statistics.median(t) for t in times], images


def parts_of(clean, noisy):
    """The middle, to tune on."""
    height, width = min(clean.shape[0], 192), min(clean.shape[1], 240)
    y, x = (clean.shape[0] - height) // 2, (clean.shape[1] - width) // 2
    return [np.ascontiguousarray(a[y:y + height, x:x + width]) for a in (clean, noisy)]


def compare(options, folder):
    photo = cv2.imread(options.photo)
    if photo is None:
        sys.exit(f"{options.photo} cannot be read")
    clean = of_size(photo, options.size or photo.shape[1::-1])
    noise = np.random.default_rng(1).normal(0, options.sigma, clean.shape)
    noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
    part, noisy_part = parts_of(clean, noisy)
    os.mkdir(os.path.join(folder, "part"))
    methods = [(Denoise(options.program, noisy, options.sigma, folder),
                Denoise(options.program, noisy_part, options.sigma, os.path.join(folder, "part")), 0.4, 1.2)]
    methods += [(OpenCV(kind, noisy), OpenCV(kind, noisy_part), 0.4, 1.4) for kind in ("joint", "lab")]
    pairs = []
    for window in options.windows:
        for method, small, low, high in methods:
            setting = tune(part, options.patches, window, low * options.sigma, high * options.sigma, small)
            pairs.append((method, setting))
    times, images = measure(pairs, options.repeat)
    lines = [{"method": method.name, "patch": patch, "window": window, "h": round(strength, 2), "ms": round(ms, 1),
              "psnr": round(psnr(image, clean), 2)}
             for (method, (patch, window, strength)), ms, image in zip(pairs, times, images)]
    return {"size": [clean.shape[1], clean.shape[0]], "sigma": options.sigma, "threads": cv2.getNumThreads(),
            "opencv": cv2.__version__, "psnr_noisy": round(psnr(noisy, clean), 2), "lines": lines,
            "equal": equals(lines)}


def equals(lines):
    """Each result of OpenCV's with the fastest one of denoise's that is no worse, if there is one."""
    own = [line for line in lines if line["method"] == "denoise"]
    rows = []
    for line in lines:
        good = [o for o in own if o["psnr"] >= line["psnr"]]
        if line["method"] != "denoise":
            fastest = min(good, key=lambda o: o["ms"], default=None)
            rows.append({"opencv": line, "denoise": fastest,
                         "time_ratio": round(fastest["ms"] / line["ms"], 3) if fastest else None})
    return rows


def words(line):
    return f"patch {line['patch']}, window {line['window']}, h {line['h']}: {line['ms']} ms, {line['psnr']} dB"


def show(result):
    print(f"{result['size'][0]} x {result['size'][1]} pixels, sigma {result['sigma']}, {result['psnr_noisy']} dB noisy; "
          f"OpenCV {result['opencv']} with {result['threads']} threads\n")
    print("| method | search window | patch | h | ms | PSNR dB |\n|---|---|---|---|---|---|")
    for line in result["lines"]:
        print(f"| {line['method']} | {line['window']} | {line['patch']} | {line['h']} | {line['ms']} | {line['psnr']} |")
    print("\n| OpenCV | the fastest denoise that is no worse | time by OpenCV's |\n|---|---|---|")
    for row in result["equal"]:
        right = f"{words(row['denoise'])} | {row['time_ratio']}" if row["denoise"] else "none | "
        print(f"| {row['opencv']['method']}, {words(row['opencv'])} | {right} |")


def size_of(text):
    width, height = map(int, text.split("x"))
    return width, height


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program")
    parser.add_argument("photo")
    parser.add_argument("--size", type=size_of, metavar="WxH", help="repeat or cut the photograph")
    parser.add_argument("--sigma", type=float, default=25.0)
    parser.add_argument("--windows", type=lambda t: [int(w) for w in t.split(",")], default=[7, 11, 15, 21])
    parser.add_argument("--patches", type=lambda t: [int(p) for p in t.split(",")], default=[3, 5, 7],
                        help="to choose from; a single one: the same for both")
    parser.add_argument("--threads", type=int, default=0, help="of OpenCV; default: all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--assert-quality", action="store_true", help="fail unless denoise has the best PSNR")
    options = parser.parse_args()
    if options.threads:
        cv2.setNumThreads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(options, folder)
    show(result)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    best = {line["method"]: 0.0 for line in result["lines"]}
    for line in result["lines"]:
        best[line["method"]] = max(best[line["method"]], line["psnr"])
    return 1 if options.assert_quality and best["denoise"] < max(best.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
