#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_check_docs.py ROOT CC [BUILD]: each fault that check_docs.py is for, in a page of its own, is found; a good page passes."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from check_docs import Checks, check_link
from doc_blocks import blocks

ROOT = Path(sys.argv[1]).resolve()
CC = sys.argv[2]
BUILD = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None

PROGRAM = "```c\n#include <stdio.h>\nint main(void) {{\n    puts(\"{}\");\n    return {};\n}}\n```\n"
DESC = ("```c\nconst vatten_attention_desc d = {{.heads = {{.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 8, .kv_heads = {}, "
        ".dim = 32}}, .q_len = 4, .kv_len = 4}};\n```\n")
OUTPUT = "<!-- docs: output of the program above -->\n```text\n{}\n```\n"


class Docs(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.page = self.folder / "page.md"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def faults(self, text, build=None):
        self.page.write_text(text, encoding="utf-8")
        checks = Checks(ROOT, CC, build)
        found = [str(fault) for block in blocks(self.page) for fault in checks.block(block) if fault]
        checks.programs.folder.cleanup()
        return found

    def refuses(self, text, words, build=None):
        self.assertIn(words, "\n".join(self.faults(text, build)))

    def passes(self, text, build=None):
        self.assertEqual(self.faults(text, build), [])

    def test_c(self):
        self.passes("```c\nstatic inline int f(vatten_plan *p) { return p != NULL; }\n```\n")
        self.refuses("```c\nvatten_nothing x;\n```\n", "vatten_nothing")

    def test_commands(self):
        self.passes("```sh\ncmake -S . -B build -DVATTEN_TOOLS=OFF && tests/run.sh -R gpu\nvatten_info --quirks\n```\n")
        self.refuses("    vatten_info --no-such-option\n", "has no --no-such-option")
        self.refuses("    tests/walk.sh\n", "no such program")
        self.refuses("    build/tools/vatten_fly\n", "no such target")
        self.refuses("    cmake -S . -B build -DVATTEN_TOYS=ON\n", "VATTEN_TOYS")
        self.refuses("```sh\nif true\n```\n", "syntax error")

    def test_indented(self):
        self.passes("words\n\n    s = scale * q\n")
        self.refuses("words\n\n    vatten_info --nope\n\nwords\n", "--nope")

    def test_others(self):
        self.passes("```python\nx = 1\n```\n```json\n{\"a\": 1}\n```\n")
        self.refuses("```python\nx = = 1\n```\n", "invalid syntax")
        self.refuses("```json\n{a}\n```\n", "Expecting")
        self.refuses("```xml\n<a><b></a>\n```\n", "mismatched")
        self.refuses("```groovy\nandroid { a(1 }\n```\n", "nothing opened")
        self.refuses("```rust\nfn main() {}\n```\n", "nothing checks rust")

    def test_reasons(self):
        self.passes("<!-- docs: not checked: another compiler's -->\n```rust\nfn main() {}\n```\n")
        self.refuses("<!-- docs: not checked -->\n```rust\nfn main() {}\n```\n", "no reason")

    def test_links(self):
        self.page.write_text("# A heading\n", encoding="utf-8")
        self.assertIsNone(check_link(self.page, "page.md#a-heading"))
        self.assertIn("no such heading", check_link(self.page, "#another"))
        self.assertIn("does not exist", check_link(self.page, "nowhere.md"))

    @unittest.skipUnless(BUILD, "no build")
    def test_programs(self):
        self.passes(PROGRAM.format("seven", 0) + OUTPUT.format("seven"), BUILD)
        self.refuses(PROGRAM.format("seven", 0) + OUTPUT.format("eight"), "another one", BUILD)
        self.refuses(PROGRAM.format("seven", 1), "the program failed", BUILD)

    @unittest.skipUnless(BUILD, "no build")
    def test_plans(self):
        self.passes(DESC.format(4), BUILD)
        self.refuses(DESC.format(3), "heads 8 is not a multiple of kv_heads 3", BUILD)

    @unittest.skipUnless(BUILD, "no build")
    def test_makers(self):
        maker = ("```c\nvatten_result make_it(vatten_device *device, const vatten_logger *logger, vatten_plan **plan) {{\n"
                 "    (void)device, (void)logger, (void)plan;\n    return VATTEN_{};\n}}\n```\n")
        self.passes(maker.format("SUCCESS"), BUILD)
        self.refuses(maker.format("ERROR_INVALID_ARGUMENT"), "make_it: VATTEN_ERROR_INVALID_ARGUMENT", BUILD)

    @unittest.skipUnless(BUILD, "no build")
    def test_projects(self):
        self.refuses("```cmake\nfind_package(vatten REQUIRED COMPONENTS wings)\n```\n", "find_package", BUILD)

    @unittest.skipUnless(BUILD, "no build")
    def test_tuning(self):
        self.passes("<!-- docs: a tuning file -->\n```\nvatten-tuning 1\nend\n```\n", BUILD)
        self.refuses("<!-- docs: a tuning file -->\n```\nvatten-tuning 1\n```\n", "end", BUILD)

    @unittest.skipUnless(BUILD, "no build")
    def test_sessions(self):
        command = "$ vatten_tune --simulate --grid 8x8 --window 3x3\n"
        self.passes(f"<!-- docs: run -->\n```\n{command}grid 8x8, window 3x3, stride 1x1, dilation 1x1, causal 0x0, roll 0x0, "
                    "edge shift\n...\n```\n", BUILD)
        self.refuses(f"<!-- docs: run -->\n```\n{command}grid 9x9\n...\n```\n", "another one", BUILD)


if __name__ == "__main__":
    if BUILD and Checks(ROOT, CC, BUILD).programs.output_of("vatten_info").startswith("failed"):
        BUILD = None  # without a device
    unittest.main(argv=sys.argv[:1])
