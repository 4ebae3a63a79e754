#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples/ring as a user runs it: ring and star attention against double and one device, what is sent and computed, overlap,
pictures, complaints.

    test_ring.py PROGRAM                     devices of one process
    test_ring.py PROGRAM MPIEXEC             the same numbers by MPI ranks

Exit status 77 when there is no Vulkan device, or with MPIEXEC when the program was built without MPI.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

SKIP = 77
PROGRAM = sys.argv[1]
MPIEXEC = sys.argv[2] if len(sys.argv) > 2 else None
SMALL = ["--heads", 4, "--kv-heads", 2, "--dim", 24, "--rows", 48]
# Ranks of a test share cores; root and containers are where tests run.
ENVIRONMENT = dict(os.environ, LP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl_vader_single_copy_mechanism="none",
                   OMPI_MCA_plm_rsh_agent="", PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe")


def run(*options, ranks=None):
    words = [PROGRAM, *map(str, options)]
    if ranks:
        words = [MPIEXEC, "-n", str(ranks), *words]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=240, env=ENVIRONMENT)


def study(*options, ranks=None):
    done = run(*options, "--json", ranks=ranks)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


class Case(unittest.TestCase):
    def check(self, n):
        self.assertTrue(n["right"])
        self.assertGreater(n["rows"], 0)
        self.assertLessEqual(n["max_error"], 2e-5)
        self.assertLessEqual(n["max_lse_error"], 1e-4)
        self.assertEqual(len(n["per_rank"]), n["ranks"])
        self.assertEqual(n["bytes_sent"], sum(rank["bytes_sent"] for rank in n["per_rank"]))
        self.assertTrue(0 < n["ms_min"] <= n["ms"] <= n["ms_max"])
        for rank in n["per_rank"]:
            for span in rank["spans"]:
                self.assertTrue(0 <= span["begin_ms"] <= span["end_ms"] <= rank["ms"] + 1)

    def check_ring(self, n, tokens):
        self.check(n)
        ranks, block = n["ranks"], tokens // n["ranks"]
        self.assertEqual(n["bytes_sent"], ranks * (ranks - 1) * 2 * block * n["kv_heads"] * n["dim"] * 4)
        pairs = sum(rank["pairs"] for rank in n["per_rank"])
        self.assertEqual(pairs, tokens * (tokens + 1) // 2 if n["causal"] else tokens**2)


@unittest.skipIf(MPIEXEC, "of one process")
class Devices(Case):
    def test_ring_is_exact(self):
        for ranks, placement, tokens, causal in ((1, "zigzag", 40, ["--causal"]), (2, "contiguous", 70, []),
                                                 (3, "zigzag", 96, ["--causal"]), (2, "striped", 100, ["--causal"])):
            with self.subTest(ranks=ranks, placement=placement, causal=causal):
                n = study("--devices", ranks, "--placement", placement, *causal, "--tokens", tokens, *SMALL, "--repeat", 1)
                self.check_ring(n, tokens)
                self.assertLess(n["max_single_error"], 4e-5)

    def test_parts_of_one_token(self):
        n = study("--devices", 2, "--placement", "striped", "--causal", "--tokens", 2, *SMALL, "--repeat", 1)
        self.check_ring(n, 2)

    def test_star(self):
        for ranks in (2, 3):
            n = study("--devices", ranks, "--method", "star", "--tokens", 96, "--query", 17, *SMALL, "--repeat", 1)
            self.check(n)
            block = 96 // ranks
            anchor, part = 2 * block * 2 * 24 * 4, 17 * 4 * 25 * 4
            self.assertEqual(n["bytes_sent"], (ranks - 1) * (anchor + part))
            self.assertLess(n["max_single_error"], 4e-5)
            if ranks < 3:  # two blocks: the anchor and its own are all that a token has before it
                self.assertEqual(n["approximation"], 0)
            else:
                self.assertGreater(n["approximation"], 0.01)

    def test_overlap(self):
        words = ["--devices", 2, "--placement", "contiguous", "--tokens", 512, *SMALL, "--repeat", 1, "--no-single"]
        for option, beside in (([], True), (["--no-overlap"], False)):
            n = study(*words, *option)
            for rank in n["per_rank"]:
                step = {span["kind"]: span for span in rank["spans"] if span["step"] == 0}
                self.assertEqual(step["transfer"]["begin_ms"] < step["compute"]["end_ms"], beside)
            self.assertEqual((n["single_ms"], n["predicted_ms"], n["max_single_error"]), (0, 0, 0))

    def test_text_and_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.png")
            done = run("--devices", 2, "--placement", "contiguous", "--tokens", 64, *SMALL, "--timeline", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(path, "rb") as file:
                head = file.read(24)
            self.assertEqual(struct.unpack(">II", head[16:24]), (1110, 276))
        self.assertEqual(sum(line.startswith("| ") for line in done.stdout.splitlines()), 3)
        self.assertIn("RIGHT", done.stdout)
        self.assertIn("efficiency", done.stdout)

    def test_wrong_command_lines(self):
        for words, word in ((["--tokens", 63], "multiple of 4"), (["--method", "moon"], "moon"), (["--heads", 3], "divisor"),
                            (["--placement", "heap"], "heap"), (["--timeline", "a.jpg"], "png"), (["--devices", 0], "--devices"),
                            (["--repeat", 0], "--repeat"), (["x"], "x"),
                            (["--tokens", 4194304, "--heads", 1024, "--dim", 512, "--kv-heads", 1024], "more ranks")):
            done = run(*([] if "--devices" in words else ["--devices", 2]), *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(word, done.stderr)


@unittest.skipUnless(MPIEXEC, "of MPI")
class Ranks(Case):
    def same(self, *words, ranks):
        """MPI moves the same bytes to the same places: not one bit is another."""
        by_mpi = study(*words, *SMALL, "--repeat", 2, ranks=ranks)
        by_threads = study(*words, *SMALL, "--repeat", 2, "--devices", ranks)
        self.assertFalse(by_mpi["one_process"])
        self.assertTrue(by_threads["one_process"])
        self.assertEqual(by_mpi["ranks"], ranks)
        for name in ("max_error", "max_lse_error", "max_single_error", "approximation", "bytes_sent"):
            self.assertEqual(by_mpi[name], by_threads[name], name)
        return by_mpi

    def test_ring(self):
        self.check_ring(self.same("--placement", "striped", "--causal", "--tokens", 150, ranks=3), 150)

    def test_star(self):
        self.check(self.same("--method", "star", "--tokens", 96, "--query", 9, ranks=2))

    def test_wrong_shapes_are_told_once(self):
        done = run("--tokens", 63, ranks=2)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("no multiple"), 1)


def main():
    if MPIEXEC is not None and (MPIEXEC == "" or "no MPI" in run("--help").stdout):
        print("skipped: samples/ring was built without MPI (packages libopenmpi-dev and openmpi-bin)")
        return SKIP
    probe = run("--devices", 1, "--tokens", 4, "--repeat", 1)
    if "no device" in probe.stderr:
        print("skipped: " + probe.stderr.strip())
        return SKIP
    unittest.main(argv=sys.argv[:1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
