#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vatten_info as a user runs it: what it tells of devices, plans and quirks.

usage: test_info.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import json
import os
import unittest

import tool_support as support  # first: it skips where there is no NumPy
from tool_support import run_tool


class Info(unittest.TestCase):
    def test_help(self):
        for tool in ("vatten_info", "vatten_run", "vatten_bench"):
            for words in (["--help"], ["attention", "--help"], ["neighborhood", "--help"]):
                code, out, err = run_tool(tool, *words)
                self.assertEqual((code, err), (0, ""))
                self.assertIn("usage: " + tool, out)

    def test_device(self):
        code, out, err = run_tool("vatten_info", "--json")
        self.assertEqual(code, 0, err)
        info = json.loads(out)
        self.assertIn(info["chosen"]["device"], info["devices"])
        self.assertGreater(info["chosen"]["invocations"], 0)
        self.assertNotIn("plan", info)
        code, out, err = run_tool("vatten_info", "--device", info["chosen"]["device"])
        self.assertEqual(code, 0, err)
        self.assertIn("subgroup_size", out)

    def test_quirks(self):
        code, out, err = run_tool("vatten_info", "--quirks")
        self.assertEqual((code, err), (0, ""))
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "reliability.md")
        with open(page, encoding="utf-8") as file:
            self.assertIn(out, file.read(), "docs/reliability.md has another table than vatten_info --quirks prints")
        rows = json.loads(run_tool("vatten_info", "--quirks", "--json")[1])["quirks"]
        self.assertEqual(len(out.splitlines()), 2 + len(rows))
        self.assertEqual(len({row["name"] for row in rows}), len(rows))
        self.assertEqual([row["name"] for row in rows if not row["fault"]], ["lvp_loads_once"])

    def test_plan(self):
        code, out, err = run_tool("vatten_info", "attention", "--q-len", 64, "--heads", 4, "--kv-heads", 2, "--dim", 64,
                                  "--causal", "last", "--json")
        self.assertEqual(code, 0, err)
        plan = json.loads(out)["plan"]
        self.assertEqual(plan["pairs"], 64 * 65 // 2)
        self.assertEqual(plan["k_bytes"], 64 * 2 * 64 * 4)
        code, out, err = run_tool("vatten_info", "neighborhood", "--extent", "16,16", "--window", "7,7", "--heads", 2,
                                  "--dim", 32, "--json", "--box", "2x3")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["plan"]["pairs"], 256 * 49)
        self.assertEqual(json.loads(out)["plan"]["box"], [2, 3, 1])

    def test_refused(self):
        code, out, err = run_tool("vatten_info", "attention", "--q-len", 64, "--heads", 4, "--kv-heads", 3, "--dim", 64)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("kv_heads 3", err)
        code, _, _ = run_tool("vatten_info", "neighborhood", "--extent", "16", "--window", "7,7")
        self.assertEqual(code, 2)


if __name__ == "__main__":
    support.main(__doc__)
