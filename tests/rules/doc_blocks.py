# SPDX-License-Identifier: MIT
"""The code blocks of a Markdown page.

A block is fenced, or indented by four spaces between empty lines. Its language is that of its fence; where there is none, it
is "sh" if its first line begins with a command, else "text". A comment right before a block says what is special about it:

    <!-- docs: not checked: REASON -->            nothing is done with it
    <!-- docs: output of the program above -->    what the C program before it prints
    <!-- docs: output of build/PATH -->          what a program of the build prints; " on WORDS" as below
    <!-- docs: a tuning file -->                 vatten_info takes it
    <!-- docs: run -->                           the command behind "$ " prints what follows it in the block
    <!-- docs: run on WORDS -->                   the same, where vatten_info has these words for the device

A line "..." of what is printed stands for any lines, and numbers of milliseconds may be any.
"""
import re
from pathlib import Path
from typing import NamedTuple

COMMAND = re.compile(r"(\$ |sudo |[A-Z_]+=\S+ |cmake |cc |ctest |git |ninja |python3? |pip |vatten_(info|run|bench|audit|tune)(\s|$)|denoise "
                     r"|(build|samples|tests|tools|docs|python)/[\w/.]+( |$))")
NOTE = re.compile(r"<!-- docs: (.*?) -->")


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    code: str
    note: str

    def where(self, root):
        return f"{self.page.relative_to(root)}:{self.line}"


def guess(code):
    return "sh" if COMMAND.match(code) else "text"


def note_before(lines, at):
    """The note in the last line with text before lines[at]."""
    above = [line for line in lines[:at] if line.strip()][-1:]
    match = NOTE.match(above[0]) if above else None
    return match.group(1) if match else ""


def blocks(page):
    lines = page.read_text(encoding="utf-8").split("\n")
    at = 0
    while at < len(lines):
        fence = re.match(r"(`{3,})\s*(\S*)", lines[at])
        indented = lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip())
        if fence:
            end = at + 1
            while end < len(lines) and not lines[end].startswith(fence[1]):
                end += 1
            code = "\n".join(lines[at + 1:end]) + "\n"
            yield Block(page, at + 1, fence[2] or guess(code), code, note_before(lines, at))
            at = end + 1
        elif indented and not in_list(lines, at):
            end = at
            while end < len(lines) and lines[end].startswith("    "):
                end += 1
            code = "\n".join(line[4:] for line in lines[at:end])+ "\n"
            yield Block(page, at + 1, guess(code), code, note_before(lines, at))
            at = end
        else:
            at += 1


def in_list(lines, at):
    """Whether what is indented goes on with an item of a list."""
    above = [line for line in lines[:at] if line.strip() and not line.startswith("  ")][-1:]
    return bool(above) and re.match(r"([*+-]|\d+\.) ", above[0]) is not None


def languages_count(found):
    return ", ".join(f"{found[key]} {key}" for key in sorted(found))
