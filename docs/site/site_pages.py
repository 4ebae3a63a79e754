#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""site_pages.py ROOT FOLDER: gathers the sources of the site in FOLDER, which is made anew.

The repository's Markdown pages, each where it stands there, with the pictures and files that they link to; and the
reference, from the headers and the sources of the Python package. Links to a folder become links to its README, or its name where it has none, links to a public header links to its page.
"""
import re
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from site_python import write_python  # noqa: E402
from site_reference import write_reference  # noqa: E402

PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/results/*.md", "samples/*/README.md",
         "tools/README.md", "python/README.md", "packaging/README.md", "tests/*/README.md"]
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
FENCE = re.compile(r"(^```.*?^```\n)", re.M | re.S)


def page_paths(root):
    return [path for pattern in PAGES for path in sorted(root.glob(pattern))]


class Gathering:
    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.pages = set(page_paths(root))

    def link(self, page, target):
        """What a link says on the site; copies the file that it names, if that is no page."""
        path, mark, fragment = target.partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return target
        file = (page.parent / path).resolve()
        if file.is_dir() and not (file / "README.md").exists():
            return None
        if file.is_dir():
            file = file / "README.md"
            path = path.rstrip("/") + "/README.md"
        if file.parent == self.root / "include" / "vatten" and file.suffix == ".h":
            up = "../" * len(page.relative_to(self.root).parts[:-1])
            return f"{up}docs/reference/{file.stem}.rst"
        if not file.is_file():
            raise SystemExit(f"{page.relative_to(self.root)}: {target} is neither a file nor a folder")
        if file not in self.pages:
            self.copy(file)
        return path + mark + fragment

    def rewritten(self, page, match):
        target = self.link(page, match[2])
        return match[1] + target + match[3] if target else match[1].strip("[](")

    def copy(self, file):
        place = self.folder / file.relative_to(self.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)

    def write(self, page):
        text = page.read_text(encoding="utf-8")
        parts = FENCE.split(text)
        parts[::2] = [LINK.sub(lambda m: self.rewritten(page, m), p) for p in parts[::2]]
        place = self.folder / page.relative_to(self.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(parts), encoding="utf-8")


def listed(root, index):
    """The pages that the tables of contents of the index name."""
    tables = re.findall(r"^```\{toctree\}\n(.*?)^```", index.read_text(encoding="utf-8"), re.M | re.S)
    entries = [line for table in tables for line in table.split("\n") if line and not line.startswith(":")]
    return {path.resolve() for entry in entries for path in index.parent.glob(f"{entry}.md")}


def write_rest(gathering, index):
    """Appends those that no table names, so that each page has its place, and the index of names, which Sphinx makes."""
    rest = sorted(gathering.pages - listed(gathering.root, index) - {index})
    names = [str(page.relative_to(gathering.root).with_suffix("")) for page in rest]
    table = ["", "```{toctree}", ":caption: More", ":maxdepth: 1", ""] + [f"/{name}" for name in names] + ["```"] if rest else []
    place = gathering.folder / index.relative_to(gathering.root)
    text = place.read_text(encoding="utf-8") + "\n".join(table + ["", '<p><a href="../genindex.html">All names of the reference</a></p>', ""])
    place.write_text(text, encoding="utf-8")


def main():
    root, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    gathering = Gathering(root, folder)
    for page in sorted(gathering.pages):
        gathering.write(page)
    write_rest(gathering, root / "docs" / "index.md")
    reference = folder / "docs" / "reference"
    roles = write_reference(sorted((root / "include" / "vatten").glob("*.h")), reference)
    write_python(root / "python" / "vatten", reference / "python.rst", roles)


if __name__ == "__main__":
    main()
