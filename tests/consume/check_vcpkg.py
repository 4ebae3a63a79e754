#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds packaging/vcpkg/vcpkg.json to vcpkg's rules for manifests of ports, to the order in which `vcpkg format-manifest` writes one, and to
the project's version.

    check_vcpkg.py MANIFEST VERSION

A manifest that is right is then broken in many ways, each of which must be noticed.
"""
import copy
import json
import re
import sys

IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FIELDS = ("$schema", "name", "version", "version-semver", "version-date", "version-string", "port-version", "maintainers", "description",
          "homepage", "documentation", "license", "supports", "dependencies", "default-features", "features")
DEPENDENCY = {"name": str, "host": bool, "default-features": bool, "features": list, "platform": str, "version>=": str}
FEATURE = {"description": (str, list), "dependencies": list, "supports": str, "license": str}


def wrong_fields(where, value, known):
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    found = [f"{where} has the field {name}" for name in value if name not in known]
    return found + [f"{where}.{name} is a {type(value[name]).__name__}" for name in known
                    if name in value and not isinstance(value[name], known[name])]


def wrong_dependencies(where, entries):
    found = []
    names = []
    for entry in entries:
        if isinstance(entry, dict):
            found += wrong_fields(f"{where}: a dependency", entry, DEPENDENCY)
        name = entry.get("name", "") if isinstance(entry, dict) else entry
        names.append(str(name))
        if not IDENTIFIER.fullmatch(str(name)):
            found.append(f"{where}: {name!r} is no name of a port")
    if len(set(names)) < len(names):
        found.append(f"{where}: a port is named twice")
    return found + ([] if names == sorted(names) else [f"{where}: the ports are not in order"])


def wrong(manifest, version):
    found = [f"the field {name} is unknown" for name in manifest if name not in FIELDS]
    order = [FIELDS.index(name) for name in manifest if name in FIELDS]
    if order != sorted(order):
        found.append("the fields are not in vcpkg's order")
    found += [f"{name} is missing" for name in ("name", "description", "license") if not manifest.get(name)]
    if not IDENTIFIER.fullmatch(str(manifest.get("name"))):
        found.append("the name has other letters")
    if manifest.get("version") != version:
        found.append(f"the version is {manifest.get('version')}, the project's {version}")
    found += wrong_dependencies("the port", manifest.get("dependencies", []))
    for name, feature in manifest.get("features", {}).items():
        if not IDENTIFIER.fullmatch(name) or name in ("core", "default"):
            found.append(f"a feature cannot be called {name}")
        found += wrong_fields(f"the feature {name}", feature, FEATURE)
        if isinstance(feature, dict):
            if not feature.get("description"):
                found.append(f"the feature {name} is not described")
            found += wrong_dependencies(f"the feature {name}", feature.get("dependencies", []))
    return found


def self_test(manifest, version):
    """Each breakage is noticed."""
    breakages = {
        "version": lambda m: m.update(version="9.9.9"), "field": lambda m: m.update(summary="x"), "name": lambda m: m.update(name="Vatten_"),
        "no license": lambda m: m.pop("license"), "order": lambda m: m.update(name=m.pop("name")),
        "dependency": lambda m: m["dependencies"].append({"name": "a", "hots": True}), "twice": lambda m: m["dependencies"].append("vulkan-headers"),
        "type": lambda m: m["dependencies"][0].update(host="true"), "core": lambda m: m["features"].update(core={"description": "x"}),
        "description": lambda m: m["features"]["context"].pop("description"), "unsorted": lambda m: m["dependencies"].reverse(),
    }
    missed = []
    for name, breakage in breakages.items():
        broken = copy.deepcopy(manifest)
        breakage(broken)
        if not wrong(broken, version):
            missed.append(name)
    return [f"a breakage is not noticed: {name}" for name in missed]


def main():
    path, version = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    manifest = json.loads(text)
    found = wrong(manifest, version) or self_test(manifest, version)
    if text != json.dumps(manifest, indent=2) + "\n":
        found.append("the file is not formatted as vcpkg does")
    for line in found:
        print(f"{path}: {line}")
    print(f"{path}: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
