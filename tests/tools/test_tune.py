#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_tune --simulate as a user runs it: counts against a walk over boxes, known answers, CSV, the picture pixel by
pixel, and errors. Needs no Vulkan device.

usage: test_tune.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy is missing.
"""
import csv
import itertools
import json
import math
import os
import struct
import zlib

import tool_support as support  # first: it skips where there is no NumPy
import numpy as np
from tool_support import ToolCase, axis_visible, run_tool


def tune(*options):
    return run_tool("vatten_tune", "--simulate", *options)


# ---- The counts once more --------------------------------------------------------------------------------------------


def cropped_visible(extent, window, stride, dilation, causal, roll):
    """By coordinates of the rolled grid, where windows are cut at the borders and at the seam."""
    seen = np.zeros((extent, extent), bool)
    for i, j in itertools.product(range(extent), repeat=2):
        p, key = i // dilation, j // dilation
        lead = p // stride * stride + (stride - 1 if causal else stride // 2)
        first = lead - (window - 1 if causal else window // 2)
        within = first <= key < (p + 1 if causal else first + window)
        seen[i, j] = within and i % dilation == j % dilation and (i < extent - roll) == (j < extent - roll)
    return seen


def spans(seen, dilation, side):
    """Keys along an axis of each box of each dilation group."""
    for group in range(dilation):
        queries = list(range(group, len(seen), dilation))
        for at in range(0, len(queries), side):
            keys = [k // dilation for q in queries[at:at + side] for k in range(len(seen)) if seen[q, k]]
            yield max(keys) - min(keys) + 1


def visits(seen, dilations, box, keys):
    tiles = [math.ceil(math.prod(sizes) / keys)
             for sizes in itertools.product(*(list(spans(*axis)) for axis in zip(seen, dilations, box)))]
    return len(tiles), sum(tiles), max(tiles)


# ---- PNG -------------------------------------------------------------------------------------------------------------


def read_png(path):
    """Width, height and rows of (r, g, b); 8 bits per channel, no alpha, not interlaced."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 2)
    at, packed = 8, b""
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    return width, height, unfilter(zlib.decompress(packed), width * 3, height)


def unfilter(raw, stride, height):
    above, rows = bytearray(stride), []
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, up, corner = line[i - 3] if i >= 3 else 0, above[i], above[i - 3] if i >= 3 else 0
            near = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, near)[kind]) & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, stride, 3)])
        above = line
    return rows


HIDDEN, QUERY, QUERY_TILE = (226, 226, 226), (214, 40, 40), (46, 160, 67)
VISITED = [(255, 214, 140), (255, 190, 92), (255, 233, 184)]
SEEN = [(92, 145, 224), (49, 104, 189), (140, 181, 240)]


# ---- Tests -----------------------------------------------------------------------------------------------------------


class Simulate(ToolCase):
    def ok(self, *options):
        code, out, err = tune(*options, "--json")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.splitlines()), 1)
        return json.loads(out)

    def refused(self, wanted_code, options, *words):
        code, out, err = tune(*options)
        self.assertEqual((code, out), (wanted_code, ""), err)
        for word in words:
            self.assertIn(word, err)

    def test_counts(self):
        seen = (axis_visible(23, 6, 2, 2, 0), axis_visible(17, 5, 1, 1, 1))
        result = self.ok("--grid", "23x17", "--window", "6,5", "--stride", "2,1", "--dilation", "2,1", "--causal", "0,1",
                         "--rows", 16, "--keys", 8, "--all")
        self.assertIsNone(result["device"])
        self.assertEqual(result["tile"], {"rows": 16, "keys": 8})
        self.assertEqual(result["visible_pairs"], math.prod(int(axis.sum()) for axis in seen))
        self.assertEqual(result["dense_pairs"], 391 * 391)
        self.assertEqual(result["dense_tiles"], math.ceil(391 / 16) * math.ceil(391 / 8))
        self.assertGreater(len(result["boxes"]), 5)
        for row in result["boxes"]:
            counted = (row["query_tiles"], row["visited_tiles"], row["most_tiles"])
            self.assertEqual(counted, visits(seen, (2, 1), row["box"], 8), row)
            self.assertEqual(row["visited_pairs"], row["visited_tiles"] * 16 * 8)
            self.assertAlmostEqual(row["bound"], result["dense_tiles"] / row["visited_tiles"])
        self.assertTrue(result["boxes"][0]["chosen"])  # sorted: none is better
        self.assertEqual(result["boxes"][0]["box"], result["chosen"])
        self.assertEqual(sum(row["chosen"] for row in result["boxes"]), 1)

    def test_edges_and_rolls(self):
        seen = (cropped_visible(23, 7, 3, 2, 0, 5), cropped_visible(17, 30, 1, 1, 1, 0))
        result = self.ok("--grid", "23x17", "--window", "7,30", "--stride", "3,1", "--dilation", "2,1", "--causal", "0,1",
                         "--edge", "crop", "--roll", "5,0", "--rows", 12, "--keys", 5)
        self.assertEqual([(axis["edge"], axis["roll"]) for axis in result["axes"]], [("crop", 5), ("crop", 0)])
        self.assertEqual(result["visible_pairs"], math.prod(int(axis.sum()) for axis in seen))
        for row in result["boxes"]:
            counted = (row["query_tiles"], row["visited_tiles"], row["most_tiles"])
            self.assertEqual(counted, visits(seen, (2, 1), row["box"], 5), row)

    def test_known_answers(self):
        flat = ("--grid", "256x256", "--window", "80x80")
        deep = ("--grid", "30x48x80", "--window", "18x24x24")
        for problem, box, rows, ideal, fixed in ((flat, "8x8", 64, 10.2, 8.96), (flat, "16x8", 128, 10.2, 7.51),
                                                 (flat, "1x64", 64, 10.2, 5.1), (deep, "4x4x4", 64, 11.1, 8.2),
                                                 (deep, "2x8x8", 128, 11.1, 5.4)):
            result = self.ok(*problem, "--rows", rows, "--box", box)
            self.assertEqual(len(result["boxes"]), 1)
            self.assertAlmostEqual(result["ideal_speedup"], ideal, delta=0.05)
            self.assertAlmostEqual(result["boxes"][0]["fixed_bound"], fixed, delta=0.05)
            self.assertGreater(result["boxes"][0]["bound"], result["boxes"][0]["fixed_bound"])

    def test_extra_keys(self):
        plain = self.ok("--grid", "16,16", "--window", "5,5")
        extra = self.ok("--grid", "16,16", "--window", "5,5", "--extra-len", 65)
        self.assertEqual(extra["visible_pairs"], plain["visible_pairs"] + 256 * 65)
        self.assertEqual(extra["boxes"][0]["visited_tiles"], plain["boxes"][0]["visited_tiles"] + 4 * 2)

    def test_text_and_csv(self):
        code, out, err = tune("--extent", "64,64", "--window", "13,13", "--csv", self.path("t.csv"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("tile of 64 rows and 64 keys on no device", out)
        self.assertIn("ideal speed-up 24.24", out)
        with open(self.path("t.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        table = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("| ")]
        self.assertEqual([row["box"] for row in rows], table[1:])
        self.assertEqual([row["chosen"] for row in rows].count("1"), 1)
        self.assertEqual({row["visible_pairs"] for row in rows}, {str(4096 * 169)})

    def draw(self, *options):
        code, _, err = tune(*options, "--picture", self.path("p.png"))
        if "without stb_image_write" in err:
            self.skipTest("vatten_tune was built without pictures")
        self.assertEqual((code, err), (0, ""))
        return read_png(self.path("p.png"))

    def test_picture(self):
        axes = ((14, 3, 1, 2, 0), (20, 7, 2, 1, 1))
        width, height, rows = self.draw("--grid", "14x20", "--window", "3,7", "--stride", "1,2", "--dilation", "2,1",
                                        "--causal", "0,1", "--box", "2,3", "--keys", 8, "--query", "5,11")
        cell = width // 22
        self.assertEqual((width, height), (22 * cell, 16 * cell))
        see = [axis_visible(*axis) for axis in axes]
        for y, x in itertools.product(range(14), range(20)):
            corner = rows[(y + 1) * cell][(x + 1) * cell]
            middle = rows[(y + 1) * cell + cell // 2][(x + 1) * cell + cell // 2]
            visited = see[0][[5, 7], y].any() and see[1][[9, 10, 11], x].any()
            seen = see[0][5, y] and see[1][11, x]
            self.assertIn(corner, SEEN if seen else VISITED if visited else [HIDDEN], (y, x))
            marked = QUERY if (y, x) == (5, 11) else QUERY_TILE if y in (5, 7) and x in (9, 10, 11) else corner
            self.assertEqual(middle, marked, (y, x))
        self.assertGreaterEqual(len({colour for row in rows for colour in row} & set(SEEN + VISITED)), 4)

    def test_picture_of_a_rolled_grid(self):
        _, _, rows = self.draw("--grid", "16", "--window", "5", "--edge", "crop", "--roll", "3", "--box", "4",
                               "--keys", 2, "--query", 1)
        cell = len(rows) // 3
        colours = [rows[cell][(x + 1) * cell] for x in range(16)]
        seen = cropped_visible(16, 5, 1, 1, 0, 3)[14]  # where coordinate 1 stands
        for x, colour in enumerate(colours):
            self.assertEqual(colour in SEEN, bool(seen[(x - 3) % 16]), x)
        self.assertEqual([x for x in range(16) if rows[cell + cell // 2][(x + 1) * cell + cell // 2] == QUERY_TILE],
                         [0, 2, 15])

    def test_picture_of_other_ranks(self):
        width, height, rows = self.draw("--grid", "3x4x5", "--window", "3x3x3")
        cell = width // 19  # three planes of 5 tokens, and paper around them
        self.assertEqual((width, height), (19 * cell, 6 * cell))
        colours = [rows[(2 + 1) * cell + cell // 2][(6 * z + 1 + 2) * cell + cell // 2] for z in range(3)]
        self.assertEqual(colours, [QUERY_TILE, QUERY, QUERY_TILE])
        width, height, _ = self.draw("--grid", "90", "--window", "9")
        self.assertEqual(width // 92 * 3, height)

    def test_refusals(self):
        grid = ("--grid", "8x8", "--window")
        self.refused(1, [*grid, "3x9"], "axis 1", "window 9", "extent 8")
        self.refused(1, [*grid, "3x3", "--stride", "4x1"], "axis 0", "stride 4", "window 3")
        self.refused(1, [*grid, "3x3", "--box", "8x9"], "box 8 x 9", "72", "64 rows")
        self.refused(1, [*grid, "3x3", "--box", "8x0"], "axis 1", "box side 0")
        self.refused(1, [*grid, "3x3", "--rows", "2000"], "rows 2000", "1024")
        self.refused(1, [*grid, "3x3", "--csv", self.path("nowhere/t.csv")], "nowhere/t.csv")
        self.refused(1, [*grid, "3x3", "--picture", self.path("nowhere/p.png")], "nowhere/p.png")
        self.refused(1, ["--grid", "20000x20000", "--window", "3x3", "--picture", self.path("p.png")],
                     "20000", "picture")
        self.refused(1, [*grid, "3x3", "--device", "no such device"], "no such device")
        self.assertEqual(os.listdir(self.folder), [])

    def test_query(self):
        options = ["--grid", "8x8", "--window", "3x3", "--picture", self.path("p.png"), "--query"]
        self.refused(2, [*options, "3,8"], "axis 1", "8 is outside 0..7")
        self.refused(2, [*options, "3"], "--query", "2 values", "rank 2", "got 1")
        self.assertEqual(os.listdir(self.folder), [])

    def test_command_lines(self):
        for options in (["--window", "3"], ["--grid", "8"], ["--grid", "8,8", "--window", "3"],
                        ["--grid", "8x", "--window", "3"], ["--grid", "8", "--window", "3", "--rows", "-1"],
                        ["--grid", "1,1,1,1", "--window", "1"]):
            self.assertEqual(tune(*options)[0], 2, options)
        self.assertEqual(run_tool("vatten_tune", "--grid", "8", "--window", "3")[0], 2)
        code, out, err = run_tool("vatten_tune", "--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("usage: vatten_tune --simulate", out)


if __name__ == "__main__":
    support.main(__doc__, needs_device=False)
