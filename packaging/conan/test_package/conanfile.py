# SPDX-License-Identifier: MIT
"""What `conan create` runs on the package: programs that strangers could have written, of tests/consume/app."""
import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout

NO_DEVICE = 77


class VattenTest(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "VirtualRunEnv"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["WANT_CONTEXT"] = bool(self.dependencies["vatten"].options.context)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if not can_run(self):
            return
        programs = ["version"]
        if self.dependencies["vatten"].options.context:
            programs.append("average")
        for program in programs:
            path = os.path.join(self.cpp.build.bindir, program)
            status = self.run(f'"{path}"', env="conanrun", ignore_errors=True)
            if status not in (0, NO_DEVICE) or (program == "version" and status):
                raise RuntimeError(f"{program} ended with {status}")
