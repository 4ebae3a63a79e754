#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`conan create packaging/conan` without a network, in a home of its own: what the recipe asks of others is a package made here of the system's
Vulkan headers, and tools of this machine.

    conan_create.py CONAN TREE VERSION VULKAN_INCLUDE OUT [CONAN OPTION...]      OUT is emptied

Ends with 77 where there is no Conan 2.
"""
import json
import os
import shutil
import subprocess
import sys

HEADERS = """from conan import ConanFile
from conan.tools.files import copy
import os
class Headers(ConanFile):
    name = "vulkan-headers"
    version = "1.3.239.0"
    package_type = "header-library"
    def package(self):
        for folder in ("vulkan", "vk_video"):
            copy(self, folder + "/*", {include!r}, os.path.join(self.package_folder, "include"))
"""


def make_home(home):
    """A profile of this machine, where CMake and glslang are had without packages."""
    profiles = os.path.join(home, "profiles")
    os.makedirs(profiles, exist_ok=True)
    subprocess.run([CONAN, "profile", "detect", "--force"], check=True, capture_output=True)
    subprocess.run([CONAN, "remote", "remove", "*"], check=False, capture_output=True)
    with open(os.path.join(profiles, "default"), "a", encoding="utf-8") as file:
        file.write("\n[platform_tool_requires]\ncmake/3.25.1\nglslang/1.3.204\n\n[conf]\n"
                   "tools.cmake.cmaketoolchain:generator=Ninja\ntools.build:cflags=['-O0']\n")


def conan(*words):
    done = subprocess.run([CONAN, *words], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-6000:])
        raise SystemExit(f"conan {' '.join(words)} failed")
    return done.stdout, done.stderr


def package_files(reference):
    """Of the one binary package of it."""
    listed = json.loads(conan("list", f"{reference}:*", "--format=json")[0])
    revisions = next(iter(listed["Local Cache"].values()))["revisions"]
    packages = next(iter(revisions.values()))["packages"]
    folder = conan("cache", "path", f"{reference}:{next(iter(packages))}")[0].strip()
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def main():
    tree, version, include, out = sys.argv[2:6]
    options = sys.argv[6:]
    shutil.rmtree(out, ignore_errors=True)
    home = os.path.join(out, "home")
    os.environ["CONAN_HOME"] = home
    make_home(home)
    os.makedirs(os.path.join(out, "headers"))
    with open(os.path.join(out, "headers", "conanfile.py"), "w", encoding="utf-8") as file:
        file.write(HEADERS.format(include=include))
    conan("create", os.path.join(out, "headers"))
    words = [word for option in options for word in ("-o", option)]
    _, said = conan("create", os.path.join(tree, "packaging", "conan"), "--test-folder=test_package", *words)
    files = package_files(f"vatten/{version}")
    strange = [name for name in files if name.split(os.sep)[0] not in ("include", "lib", "licenses", "bin") and not name.startswith("conan")]
    wanted = ["include/vatten/vatten.h", "licenses/LICENSE"]
    missing = [name for name in wanted if name not in files] + ([] if any("libvatten" in name for name in files) else ["libvatten"])
    tested = "test_package" in said and f"vatten {int(version.split('.')[0]) << 22 | int(version.split('.')[1]) << 12}" in said
    wrong = strange + missing + [name for name in files if "cmake" in name or "pkgconfig" in name] + ([] if tested else ["not tested"])
    print(f"vatten/{version}: {len(files)} files, wrong: {' '.join(wrong) or 'none'}")
    return 1 if wrong else 0


CONAN = sys.argv[1]
if __name__ == "__main__":
    try:
        said = subprocess.run([CONAN, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        said = ""
    if not said.startswith("Conan version 2"):
        print("skipped: no Conan 2 (tools/setup.sh makes one in the build folder where PyPI is reached)")
        sys.exit(77)
    sys.exit(main())
