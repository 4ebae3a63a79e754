#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_docs.py ROOT [CC]: what the Markdown pages promise must be there.

 - every relative link, and every image, names a file or folder of the repository, and its #fragment a heading;
 - every C block whose first line is `// compiles` compiles as C11 against include/, without a warning.

Prints one line per fault; the exit status is 1 if there was one.
"""
import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)


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


def check_block(root, compiler, code):
    source = code if "#include" in code else "#include <vatten/vatten.h>\n" + code
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c"]
    done = subprocess.run(command + ["-I", str(root / "include"), "-"], input=source, text=True, capture_output=True)
    return done.stderr.strip() if done.returncode else None


def main():
    root = Path(sys.argv[1]).resolve()
    compiler = sys.argv[2] if len(sys.argv) > 2 else "cc"
    faults = blocks = links = 0
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        found = []
        for target in LINK.findall(without_code(text)):
            links += 1
            found.append(check_link(page, target))
        for language, code in FENCE.findall(text):
            if language == "c" and code.startswith("// compiles"):
                blocks += 1
                found.append(check_block(root, compiler, code))
        for fault in filter(None, found):
            print(f"{page.relative_to(root)}: {fault}")
            faults += 1
    print(f"{links} links, {blocks} C blocks, {faults} faults")
    return 1 if faults or not links or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
