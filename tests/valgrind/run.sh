#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/valgrind/run.sh [options of ctest], for example: tests/valgrind/run.sh -R unit.faults
#
# The unit tests under valgrind's memcheck: no byte is read before it is written or outside of its block, and none is left behind.
# Random cases are taken by one in fifty (VATTEN_UNIT_SHARE), since everything runs thirty times slower. VATTEN_BUILD names another
# build folder, VATTEN_INSTALL=no installs nothing.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${VATTEN_BUILD:-$root/build/valgrind}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

setup_install valgrind
memcheck="valgrind;--quiet;--error-exitcode=9;--leak-check=full;--errors-for-leak-kinds=definite,indirect,possible"
setup_configure -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVATTEN_TESTS=ON -DVATTEN_TOOLS=OFF -DVATTEN_SAMPLES=OFF -DVATTEN_CONTEXT=ON \
  "-DCMAKE_CROSSCOMPILING_EMULATOR=$memcheck"
setup_build all

export VATTEN_UNIT_SHARE=${VATTEN_UNIT_SHARE:-50}
# The program of the thread sanitizer watches memory itself, which goes with no other.
ctest --test-dir "$build" -L unit -E threads_tsan --timeout 3000 --parallel "$(nproc)" --output-on-failure --no-tests=error "$@"
