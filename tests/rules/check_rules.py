#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the source tree to its own rules: what each room may include, SPDX lines, lengths, unique names.

    check_rules.py ROOT

Prints each broken rule as file:line and ends with 1 if there is any. Needs nothing but Python.
"""
import os
import re
import statistics
import sys

MOST_FILE_LINES = 600
MOST_FUNCTION_LINES = 100
SOURCE_ENDINGS = (".c", ".h", ".cpp", ".glsl", ".comp", ".cmake", ".py", ".sh")
SKIPPED_FOLDERS = {".git", "build", "build-release", "golden", "data"}

# Rooms of lib/, by the stem of their files.
def pure_rooms(root):
    """The sources of the object library that has no Vulkan, as lib/CMakeLists.txt lists them, and a header without one."""
    with open(os.path.join(root, "lib", "CMakeLists.txt"), encoding="utf-8") as file:
        sources = re.search(r"add_library\(vatten_pure OBJECT([^)]*)\)", file.read()).group(1)
    return {name[:-2] for name in sources.split() if name.endswith(".c") and "/" not in name} | {"ops"}


ALLOCATING = re.compile(r"\b(malloc|calloc|realloc|free|aligned_alloc|alloca|vt_alloc|vt_release)\s*\(")
LOCKING = re.compile(r"\b(vt_mutex_\w+|pthread_\w+)\s*\(")
COMPILING = re.compile(r"\b(CreateComputePipelines|CreateShaderModule|vt_pipeline_get)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
PUBLIC_ALLOWED = {"stdbool.h", "stddef.h", "stdint.h", "vatten/vatten.h", "vatten/dense.h", "vatten/cache.h",
                  "vatten/mass.h",
                  "vatten/neighborhood.h", "vatten/lists.h", "vatten/presets.h", "vatten/pipeline_file.h"}


class Tree:
    def __init__(self, root):
        self.root = root
        self.broken = 0
        self.files = sorted(self.walk())
        self.pure = pure_rooms(root)

    def walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and not os.path.exists(
                os.path.join(folder, f, "CMakeCache.txt"))]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def complain(self, path, line, rule):
        self.broken += 1
        print(f"{path}:{line}: {rule}")


def without_comments(text):
    """Comments and literals blanked, line breaks kept, so that numbers of lines stay right."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def includes(text):
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2)


def is_vulkan(name):
    return name.startswith(("vulkan/", "volk")) or name in ("vk.h", "vk_platform.h")


def check_public(tree, path):
    for number, name in includes(tree.text(path)):
        if name not in PUBLIC_ALLOWED:
            tree.complain(path, number, f"a public header includes {name}")


def check_pure(tree, path, stem):
    text = tree.text(path)
    for number, name in includes(text):
        inner = os.path.splitext(os.path.basename(name))[0]
        if is_vulkan(name):
            tree.complain(path, number, f"a pure room includes {name}")
        if name in ("alloc.h", "thread.h", "probe.h", "device.h", "pipeline.h", "plan.h", "recorder.h"):
            tree.complain(path, number, f"a pure room includes the effect room {name}")
        if stem.startswith("op_") and inner.startswith("op_") and inner != stem:
            tree.complain(path, number, f"an operator includes another one: {name}")
    complain_calls(tree, path, text, ALLOCATING, "a pure room allocates")


def complain_calls(tree, path, text, pattern, rule):
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        if pattern.search(line):
            tree.complain(path, number, rule)


# What the effect rooms may include of this project: file stem -> headers.
EFFECT_ALLOWED = {
    "vk": {"log.h", "newvulkan/matrix_scope.h", "newvulkan/newvulkan.h", "vk.h"},
    "probe": {"caps.h", "quirks.h", "vk.h", "probe.h", "alloc.h", "log.h"},
    "pipeline": {"alloc.h", "device.h", "steps.h", "thread.h", "vk.h", "pipeline.h", "log.h", "kernels.h"},
    "record": {"plan.h", "recorder.h", "log.h", "steps.h"},
    "alloc": {"alloc.h"},
    "thread": {"thread.h"},
}


def check_effect(tree, path, stem):
    text = tree.text(path)
    allowed = EFFECT_ALLOWED.get(stem)
    for number, name in includes(text):
        ours = os.path.exists(os.path.join(tree.root, "lib", name))
        if allowed is not None and ours and name not in allowed:
            tree.complain(path, number, f"{stem} may not include {name}")
        if name.startswith("volk"):
            tree.complain(path, number, "the core does not know volk")
    if stem == "record":
        complain_calls(tree, path, text, ALLOCATING, "record allocates")
        complain_calls(tree, path, text, LOCKING, "record locks")
        complain_calls(tree, path, text, COMPILING, "record compiles")


DRIVER = re.compile(r"\bVT_DRIVER_\w+")


def check_lib(tree, path):
    if os.path.basename(path) not in ("quirks.c", "quirks.h", "caps.h"):
        complain_calls(tree, path, tree.text(path), DRIVER, "only the table of quirks knows drivers")
    stem = os.path.splitext(os.path.basename(path))[0]
    if path.endswith((".c", ".h")):
        (check_pure if stem in tree.pure else check_effect)(tree, path, stem)


def check_guest(tree, path):
    """context, samples and tools stand on the public headers alone (and on the oracle)."""
    folder = os.path.dirname(path)
    for number, name in includes(tree.text(path)):
        beside = os.path.exists(os.path.join(tree.root, folder, name))
        core = os.path.exists(os.path.join(tree.root, "lib", name)) or name.startswith("iface/")
        if core and not beside:
            tree.complain(path, number, f"{name} belongs to the library's inside")


def check_rooms(tree):
    for path in tree.files:
        if not path.endswith((".c", ".h", ".cpp")):
            continue
        if path.startswith("include/"):
            check_public(tree, path)
        elif path.startswith(("lib/context/", "samples/", "tools/")):
            check_guest(tree, path)
        elif path.startswith("lib/"):
            check_lib(tree, path)


# Adreno 840 computes wrongly in workgroups of more dimensions (pytorch/executorch#22328).
MORE_DIMENSIONS = re.compile(r"\blocal_size_[yz](_id\b|\s*=(?!\s*1\b))")


def check_shaders(tree):
    for path in tree.files:
        if path.startswith("shaders/") and path.endswith((".comp", ".glsl")):
            complain_calls(tree, path, tree.text(path), MORE_DIMENSIONS, "a workgroup has one dimension")


def check_files(tree):
    names = {}
    for path in tree.files:
        name = os.path.basename(path)
        if not path.endswith(SOURCE_ENDINGS) and name != "CMakeLists.txt":
            continue
        text = tree.text(path)
        if "SPDX-License-Identifier: MIT" not in "\n".join(text.split("\n")[:3]):
            tree.complain(path, 1, "no SPDX line")
        if text.count("\n") > MOST_FILE_LINES:
            tree.complain(path, MOST_FILE_LINES, f"more than {MOST_FILE_LINES} lines")
        if name != "CMakeLists.txt":
            names.setdefault(name, []).append(path)
    for name, paths in sorted(names.items()):
        # consumer projects look like strangers, each with its own main; stand-ins are named as what they stand for; run.sh is what a folder is run by; Conan looks for its file
        paths = [p for p in paths if not p.startswith(("tests/consume/", "tests/android/ndk_stub/")) and name not in ("run.sh", "conanfile.py")]
        for path in paths[1:]:
            tree.complain(path, 1, f"the name {name} is taken by {paths[0]}")


# What leaves a pipe before its end kills what writes into it, and then a pipe fails that did its work: now and then, and not everywhere.
LEAVES_EARLY = re.compile(r"(?<!\|)\|\s*(?:grep\s+-\w*q|head\b)")


def check_scripts(tree):
    for path in tree.files:
        text = tree.text(path) if path.endswith((".sh", "/run")) else ""
        if "pipefail" in text or path == "tools/setup.sh":  # which others source
            for match in LEAVES_EARLY.finditer(text):
                tree.complain(path, text.count("\n", 0, match.start()) + 1, "leaves a pipe early, which pipefail takes for a failure")


FUNCTION = re.compile(r"^[A-Za-z_][^;{}=#]*\)\s*\{", re.M)


def functions(text):
    """(first line, lines between the braces) of each function in C or GLSL that begins in the first column."""
    text = without_comments(text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)
    for match in FUNCTION.finditer(text):
        depth = 1
        at = match.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield text.count("\n", 0, match.start()) + 1, max(text.count("\n", match.end(), at) - 1, 0)


def check_functions(tree):
    lengths = {}
    for path in tree.files:
        if not path.endswith((".c", ".cpp", ".comp", ".glsl")):
            continue
        for line, length in functions(tree.text(path)):
            lengths.setdefault(path.split("/")[0], []).append(length)
            if length > MOST_FUNCTION_LINES:
                tree.complain(path, line, f"a function of {length} lines, more than {MOST_FUNCTION_LINES}")
    if len(lengths.get("lib", [])) < 50:
        tree.complain("lib", 0, "the functions were not found: this check is broken")
    for folder, found in sorted(lengths.items()):
        found.sort()
        print(f"{folder}: {len(found)} functions, median {statistics.median(found):g} lines, "
              f"90 % up to {found[len(found) * 9 // 10]}, longest {found[-1]}")


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    tree = Tree(sys.argv[1])
    check_rooms(tree)
    check_shaders(tree)
    check_files(tree)
    check_scripts(tree)
    check_functions(tree)
    print(f"{len(tree.files)} files, {tree.broken} broken rules")
    return 1 if tree.broken else 0


if __name__ == "__main__":
    sys.exit(main())
