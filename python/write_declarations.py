#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""write_declarations.py INCLUDE OUT MODULE COMPILER...: what cffi has to know of the C interface, from the public headers themselves.

Every header of INCLUDE/vatten goes through the compiler's preprocessor (COMPILER: its command line up to the file); of what comes out, the
lines that stand in those headers are declarations for cffi. Numbers that are macros are appended. OUT becomes a Python module
without a parser or a compiler behind it: types are laid out by cffi when the library is opened, by the rules of the platform.
"""
import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cffi

MARKER = re.compile(r'^#(?:line)?\s*\d+\s+"([^"]*)"')
MACRO = re.compile(r"^#\s*define\s+(VATTEN_[A-Z0-9_]+)[ \t]+(\S.*?)(?:/\*.*)?$", re.M)
# How functions are exported and called: nothing that the declarations of an opened library need.
WITHOUT = "#define __attribute__(decoration)\n#define __declspec(decoration)\n#define __stdcall\n"
TAG = "vatten_number"


def preprocess(compiler, include, source):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "all_headers.c"
        file.write_text(source, encoding="utf-8")
        done = subprocess.run([*compiler, f"-I{include}", str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{compiler[0]} does not preprocess the headers:\n{done.stderr}")
    return done.stdout


def lines_of(text, wanted):
    """The lines of preprocessed text that come from files for which `wanted` holds."""
    ours = False
    for line in text.splitlines():
        marker = MARKER.match(line)
        if marker:
            ours = wanted(marker.group(1).replace("\\\\", "/").replace("\\", "/"))
        elif ours and line.strip() and not line.lstrip().startswith("#"):
            yield line


def number(expression):
    """The value of a preprocessed constant, None for what is no number."""
    plain = re.sub(r"\(\s*u?int\d+_t\s*\)", "", expression)
    plain = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", plain)
    try:
        value = ast.literal_eval(plain.strip())
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, int) else None


def declarations(compiler, include):
    headers = sorted((include / "vatten").glob("*.h"))
    names = {header.name for header in headers}
    macros = sorted({name for header in headers for name, _ in MACRO.findall(header.read_text(encoding="utf-8"))})
    source = WITHOUT + "".join(f"#include <vatten/{header.name}>\n" for header in headers)
    source += "".join(f'{TAG} "{name}" = {name};\n' for name in macros)
    text = preprocess(compiler, include, source)
    code = lines_of(text, lambda path: "/vatten/" in path and path.rpartition("/")[2] in names)
    # Compilers put what comes from a header of the system on lines of its own, with markers between.
    flat = " ".join(line for line in text.splitlines() if not line.startswith("#"))
    values = ((name, number(value)) for name, value in re.findall(rf'{TAG} "(\w+)" = ([^;]*);', flat))
    return "\n".join(code) + "\n" + "".join(
        f"#define {name} {value}\n" for name, value in values if value is not None)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    include, out, module, *compiler = sys.argv[1:]
    code = declarations(compiler, Path(include))
    builder = cffi.FFI()
    builder.cdef(code)
    builder.set_source(module, None)
    builder.emit_python_code(out)


if __name__ == "__main__":
    main()
