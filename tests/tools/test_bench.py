#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_bench as a user runs it: JSON, tables and CSV, what a window is compared with, and errors.

usage: test_bench.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import csv
import io
import json
import unittest

import tool_support as support
from tool_support import run_tool


class Bench(unittest.TestCase):
    LISTS = ["--dims", "32", "--lens", "64x64", "--heads", "2", "--causal", "none,last", "--repeat", "2", "--lse"]

    def test_json(self):
        code, out, err = run_tool("vatten_bench", *self.LISTS, "--dtypes", "f32,f16", "--json")
        self.assertEqual(code, 0, err)
        result = json.loads(out)
        self.assertGreater(result["fma_gflops"]["median"], 0)
        self.assertGreater(result["copy_gbs"]["median"], 0)
        self.assertEqual(len(result["rows"]), 4)
        for row in result["rows"]:
            self.assertIn(row["status"], ("RIGHT", "unsupported"))
        self.assertEqual(result["rows"][0]["pairs"], 64 * 64)
        self.assertGreater(result["rows"][1 if "causal" in result["rows"][1]["problem"] else 2]["causal_ratio"], 0)

    def test_masks_beside_dense_attention(self):
        words = ["--dims", "32", "--lens", "64x64", "--heads", "1", "--repeat", "2", "--dense", "--json"]
        for mask, masked in ((["--causal", "none,last"], [False, True]), (["--window", "7,0"], [True])):
            code, out, err = run_tool("vatten_bench", *words, *mask)
            self.assertEqual(code, 0, err)
            rows = json.loads(out)["rows"]
            self.assertEqual([row["status"] for row in rows], ["RIGHT"] * len(masked))
            self.assertEqual([row["dense_ms"] > 0 and row["causal_ratio"] > 0 for row in rows], masked)

    def test_tables(self):
        code, out, err = run_tool("vatten_bench", *self.LISTS)
        self.assertEqual(code, 0, err)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 4)
        self.assertEqual(len({line.count("|") for line in table}), 1)
        code, out, err = run_tool("vatten_bench", "neighborhood", "--extents", "8x8,4x4x4", "--windows", "3", "--dims",
                                  "16", "--heads", "1", "--repeat", "2", "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([line["status"] for line in lines], ["RIGHT", "RIGHT"])

    RIVALS = ["neighborhood", "--extents", "16x16", "--windows", "5", "--strides", "1", "--dims", "16", "--heads", "1",
              "--repeat", "3", "--dense", "--boxes", "2"]

    def test_rivals_of_a_window(self):
        code, out, err = run_tool("vatten_bench", *self.RIVALS, "--json")
        self.assertEqual(code, 0, err)
        row, = json.loads(out)["rows"]
        self.assertGreater(row["dense_ms"], 0)
        self.assertAlmostEqual(row["of_bound"], row["speedup"] / row["bound"])
        tile = row["tile"]["rows"] * row["tile"]["keys"]
        self.assertAlmostEqual(row["visited_by_visible"], row["visited_tiles"] * tile / row["pairs"])
        self.assertGreaterEqual(row["box_ratio"], 1)
        boxes = row["boxes"]
        self.assertEqual([box["status"] for box in boxes], ["RIGHT", "RIGHT"])
        chosen = "x".join(map(str, row["box"][:2]))
        self.assertEqual(len({chosen, *(box["box"] for box in boxes)}), 3)
        for box in boxes:
            self.assertGreaterEqual(box["visited_tiles"], row["visited_tiles"])
            self.assertGreaterEqual(row["box_ratio"] * box["by_chosen"], 0.999)

    def test_tables_of_a_window(self):
        code, out, err = run_tool("vatten_bench", *self.RIVALS)
        self.assertEqual(code, 0, err)
        tables = [table.splitlines() for table in out.split("\n\n") if table.startswith("|")]
        self.assertEqual([len(table) for table in tables], [3, 3, 4])
        for table in tables:
            self.assertEqual(len({line.count("|") for line in table}), 1)
        code, out, err = run_tool("vatten_bench", *self.RIVALS, "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual(len({line["box"] for line in lines}), 3)
        self.assertGreater(float(lines[0]["speedup"]), 0)
        self.assertEqual([float(line["speedup"]) for line in lines[1:]], [0, 0])

    def test_refused_line(self):
        code, out, err = run_tool("vatten_bench", "neighborhood", "--extents", "8x8", "--windows", "9,3", "--dims", "16",
                                  "--repeat", "1", "--json")
        self.assertEqual(code, 1, err)
        rows = json.loads(out)["rows"]
        self.assertEqual([row["status"] for row in rows], ["refused", "RIGHT"])
        self.assertIn("window 9", rows[0]["reason"])

    SPARSE = ["sparse", "--tokens", "512,1024", "--dim", "16", "--kv-block", "64", "--repeat", "2", "--rows", "8"]

    def test_sparse(self):
        code, out, err = run_tool("vatten_bench", *self.SPARSE, "--causal", "--agree", "0.9", "--json")
        self.assertEqual(code, 0, err)
        for row in json.loads(out)["rows"]:
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertAlmostEqual(row["of_ideal"], row["speedup"] / row["ideal"])
            self.assertGreaterEqual(row["ideal"], row["bound"])
            self.assertGreater(row["bound"], 0.99)
            self.assertGreater(row["whole_ms"], 0)
            self.assertGreater(row["selection_share"], 0)
            self.assertGreater(row["whole_workspace_bytes"], 0)
        code, out, err = run_tool("vatten_bench", *self.SPARSE, "--q-block", "32", "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([line["status"] for line in lines], ["RIGHT", "RIGHT"])
        self.assertEqual([float(line["tile_blocks"]) for line in lines], [3, 3])

    def test_sparse_lists_that_are_drawn(self):
        code, out, err = run_tool("vatten_bench", *self.SPARSE, "--q-block", "32", "--random")
        self.assertEqual(code, 0, err)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 4)
        self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertNotIn("FAILED", out)

    DECODE = ["decode", "--lens", "200,333", "--heads", "4", "--kv-heads", "2", "--dims", "20", "--repeat", "3"]

    def test_decode(self):
        code, out, err = run_tool("vatten_bench", *self.DECODE, "--pages", "0,16", "--dtypes", "f32,f16", "--queries", "3",
                                  "--json")
        self.assertEqual(code, 0, err)
        rows = json.loads(out)["rows"]
        self.assertEqual(len(rows), 8)
        for n, row in enumerate(rows):
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertEqual("pages of 16" in row["problem"], n % 2 == 1)
            self.assertEqual(row["kv_bytes"], (200, 333)[n // 2 % 2] * 2 * 2 * 20 * (4, 2)[n // 4])
            self.assertEqual(row["flops"], 2 * 40 * 4 * sum((200, 333)[n // 2 % 2] - i for i in range(3)))
            self.assertTrue(0 < row["ms_min"] <= row["ms"] <= row["ms_max"])
            self.assertAlmostEqual(row["gbs"] * row["ms"] * 1e6 / row["kv_bytes"], 1, places=6)
            self.assertAlmostEqual(row["of_copy_roof"], row["gbs"] / row["copy_roof_gbs"])
            self.assertEqual(row["by_contiguous"] > 0, n % 2 == 1)
            self.assertGreater(row["max_error"], 0)

    def test_decode_with_v_in_k(self):
        code, out, err = run_tool("vatten_bench", "decode", "--lens", "150", "--heads", "8", "--kv-heads", "1", "--dims", "36",
                                  "--value-dim", "32", "--latent", "--pages", "0,7", "--repeat", "1", "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([line["status"] for line in lines], ["RIGHT", "RIGHT"])
        self.assertEqual([float(line["kv_bytes"]) for line in lines], [150 * 36 * 2] * 2)

    def test_decode_of_bytes(self):
        code, out, err = run_tool("vatten_bench", "decode", "--lens", "150", "--heads", "4", "--kv-heads", "2", "--dims", "32",
                                  "--value-dim", "16", "--block", "16", "--pages", "0,16", "--dtypes", "f16,f32",
                                  "--repeat", "3", "--json")
        self.assertEqual(code, 0, err)
        rows = json.loads(out)["rows"]
        self.assertEqual(len(rows), 4)
        for row in rows:
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertIn(", bytes by 16", row["problem"])
            self.assertTrue(row["kernel"].endswith("_bytes"), row["kernel"])
            self.assertEqual(row["kv_bytes"], 150 * 2 * (2 * 20 + 20))
        code, out, err = run_tool("vatten_bench", "decode", "--lens", "150", "--heads", "4", "--kv-heads", "1", "--dims", "48",
                                  "--value-dim", "32", "--block", "16", "--latent", "--repeat", "3", "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["rows"][0]["status"], "RIGHT")

    def test_decode_tables(self):
        code, out, err = run_tool("vatten_bench", *self.DECODE, "--pages", "0,64", "--splits", "2")
        self.assertEqual(code, 0, err)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 6)
        self.assertEqual(len({line.count("|") for line in table}), 1)
        code, out, err = run_tool("vatten_bench", *self.DECODE, "--tile", "7,3,5,2", "--layout", "subgroup")
        self.assertNotIn("RIGHT", out)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len({line.count("|") for line in table}), 1)

    MASS = ["mass", "--heads", "4", "--dims", "20", "--repeat", "3", "--rows", "8", "--block", "7", "--segments", "3"]

    def test_mass(self):
        code, out, err = run_tool("vatten_bench", *self.MASS, "--lens", "37x65,40", "--dtypes", "f32,f16", "--rows-out", "5",
                                  "--last", "9", "--json")
        self.assertEqual(code, 0, err)
        rows = json.loads(out)["rows"]
        self.assertEqual(len(rows), 20)
        asked = ("columns of the last 9, ", "3 segments, ", "5 rows, ", "entropy, ", "block-max 7, ")
        for n, row in enumerate(rows):
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertTrue(row["problem"].startswith(asked[n % 5] + ("f32", "f16")[n // 5 % 2]), row["problem"])
            self.assertTrue(row["problem"].endswith(("37x65", "40x40")[n // 10]), row["problem"])
            self.assertTrue(row["kernel"].endswith("columns" if n % 5 == 0 else "mass"))
            self.assertEqual(row["forward"]["pairs"], (37 * 65, 40 * 40)[n // 10])
            for lead in ("", "forward_"):
                self.assertTrue(0 < row[lead + "ms_min"] <= row[lead + "ms"] <= row[lead + "ms_max"])
                self.assertGreaterEqual(row[lead + "runs"], row["rounds"])
            self.assertEqual(row["rounds"], 3)
            self.assertTrue(row["ms_min"] / row["forward_ms_max"] <= row["by_forward"] <=
                            row["ms_max"] / row["forward_ms_min"])
            self.assertTrue(0 < row["max_error"] < 1e-4)

    def test_mass_tables(self):
        causal = [*self.MASS, "--kinds", "columns,rows", "--lens", "33x20", "--causal", "none,last,first"]
        code, out, err = run_tool("vatten_bench", *causal)
        self.assertEqual(code, 0, err)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 8)
        self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertNotIn("FAILED", out)
        self.assertIn("33 rows, f32 D20 H4/2 33x20 causal first", table[-1])
        code, out, err = run_tool("vatten_bench", *causal, "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([line["status"] for line in lines], ["RIGHT"] * 6)
        self.assertTrue(all(line["forward_kernel"] and float(line["by_forward"]) > 0 for line in lines))
        code, out, err = run_tool("vatten_bench", *self.MASS, "--lens", "8", "--tile", "7,3,5,2", "--layout", "subgroup")
        self.assertNotIn("RIGHT", out)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual({line.count("|") for line in table}, {8})

    def test_command_lines(self):
        for words in (["sparse", "--tokens", "1000"], ["sparse", "--tokens", "512", "--entries", "9"],
                      ["sparse", "--tokens", "1024", "--random"], ["sparse", "--csv", "--json"],
                      ["--lens", "1x2x3"], ["neighborhood", "--windows", "3"], ["attention"], ["--suite", "none"],
                      ["--suite", "quick", "--dims", "64"], ["--csv", "--json"], ["--dtypes", "f64"],
                      ["--boxes", "65"], ["decode", "--lens", "0"], ["decode", "--csv", "--json"],
                      ["decode", "--lens", "8", "--queries", "9"], ["decode", "--lens", "8", "--kv-heads", "5"],
                      ["decode", "--lens", "8", "--dims", "577"], ["decode", "--lens", "8", "--pages", "-1"],
                      ["decode", "--lens", "8", "--latent", "--value-dim", "256"], ["decode", "--tile", "1,2"],
                      ["decode", "--lens", "8", "--dims", "40", "--block", "16"],
                      ["mass", "--kinds", "row"], ["mass", "--lens", "0"], ["mass", "--lens", "8x8x8"],
                      ["mass", "--kv-heads", "3"], ["mass", "--dims", "577"], ["mass", "--segments", "0"],
                      ["mass", "--block", "0"], ["mass", "--layout", "stream"], ["mass", "--tile", "1,2"],
                      ["mass", "--csv", "--json"]):
            code, out, _ = run_tool("vatten_bench", *words)
            self.assertEqual((code, out), (2, ""))


if __name__ == "__main__":
    support.main(__doc__)
