#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds vatten's AAR to what prefab (schema 2), Android's loader and the Play store ask of it.

    check_aar.py FILE.aar --version X.Y.Z --abis arm64-v8a,x86_64 --min-sdk 28 [--needed libc.so,libm.so,libdl.so]

Members, the manifest, the JSON files; of each library class and machine, name, alignment for pages of 16 KiB (64 bits), what it needs (--needed: of
the system, and libvatten.so) and exports: the functions that the headers in the package declare, with one version. Prints each fault; the
exit status is 1 if there is any.
"""
import argparse
import json
import re
import struct
import sys
import xml.etree.ElementTree as xml
import zipfile

import elf_facts

ABIS = {"arm64-v8a": (64, 183), "armeabi-v7a": (32, 40), "x86": (32, 3), "x86_64": (64, 62), "riscv64": (64, 243)}  # bits, machine
MODULES = {"vatten": ("libvatten", []), "context": ("libvatten_context", [":vatten"])}  # library, what it exports
HEADERS = {"vatten": {"vatten.h", "dense.h", "cache.h", "mass.h", "neighborhood.h", "lists.h", "presets.h", "pipeline_file.h"},
           "context": {"context.h"}}
PAGE = 16384
ATTRIBUTE = "{http://schemas.android.com/apk/res/android}"
DECLARED = re.compile(r"^VATTEN_API[^;]*?\b(vatten_\w+)\s*\(", re.M)
# Threads of C11 and these functions came to Android later than API level 24; Vulkan is never linked.
LATER = re.compile(r"(vk[A-Z]\w*|(thrd|mtx|cnd|tss)_\w+|timespec_get|aligned_alloc|call_once)")


class Package:
    def __init__(self, path, wanted):
        self.wanted = wanted
        self.faults = []
        with zipfile.ZipFile(path) as file:
            self.members = {info.filename: file.read(info) for info in file.infolist() if not info.is_dir()}
            if len(file.namelist()) != len(set(file.namelist())):
                self.fault("a member is there twice")

    def fault(self, text):
        self.faults.append(text)

    def json(self, name):
        try:
            return json.loads(self.members[name])
        except KeyError:
            self.fault(f"{name} is missing")
        except ValueError as error:
            self.fault(f"{name}: {error}")
        return {}

    def same(self, where, found, expected):
        if found != expected:
            self.fault(f"{where}: {found!r}, not {expected!r}")


def expected_members(wanted):
    names = {"AndroidManifest.xml", "META-INF/LICENSE", "prefab/prefab.json"}
    for module, (library, _) in MODULES.items():
        folder = f"prefab/modules/{module}"
        names |= {f"{folder}/module.json"} | {f"{folder}/include/vatten/{header}" for header in HEADERS[module]}
        for abi in wanted.abis:
            names |= {f"{folder}/libs/android.{abi}/{file}" for file in ("abi.json", f"{library}.so")}
    return names


def check_members(package):
    expected = expected_members(package.wanted)
    for name in sorted(expected - set(package.members)):
        package.fault(f"{name} is missing")
    for name in sorted(set(package.members) - expected):
        package.fault(f"{name} does not belong there")


def check_manifest(package):
    try:
        root = xml.fromstring(package.members.get("AndroidManifest.xml", b""))
    except xml.ParseError as error:
        package.fault(f"AndroidManifest.xml: {error}")
        return
    package.same("AndroidManifest.xml", root.tag, "manifest")
    package.same("versionName", root.get(ATTRIBUTE + "versionName"), package.wanted.version)
    if not re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+", root.get("package", "")):
        package.fault(f"the package {root.get('package')!r} is no Java package")
    sdk = root.find("uses-sdk")
    package.same("minSdkVersion", None if sdk is None else sdk.get(ATTRIBUTE + "minSdkVersion"), str(package.wanted.min_sdk))


def check_prefab(package):
    package.same("prefab.json", package.json("prefab/prefab.json"),
                 {"schema_version": 2, "name": "vatten", "version": package.wanted.version, "dependencies": []})
    for module, (library, exports) in MODULES.items():
        folder = f"prefab/modules/{module}"
        package.same(f"{module}: module.json", package.json(f"{folder}/module.json"),
                     {"export_libraries": exports, "library_name": library, "android": {}})
        for abi in package.wanted.abis:
            found = package.json(f"{folder}/libs/android.{abi}/abi.json")
            ndk = found.get("ndk")
            if not isinstance(ndk, int) or ndk < 21:
                package.fault(f"{module}: ndk {ndk!r}")
            package.same(f"{module}: abi.json", found, {"abi": abi, "api": package.wanted.min_sdk, "ndk": ndk, "stl": "none", "static": False})


def declared(package, module):
    names = set()
    for name, data in package.members.items():
        if name.startswith(f"prefab/modules/{module}/include/"):
            names |= set(DECLARED.findall(data.decode()))
    return names


def check_symbols(package, where, facts, module):
    exports = set(facts.exports)
    names = declared(package, module)
    if len(names) < 5:
        package.fault(f"{where}: the headers declare {len(names)} functions")
    for title, odd in (("declared, not exported", names - exports), ("exported, not declared", exports - names),
                       ("taken from the system", {name for name in facts.imports if LATER.fullmatch(name)})):
        if odd:
            package.fault(f"{where}: {title}: {' '.join(sorted(odd))}")
    major, minor = package.wanted.version.split(".")[:2]
    package.same(f"{where}: versions", facts.versions, [f"VATTEN_{major}.{minor}" if major == "0" else f"VATTEN_{major}"])


def check_library(package, module, abi):
    library = MODULES[module][0]
    where = f"{library}.so of {abi}"
    data = package.members.get(f"prefab/modules/{module}/libs/android.{abi}/{library}.so")
    if data is None:
        return
    try:
        facts = elf_facts.read(data)
    except (elf_facts.NotElf, struct.error, ValueError, IndexError) as error:
        package.fault(f"{where}: {error}")
        return
    package.same(f"{where}: bits and machine", (facts.bits, facts.machine), ABIS[abi])
    package.same(f"{where}: SONAME", facts.soname, f"{library}.so")
    package.same(f"{where}: RPATH", facts.paths, [])
    if facts.relocates_text:
        package.fault(f"{where}: relocates its text")
    allowed = set(package.wanted.needed) | ({"libvatten.so"} if module == "context" else set())
    for name in sorted(set(facts.needed) - allowed):
        package.fault(f"{where}: needs {name}")
    if module == "context" and "libvatten.so" not in facts.needed:
        package.fault(f"{where}: does not need libvatten.so")
    if not facts.loads:
        package.fault(f"{where}: nothing to load")
    for offset, address, align in facts.loads:
        if facts.bits == 64 and (align % PAGE or align == 0 or (address - offset) % PAGE):
            package.fault(f"{where}: a segment at {address:#x} is aligned to {align}, not to {PAGE}")
    check_symbols(package, where, facts, module)


def check(path, wanted):
    """All faults of the file."""
    try:
        package = Package(path, wanted)
    except (zipfile.BadZipFile, OSError) as error:
        return [f"no archive: {error}"]
    check_members(package)
    check_manifest(package)
    check_prefab(package)
    for module in MODULES:
        for abi in wanted.abis:
            check_library(package, module, abi)
    return package.faults


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--version", required=True)
    parser.add_argument("--abis", required=True, type=lambda text: text.split(","))
    parser.add_argument("--min-sdk", required=True, type=int)
    parser.add_argument("--needed", default="libc.so,libm.so,libdl.so", type=lambda text: text.split(","))
    wanted = parser.parse_args(words)
    for abi in wanted.abis:
        if abi not in ABIS:
            parser.error(f"{abi} is no ABI of Android")
    return wanted


def main():
    wanted = parse(sys.argv[1:])
    faults = check(wanted.file, wanted)
    for fault in faults:
        print(fault)
    print(f"{wanted.file}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
