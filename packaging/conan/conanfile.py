# SPDX-License-Identifier: MIT
"""A recipe for Conan 2 that stands in the tree it packages, a checkout or an unpacked archive of sources:

    conan create packaging/conan --build=missing
    conan create packaging/conan --build=missing -o "vatten/*:shared=True" -o "vatten/*:context=False"
"""
import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir, update_conandata

required_conan_version = ">=2.1"


class VattenRecipe(ConanFile):
    name = "vatten"
    description = "Attention recorded into your own Vulkan command buffer"
    license = "MIT"
    topics = ("vulkan", "attention", "compute", "gpu")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "context": [True, False]}
    default_options = {"shared": False, "fPIC": True, "context": True}
    implements = ["auto_shared_fpic"]
    languages = "C"

    @property
    def _tree(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", ".."))

    def set_version(self):
        """The project's own: the recipe has none."""
        for line in load(self, os.path.join(self._tree, "CMakeLists.txt")).splitlines():
            if line.startswith("project(vatten VERSION "):
                self.version = line.split()[2]

    def export(self):
        # What is packaged later lies in a cache, where the tree cannot be looked at.
        update_conandata(self, {"prebuilt": os.path.exists(os.path.join(self._tree, "shaders", "prebuilt", "digest.txt"))})

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "lib/*", "shaders/*"):
            copy(self, pattern, self._tree, self.export_sources_folder)

    def requirements(self):
        self.requires("vulkan-headers/[>=1.3.204]", visible=False, libs=False, run=False)

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.21]")
        if not self.conan_data["prebuilt"]:
            self.tool_requires("glslang/[>=1.3 <2]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "VATTEN_CONTEXT": bool(self.options.context), "VATTEN_INSTALL": True, "VATTEN_TOOLS": False, "VATTEN_PYTHON": False,
            "VATTEN_SAMPLES": False, "VATTEN_TESTS": False,
            "VATTEN_VULKAN_INCLUDE": self.dependencies["vulkan-headers"].cpp_info.includedirs[0].replace("\\", "/")})
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("cmake", "pkgconfig"):  # Conan writes these for its users
            rmdir(self, os.path.join(self.package_folder, "lib", folder))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "vatten")
        core = self.cpp_info.components["vatten"]
        core.set_property("cmake_target_name", "vatten::vatten")
        core.set_property("pkg_config_name", "vatten")
        core.libs = ["vatten"]
        if self.options.shared:
            core.defines = ["VATTEN_SHARED"]
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["m", "pthread"]
        if self.options.context:
            self._context_info()

    def _context_info(self):
        context = self.cpp_info.components["context"]
        context.set_property("cmake_target_name", "vatten::context")
        context.set_property("pkg_config_name", "vatten-context")
        context.libs = ["vatten_context"]
        context.requires = ["vatten"]
        if self.settings.os in ("Linux", "FreeBSD"):
            context.system_libs = ["dl"]
