# SPDX-License-Identifier: MIT
"""Sphinx's settings for the site of docs/build.sh. Its sources are what site_pages.py gathered."""
import re
from importlib.util import find_spec
from pathlib import Path

here = Path(__file__).resolve().parent
header = (here.parents[1] / "include" / "vatten" / "vatten.h").read_text(encoding="utf-8")
numbers = [re.search(rf"VATTEN_VERSION_{part} (\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH")]

project = "vatten"
copyright = "the authors of vatten, MIT"  # noqa: A001: Sphinx calls it so
version = release = ".".join(numbers)
html_title = f"vatten {release}"

extensions = ["myst_parser"]
root_doc = "docs/index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
language = "en"

# Headings get the anchors that they have in a repository's viewer, so that one link serves both.
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a page may begin with a heading of any level
highlight_language = "none"
html_theme = "furo" if find_spec("furo") else "sphinx_rtd_theme"
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False  # one package is no list

# A name in a signature that has no description is an error, unless it is C's or Vulkan's.
nitpicky = True
foreign = ("bool size_t uint8_t uint32_t uint64_t int32_t int64_t "
           "AHardwareBuffer VkInstance VkPhysicalDevice VkDevice VkBuffer VkCommandBuffer VkPipelineCache PFN_vkGetInstanceProcAddr").split()
nitpick_ignore = [("c:identifier", name) for name in foreign] + [("py:class", "np.ndarray"), ("py:class", "Buffer")]
