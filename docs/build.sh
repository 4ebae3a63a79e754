#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# docs/build.sh: makes the site of these pages, the headers and the Python package in build/site, to be read without a server. Installs
# what is missing on Debian and Ubuntu. Every warning is an error: a link, an anchor or a name that leads nowhere among
# them. VATTEN_BUILD names another build folder, VATTEN_INSTALL=no installs nothing.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${VATTEN_BUILD:-$root/build}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

setup_install docs

# Debian's modules are those of Debian's Python, which need not be the first one.
python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import clang.cindex, myst_parser, sphinx' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  setup_complain "Python needs the modules sphinx, myst_parser and clang (libclang), and a theme: furo or sphinx_rtd_theme"
  exit 1
fi

mkdir -p "$build"
rm -rf "${build:?}/site" # pages that are no more
"$python" -B "$root/docs/site/site_pages.py" "$root" "$build/site-source"
"$python" -B -m sphinx -q -W --keep-going -E -j 2 -c "$root/docs/site" -d "$build/site-cache" -b html "$build/site-source" "$build/site"
# Pages lie as in the repository; servers and readers look for a page at the top.
printf '<!DOCTYPE html>\n<meta charset="utf-8">\n<meta http-equiv="refresh" content="0; url=docs/index.html">\n<title>vatten</title>\n<a href="docs/index.html">vatten</a>\n' > "$build/site/index.html"
printf 'docs/build.sh: %s/index.html, %s pages\n' "$build/site" "$(find "$build/site" -name '*.html' | wc -l)"
