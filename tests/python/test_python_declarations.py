#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_python_declarations.py INCLUDE COMPILER...: structs, enumerators and functions of the headers are to cffi what they are to C."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import python_kit  # noqa: F401, skips without numpy and the package
from vatten.native import ffi, lib


def statements(text):
    """C that prints what cffi says, line by line, as the compiler has it."""
    for name in sorted(n for n in ffi.list_types()[0] if ffi.typeof(n).kind == "struct" and ffi.typeof(n).fields):
        yield f"{name} {ffi.sizeof(name)}", f'"{name} %zu\\n", sizeof({name})'
        for field, member in ffi.typeof(name).fields:
            yield (f"{name}.{field} {member.offset} {ffi.sizeof(member.type)}",
                   f'"{name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field})')
    for name in sorted(n for n in dir(lib) if n.startswith("VATTEN_")):
        yield f"{name} {getattr(lib, name) & (1 << 64) - 1}", f'"{name} %llu\\n", (unsigned long long){name}'


def main():
    include, compiler = Path(sys.argv[1]), sys.argv[2:]
    headers = sorted((include / "vatten").glob("*.h"))
    text = "".join(header.read_text(encoding="utf-8") for header in headers)
    want, code = zip(*statements(text))
    source = "".join(f"#include <vatten/{h.name}>\n" for h in headers) + "#include <stdio.h>\nint main(void) {\n"
    source += "".join(f"printf({line});\n" for line in code) + "return 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        file, program = Path(folder) / "layouts.c", Path(folder) / "layouts"
        file.write_text(source, encoding="utf-8")
        subprocess.run([*compiler, "-std=c11", f"-I{include}", str(file), "-o", str(program)], check=True)
        got = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [f"cffi: {w}   C: {g}" for w, g in zip(want, got) if w != g]
    # As preprocessed: some functions are there on some systems only.
    seen = subprocess.run([*compiler, f"-I{include}", "-E", "-xc", "-"], input=source.partition("int main")[0], capture_output=True,
                          text=True, check=True).stdout
    functions = set(re.findall(r"\b(vatten_\w+)\s*\(", seen))
    wrong += [f"{name} is not in the library" for name in sorted(functions) if not hasattr(lib, name)]
    structs = set(re.findall(r"^\} (vatten_\w+);", text, flags=re.M))
    wrong += [f"{name} is not declared" for name in sorted(structs - set(ffi.list_types()[0]))]
    print(f"{len(want)} layouts and numbers, {len(functions)} functions, {len(structs)} types, {len(wrong)} wrong")
    print("\n".join(wrong))
    return 1 if wrong or len(want) != len(got) or len(want) < 300 or len(functions) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
