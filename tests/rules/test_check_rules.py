#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_rules.py against a small tree that breaks each rule once: a check that finds nothing is no check."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_rules  # noqa: E402

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def broken(files):
    """The complaints about a tree of these files: (path, line, rule)."""
    files = {"lib/CMakeLists.txt": "# SPDX-License-Identifier: MIT\nadd_library(vatten_pure OBJECT\n  caps.c steps.c tune.c op_attention.c op_neighborhood.c)\n", **files}
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        tree = check_rules.Tree(root)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            check_rules.check_rooms(tree)
            check_rules.check_shaders(tree)
            check_rules.check_files(tree)
            check_rules.check_scripts(tree)
            check_rules.check_functions(tree)
        lines = said.getvalue().splitlines()
        return [line for line in lines if "were not found" not in line and "functions, median" not in line]


class Rules(unittest.TestCase):
    def assert_broken(self, path, text, rule, others=None):
        files = dict(others or {})
        files[path] = text
        found = broken(files)
        self.assertTrue(any(line.startswith(path) and rule in line for line in found), f"{rule!r} not in {found}")

    def assert_kept(self, path, text, others=None):
        files = dict(others or {})
        files[path] = text
        self.assertEqual(broken(files), [])

    def test_a_public_header_includes_three_headers_only(self):
        self.assert_kept("include/vatten/vatten.h", SPDX + "#include <stdint.h>\n")
        self.assert_broken("include/vatten/vatten.h", SPDX + "#include <stdio.h>\n", "includes stdio.h")
        self.assert_broken("include/vatten/vatten.h", SPDX + "#include <vulkan/vulkan.h>\n", "includes vulkan/vulkan.h")

    def test_no_pipe_is_left_early_under_pipefail(self):
        script = "# SPDX-License-Identifier: MIT\nset -euo pipefail\n"
        self.assert_broken("tools/a.sh", script + "apt-cache policy x | grep -q y\n", "leaves a pipe early")
        self.assert_broken("tools/a.sh", script + "sort x |\n  head -n 1\n", "leaves a pipe early")
        self.assert_kept("tools/a.sh", script + "grep -q y x || head -n 1 x | sed -n 1p\n")
        self.assert_kept("tools/a.sh", "# SPDX-License-Identifier: MIT\nset -eu\nsort x | head -n 1\n")

    def test_a_pure_room_knows_no_vulkan(self):
        self.assert_broken("lib/tune.c", SPDX + "#include <vulkan/vulkan_core.h>\n", "includes vulkan/vulkan_core.h")
        self.assert_broken("lib/tune.h", SPDX + '#  include "vk.h"\n', "includes vk.h")
        self.assert_broken("lib/caps.c", SPDX + '#include "device.h"\n', "effect room device.h")

    def test_only_the_quirks_know_drivers(self):
        driver = SPDX + "int f(const vt_caps *caps) {\n    return caps->driver_id == VT_DRIVER_NVK;\n}\n"
        self.assert_broken("lib/tune.c", driver, ":3: only the table of quirks knows drivers")
        self.assert_broken("lib/probe.c", driver, "only the table of quirks")
        self.assert_kept("lib/quirks.c", driver)

    def test_workgroups_have_one_dimension(self):
        head = SPDX + "layout(local_size_x_id = 0, "
        self.assert_kept("shaders/a.comp", head + "local_size_y = 1, local_size_z = 1) in;\n")
        for wrong in ("local_size_y = 8) in;\n", "local_size_y = 1, local_size_z = 16) in;\n", "local_size_y_id = 1) in;\n"):
            self.assert_broken("shaders/lib/a.glsl", head + wrong, ":2: a workgroup has one dimension")

    def test_a_pure_room_does_not_allocate(self):
        self.assert_broken("lib/steps.c", SPDX + "void *f(void) {\n    return malloc(3);\n}\n", ":3: a pure room allocates")
        self.assert_kept("lib/steps.c", SPDX + "/* no malloc(3) here */\nconst char *f = \"free(x)\";\n")

    def test_operators_do_not_know_each_other(self):
        self.assert_broken("lib/op_attention.c", SPDX + '#include "op_neighborhood.h"\n', "another one")

    def test_vk_knows_nothing_of_attention(self):
        self.assert_broken("lib/vk.c", SPDX + '#include "steps.h"\n', "vk may not include steps.h", {"lib/steps.h": SPDX})

    def test_pipeline_knows_no_problem(self):
        self.assert_broken("lib/pipeline.c", SPDX + '#include "problem.h"\n', "may not include problem.h",
                           {"lib/problem.h": SPDX})

    def test_recording_neither_allocates_nor_locks_nor_compiles(self):
        body = SPDX + "void f(void) {\n    %s;\n}\n"
        self.assert_broken("lib/record.c", body % "vt_alloc(a, 3)", "record allocates")
        self.assert_broken("lib/record.c", body % "vt_mutex_lock(&m)", "record locks")
        self.assert_broken("lib/record.c", body % "vk->CreateComputePipelines(x)", "record compiles")
        self.assert_broken("lib/record.c", SPDX + '#include "alloc.h"\n', "may not include alloc.h", {"lib/alloc.h": SPDX})

    def test_guests_see_public_headers_only(self):
        inside = {"lib/tune.h": SPDX}
        for folder in ("lib/context", "samples/hello", "tools"):
            self.assert_broken(f"{folder}/x.c", SPDX + '#include "tune.h"\n', "inside", inside)
            self.assert_broken(f"{folder}/x.c", SPDX + "#include <iface/interface.h>\n", "inside")
            self.assert_kept(f"{folder}/x.c", SPDX + "#include <vatten/vatten.h>\n", inside)

    def test_every_source_has_its_license(self):
        self.assert_broken("tools/x.c", "int x;\n", "no SPDX line")
        self.assert_broken("tools/CMakeLists.txt", "\n", "no SPDX line")
        self.assert_kept("tools/x.txt", "\n")

    def test_files_and_functions_are_short(self):
        self.assert_broken("tools/x.c", SPDX + "\n" * 600, "more than 600 lines")
        self.assert_kept("tools/x.c", SPDX + "\n" * 599)
        self.assert_broken("tools/x.c", SPDX + "int f(void) {\n" + "    g();\n" * 101 + "}\n", "function of 101 lines")
        self.assert_kept("tools/x.c", SPDX + "int f(void) {\n" + "    g();\n" * 100 + "}\n")
        self.assert_broken("tools/x.c", SPDX + "int f(int a,\n      int b)\n{\n" + "    g();\n" * 101 + "}\n", ":2: a function")

    def test_names_are_unique(self):
        self.assert_broken("tools/x.c", SPDX, "taken by samples/x.c", {"samples/x.c": SPDX})


if __name__ == "__main__":
    unittest.main()
