#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_site.py ROOT FOLDER: makes the site by docs/build.sh in FOLDER and holds its reference against headers and Python package.

Every public function, struct, enum, enumerator, member, typedef and macro must have its place on a page, and every name that the
package exports, with the public members of its classes. What is public is read from the text of the sources, not by what the site is made
with. Links from the first page lead to every other. Ends with 77, which is skipped, where Sphinx,
MyST or libclang for Python are missing; with 1 if the site is not made or something has no place in it.
"""
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

KINDS = ("function", "struct", "enum", "enumerator", "member", "macro", "type", "name of Python", "method of Python")
MODULES = "import clang.cindex, myst_parser, sphinx"
SPLIT = re.compile(r",(?![^(]*\))")


def has_generator():
    for python in ("python3", "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", MODULES], capture_output=True, check=False).returncode == 0:
                return True
        except OSError:
            pass
    return False


def bare_text(header):
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"\\\n", " ", text)


def declared_name(text):
    """The name that a declarator gives: of a function pointer the one in (*name), else the last one before [ or the end."""
    pointer = re.search(r"\(\*\s*(\w+)\)", text)
    return pointer.group(1) if pointer else re.search(r"(\w+)\s*(\[[^\]]*\]\s*)*$", text.strip()).group(1)


def public_names(header):
    """(kind, name) of all that a header makes public."""
    text = bare_text(header)
    for name in re.findall(r"^#define (VATTEN_\w+)", text, re.M):
        if not re.search(r"_H_?$|^VATTEN_(API|VK_CALL)$", name):
            yield "macro", name
    code = re.sub(r"^#.*$", "", text, flags=re.M)
    for name in re.findall(r"VATTEN_API\s+[^;(]*?(\w+)\s*\(", code):
        yield "function", name
    for kind, tag, body in re.findall(r"typedef (struct|enum) (vatten_\w+) \{(.*?)\} \w+;", code, re.S):
        yield kind, tag
        if kind == "enum":
            for entry in filter(str.strip, body.split(",")):
                yield "enumerator", f"{tag}.{entry.split('=')[0].strip()}"
        else:
            for member in filter(str.strip, body.split(";")):
                for part in SPLIT.split(member):
                    yield "member", f"{tag}.{declared_name(part)}"
    for tag in re.findall(r"typedef struct (vatten_\w+) \1;", code):
        yield "struct", tag
    for name in re.findall(r"typedef (?!struct|enum)\w+ (vatten_\w+);", code):
        yield "type", name


def python_names(package):
    """(kind, name) of what the package exports, and of the methods of its classes, but for what its modules share below "# --"."""
    exported = re.search(r"^__all__ = \[(.*?)\]", (package / "__init__.py").read_text(encoding="utf-8"), re.M | re.S).group(1)
    names = [name for name in re.findall(r'"(\w+)"', exported) if not name.startswith("__")]
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(package.glob("*.py")))
    for name in names:
        body = re.search(rf"^class {name}\b.*?\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
        yield "name of Python", f"{package.name}.{name}"
        for member in re.findall(r"^    def ([a-z]\w*)", body.group(1).split("# --")[0], re.M) if body else []:
            yield "method of Python", f"{package.name}.{name}.{member}"


def described_names(site):
    """(kind, name) -> address, of all that the site's index of objects has."""
    data = (site / "objects.inv").read_bytes()
    packed = data.split(b"\n", 4)[4]
    found = {}
    for line in zlib.decompress(packed).decode().splitlines():
        name, role, _, address, _ = line.split(" ", 4)
        if role.startswith("c:"):
            found[(role[2:], name)] = address.replace("$", name)
        elif role.startswith("py:") and role != "py:module":
            found[(f"{'method' if name.count('.') > 1 else 'name'} of Python", name)] = address.replace("$", name)
    return found


def has_place(site, address):
    page, _, anchor = address.partition("#")
    file = site / page
    return file.is_file() and f'id="{anchor}"' in file.read_text(encoding="utf-8")


def lost_pages(site):
    """Pages to which no links lead from the first one; that of searching is opened by a form."""
    found, ahead = set(), [site / "index.html"]
    while ahead:
        page = ahead.pop()
        if page in found or not page.is_file():
            continue
        found.add(page)
        links = re.findall(r'(?:<a [^>]*href="|url=)([^"#:]+\.html)', page.read_text(encoding="utf-8"))
        ahead += [(page.parent / link).resolve() for link in links]
    return sorted(set(site.rglob("*.html")) - found - {site / "search.html"})


def main():
    root, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    if not has_generator():
        print("skipped: Python lacks sphinx, myst_parser or clang (tools/setup.sh: setup_packages_docs)")
        return 77
    environment = {**os.environ, "VATTEN_BUILD": str(folder), "VATTEN_INSTALL": "no"}
    if subprocess.run([root / "docs" / "build.sh"], env=environment, check=False).returncode != 0:
        return 1
    site = folder / "site"
    described = described_names(site)
    counts, lost = {}, lost_pages(site)
    for page in lost:
        print(f"no links lead to {page.relative_to(site)}")
    faults = len(lost)
    headers = sorted((root / "include" / "vatten").glob("*.h"))
    public = [pair for header in headers for pair in public_names(header)] + list(python_names(root / "python" / "vatten"))
    for kind, name in public:
        counts[kind] = counts.get(kind, 0) + 1
        address = described.get((kind, name))
        if address is None or not has_place(site, address):
            print(f"{kind} {name} is not on the site")
            faults += 1
    print(", ".join(f"{kind}: {counts[kind]}" for kind in sorted(counts)) + f"; {faults} without a place")
    few = [kind for kind in KINDS if counts.get(kind, 0) < 3]
    if few:
        print(f"hardly any {', '.join(few)} found: this check is broken")
    return 1 if faults or few else 0


if __name__ == "__main__":
    sys.exit(main())
