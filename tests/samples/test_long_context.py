#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples/long_context as a user runs it, over short texts: which needles each method finds, against where they stand; the
blocks that were picked; errors, pictures, complaints.

    test_long_context.py PROGRAM
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv[1]
METHODS = ("dense", "MoBA", "streaming")


def run(*options):
    words = [PROGRAM, *map(str, options), "--quiet"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def study(*options):
    done = run(*options, "--repeat", 1, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def found(result, method):
    return [needle[method]["found"] for needle in result["needles"]]


def stands(needle, result):
    """Whether streaming shows all of a needle to all of its questions, or nothing of it to any; None: it is in between."""
    first, last = needle["first"], needle["first"] + result["needle_tokens"] - 1
    question, last_question = needle["question"], needle["question"] + result["question_tokens"] - 1
    if last < result["sink"] or first > last_question - result["window"]:
        return True
    if first >= result["sink"] and last <= question - result["window"]:
        return False
    return None


def png_size(path):
    with open(path, "rb") as file:
        data = file.read(24)
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", data[16:24])


class Quick(unittest.TestCase):
    """One run of the short text looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.map, cls.chart = (os.path.join(cls.folder.name, name) for name in ("map.png", "chart.png"))
        cls.result = study("--quick", "--map", cls.map, "--chart", cls.chart)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_rows_agree_with_double(self):
        self.assertTrue(self.result["check_passed"])
        self.assertIsNone(self.result["list_fault"])
        self.assertGreaterEqual(self.result["checked_rows"], 27)
        for method in METHODS:
            self.assertGreater(self.result["methods"][method]["check_max"], 0)
            self.assertLess(self.result["methods"][method]["check_max"], 5e-5)

    def test_dense_and_moba_find_all_needles(self):
        self.assertEqual(found(self.result, "dense"), [True] * 11)
        self.assertEqual(found(self.result, "MoBA"), [True] * 11)

    def test_streaming_finds_those_that_it_sees(self):
        seen = [stands(needle, self.result) for needle in self.result["needles"]]
        self.assertGreaterEqual(seen.count(False), 7)
        self.assertEqual((seen[0], seen[-1]), (True, True))
        for here, got in zip(seen, found(self.result, "streaming")):
            self.assertIn(here, (None, got))

    def test_picked_blocks(self):
        for needle in self.result["needles"]:
            picked = needle["picked"]
            self.assertEqual(len(picked), self.result["top"])
            self.assertEqual(picked, sorted(set(picked)))
            self.assertIn(needle["question"] // self.result["block"], picked)
            self.assertEqual(needle["block"], needle["first"] // self.result["block"])
            self.assertGreater(2 * needle["picked_by"], self.result["question_tokens"])

    def test_errors_against_dense(self):
        moba, streaming = (self.result["methods"][name] for name in METHODS[1:])
        self.assertEqual(self.result["compared_rows"], 16384)
        self.assertTrue(0 < moba["nmse"] < 0.05)
        self.assertTrue(moba["nmse"] < streaming["nmse"] < 1)
        self.assertTrue(0 < moba["max_error"] < 4)
        self.assertFalse(self.result["methods"]["dense"]["estimated"])

    def test_costs(self):
        for method in METHODS:
            self.assertGreater(self.result["methods"][method]["ms"], 0)
            self.assertIn("attention", self.result["methods"][method]["kernel"])
        self.assertEqual(self.result["methods"]["dense"]["speed_up"], 1)
        self.assertGreater(self.result["methods"]["MoBA"]["workspace_bytes"], 16384 * 8 * 4)

    def test_other_lengths(self):
        lengths = [row["tokens"] for row in self.result["lengths"]]
        self.assertEqual(lengths, [2048, 3072, 4096, 6144, 8192, 12288, 16384])
        for row in self.result["lengths"]:
            self.assertEqual(row["dense"], [True] * 11)
            self.assertEqual((row["streaming"][0], row["streaming"][-1]), (True, True))
        self.assertEqual(self.result["lengths"][-1]["MoBA"], found(self.result, "MoBA"))
        self.assertEqual(self.result["lengths"][-1]["streaming"], found(self.result, "streaming"))
        self.assertEqual(self.result["lengths"][0]["streaming"], [True] * 11)  # sink and window are the whole text

    def test_pictures(self):
        width, height = png_size(self.map)
        self.assertGreater(width, 2 * 512)
        self.assertGreater(height, 512 + 11 * 22)
        width, height = png_size(self.chart)
        self.assertGreater(width, 3 * 7 * 46)
        self.assertGreater(height, 11 * 26)


class Options(unittest.TestCase):
    def test_all_blocks_are_dense_attention(self):
        result = study("--tokens", 3000, "--block", 500, "--top", 6, "--window", 100)
        self.assertEqual(result["top"], 6)
        self.assertLess(result["methods"]["MoBA"]["nmse"], 1e-9)
        self.assertGreater(result["methods"]["streaming"]["nmse"], 1e-2)

    def test_a_needle_of_one_token_drowns_in_the_mean_of_a_block(self):
        result = study("--tokens", 8192, "--block", 1024, "--top", 2, "--needle-tokens", 1)
        self.assertEqual(result["methods"]["dense"]["found"], 11)
        self.assertLess(result["methods"]["MoBA"]["found"], 9)

    def test_dense_rows(self):
        done = run("--tokens", 4096, "--block", 64, "--top", 4, "--dense", "rows", "--repeat", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^dense +~ +[\d.]+ ")
        self.assertRegex(done.stdout, r"(?m)^MoBA +[\d.]+ .* 11 of 11 ")
        self.assertEqual(len(re.findall(r"(?m)^ +\d+ % +\d+ ", done.stdout)), 11)
        self.assertIn("check     passed", done.stdout)

    def test_a_seed_is_a_text(self):
        small = ("--tokens", 4096, "--block", 64, "--top", 4, "--dense", "rows", "--seed")
        picks = [[needle["picked"] for needle in study(*small, seed)["needles"]] for seed in (7, 7, 8)]
        self.assertEqual(picks[0], picks[1])
        self.assertNotEqual(picks[0], picks[2])

    def test_command_lines(self):
        for options, words in ((("--tokens", 100), "--tokens takes"), (("--tokens", 2048, "--question-tokens", 64), "too few"),
                               (("--block", 20000, "--quick"), "more than the 16384 tokens"), (("--what",), "--what"),
                               (("--top", 0), "--top takes"), (("--dense", "some"), "all or rows"),
                               (("--map", "x.jpg"), "must end in .png"), (("photo.png",), "no option"),
                               (("--map", "x.png", "--chart", "x.png"), "the same file"),
                               (("--block", 16, "--map", "x.png"), "at most 1024 blocks")):
            done = run(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn("long_context: ", done.stderr)
            self.assertIn(words, done.stderr)

    def test_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("--quick", "--map", os.path.join(folder, "none", "x.png"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot write", done.stderr)
        done = run("--quick", "--device", "no such device")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no such device", done.stderr)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for name in ("--tokens", "--block", "--top", "--sink", "--window", "--chart", "--quick", "--json"):
            self.assertIn(name, done.stdout)


if __name__ == "__main__":
    if subprocess.run([PROGRAM, "--list-devices"], capture_output=True, check=False).returncode:
        print("skipped: no Vulkan device")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
