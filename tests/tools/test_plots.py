#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/plot_bench.py on runs that are made up here: pictures of the right size with something in them, and what is refused.

usage: test_plots.py PLOT_BENCH [unittest options]
Exit status 77 when matplotlib is missing.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

SKIP = 77
sys.dont_write_bytecode = True  # the source tree stays clean
script = ""


def plot(*arguments):
    done = subprocess.run([sys.executable, "-B", script, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def scaling_run(device="gpu"):
    rows, fits = [], []
    for method, power in (("dense", 2), ("window", 1), ("block-sparse", 1)):
        for n in range(7):
            tokens = 1024 << n
            ms = 1e-6 * tokens**power
            rows.append({"problem": f"{method} {tokens}", "method": method, "status": "RIGHT", "kernel": f"attention_{method}",
                         "tokens": tokens, "ms": ms, "ms_min": 0.9 * ms, "ms_max": 1.1 * ms, "buffer_bytes": 1024 * tokens,
                         "workspace": 0, "of_fma_roof": 0.1 + 0.01 * n})
        fits.append({"method": method, "time": power, "memory": 1.0})
    return {"date": "2026-11-26T00:00:00Z", "version": "0.1.0", "suite": "scaling", "device": device, "driver": "d",
            "fma_gflops": {"median": 100.0}, "matrix_gflops": None, "copy_gbs": {"median": 20.0}, "rows": rows,
            "exponents": fits}


def decode_run():
    run = scaling_run()
    del run["exponents"]
    run["suite"] = "decode"
    run["rows"] = [{"problem": "p", "status": "RIGHT", "kernel": "attention_stream", "of_copy_roof": 0.4, "of_fma_roof": 0.1},
                   {"problem": "q", "status": "FAILED", "kernel": "attention_broken", "of_fma_roof": 0.4}]
    return run


def size_of_png(path):
    with open(path, "rb") as file:
        head = file.read(24)
    return struct.unpack(">II", head[16:24]) if head[:8] == b"\x89PNG\r\n\x1a\n" else None


class Plots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, *runs):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(run) + "\n" for run in runs)
        return self.path(name)

    def text_of(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_times(self):
        history = self.write("h", scaling_run())
        code, err = plot(history, "--times", self.path("t.png"))
        self.assertEqual(code, 0, err)
        self.assertEqual(size_of_png(self.path("t.png")), (1440, 672))
        self.assertGreater(os.path.getsize(self.path("t.png")), 20000)
        code, err = plot(history, "--times", self.path("t.svg"))
        self.assertEqual(code, 0, err)
        svg = self.text_of("t.svg")
        for colour in ("#d55e00", "#0072b2", "#009e73"):  # a curve of seven places for each method
            curves = re.findall(rf'<path d="(M [^"]*)"[^>]*style="fill: none; stroke: {colour}', svg)
            self.assertTrue(any(curve.count("L") == 6 for curve in curves), colour)

    def test_the_same_run_is_the_same_picture(self):
        history = self.write("h", scaling_run())
        for name in ("a.svg", "b.svg"):
            self.assertEqual(plot(history, "--times", self.path(name))[0], 0)
        self.assertEqual(self.text_of("a.svg"), self.text_of("b.svg"))

    def test_roofs(self):
        history = self.write("h", scaling_run(), decode_run())
        code, err = plot(history, "--roofs", self.path("r.png"))
        self.assertEqual(code, 0, err)
        self.assertEqual(size_of_png(self.path("r.png"))[0], 1320)
        code, err = plot(history, "--roofs", self.path("r.svg"))
        self.assertEqual(code, 0, err)
        svg = self.text_of("r.svg")
        for kernel in ("attention_dense", "attention_window", "attention_block-sparse", "attention_stream"):
            self.assertIn(f"<!-- {kernel} -->", svg)
        self.assertNotIn("attention_broken", svg)
        self.assertIn("<!--   0.40 -->", svg)
        self.assertIn("#e69f00", svg)  # the copy roof has its colour

    def test_runs_of_another_device_are_left_out(self):
        history = self.write("h", scaling_run("first"), decode_run())
        code, err = plot(history, "--times", self.path("t.svg"))
        self.assertEqual(code, 1)
        self.assertIn("no scaling run", err)
        code, err = plot(history, "--device", "FIRST", "--times", self.path("t.svg"))
        self.assertEqual(code, 0, err)
        self.assertEqual(plot(history, "--device", "other", "--times", self.path("o.svg"))[0], 1)
        self.assertFalse(os.path.exists(self.path("o.svg")))

    def test_damaged_lines_and_one_document(self):
        with open(self.write("h", scaling_run()), "a", encoding="utf-8") as file:
            file.write('{"device": "gp\n{}\n')
        code, err = plot(self.path("h"), "--times", self.path("t.svg"))
        self.assertEqual(code, 0, err)
        self.assertIn("h:2: no run", err)
        self.assertIn("h:3: no run", err)
        with open(self.path("one"), "w", encoding="utf-8") as file:
            json.dump(scaling_run(), file, indent=1)
        self.assertEqual(plot(self.path("one"), "--times", self.path("u.svg"))[0], 0)

    def test_what_is_refused(self):
        history = self.write("h", scaling_run())
        self.assertEqual(plot(history)[0], 2)
        self.assertEqual(plot(history, "--times", self.path("t.jpg"))[0], 2)
        self.assertEqual(plot(self.path("missing"), "--times", self.path("t.svg"))[0], 1)
        self.assertEqual(plot(self.write("empty"), "--roofs", self.path("t.svg"))[0], 1)
        self.assertEqual(plot(history, "--times", self.path("no folder/t.svg"))[0], 1)


def main():
    global script
    if len(sys.argv) < 2:
        print(__doc__)
        sys.exit(2)
    script = sys.argv.pop(1)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("skipped: this Python has no matplotlib")
        sys.exit(SKIP)
    unittest.main()


if __name__ == "__main__":
    main()
