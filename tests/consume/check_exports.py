#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every symbol that a shared library exports begins with vatten_ and has the version of the interface, as its SONAME has, and every
function of its headers is there.

    check_exports.py LIBRARY ABI HEADER...       ABI: "" where the linker knows no versions

What headers declare for Android alone is tests/android's to check.
"""
import os
import re
import subprocess
import sys


def output_of(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def main():
    library, abi, *headers = sys.argv[1:]
    names = [line.split()[-1] for line in output_of("nm", "-D", "--with-symbol-versions", "--defined-only", library).splitlines()
             if line.strip() and line.split()[-2] != "A"]  # the version itself is an absolute symbol
    exported = {name.split("@")[0] for name in names}
    unversioned = sorted(name for name in names if abi and not name.endswith(f"@@VATTEN_{abi}"))
    if abi and f"[{os.path.basename(library)}.{abi}]" not in output_of("readelf", "-d", library):
        unversioned.append("SONAME")
    declared = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            text = re.sub(r"^#ifdef __ANDROID__$.*?^#endif", "", file.read(), flags=re.M | re.S)
        declared |= set(re.findall(r"^VATTEN_API[^;]*?\b(vatten_\w+)\s*\(", text, flags=re.M))
    strangers = sorted(name for name in exported if not name.startswith("vatten_"))
    missing = sorted(declared - exported)
    extra = sorted(exported - declared - set(strangers))
    print(f"{library}: {len(exported)} symbols, {len(declared)} declared")
    for title, names in (("without the version", unversioned), ("not vatten_", strangers), ("declared, not exported", missing), ("exported, not declared", extra)):
        if names:
            print(f"  {title}: {' '.join(names)}")
    return 1 if unversioned or strangers or missing or extra or len(declared) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
