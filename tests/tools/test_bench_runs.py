#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs of vatten_bench that are kept and compared, its suites, and the suites that measure time against tokens and what records
and plans cost.

usage: test_bench_runs.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import csv
import io
import json
import math
import os

import tool_support as support
from tool_support import run_tool

SMALL = ["--lens", "32x32", "--dims", "16", "--heads", "1", "--repeat", "2"]
# What must hold on any machine (docs/performance.md); the best of some medians, as a neighbour only makes them longer.
MOST_RECORD_US, MOST_PIPELINE_MS = 5, 1000


def exponent(x, y):
    """By another way than the tool: the slope of NumPy's fit."""
    return support.np.polyfit([math.log(v) for v in x], [math.log(v) for v in y], 1)[0]


class Runs(support.ToolCase):
    def bench_json(self, *words):
        code, out, err = run_tool("vatten_bench", *words, "--json")
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def test_history_and_compare(self):
        history = self.path("history")
        for _ in range(2):
            code, out, err = run_tool("vatten_bench", *SMALL, "--history", history)
            self.assertEqual(code, 0, err)
            self.assertIn("| problem |", out)
        with open(history, "a", encoding="utf-8") as file:
            file.write('{"device": "cut o')  # as a crash would leave it
        document = self.bench_json(*SMALL, "--history", history)
        with open(history, encoding="utf-8") as file:
            lines = file.read().split("\n")
        self.assertEqual((len(lines), lines[2], lines[4]), (5, '{"device": "cut o', ""))
        runs = [json.loads(lines[n]) for n in (0, 1, 3)]
        self.assertEqual(runs[2], document)
        for run in runs:
            self.assertRegex(run["date"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(run["version"], r"^\d+\.\d+\.\d+$")
            self.assertIn("--lens 32x32", run["command"])
            self.assertEqual(run["device"], runs[0]["device"])
            row, = run["rows"]
            self.assertTrue(0 < row["ms_min"] <= row["ms"] <= row["ms_max"])
        # within the noise nothing is slower; so small a problem waits a hundred times as long when a neighbour has its core
        within = ["--compare", history, "--threshold", "10000000"]
        code, out, err = run_tool("vatten_bench", *SMALL, *within)
        self.assertEqual(code, 0, err)
        self.assertIn("history:3: no run", err)
        self.assertIn("| now by before |", out)
        result = self.bench_json(*SMALL, *within)["comparison"]
        self.assertEqual([(row["what"], row["verdict"]) for row in result["rows"]], [("ms", "same")])
        self.assertEqual(result["before"]["date"], document["date"])

    def test_a_slower_row_is_the_exit_status(self):
        fast = self.bench_json(*SMALL)
        for name in ("ms", "ms_min", "ms_max"):
            fast["rows"][0][name] /= 1e4
        with open(self.path("fast"), "w", encoding="utf-8") as file:
            json.dump(fast, file, indent=2)
        code, out, err = run_tool("vatten_bench", *SMALL, "--compare", self.path("fast"))
        self.assertEqual(code, 1)
        self.assertIn("error: slower: attention f32", err)
        code, out, err = run_tool("vatten_bench", "--suite", "quick", "--repeat", "1", "--compare", self.path("fast"))
        self.assertEqual(code, 1)
        self.assertIn("no earlier run of this suite", err)
        kept = self.path("kept")  # one file for both: with what it held before the run is kept there
        with open(kept, "w", encoding="utf-8") as file:
            file.write(json.dumps(fast) + "\n")
        code, out, err = run_tool("vatten_bench", *SMALL, "--history", kept, "--compare", kept, "--json")
        self.assertEqual(code, 1)
        self.assertIn("error: slower: attention f32", err)
        comparison = json.loads(out).pop("comparison")
        self.assertEqual([row["verdict"] for row in comparison["rows"]], ["slower"])
        with open(kept, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual((len(lines), "comparison" in json.loads(lines[1])), (2, False))

    def test_history_that_cannot_be_written(self):
        code, _, err = run_tool("vatten_bench", *SMALL, "--history", self.path("no folder/history"))
        self.assertEqual(code, 1)
        self.assertIn("cannot be written", err)

    def test_suites_run_one_after_the_other(self):
        history = self.path("history")
        code, out, err = run_tool("vatten_bench", "--suite=quick,quick", "--repeat", "1", "--json", "--history", history)
        self.assertEqual(code, 0, err)
        runs = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([run["suite"] for run in runs], ["quick", "quick"])
        self.assertEqual(len(runs[0]["rows"]), 4)
        with open(history, encoding="utf-8") as file:
            self.assertEqual([json.loads(line) for line in file], runs)

    def test_roofs(self):
        document = self.bench_json(*SMALL)
        for name in ("fma_gflops", "copy_gbs"):
            self.assertTrue(0 < document[name]["min"] <= document[name]["median"] <= document[name]["max"])
        if document["matrix_gflops"] is None:  # absent is not zero, and says why
            self.assertRegex(document["matrix_absent"], "glslang|matrices")
        else:
            self.assertGreater(document["matrix_gflops"]["min"], 0)
            self.assertRegex(document["matrix_gflops"]["by"], r"f16 \d+x\d+x\d+")
            self.assertNotIn("matrix_absent", document)

    SCALING = ["scaling", "--tokens", "256,512,1024", "--dim", "16", "--window", "16", "--block", "32", "--entries", "4",
               "--repeat", "2"]

    def test_scaling(self):
        history = self.path("history")
        document = self.bench_json(*self.SCALING, "--history", history)
        rows = document["rows"]
        self.assertEqual([(row["method"], row["tokens"]) for row in rows],
                         [(method, tokens) for method in ("dense", "window", "block-sparse") for tokens in (256, 512, 1024)])
        pairs = {"dense": lambda n: n * n, "window": lambda n: n * 33 - 16 * 17, "block-sparse": lambda n: n * 4 * 32}
        for row in rows:
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertTrue(0 < row["ms_min"] <= row["ms"] <= row["ms_max"])
            self.assertEqual(row["pairs"], pairs[row["method"]](row["tokens"]))
            self.assertEqual(row["flops"], 4 * 16 * row["pairs"])
            lists = row["tokens"] // 32 * 4 * 4 if row["method"] == "block-sparse" else 0
            self.assertEqual(row["buffer_bytes"], 4 * row["tokens"] * 16 * 4 + lists)
            self.assertAlmostEqual(row["bytes_per_token"] * row["tokens"], row["buffer_bytes"] + row["workspace"])
            self.assertTrue(0 < row["max_error"] < 1e-4)
        for fit in document["exponents"]:
            mine = [row for row in rows if row["method"] == fit["method"]]
            tokens = [row["tokens"] for row in mine]
            self.assertEqual((fit["from"], fit["to"], fit["lengths"], fit["rounds"]), (256, 1024, 3, 2))
            self.assertEqual(fit["wanted"], 2 if fit["method"] == "dense" else 1)
            if "cpu" in fit:  # rounds are means, of all runs: between the exponents that the smallest and largest allow
                self.assertTrue(all(0 < row["cpu_ms_min"] <= row["cpu_ms"] <= row["cpu_ms_max"] for row in mine))
            for name, of in (("time", "ms"), ("cpu", "cpu_ms")):
                if name in fit:
                    low = exponent(tokens, [mine[0][of + "_max"], mine[1][of], mine[2][of + "_min"]])
                    high = exponent(tokens, [mine[0][of + "_min"], mine[1][of], mine[2][of + "_max"]])
                    self.assertTrue(low - 1e-6 <= fit[name] <= high + 1e-6, (low, fit, high))
            self.assertAlmostEqual(fit["memory"], exponent(tokens, [row["buffer_bytes"] + row["workspace"] for row in mine]),
                                   places=6)
            self.assertTrue(fit["time_min"] <= fit["time"] <= fit["time_max"])
            self.assertAlmostEqual(fit["memory"], 1, places=2)

    def test_scaling_skips_what_takes_too_long(self):
        words = ["scaling", "--methods", "dense,window", "--tokens", "512,131072,262144", "--dim", "16", "--window", "4", "--repeat",
                 "1", "--budget", "6"]
        document = self.bench_json(*words)
        self.assertEqual([row["status"] for row in document["rows"]], ["RIGHT", "skipped", "skipped", "RIGHT", "RIGHT", "RIGHT"])
        self.assertIn("the budget is 6 s", document["rows"][2]["reason"])
        self.assertEqual([(fit["lengths"], "time" in fit) for fit in document["exponents"]], [(1, False), (3, True)])

    def test_scaling_tables(self):
        code, out, err = run_tool("vatten_bench", *self.SCALING, "--dtype", "f16", "--methods", "window")
        self.assertEqual(code, 0, err)
        tables = [table.splitlines() for table in out.split("\n\n") if table.startswith("|")]
        self.assertEqual([len(table) for table in tables], [5, 3])
        for table in tables:
            self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertIn("window 16,16 f16 D16 H1 1024 tokens", out)
        code, out, err = run_tool("vatten_bench", *self.SCALING, "--methods", "block-sparse", "--csv")
        self.assertEqual(code, 0, err)
        lines = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([line["status"] for line in lines], ["RIGHT"] * 3)
        self.assertTrue(all(float(line["ms"]) > 0 for line in lines))

    def test_launch(self):
        document = self.bench_json("launch", "--plans", "dense,selection", "--repeat", "3")
        self.assertEqual([row["dispatches"] for row in document["rows"]], [1, 2])
        for row in document["rows"]:
            self.assertEqual(row["status"], "RIGHT", row["reason"])
            self.assertTrue(0 < row["record_us_min"] <= row["record_us"] <= row["record_us_max"])
            self.assertLess(row["record_us_min"], MOST_RECORD_US)
            self.assertTrue(0 < row["plan_cold_ms_min"] <= row["plan_cold_ms"])
            self.assertLess(row["plan_cold_ms_min"] / row["pipelines"], MOST_PIPELINE_MS)
            self.assertAlmostEqual(row["cold_ms_by_pipeline"] * row["pipelines"], row["plan_cold_ms"])
            self.assertGreater(row["plan_warm_ms_min"], 0)
            if row["cache_file_bytes"] > 4096:  # the driver keeps pipelines in it
                self.assertLess(row["plan_warm_ms_min"], row["plan_cold_ms_min"])

    def test_launch_leaves_no_file_behind(self):
        code, _, err = run_tool("vatten_bench", "launch", "--plans", "selection", "--repeat", "1", env={"TMPDIR": self.folder})
        self.assertEqual(code, 0, err)
        self.assertEqual(os.listdir(self.folder), [])
        code, out, _ = run_tool("vatten_bench", "launch", "--plans", "selection", "--repeat", "1",
                                env={"TMPDIR": self.path("no folder")})
        self.assertEqual(code, 1)
        table = [line for line in out.splitlines() if line.startswith("|")]
        self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertIn("refused", out)


if __name__ == "__main__":
    support.main(__doc__)
