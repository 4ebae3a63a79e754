#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_tune --sweep as a user runs it, and the tuning files that it writes, as other tools load them.

usage: test_sweep.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 without NumPy or a Vulkan device.
"""
import csv
import json
import os
import re
import signal
import subprocess

import tool_support as support
from tool_support import ToolCase, run_tool

# One head of few tokens, and few tiles: what is timed does not matter here, only what becomes of it.
SHORT = ["--heads", "1", "--dims", "16", "--candidates", "3", "--finalists", "2", "--repeat", "5", "--seconds", "60"]
ROW = re.compile(r"row layout=(\w+) tile=(\d+),(\d+),(\d+),(\d+) task=(\w+) dtype=(\w+) dim=(\d+)\.\.(\d+)"
                 r"(?: rows=(\d+)\.\.(\d*))?(?: percent=(\d+))? # (.*)")


def device_info():
    code, out, err = run_tool("vatten_info", "--json")
    assert code == 0, err
    return json.loads(out)["chosen"]


class Sweep(ToolCase):
    def setUp(self):
        super().setUp()
        self.info = device_info()
        self.home = {"XDG_CACHE_HOME": self.path("cache")}

    def write(self, name, *lines):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write("\n".join(("vatten-tuning 1", *lines, "end", "")))
        return self.path(name)

    def device_line(self):
        return 'device vendor=%d driver=%d build="%s" name="%s"' % (
            self.info["vendor_id"], self.info["driver_id"], self.info["driver_info"], self.info["device"])

    def poor(self):
        """A file whose one tile is beaten by any other: one workgroup of a few lanes, without subgroups."""
        return self.write("poor.txt", self.device_line(), "row layout=shared tile=8,2,8,8 # poor on purpose")

    def plan(self, *options, family="attention", env=None):
        code, out, err = run_tool("vatten_info", family, "--q-len", 64, "--heads", 1, "--dim", 16, "--json", *options,
                                  env=env)
        self.assertEqual(code, 0, err)
        return json.loads(out), err

    def test_a_better_tile_becomes_a_row_that_plans_take(self):
        out_file = self.path("new.txt")
        code, out, err = run_tool("vatten_tune", "attention", *SHORT, "--lens", "256x256,192x256", "--tuning", self.poor(), "--out",
                                  out_file, "--csv", self.path("t.csv"), "--json", "--sweep")
        self.assertEqual(code, 0, err)
        self.assertIn("of the present time", err)  # progress
        result = json.loads(out)
        group, = result["groups"]
        self.assertEqual((group["for"], group["verdict"]), ("attention f32 dim 9..16, rows 17..", "new row"))
        self.assertEqual([line["tile_reason"] for line in group["problems"]], ["poor on purpose"] * 2)
        self.assertTrue(all(0 < line["best_ms"] < line["ms"] and line["rounds"] == 5 for line in group["problems"]))
        self.assertTrue(all(c["status"] == "RIGHT" for c in group["candidates"]))
        with open(out_file, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text, result["tuning"])
        row = ROW.search(text).groups()
        self.assertEqual(row[5:9], ("attention", "f32", "9", "16"))
        self.assertEqual(row[9:12], ("17", "", None))
        best = group["best"]
        self.assertEqual(row[0], best["layout"])
        self.assertEqual([int(part) for part in row[1:5]],
                         [best[key] for key in ("workgroup", "rows", "keys", "lanes_per_row")])
        self.assertRegex(row[12], r"^[0-9.e-]+ ms, 0\.\d\d of shared 8 2x8/8 over 2 problems; .*, \d{4}-\d\d-\d\d$")
        self.assertIn(self.info["driver_info"], text)
        # what other tools make of it
        seen, err = self.plan("--tuning", out_file)
        self.assertEqual(err, "")
        self.assertEqual(seen["chosen"]["tuned_rows"], 1)
        self.assertEqual(seen["plan"]["tile"], best)
        self.assertEqual(seen["plan"]["tile_reason"], row[12][:127])
        code, out, err = run_tool("vatten_bench", "--lens", "64", "--heads", 1, "--dims", 16, "--repeat", 1, "--tuning", out_file,
                                  "--json")
        self.assertEqual(code, 0, err)
        line, = json.loads(out)["rows"]
        self.assertEqual((line["status"], line["tile"], line["tile_reason"]), ("RIGHT", best, row[12][:127]))
        self.save_qkv((1, 20, 1, 16), (1, 20, 1, 16), (1, 20, 1, 16))
        self.assertEqual(self.run_ok("attention", "--tuning", out_file)["tile"], best)
        with open(self.path("t.csv"), newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), 2 * (1 + len(group["candidates"])))
        self.assertEqual([line["chosen"] for line in lines].count("1"), 2)

    def test_a_tile_that_saves_too_little_stays_out(self):
        code, out, err = run_tool("vatten_tune", "--sweep", *SHORT, "--lens", "64", "--margin", 99, "--tuning", self.poor(),
                                  "--out", self.path("new.txt"))
        self.assertEqual(code, 0, err)
        self.assertIn("stays: not better enough", out)
        with open(self.path("new.txt"), encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("\nrow ", text)
        self.assertIn(": no row", text)
        self.assertEqual(self.plan("--tuning", self.path("new.txt"))[0]["chosen"]["tuned_rows"], 0)

    def test_what_is_remembered_is_kept_beside_new_rows(self):
        plain, err = self.plan("--tuning", "remembered", env=self.home)
        self.assertIn("warning: no tuning is remembered", err)
        for dims, dtype in ((16, "f32"), (32, "f32"), (16, "f32")):
            code, _, err = run_tool("vatten_tune", "attention", *SHORT, "--dims", dims, "--dtypes", dtype, "--lens", "256",
                                    "--tuning", self.poor(), "--remember", env=self.home)
            self.assertEqual(code, 0, err)
        folder = os.path.join(self.path("cache"), "vatten")
        name, = os.listdir(folder)
        self.assertRegex(name, r"^tuning-%04x-%04x-%x-%08x-[0-9a-f]{8}-[0-9a-f]{32}\.txt$" % tuple(
            self.info[key] for key in ("vendor_id", "device_id", "driver_id", "driver_version")))
        self.assertIn("remembered in " + os.path.join(folder, name), err)
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            rows = ROW.findall(file.read())
        self.assertEqual([row[7:9] for row in rows], [("9", "16"), ("17", "32")])
        seen, err = self.plan("--tuning", "remembered", env=self.home)
        self.assertEqual((err, seen["chosen"]["tuned_rows"]), ("", 2))
        self.assertEqual(seen["plan"]["tile_reason"], rows[0][12][:127])
        self.assertNotEqual(seen["plan"]["tile_reason"], plain["plan"]["tile_reason"])
        code, _, err = run_tool("vatten_info", "--tuning", "remembered", env={"XDG_CACHE_HOME": "", "HOME": ""})
        self.assertEqual(code, 1)
        self.assertIn("nowhere to remember", err)

    def test_windows(self):
        code, out, err = run_tool("vatten_tune", "neighborhood", *SHORT, "--extents", "24x24", "--windows", "5,7", "--tuning",
                                  self.poor(), "--json")
        self.assertEqual(code, 0, err)
        group, = json.loads(out)["groups"]
        self.assertEqual(group["for"], "neighborhood f32 dim 9..16")
        self.assertEqual(len(group["problems"]), 2)
        self.assertTrue(group["new_row"])

    def test_blocks_that_are_selected(self):
        out_file = self.path("new.txt")
        code, out, err = run_tool("vatten_tune", "--sweep", "sparse", *SHORT, "--candidates", 1, "--heads", 2, "--kv-heads", 1,
                                  "--lens", "256", "--q-blocks", "1,16", "--kv-blocks", 16, "--entries", 6, "--own", "--causal",
                                  "last", "--check-rows", 32, "--tuning", self.poor(), "--out", out_file, "--json")
        self.assertEqual(code, 0, err)
        group, = json.loads(out)["groups"]
        self.assertEqual((group["for"], group["verdict"]), ("lists f32 dim 9..16", "new row"))
        self.assertEqual([line["problem"] for line in group["problems"]],
                         ["sparse f32 D16 H2/1 256x256 %dx16 top 6 own causal last" % rows for rows in (1, 16)])
        self.assertTrue(all(0 < line["best_ms"] < line["ms"] and line["rounds"] == 5 for line in group["problems"]))
        self.assertEqual([c["status"] for c in group["candidates"]], ["RIGHT"])
        with open(out_file, encoding="utf-8") as file:
            row = ROW.search(file.read()).groups()
        self.assertEqual(row[5:12], ("lists", "f32", "9", "16", None, None, None))
        for family, words in (("sparse", ("--q-block", 1)), ("sparse", ("--q-block", 16)), ("lists", ("--q-block", 16))):
            seen, _ = self.plan("--kv-block", 16, "--entries", 2, *words, "--tuning", out_file, family=family)
            self.assertEqual(seen["plan"]["tile"], group["best"])
        self.assertNotEqual(self.plan("--tuning", out_file)[0]["plan"]["tile_reason"], row[12][:127])

    def test_ways_to_execute_what_is_selected(self):
        for execution in ("union", "gather"):
            code, out, err = run_tool("vatten_tune", "sparse", *SHORT, "--candidates", 1, "--heads", 2, "--lens", "48x80",
                                      "--q-blocks", 1, "--kv-blocks", 16, "--entries", 3, "--first", 1, "--list-heads", 1,
                                      "--execution", execution, "--lse", "--check-rows", 32, "--tuning", self.poor(), "--json")
            self.assertEqual(code, 0, err)
            group, = json.loads(out)["groups"]
            line, = group["problems"]
            self.assertEqual(line["problem"], "sparse f32 D16 H2 48x80 1x16 top 3 of 1 first 1 " + execution)
            self.assertEqual([c["status"] for c in group["candidates"]], ["RIGHT"])

    def test_lists_that_are_drawn(self):
        code, out, err = run_tool("vatten_tune", "lists", *SHORT, "--candidates", 1, "--heads", 2, "--batch", 2, "--dtypes",
                                  "f16", "--lens", "40x72", "--q-blocks", 8, "--kv-blocks", "10,16", "--entries", 4, "--causal",
                                  "none,first", "--lse", "--check-rows", 32, "--tuning", self.poor(), "--json")
        self.assertEqual(code, 0, err)
        group = json.loads(out)["groups"][0]  # where there are matrices, another one follows
        self.assertEqual(group["for"], "lists f16 dim 9..16")
        self.assertEqual([line["problem"] for line in group["problems"]],
                         ["lists f16 D16 H2 B2 40x72 8x%d any 4%s" % (keys, causal) for keys in (10, 16)
                          for causal in ("", " causal first")])
        self.assertTrue(all(line["ms"] > 0 and line["best_ms"] > 0 for line in group["problems"]))
        self.assertEqual([c["status"] for c in group["candidates"]], ["RIGHT"])

    def test_lists_that_cannot_be(self):
        words = ["sparse", *SHORT, "--candidates", "1", "--lens", "64", "--q-blocks", "16", "--kv-blocks", "16"]
        code, out, err = run_tool("vatten_tune", *words, "--entries", "5")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("entries 5 are above 4 blocks", err)
        self.assertIn("takes none of the problems", err)
        code, out, err = run_tool("vatten_tune", *words, "--entries", "5,2", "--json")
        self.assertEqual(code, 0, err)
        self.assertIn("top 5 is left out", err)
        self.assertEqual(len(json.loads(out)["groups"][0]["problems"]), 1)

    def test_groups_and_layouts(self):
        code, out, err = run_tool("vatten_tune", "attention", *SHORT, "--dims", "16,20", "--lens", "64,96", "--layout", "shared",
                                  "--candidates", "1", "--json")
        self.assertEqual(code, 0, err)
        groups = json.loads(out)["groups"]
        self.assertEqual([group["for"] for group in groups], ["attention f32 dim 9..16, rows 17.., shared asked for",
                                                              "attention f32 dim 17..20, rows 17.., shared asked for"])
        for group in groups:
            self.assertEqual(len(group["problems"]), 2)
            self.assertEqual({c["tile"]["layout"] for c in group["candidates"]}, {"shared"})
        for row in re.findall(r"\nrow .*", json.loads(out)["tuning"]):
            self.assertIn(" when=asked", row)

    def test_an_interrupt_leaves_what_was_there(self):
        before = self.write("new.txt", self.device_line(), "row layout=shared tile=8,2,8,8 # older")
        words = [os.path.join(support.folder_of_tools, "vatten_tune"), "attention", "--lens", "512", "--dims", "64",
                 "--seconds", "500", "--out", before]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            for line in run.stderr:
                if "1 problem" in line:
                    break
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=200)
        self.assertEqual(run.returncode, 1)
        self.assertIn("interrupted", err)
        with open(before, encoding="utf-8") as file:
            self.assertIn("# older", file.read())
        self.assertEqual(os.listdir(self.folder), ["new.txt"])

    def test_files_that_are_refused(self):
        for name, lines, words in (("cut", None, ["without an 'end' line"]),
                                   ("row", ["device vendor=1", "row layout=rows tile=8,8,2,3"],
                                    ["line 3", "tile 8,8,2,3", "power of two"]),
                                   ("key", ["device uuid=1"], ["line 2", "'uuid'"])):
            path = self.write(name, *(lines or []))
            if lines is None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write("vatten-tuning 1\n")
            for tool in (["vatten_info"], ["vatten_bench", "--suite", "quick"], ["vatten_tune", "--sweep", "--lens", "8"]):
                code, out, err = run_tool(*tool, "--tuning", path)
                self.assertEqual((code, out), (1, ""), tool)
                for word in words:
                    self.assertIn(word, err)
        code, _, err = run_tool("vatten_info", "--tuning", self.path("nowhere"))
        self.assertEqual(code, 1)
        self.assertIn("cannot be read", err)
        other = self.write("other", "device vendor=1 name=\"another\"", "row layout=rows tile=8,8,2,1")
        code, out, err = run_tool("vatten_info", "--tuning", other, "--verbose", "--json")
        self.assertEqual((code, json.loads(out)["chosen"]["tuned_rows"]), (0, 0))
        self.assertIn("rows for another device", err)

    def test_outputs_that_cannot_be_written(self):
        for option in ("--out", "--csv"):
            code, out, err = run_tool("vatten_tune", "attention", *SHORT, "--candidates", "1", "--lens", "16", option,
                                      self.path("nowhere/new.txt"))
            self.assertEqual((code, out), (1, ""))
            self.assertIn("nowhere/new.txt", err)

    def test_command_lines(self):
        for words in (["--sweep", "--lens", "8", "--tile", "8,8,2,1"], ["--sweep", "--lens", "8", "--suite", "quick"],
                      ["--sweep", "--lens", "8", "--finalists", "9"], ["--sweep", "--lens", "8", "--margin", "100"],
                      ["--sweep", "--lens", "8", "--repeat", "0"], ["--sweep", "--lens", "8", "--seconds", "0"],
                      ["--sweep", "--dims", "8"], ["neighborhood", "--windows", "3"], ["lists", "--lens", "8"],
                      ["sparse", "--lens", "8", "--q-blocks", "1", "--kv-blocks", "4"],
                      ["sparse", "--lens", "8", "--q-blocks", "1", "--kv-blocks", "-4", "--entries", "1"],
                      ["--lens", "8", "--q-blocks", "1", "--sweep"], ["sparse", "--suite", "quick", "--entries", "1"],
                      ["--sweep", "--suite", "none"], ["--lens", "8"]):
            code, out, _ = run_tool("vatten_tune", *words)
            self.assertEqual((code, out), (2, ""), words)
        code, out, err = run_tool("vatten_tune", "--sweep", "--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("usage: vatten_tune --sweep", out)


if __name__ == "__main__":
    support.main(__doc__)
