#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`vatten_bench compare` on runs that are made up here, so that every verdict is known; and what stands on the command line.
Needs no device.

usage: test_compare.py FOLDER_OF_THE_TOOLS [unittest options]
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
folder_of_tools = "."


def bench(*arguments):
    """(exit code, stdout, stderr) without any Vulkan device."""
    words = [os.path.join(folder_of_tools, "vatten_bench")] + [str(a) for a in arguments]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, VK_DRIVER_FILES="/none.json", VK_ICD_FILENAMES="/none.json"))
    return done.returncode, done.stdout, done.stderr


def row(problem, median, low=None, high=None, **more):
    return {"problem": problem, "status": "RIGHT", "kernel": "k", "ms": median, "ms_min": low or 0.95 * median,
            "ms_max": high or 1.05 * median, **more}


def run(*rows, fma=100.0, copy=20.0, suite="s", device="gpu", **more):
    return {"date": "2026-11-26T00:00:00Z", "version": "0.1.0", "suite": suite, "command": "vatten_bench", "device": device,
            "driver": "d", "fma_gflops": {"median": fma}, "matrix_gflops": None, "copy_gbs": {"median": copy},
            "rows": list(rows), **more}


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def compare(self, before, now, *options):
        """(exit code, the JSON of the result, stderr)"""
        code, out, err = bench("compare", self.write("before", json.dumps(before)), self.write("now", json.dumps(now)),
                               "--json", *options)
        return code, json.loads(out), err

    def verdict(self, before, now, *options):
        code, result, _ = self.compare(before, now, *options)
        only, = result["rows"]
        self.assertEqual(code, 1 if only["verdict"] == "slower" else 0)
        self.assertEqual(result["slower"], code)
        return only

    def test_verdicts_by_the_threshold(self):
        for factor, verdict in ((1.2, "slower"), (1.11, "slower"), (1.09, "same"), (1.0, "same"), (0.92, "same"),
                                (0.8, "faster")):
            only = self.verdict(run(row("p", 10.0, 9.99, 10.01)), run(row("p", 10.0 * factor, 9.99 * factor, 10.01 * factor)))
            self.assertEqual(only["verdict"], verdict, factor)
            self.assertAlmostEqual(only["ratio"], factor)
            self.assertAlmostEqual(only["by_roof"], factor)
        before, now = run(row("p", 10.0, 9.99, 10.01)), run(row("p", 12.0, 11.9, 12.1))
        self.assertEqual(self.verdict(before, now, "--threshold", 25)["verdict"], "same")
        self.assertEqual(self.verdict(before, now, "--threshold", 15)["verdict"], "slower")

    def test_what_lies_within_the_noise_is_no_slower(self):
        self.assertEqual(self.verdict(run(row("p", 10.0, 9.0, 14.0)), run(row("p", 15.0, 13.9, 16.0)))["verdict"], "same")
        self.assertEqual(self.verdict(run(row("p", 10.0, 9.0, 14.0)), run(row("p", 15.0, 14.1, 16.0)))["verdict"], "slower")

    def test_a_slower_machine_is_no_slower_row(self):
        only = self.verdict(run(row("p", 10.0), fma=100.0), run(row("p", 20.0), fma=50.0))
        self.assertAlmostEqual(only["ratio"], 2.0)
        self.assertAlmostEqual(only["by_roof"], 1.0)
        self.assertEqual(only["verdict"], "same")
        self.assertEqual(self.verdict(run(row("p", 10.0), fma=100.0), run(row("p", 20.0), fma=90.0))["verdict"], "slower")

    def test_the_roof_that_a_row_is_near(self):
        near_copy = {"of_copy_roof": 0.5, "of_fma_roof": 0.1}
        only = self.verdict(run(row("p", 10.0), copy=20.0), run(row("p", 20.0, **near_copy), copy=10.0))
        self.assertAlmostEqual(only["by_roof"], 1.0)
        matrix = {"tile": {"layout": "matrix"}, "of_copy_roof": 0.5, "of_fma_roof": 0.1}
        only = self.verdict(run(row("p", 10.0), matrix_gflops={"median": 800.0}),
                            run(row("p", 20.0, **matrix), matrix_gflops={"median": 200.0}))
        self.assertAlmostEqual(only["by_roof"], 0.5)
        lacking = run(row("p", 20.0, **matrix))
        self.assertNotIn("by_roof", self.verdict(run(row("p", 10.0), matrix_gflops={"median": 800.0}), lacking))

    def test_times_of_the_cpu_have_no_roof(self):
        names = ("record_us", "cpu_ms", "plan_cold_ms", "plan_warm_ms")
        times = {}
        for name in names:
            times |= {name: 1.0, name + "_min": 1.0, name + "_max": 1.0}
        code, result, _ = self.compare(run(row("p", 10.0, **times)), run(row("p", 10.0, **times), fma=50.0))
        self.assertEqual(code, 0)
        self.assertEqual({one["what"]: "by_roof" in one for one in result["rows"]},
                         {"ms": True, **dict.fromkeys(names, False)})

    def test_all_that_was_timed_is_compared(self):
        more = {"forward_ms": 3.0, "forward_ms_min": 2.9, "forward_ms_max": 3.1, "gflops": 5.0, "select_ms": 0.0,
                "select_ms_min": 0.0, "select_ms_max": 0.0}
        code, result, _ = self.compare(run(row("p", 10.0, **more)), run(row("p", 10.0, **more)))
        self.assertEqual((code, [one["what"] for one in result["rows"]]), (0, ["ms", "forward_ms"]))

    def test_rows_of_one_side_are_named(self):
        failed = {"problem": "c", "status": "FAILED", "kernel": "k", "ms": 0, "ms_min": 0, "ms_max": 0}
        before = run(row("a", 1.0), row("b", 1.0), row("c", 1.0), row("e", 1.0, kernel="old"))
        now = run(row("a", 1.0), failed, row("d", 1.0), row("e", 1.0, kernel="new"))
        code, result, _ = self.compare(before, now)
        self.assertEqual(code, 0)
        self.assertEqual([one["problem"] for one in result["rows"]], ["a"])
        self.assertEqual([(one["problem"], one["kernel"], one["other"]) for one in result["only_before"]],
                         [("b", "k", "not there"), ("c", "k", "FAILED"), ("e", "old", "not there")])
        self.assertEqual([(one["problem"], one["kernel"]) for one in result["only_now"]], [("d", "k"), ("e", "new")])
        code, out, _ = bench("compare", os.path.join(self.folder, "before"), os.path.join(self.folder, "now"))
        for line in ("Only before: b, k (now: not there)", "Only before: c, k (now: FAILED)", "Only now: d, k (before: not there)"):
            self.assertIn(line, out)

    def test_the_same_problem_twice_is_matched_in_order(self):
        code, result, _ = self.compare(run(row("p", 1.0), row("p", 5.0)), run(row("p", 1.0), row("p", 5.0), row("p", 9.0)))
        self.assertEqual((code, [one["ratio"] for one in result["rows"]], len(result["only_now"])), (0, [1, 1], 1))

    def test_slower_rows_are_said(self):
        before, now = run(row("a", 1.0), row("b", 1.0)), run(row("a", 1.0), row("b", 2.0))
        code, _, err = self.compare(before, now)
        self.assertEqual(code, 1)
        self.assertIn("slower: b, ms: 2.00 times", err)
        self.assertNotIn("slower: a", err)

    def test_the_last_run_of_the_suite_and_device_counts(self):
        history = self.write("history", "\n".join(json.dumps(one) for one in (
            run(row("p", 1.0)), run(row("p", 4.0)), run(row("p", 8.0), suite="t"), run(row("p", 16.0), device="cpu"))) + "\n")
        now = self.write("now", json.dumps(run(row("p", 4.0)), indent=2))  # on many lines
        code, out, err = bench("compare", history, now, "--json")
        self.assertEqual((code, json.loads(out)["rows"][0]["ratio"]), (0, 1), err)
        code, out, err = bench("compare", history, self.write("strange", json.dumps(run(row("p", 1.0), device="x"))))
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no earlier run", err)

    def test_a_file_with_itself(self):
        history = self.write("history", "\n".join(json.dumps(run(row("p", median))) for median in (1.0, 2.0, 3.0)))
        code, out, _ = bench("compare", history, history, "--json")
        self.assertEqual((code, json.loads(out)["rows"][0]["ratio"]), (1, 1.5))

    def test_damaged_lines_are_told_of_and_left_out(self):
        good = json.dumps(run(row("p", 1.0)))
        history = self.write("history", "\n".join((good[:70], "", "{}", "[1, 2]", good, good[:-1], good + " x")) + "\n")
        code, out, err = bench("compare", history, self.write("now", good), "--json")
        self.assertEqual((code, json.loads(out)["rows"][0]["verdict"]), (0, "same"))
        self.assertEqual([number for number in range(1, 8) if f"history:{number}:" in err], [1, 3, 4, 6, 7])

    def test_files_without_runs(self):
        now = self.write("now", json.dumps(run(row("p", 1.0))))
        for name, text, word in (("empty", "", "has no run"), ("words", "no JSON\n", "has no run"), ("list", "[]", "has no run")):
            code, out, err = bench("compare", self.write(name, text), now)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(word, err)
        code, out, err = bench("compare", os.path.join(self.folder, "missing"), now)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("cannot be read", err)
        code, _, err = self.compare(run(row("a", 1.0)), run(row("b", 1.0)))
        self.assertEqual(code, 1)
        self.assertIn("no row in common", err)

    def test_command_lines(self):
        for words in (["compare"], ["compare", "a"], ["compare", "a", "--json"], ["compare", "a", "b", "--csv"],
                      ["--suite"], ["--suite", "dense,none"], ["decode", "--suite", "dense"], ["--suite", "scaling", "--tokens", "8"],
                      ["--suite", "selection", "--tokens", "1024"], ["--suite", "decode", "--lens", "8"],
                      ["--suite", "launch", "--plans", "dense"], ["--suite", "mass", "--lens", "8"], ["scaling", "--tokens", "8,4"],
                      ["scaling", "--methods", "causal"], ["scaling", "--tokens", "100", "--methods", "block-sparse"],
                      ["scaling", "--tokens", "64", "--methods", "block-sparse", "--entries", "2"], ["scaling", "--dim", "577"],
                      ["launch", "--plans", "none"], ["launch", "--csv", "--json"], ["--csv", "--compare", "x", "--lens", "8"]):
            code, out, _ = bench(*words)
            self.assertEqual((code, out), (2, ""), words)

    def test_help_lists_commands_and_suites(self):
        code, out, _ = bench("--help")
        self.assertEqual(code, 0)
        for suite in ("default", "quick", "dense", "causal", "window", "decode", "neighborhood", "block-sparse", "selection",
                      "mass", "speedup", "scaling", "launch"):
            self.assertRegex(out, rf"(?m)^  {suite} +\w")
        for command in ("attention", "neighborhood", "sparse", "decode", "mass", "scaling", "launch", "compare"):
            code, out, err = bench(command, "--help")
            self.assertEqual(code, 0, err)
            self.assertIn(f"vatten_bench {command}" if command != "attention" else "vatten_bench [attention]", out)


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        sys.exit(2)
    global folder_of_tools
    folder_of_tools = sys.argv.pop(1)
    unittest.main()


if __name__ == "__main__":
    main()
