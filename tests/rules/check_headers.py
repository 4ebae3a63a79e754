#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every public header alone, in C and in C++, before and after Vulkan's own header, strictly.

    check_headers.py C_COMPILER CXX_COMPILER HEADER_FOLDER VULKAN_FOLDER

"" as CXX_COMPILER leaves C++ out. Prints what failed and ends with 1 if anything did.
"""
import glob
import os
import subprocess
import sys

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
VULKAN = "#include <vulkan/vulkan.h>\n"
# Where vatten.h declares a handle itself it must be the very type that Vulkan declares.
USE = "VkBuffer vatten_test_buffer(vatten_buffer b);\nVkBuffer vatten_test_buffer(vatten_buffer b) { return b.buffer; }\n"


def around(include):
    """Texts to compile: name -> source."""
    use = USE
    return {
        "alone": include + use,
        "twice": include + include + use,
        "before Vulkan": include + VULKAN + use,
        "after Vulkan": VULKAN + include + use,
        "before Vulkan without prototypes": "#define VK_NO_PROTOTYPES\n" + include + VULKAN + use,
        "after Vulkan without prototypes": "#define VK_NO_PROTOTYPES\n" + VULKAN + include + use,
    }


def compile_text(compiler, language, standard, folders, text):
    command = [compiler, "-x", language, f"-std={standard}", *FLAGS]
    # the folder of the headers under test is not a system one: its warnings count
    command += [f"-I{folders[0]}"] + [f"-isystem{f}" for f in folders[1:] if f not in ("/usr/include", "")] + ["-"]
    return subprocess.run(command, input=text, text=True, capture_output=True, check=False)


def main():
    if len(sys.argv) != 5:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    c, cxx, folder, vulkan = sys.argv[1:]
    languages = [(c, "c", "c11"), (c, "c", "c17")]
    if cxx:
        languages += [(cxx, "c++", "c++11"), (cxx, "c++", "c++17")]
    headers = sorted(glob.glob(os.path.join(folder, "vatten", "*.h")))
    tried = failed = 0
    for header in headers:
        include = f"#include <vatten/{os.path.basename(header)}>\n"
        for compiler, language, standard in languages:
            for name, text in around(include).items():
                result = compile_text(compiler, language, standard, (folder, vulkan), text)
                tried += 1
                if result.returncode != 0:
                    failed += 1
                    print(f"{os.path.basename(header)}, {standard}, {name}:\n{result.stderr}")
    print(f"{len(headers)} headers, {tried} compilations, {failed} failed")
    return 1 if failed or len(headers) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
