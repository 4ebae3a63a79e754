#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every symbol that a shared library exports begins with vatten_, and every function of its headers is there.

    check_exports.py LIBRARY HEADER...
"""
import re
import subprocess
import sys


def main():
    library, *headers = sys.argv[1:]
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in listing.splitlines() if line.strip()}
    declared = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            declared |= set(re.findall(r"^VATTEN_API[^;]*?\b(vatten_\w+)\s*\(", file.read(), flags=re.M))
    strangers = sorted(name for name in exported if not name.startswith("vatten_"))
    missing = sorted(declared - exported)
    extra = sorted(exported - declared - set(strangers))
    print(f"{library}: {len(exported)} symbols, {len(declared)} declared")
    for title, names in (("not vatten_", strangers), ("declared, not exported", missing), ("exported, not declared", extra)):
        if names:
            print(f"  {title}: {' '.join(names)}")
    return 1 if strangers or missing or extra or len(declared) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
