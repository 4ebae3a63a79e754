# SPDX-License-Identifier: MIT
"""Builds for the runs: the programs for this machine and for arm64, their kernels by the newer glslang of a folder,
which knows what that of the system may not (cooperative matrices); and the check of those kernels by its spirv-val."""
import glob
import os
import shlex
import subprocess
import sys

import device_list
import folders as rooms


UNITS = ("unit_matrix", "unit_matrix_workgroup")  # of tests/unit, about the kernels that only a newer glslang makes


class BuildFailed(Exception):
    """Unlike what cannot be had, this is a failure of the run that wants it."""


def _cmake(words, log):
    with open(log, "a", encoding="utf-8") as file:
        return subprocess.run(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _wrapper(folder, place, program):
    """A script that runs a program of the folder on the folder's own libraries, for CMake to call."""
    path = os.path.join(place, program)
    libraries = rooms.libraries_in(folder, "amd64")
    words = [os.path.join(folder, "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries,
             os.path.join(folder, "usr/bin", program)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec " + " ".join(shlex.quote(word) for word in words) + ' "$@"\n')
    os.chmod(path, 0o755)
    return path


PROGRAMS = ("vatten_audit", "test_layers", "raise_version", "listings", "kernel_files", *UNITS,
            *(f"test_{name}" for name in device_list.FULL))


def _built(root, place, glslang, options=(), targets=PROGRAMS):
    """Configures and builds in `place` what runs use. `glslang`: a folder with a newer one, "" = the system's."""
    os.makedirs(place, exist_ok=True)
    log = os.path.join(place, "build.log")
    compiler = [f"-DVATTEN_GLSLANG={_wrapper(glslang, place, 'glslangValidator')}"] if glslang else []
    configure = ["cmake", "-S", root, "-B", place, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *compiler, *options,
                 "-DVATTEN_TESTS=ON", "-DVATTEN_TOOLS=ON", "-DVATTEN_CONTEXT=ON", "-DVATTEN_SAMPLES=OFF",
                 "-DVATTEN_INSTALL=OFF"]
    if not (_cmake(configure, log) and _cmake(["cmake", "--build", place, "--target", *targets], log)):
        raise BuildFailed(f"the programs could not be built [{log}]")
    return place


def system(root, build):
    """The build folder of the programs with the kernels of the system's glslang."""
    return _built(root, os.path.join(build, "drivers", "system"), "")


def amd64(root, build, glslang, scope="workgroup"):
    """The build folder of the programs for this machine with the kernels of the newer glslang. `scope`: whose matrices
    those of the layout matrix_workgroup are."""
    if scope == "workgroup":
        return _built(root, os.path.join(build, "drivers", "amd64"), glslang)
    return _built(root, os.path.join(build, "drivers", f"amd64-{scope}"), glslang, [f"-DVATTEN_MATRIX_SCOPE={scope}"])


def arm64(root, build, glslang, devel):
    """The build folder of the programs for arm64, with the kernels of the other. `devel`: a folder of arm64 packages to build with."""
    kernels = os.path.join(_built(root, os.path.join(build, "drivers", "amd64"), glslang, targets=["vatten_kernels"]), "lib", "kernels")
    include = os.path.join(devel, "usr", "include")
    return _built(root, os.path.join(build, "drivers", "arm64"), glslang, [
        f"-DVATTEN_PREBUILT_SPIRV={kernels}",
        f"-DCMAKE_TOOLCHAIN_FILE={os.path.join(root, 'tests/drivers/aarch64.cmake')}", f"-DVATTEN_ARM64_ROOT={devel}",
        f"-DVATTEN_VULKAN_INCLUDE={include}", f"-DVATTEN_VOLK_INCLUDE={include}", f"-DVATTEN_CJSON_INCLUDE={include}",
        f"-DVATTEN_CJSON_LIBRARY={rooms.libraries_in(devel, 'arm64')}/libcjson.so"])


def _version(compiler):
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    found = [line for line in said.splitlines() if "lslang" in line.lower() and ":" in line]
    return found[0].rsplit(":", 1)[1].strip() if found else "of unknown version"


SPEC_CONSTANT_OP, SELECT, TYPE_ARRAY, TYPE_POINTER, WORKGROUP = 52, 169, 28, 32, 4  # SPIR-V's own numbers


def chosen_lengths(spirv):
    """How many shared arrays have a length that is chosen between constants: Qualcomm's driver computes wrongly with them."""
    words = [int.from_bytes(spirv[i:i + 4], "little") for i in range(20, len(spirv), 4)]
    chosen, arrays, shared, at = set(), set(), set(), 0
    while at < len(words):
        opcode = words[at] & 0xffff
        if opcode == SPEC_CONSTANT_OP and words[at + 3] == SELECT:
            chosen.add(words[at + 2])
        elif opcode == SPEC_CONSTANT_OP and chosen.intersection(words[at + 4:at + (words[at] >> 16)]):
            chosen.add(words[at + 2])  # computed from one that is
        elif opcode == TYPE_ARRAY and words[at + 3] in chosen:
            arrays.add(words[at + 1])
        elif opcode == TYPE_POINTER and words[at + 2] == WORKGROUP:
            shared.add(words[at + 3])
        at += words[at] >> 16
    return len(arrays & shared)


def check_kernels(place, folder):
    """Validates the kernels of a build by the folder's spirv-val: (names, what is wrong, version of glslang)."""
    checker = _wrapper(folder, place, "spirv-val")
    names, wrong = [], []
    for binary in sorted(glob.glob(os.path.join(place, "lib", "kernels", "*.spv"))):
        names.append(os.path.basename(binary)[:-4])
        with open(binary, "rb") as file:
            spirv = file.read()
        if "_matrix" not in names[-1] and chosen_lengths(spirv):  # Qualcomm's driver is given no matrices
            wrong.append(f"{names[-1]}: the length of a shared array is chosen between constants (see VT_SPEC_STAGE_WORDS)")
        newer = any(layout in names[-1] for layout in ("_matrix2", "_matrix_workgroup"))
        target = "vulkan1.3" if newer else "vulkan1.1"
        check = subprocess.run([checker, "--target-env", target, binary], capture_output=True, text=True, check=False)
        if check.returncode != 0:
            lines = check.stderr.strip().splitlines() or ["not valid"]
            wrong.append(f"{names[-1]}: {lines[0]}")
    return names, wrong + _unpacked(place, folder), _version(_wrapper(folder, place, "glslangValidator"))


def _unpacked(place, folder):
    """What is wrong with the kernels as the library unpacks them."""
    for program in ("spirv-dis", "spirv-val"):
        _wrapper(folder, place, program)
    test = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kernels", "test_kernel_files.py")
    done = subprocess.run([sys.executable, "-B", test, os.path.join(place, "tests", "kernels", "kernel_files"),
                           os.path.join(place, "lib", "kernels"), os.path.join(place, "unpacked")],
                          env={**os.environ, "PATH": place + os.pathsep + os.environ["PATH"]}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return [] if done.returncode == 0 else (done.stdout.strip().splitlines() or ["unpacked kernels were not checked"])[:1]
