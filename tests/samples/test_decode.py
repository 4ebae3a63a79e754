#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples/decode as a user runs it, over short caches: checked tokens and pages, what it counts, pictures, complaints.

    test_decode.py PROGRAM
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
SMALL = ("--cache", 600, "--tokens", 8, "--speculative", 3, "--batch", 2)


def run(*options):
    words = [PROGRAM, *map(str, options), "--quiet"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def study(*options):
    done = run(*options, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def png_size(path):
    with open(path, "rb") as file:
        data = file.read(24)
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", data[16:24])


class Small(unittest.TestCase):
    """8 tokens by steps of 3 drafts, which are 3 steps, of two entries."""

    @classmethod
    def setUpClass(cls):
        cls.result = study(*SMALL)
        cls.point = cls.result["lengths"][0]

    def test_tokens_agree_with_double(self):
        self.assertTrue(self.result["check_passed"])
        self.assertEqual(self.point["checked_tokens"], 3 * 3 * 2)
        self.assertTrue(0 < self.point["check_max"] <= self.result["check_allowed"] <= 2e-3)

    def test_pages(self):
        self.assertIsNone(self.result["pages_fault"])
        self.assertEqual(self.result["cached_tokens"], 600 + 450 + 2 * 9)
        self.assertGreaterEqual(self.result["pool_pages"], 2 * 10)

    def test_what_is_read(self):
        # After the steps the entries have 603, 606, 609 and 453, 456, 459 tokens, the drafts included.
        row = 2 * 8 * 128 * 2
        self.assertEqual(self.point["step_bytes"], row * (606 + 456))
        self.assertEqual(self.point["token_bytes"], row * (606 + 456) / 6)
        pairs = sum(length + draft for length in (600 + 3, 450 + 3) for draft in (1, 2, 3))
        self.assertEqual(self.point["step_flops"], 4 * 128 * 32 * pairs)

    def test_times(self):
        self.assertTrue(0 < self.point["step_ms_min"] <= self.point["step_ms"])
        self.assertGreater(self.point["wall_ms"], 0)
        self.assertAlmostEqual(self.point["token_ms"], self.point["step_ms"] / 6, places=9)
        self.assertAlmostEqual(self.point["tokens_per_second"] * self.point["step_ms"] / 6e3, 1, places=6)
        self.assertAlmostEqual(self.point["gbs"] * self.point["step_ms"] * 1e6 / self.point["step_bytes"], 1, places=6)

    def test_plan(self):
        self.assertIn("attention_dense_f16", self.result["plan"]["kernel"])
        self.assertGreaterEqual(self.result["plan"]["splits"], 1)
        self.assertGreaterEqual(self.result["plan"]["tile_heads"], 1)
        self.assertEqual((self.result["rows"], self.result["steps"], self.result["batch"]), (3, 3, 2))


class Options(unittest.TestCase):
    def test_text(self):
        done = run(*SMALL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^ +600 +[\d.]+ +[\d.]+ +[\d.]+ ")
        self.assertRegex(done.stdout, r"check     passed: 18 tokens .* pages of 1068 tokens bit by bit")
        self.assertRegex(done.stdout, r"plan      attention_dense_f16\w*, tile .* heads share a tile, \d+ splits")

    def test_other_shapes(self):
        for options in (("--dtype", "f32", "--page", 16, "--window", 100), ("--heads", 4, "--kv-heads", 1, "--dim", 20),
                        ("--dtype", "bf16", "--page", 7, "--heads", 6, "--kv-heads", 2, "--dim", 80, "--window", 50,
                         "--speculative", 4, "--batch", 3), ("--page", 1000, "--tokens", 1), ("--page", 1, "--cache", 63)):
            result = study("--cache", 300, "--tokens", 5, *options)
            self.assertTrue(result["check_passed"], options)
            self.assertGreater(result["lengths"][0]["check_max"], 0)

    def test_a_window_is_all_that_is_read(self):
        point = study("--cache", 300, "--tokens", 2, "--window", 50, "--no-check")["lengths"][0]
        self.assertEqual(point["step_bytes"], 2 * 8 * 128 * 2 * 50)
        self.assertEqual(point["checked_tokens"], 0)

    def test_an_empty_cache_grows(self):
        result = study("--cache", 1, "--tokens", 70, "--heads", 4, "--kv-heads", 2, "--dim", 32)
        self.assertTrue(result["check_passed"])
        self.assertEqual(result["cached_tokens"], 71)

    def test_lengths_and_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            chart = os.path.join(folder, "chart.png")
            result = study("--lengths", "100,1k,1030,1500", "--tokens", 4, "--heads", 8, "--kv-heads", 4, "--dim", 64,
                           "--chart", chart)
            width, height = png_size(chart)
        self.assertEqual([point["cache"] for point in result["lengths"]], [100, 1024, 1030, 1500])
        self.assertEqual(result["cached_tokens"], 1504)
        self.assertTrue(result["check_passed"])
        self.assertGreater(width, 600)
        self.assertGreater(height, 400)

    def test_command_lines(self):
        for options, words in ((("--kv-heads", 5), "no divisor of --heads 32"), (("--lengths", "4k,1k"), "ascending"),
                               (("--cache", 0), "--cache takes"), (("--cache", "3x"), "--cache takes"),
                               (("--lengths", "1k,2k", "--cache", 3), "exclude each other"), (("--dtype", "f8"), "bf16"),
                               (("--chart", "x.png"), "two or more --lengths"), (("--speculative", 17), "from 2 to 16"),
                               (("--chart", "x.jpg", "--lengths", "1,2"), "must end in .png"), (("--what",), "--what"),
                               (("--check", "--no-check"), "exclude each other"), (("--lengths", "1,,2"), "--lengths takes"),
                               (("--cache", "nan"), "from 1 to 1048576"), (("--cache", "18446744073709551617"), "not '184"),
                               (("--lengths", "1,-2"), "not '1,-2'"), (("--lengths", "1, 2"), "not '1, 2'"),
                               (("--cache", "0x10"), "not '0x10'"), (("--cache", "1025k"), "not '1025k'"),
                               (("--cache", "1e3"), "not '1e3'"), (("--lengths", "1k,"), "not '1k,'"),
                               (("--dim", 577), "--dim takes"), (("--batch", 0), "--batch takes"), (("x",), "no option")):
            done = run(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn("decode: ", done.stderr)
            self.assertIn(words, done.stderr)

    def test_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("--lengths", "1,2", "--chart", os.path.join(folder, "none", "x.png"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot write", done.stderr)
        done = run("--device", "no such device")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no such device", done.stderr)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        names = set(re.findall(r"(?m)^  (--[a-z-]+)", done.stdout))
        for name in ("tokens", "cache", "lengths", "page", "window", "speculative", "batch", "no-check", "chart", "json"):
            self.assertIn("--" + name, names)


if __name__ == "__main__":
    if subprocess.run([PROGRAM, "--list-devices"], capture_output=True, check=False).returncode:
        print("skipped: no Vulkan device")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
