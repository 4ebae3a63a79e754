#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/coverage/run.sh [--missed] [--json FILE] [--lines PERCENT] [--branches PERCENT] [--tests PATTERN]
#
# Which lines and branches of lib/ the tests reach: builds with gcc's --coverage in build/coverage, runs the unit tests and those
# on a device that take few seconds, and prints a table, the least covered file first. Ends with 1 below 95 % of the lines or
# 85 % of the branches. --missed also names the lines; --tests runs others, a pattern for ctest -R. VATTEN_BUILD names another
# build folder, VATTEN_INSTALL=no installs nothing.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${VATTEN_BUILD:-$root/build/coverage}
tests='^unit\.|^gpu\.(harness|recording|record_parts|statistics|cache_file|tuning|append|pool|repack)$|^fuzz\.replay_'
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

report=()
while [ $# -gt 0 ]; do
  case $1 in
    --tests) tests=$2; shift 2 ;;
    --json | --lines | --branches) report+=("$1" "$2"); shift 2 ;;
    --missed) report+=("$1"); shift ;;
    *) sed -n '3,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done

setup_install test
setup_configure -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS=--coverage -O0 -fprofile-abs-path" -DVATTEN_TESTS=ON \
  -DVATTEN_TOOLS=OFF -DVATTEN_SAMPLES=OFF -DVATTEN_CONTEXT=ON
setup_build all
find "$build" -name '*.gcda' -delete

# The counters of gcov are no atomics, which is all that the thread sanitizer would see.
ctest --test-dir "$build" -R "$tests" -E threads_tsan --parallel "$(nproc)" --output-on-failure --no-tests=error >"$build/tests.log" 2>&1 ||
  { tail -n 60 "$build/tests.log"; exit 1; }
exec python3 -B "$here/coverage.py" "$build" "$root/lib" "${report[@]}"
