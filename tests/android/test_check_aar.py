#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_aar.py notices what is broken: a good AAR is damaged in one way after the other.

    test_check_aar.py FILE.aar VERSION ABI MIN_SDK
"""
import os
import struct
import sys
import tempfile
import zipfile

import check_aar

CORE = "prefab/modules/vatten/libs/android.{abi}/libvatten.so"
HELPER = "prefab/modules/context/libs/android.{abi}/libvatten_context.so"
ABI_JSON = "prefab/modules/vatten/libs/android.{abi}/abi.json"


def replaced(member, old, new):
    def damage(members):
        assert old in members[member], (member, old)
        members[member] = members[member].replace(old, new)
    return damage


def without(member):
    return lambda members: members.pop(member)


def patched(member, at, form, value):
    def damage(members):
        data = bytearray(members[member])
        struct.pack_into(form, data, at, value)
        members[member] = bytes(data)
    return damage


def small_pages(member):
    """The first segment to load is aligned to 4 KiB (64-bit ELF)."""
    def damage(members):
        data = bytearray(members[member])
        start, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
        first = next(start + i * size for i in range(count) if struct.unpack_from("<I", data, start + i * size)[0] == 1)
        struct.pack_into("<Q", data, first + 48, 4096)
        members[member] = bytes(data)
    return damage


def damages(version, abi):
    core, helper, abi_json = (name.format(abi=abi) for name in (CORE, HELPER, ABI_JSON))
    manifest, prefab, module = "AndroidManifest.xml", "prefab/prefab.json", "prefab/modules/context/module.json"
    header = "prefab/modules/vatten/include/vatten/vatten.h"
    return {
        "no manifest": (without(manifest), "AndroidManifest.xml is missing"),
        "manifest is no XML": (replaced(manifest, b"</manifest>", b""), "AndroidManifest.xml: "),
        "another version": (replaced(manifest, version.encode(), b"7.7.7"), "versionName: '7.7.7'"),
        "another level": (replaced(manifest, b"minSdkVersion=\"", b"minSdkVersion=\"1"), "minSdkVersion"),
        "no Java package": (replaced(manifest, b"org.vatten", b"vatten"), "is no Java package"),
        "schema 1": (replaced(prefab, b": 2,", b": 1,"), "prefab.json: "),
        "no JSON": (replaced(prefab, b"}", b""), "prefab.json: "),
        "no dependency of modules": (replaced(module, b"\":vatten\"", b""), "context: module.json"),
        "no header": (without(header), f"{header} is missing"),
        "no license": (without("META-INF/LICENSE"), "META-INF/LICENSE is missing"),
        "a stranger": (lambda members: members.update({"prefab/../x": b""}), "prefab/../x does not belong there"),
        "another ABI": (replaced(abi_json, abi.encode(), b"mips"), "vatten: abi.json"),
        "said to be static": (replaced(abi_json, b"false", b"true"), "vatten: abi.json"),
        "an old NDK": (replaced(abi_json, b"\"ndk\": ", b"\"ndk\": 1, \"old\": "), "vatten: ndk 1"),
        "no library": (without(helper), f"{helper} is missing"),
        "no ELF": (patched(core, 0, "<I", 0), "no little-endian ELF"),
        "cut short": (lambda members: members.update({core: members[core][:4000]}), "libvatten.so of "),
        "another machine": (patched(core, 18, "<H", 40), "bits and machine: (64, 40)"),
        "small pages": (small_pages(helper), "is aligned to 4096"),
        "another name": (replaced(core, b"\0libvatten.so\0", b"\0libvattem.so\0"), "SONAME: 'libvattem.so'"),
        "needs more": (replaced(helper, b"\0libdl.so\0", b"\0libgl.so\0"), "needs libgl.so"),
        "not beside the core": (replaced(helper, b"\0libvatten.so\0", b"\0libvattem.so\0"), "does not need libvatten.so"),
        "exports less": (replaced(core, b"\0vatten_version\0", b"\0vatten_versiom\0"), "declared, not exported: vatten_version"),
        "exports more": (replaced(header, b"vatten_version(", b"vatten_versiom("), "exported, not declared: vatten_version"),
        "links Vulkan": (replaced(helper, b"\0vatten_device_create\0", b"\0vkCreateDevice\0atten\0"), "taken from the system: vkCreateDevice"),
        "another interface": (replaced(core, b"\0VATTEN_", b"\0VATTEM_"), "libvatten.so of "),
    }


def main():
    path, version, abi, level = sys.argv[1:]
    wanted = check_aar.parse([path, "--version", version, "--abis", abi, "--min-sdk", level])
    missed = [f"the good one: {fault}" for fault in check_aar.check(path, wanted)]
    with zipfile.ZipFile(path) as file:
        good = {name: file.read(name) for name in file.namelist()}
    todo = damages(version, abi)
    with tempfile.TemporaryDirectory() as folder:
        broken = os.path.join(folder, "broken.aar")
        for name, (damage, message) in todo.items():
            members = dict(good)
            damage(members)
            with zipfile.ZipFile(broken, "w") as file:
                for member, data in members.items():
                    file.writestr(member, data)
            faults = check_aar.check(broken, wanted)
            if not any(message in fault for fault in faults):
                missed.append(f"{name}: {faults}")
        with open(broken, "wb") as file:
            file.write(b"PK")
        if not check_aar.check(broken, wanted):
            missed.append("what is no archive")
    for line in missed:
        print(line)
    print(f"{len(todo) + 1} damages, {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
