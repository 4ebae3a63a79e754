# SPDX-License-Identifier: MIT
"""What is built besides the host's own programs: the same for arm64, and all kernels by a newer glslang."""
import glob
import os
import shlex
import subprocess

import folders as rooms


def _cmake(words, log):
    with open(log, "a", encoding="utf-8") as file:
        return subprocess.run(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _generator():
    return ["-G", "Ninja"]


def arm64(root, build, devel):
    """The build folder of the programs for arm64; raises Unavailable. `devel`: a folder of arm64 packages."""
    place = os.path.join(build, "drivers", "arm64")
    os.makedirs(place, exist_ok=True)
    log = os.path.join(place, "build.log")
    include = os.path.join(devel, "usr", "include")
    configure = ["cmake", "-S", root, "-B", place, *_generator(), "-DCMAKE_BUILD_TYPE=Release",
                 f"-DCMAKE_TOOLCHAIN_FILE={os.path.join(root, 'tests/drivers/aarch64.cmake')}",
                 f"-DVATTEN_ARM64_ROOT={devel}", f"-DVATTEN_VULKAN_INCLUDE={include}",
                 f"-DVATTEN_VOLK_INCLUDE={include}", f"-DVATTEN_CJSON_INCLUDE={include}",
                 f"-DVATTEN_CJSON_LIBRARY={rooms.library_path(devel, 'arm64')}/libcjson.so",
                 "-DVATTEN_SAMPLES=OFF", "-DVATTEN_INSTALL=OFF"]
    if not (_cmake(configure, log) and _cmake(["cmake", "--build", place], log)):
        raise rooms.Unavailable(f"the programs for arm64 could not be built [{log}]")
    return place


def _wrapper(folder, place, program):
    """A script that runs a program of the folder on the folder's own libraries, for CMake to call."""
    path = os.path.join(place, program)
    libraries = rooms.library_path(folder, "amd64")
    words = [os.path.join(folder, "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries,
             os.path.join(folder, "usr/bin", program)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec " + " ".join(shlex.quote(word) for word in words) + ' "$@"\n')
    os.chmod(path, 0o755)
    return path


def _version(compiler):
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    found = [line for line in said.splitlines() if "lslang" in line.lower() and ":" in line]
    return found[0].rsplit(":", 1)[1].strip() if found else "of unknown version"


def _words_of(header):
    """The SPIR-V of a header that glslang wrote with --vn, as bytes."""
    with open(header, encoding="utf-8") as file:
        body = file.read().split("{", 1)[1].split("}", 1)[0]
    return b"".join(int(word, 16).to_bytes(4, "little") for word in body.replace("\n", " ").split(",") if word.strip())


def shaders(root, build, folder):
    """Compiles every kernel by the folder's glslang and validates it by its spirv-val: (kernels, wrong ones, text)."""
    place = os.path.join(build, "drivers", "shaders")
    os.makedirs(place, exist_ok=True)
    log = os.path.join(place, "build.log")
    compiler = _wrapper(folder, place, "glslangValidator")
    checker = _wrapper(folder, place, "spirv-val")
    configure = ["cmake", "-S", root, "-B", os.path.join(place, "build"), *_generator(),
                 f"-DVATTEN_GLSLANG={compiler}", "-DVATTEN_TESTS=OFF", "-DVATTEN_TOOLS=OFF", "-DVATTEN_SAMPLES=OFF",
                 "-DVATTEN_CONTEXT=OFF", "-DVATTEN_INSTALL=OFF"]
    if not (_cmake(configure, log) and _cmake(["cmake", "--build", os.path.join(place, "build")], log)):
        return 0, [f"the build failed [{log}]"], _version(compiler)
    wrong = []
    headers = sorted(glob.glob(os.path.join(place, "build", "lib", "kernels", "*.h")))
    for header in headers:
        binary = os.path.join(place, "kernel.spv")
        with open(binary, "wb") as file:
            file.write(_words_of(header))
        check = subprocess.run([checker, "--target-env", "vulkan1.1", binary], capture_output=True, text=True, check=False)
        if check.returncode != 0:
            lines = check.stderr.strip().splitlines() or ["not valid"]
            wrong.append(f"{os.path.basename(header)[:-2]}: {lines[0]}")
    return len(headers), wrong, _version(compiler)
