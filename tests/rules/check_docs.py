#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_docs.py ROOT [CC [BUILD]]: what the Markdown pages promise must be there.

 - every relative link, and every image, names a file or folder of the repository, and its #fragment a heading;
 - every block of C compiles as C11 against include/, without a warning;
 - programs and scripts in blocks of commands exist, and so do the options that they are given;
 - blocks of Python compile, those of JSON and XML can be parsed, brackets of Groovy and Kotlin match.

With BUILD, a build folder with the libraries and the tools in it, also

 - whole programs are linked and run; every desc at file scope makes a plan, every function make_* its plans;
 - blocks of CMake are configured;
 - blocks that say whose output they are (doc_blocks.py) are what is printed.

Prints one line per fault, and how many blocks were dealt with how; the exit status is 1 if there was a fault, and 77 with
BUILD where there is no Vulkan device.
"""
import re
import sys
from collections import Counter
from pathlib import Path

from doc_blocks import blocks, languages_count
from doc_commands import Commands
from doc_programs import DESC, MAKER, WHOLE, Programs, compile_python, match_brackets, parse_json, parse_xml, same_output

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)
NOT_CHECKED = re.compile(r"not checked: \S+")
OUTPUT_ABOVE = "output of the program above"
# Words without rules of their own: prose that keeps its lines, diagrams, what Sphinx is told.
PLAIN = ("text", "{toctree}")


def pages(root):
    skip = ("build", ".git", ".cache")
    for page in sorted(root.rglob("*.md")):
        if not any(part.startswith(skip) for part in page.relative_to(root).parts):
            yield page


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(page):
    """The fragments that a rendered page offers: lower case, no punctuation, spaces as hyphens."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def check_link(page, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, fragment = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return f"{target} does not exist"
    if fragment and file.suffix == ".md" and fragment not in anchors(file):
        return f"{target}: no such heading"
    return None


class Checks:
    """What is done with a block; counts it under a word that says so."""

    def __init__(self, root, compiler, build):
        self.programs = Programs(root, compiler, build)
        self.commands = Commands(root, build)
        self.build = build
        self.counts = Counter()
        self.printed = None

    def block(self, block):
        if block.note.startswith("not checked"):
            self.counts["not checked"] += 1
            return [] if NOT_CHECKED.match(block.note) else ["not checked, and no reason given"]
        if block.note.startswith("output of"):
            return self.output(block)
        if block.note == "a tuning file" and self.build:
            self.counts["of tuning files read"] += 1
            return [self.programs.read_tuning(block.code)]
        method = {"c": self.c, "sh": self.sh, "bash": self.sh, "console": self.sh, "cmake": self.cmake}.get(block.language)
        if method:
            return method(block)
        simple = {"python": compile_python, "json": parse_json, "xml": parse_xml, "groovy": match_brackets, "kotlin": match_brackets}.get(block.language)
        if simple:
            self.counts[f"of {block.language} read"] += 1
            return [simple(block.code)]
        if block.language in PLAIN:
            self.counts["of text"] += 1
            return []
        return [f"nothing checks {block.language}: <!-- docs: not checked: REASON --> before it, or a check in doc_programs.py"]

    def c(self, block):
        if self.build and WHOLE.search(block.code):
            self.counts["of C run"] += 1
            self.printed, fault = self.programs.run_program(block.code)
            return [fault]
        if self.build and (DESC.search(block.code) or MAKER.search(block.code)):
            self.counts["of C made plans of"] += 1
            return [self.programs.make_plans(block.code)]
        self.counts["of C compiled"] += 1
        return [self.programs.compile_c(block.code)]

    def sh(self, block):
        faults = list(self.commands.faults(block.code))
        if self.build and block.note.startswith("run"):
            self.counts["of commands run and compared"] += 1
            return faults + self.session(block)
        self.counts["of commands looked up"] += 1
        return faults

    def session(self, block):
        """A block of one command behind "$ ", and what it prints."""
        command, claimed = re.fullmatch(r"\$ (.*?[^\\])\n(.*)", block.code, re.S).groups()
        printed = self.programs.output_of(command)
        device = block.note[len("run on "):]
        if device and device not in self.programs.output_of("vatten_info"):
            return []
        return [] if same_output(printed, claimed) else [f"the output is another one:\n{printed}"]

    def cmake(self, block):
        self.counts["of CMake configured" if self.build else "of CMake left for a build"] += 1
        return [self.programs.configure(block.code)] if self.build else []

    def output(self, block):
        if not self.build:
            self.counts["of output left for a build"] += 1
            return []
        program = re.fullmatch(r"output of (build/\S+)(?: on (.*))?", block.note)
        if program:
            return self.built_output(block, program[1], program[2] or "")
        self.counts["of output compared"] += 1
        if block.note != OUTPUT_ABOVE:
            return [f"\"{block.note}\" is no note that is known"]
        same = self.printed is not None and same_output(self.printed, block.code)
        return [] if same else [f"the output is another one:\n{self.printed}"]

    def built_output(self, block, program, device):
        there = (self.build / program[len("build/"):]).exists()
        if not there or device not in self.programs.output_of("vatten_info"):
            self.counts["of output left for another build or device"] += 1
            return []
        self.counts["of output compared"] += 1
        printed = self.programs.output_of(program)
        return [] if same_output(printed, block.code) else [f"the output is another one:\n{printed}"]


def main():
    root = Path(sys.argv[1]).resolve()
    compiler = sys.argv[2] if len(sys.argv) > 2 else "cc"
    build = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
    checks = Checks(root, compiler, build)
    if build and checks.programs.output_of("vatten_info").startswith("failed"):
        print("skipped: there is no Vulkan device")
        return 77
    faults = links = 0
    for page in pages(root):
        found = []
        for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
            links += 1
            found.append((str(page.relative_to(root)), check_link(page, target)))
        for block in blocks(page):
            found += [(block.where(root), fault) for fault in checks.block(block)]
        for where, fault in found:
            if fault:
                print(f"{where}: {fault}")
                faults += 1
    print(f"{links} links; blocks: {languages_count(checks.counts)}; {checks.programs.plans} plans; {faults} faults")
    return 1 if faults or not links or not sum(checks.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
