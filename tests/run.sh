#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/run.sh [options of ctest], for example: tests/run.sh -R dense
#
# Installs what is missing, builds everything in build/ and runs the tests. The last line counts them; the exit
# status is ctest's. VATTEN_BUILD names another build folder, VATTEN_INSTALL=no installs nothing.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${VATTEN_BUILD:-$root/build}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

setup_install test
setup_conan
setup_wheel
setup_configure -DVATTEN_TESTS=ON -DVATTEN_TOOLS=ON -DVATTEN_SAMPLES=ON -DVATTEN_CONTEXT=ON
setup_build all

# Lines of ctest's report for machines. Its own sums count a test whose program is missing as skipped; here it
# failed.
count() {
  grep -cE "$1" "$build/tests.xml" || true
}

# More than four would only wait for one another on the device, and share its memory.
at_once=${CTEST_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}
[ "$at_once" -le 4 ] || at_once=4

log=$build/tests.log
line='^ *[0-9]+/[0-9]+ Test '
rm -f "$build/tests.xml"
printf 'Testing (log: %s)\n' "$log"
set +e
ctest --test-dir "$build" --parallel "$at_once" --output-on-failure --no-tests=error --output-junit "$build/tests.xml" "$@" 2>&1 |
  tee "$log" | grep --line-buffered -E "$line"
status=${PIPESTATUS[0]}
set -e

if [ "$status" -ne 0 ]; then
  grep -vE "$line|^ *Start +[0-9]+" "$log" | head -n 150
fi
if [ ! -s "$build/tests.xml" ]; then
  printf 'tests/run.sh: no test ran\n' >&2
  exit "$status"
fi
passed=$(count '^\s*<testcase .*status="run"')
skipped=$(($(count '^\s*<skipped message="SKIP_') + $(count '^\s*<testcase .*status="disabled"')))
failed=$(($(count '^\s*<testcase ') - passed - skipped))
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$status"
