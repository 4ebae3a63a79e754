# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
#
# Sourced by samples/run.sh, tests/run.sh and the run.sh of tests/drivers, tests/coverage and tests/valgrind: installs what is
# missing and builds, quietly, and does nothing the second time. Set `root` (the sources) and `build` (a folder) before. What is not shown goes to
# $build/setup.log.
#
#   setup_install sample|ring|test|docs|valgrind|drivers|check
#                               Debian and Ubuntu: apt-get for the packages that dpkg does not have. Elsewhere: checks that
#                               the programs are there. VATTEN_INSTALL=no skips this.
#   setup_conan                 Conan from PyPI, for one test
#   setup_configure [options]   cmake, with more options
#   setup_wheel                 pip for what builds a wheel of Python, where there is a network
#   setup_build target...
#
# Each returns non-zero after saying on stderr what is missing or showing the end of the log.

# "a|b": either will do, the first that the system knows is installed.
setup_packages_sample=(gcc libc6-dev cmake ninja-build glslang-tools libvulkan-dev libvulkan1 libvulkan-volk-dev
  mesa-vulkan-drivers libstb-dev libglfw3-dev)
setup_packages_ring=("${setup_packages_sample[@]}" libopenmpi-dev openmpi-bin)
# What docs/build.sh needs, and nothing else.
setup_packages_docs=(python3 python3-sphinx python3-myst-parser "furo|python3-sphinx-rtd-theme" python3-clang)
setup_packages_test=("${setup_packages_ring[@]}" "${setup_packages_docs[@]}" g++ "pkgconf|pkg-config" libcjson-dev libcmocka-dev dpkg-dev file
  vulkan-validationlayers spirv-tools python3-venv python3-numpy python3-matplotlib python3-cffi xvfb xdotool imagemagick x11-utils)

setup_packages_valgrind=("${setup_packages_test[@]}" valgrind)

# What tests/drivers needs on top: to fetch drivers, to build and run for arm64, and to build Mesa's shim for Intel.
setup_packages_drivers=("${setup_packages_test[@]}" mmdebstrap debian-archive-keyring qemu-user-static
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross python3-venv bison flex libdrm-dev libexpat1-dev zlib1g-dev
  libelf-dev xz-utils)

# What the checks before a change lands need on top.
setup_packages_check=("${setup_packages_drivers[@]}" clang lld clang-format lintian "libclang-rt-dev|libclang-rt-14-dev")

setup_programs_sample=(cmake cc "glslangValidator|glslang")
setup_programs_ring=("${setup_programs_sample[@]}" mpirun)
setup_programs_test=("${setup_programs_sample[@]}" c++ pkg-config spirv-val python3)
setup_programs_docs=(python3)
setup_programs_valgrind=("${setup_programs_test[@]}" valgrind)
setup_programs_drivers=("${setup_programs_test[@]}" mmdebstrap qemu-aarch64-static aarch64-linux-gnu-gcc ninja)
setup_programs_check=("${setup_programs_test[@]}" clang clang-format)

setup_complain() {
  printf 'setup: %s\n' "$*" >&2
}

setup_log() {
  mkdir -p "$build"
  printf '%s\n' "$build/setup.log"
}

# Runs a command with its output in the log, and shows the log's end if it fails.
setup_quietly() {
  local log first
  log=$(setup_log)
  printf '\n$ %s\n' "$*" >>"$log"
  first=$(($(wc -l <"$log") + 1))
  "$@" >>"$log" 2>&1 && return 0
  local status=$?
  setup_complain "failed: $*"
  tail -n "+$first" "$log" | tail -n 40 >&2
  setup_complain "the whole log: $log"
  return $status
}

setup_has_package() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

setup_knows_package() {
  # No pipe to grep -q, which leaves early: pipefail, where a script has it, takes that for a failure of apt-cache.
  [[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[!\(]* ]]
}

# The packages of the list that are not installed, one a line, alternatives as they stand.
setup_missing_packages() {
  local entry name found
  for entry in "$@"; do
    found=no
    for name in ${entry//|/ }; do
      if setup_has_package "$name"; then
        found=yes
      fi
    done
    if [ $found = no ]; then
      printf '%s\n' "$entry"
    fi
  done
}

# Turns "a|b" into the one that the package lists know; fails with the entry's name if they know none.
setup_choose_package() {
  local name
  for name in ${1//|/ }; do
    if setup_knows_package "$name"; then
      printf '%s\n' "$name"
      return 0
    fi
  done
  return 1
}

# Prints the chosen names, or nothing and fails; the unknown ones are then in setup_unknown.
setup_choose_packages() {
  local entry name
  setup_unknown=()
  setup_chosen=()
  for entry in "$@"; do
    if name=$(setup_choose_package "$entry"); then
      setup_chosen+=("$name")
    else
      setup_unknown+=("${entry%%|*}")
    fi
  done
  [ ${#setup_unknown[@]} -eq 0 ]
}

# apt-get, as root or by sudo.
setup_apt() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
  fi
  setup_quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"
}

setup_install_debian() {
  local missing
  mapfile -t missing < <(setup_missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    setup_complain "these packages are missing, and installing needs root or sudo: ${missing[*]%%|*}"
    return 1
  fi
  printf 'Installing with apt-get: %s\n' "${missing[*]%%|*}"
  # The lists of a fresh container are empty; those of an old one name versions that are gone.
  setup_apt update || setup_complain "going on with the package lists as they are"
  if ! setup_choose_packages "${missing[@]}"; then
    setup_complain "this system's package lists do not have: ${setup_unknown[*]}"
    setup_complain "Debian 12 and Ubuntu 22.04 (component 'universe') and later have them"
    return 1
  fi
  setup_apt install --no-install-recommends "${setup_chosen[@]}"
}

setup_check_programs() {
  local entry name found missing=()
  for entry in "$@"; do
    found=no
    for name in ${entry//|/ }; do
      if command -v "$name" >/dev/null; then
        found=yes
      fi
    done
    if [ $found = no ]; then
      missing+=("$entry")
    fi
  done
  if [ ${#missing[@]} -gt 0 ]; then
    setup_complain "these programs are needed: ${missing[*]}"
    setup_complain "and the headers of Vulkan, volk, stb, for the tests also cJSON and cmocka, and a Vulkan driver"
    return 1
  fi
}

setup_install() {
  local -n packages=setup_packages_$1 programs=setup_programs_$1
  if [ "${VATTEN_INSTALL:-yes}" = no ]; then
    return 0
  fi
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    setup_install_debian "${packages[@]}"
  else
    setup_check_programs "${programs[@]}"
  fi
}

# Conan for the test of its recipe, from PyPI into $build/conan; without it that test is skipped.
setup_conan() {
  if [ "${VATTEN_INSTALL:-yes}" = no ] || [ -x "$build/conan/bin/conan" ] || command -v conan >/dev/null; then
    return 0
  fi
  printf 'Installing with pip: conan\n'
  { setup_quietly python3 -m venv "$build/conan" && setup_quietly "$build/conan/bin/pip" -q install "conan>=2.1,<3"; } 2>/dev/null ||
    setup_complain "going on without Conan: the test of its recipe is skipped"
}

# What builds the wheel of the Python package stands in no package list of Debian 12: pip fetches it into a folder of the tests. Where that
# fails their test of the wheel is skipped and says so.
setup_wheel() {
  local folder=$build/tests/python/build
  if [ "${VATTEN_INSTALL:-yes}" = no ] || "$folder/bin/python" -c 'import scikit_build_core, cffi' 2>/dev/null; then
    return 0
  fi
  mkdir -p "$build/tests/python"
  { /usr/bin/env python3 -m venv --system-site-packages "$folder" &&
    "$folder/bin/python" -m pip install --disable-pip-version-check scikit-build-core cffi; } >>"$(setup_log)" 2>&1 ||
    setup_complain "no scikit-build-core from pip: the wheel of the Python package will not be tested"
}

setup_configure() {
  local generator=()
  # The generator is chosen once: naming another one later is an error.
  if [ ! -e "$build/CMakeCache.txt" ]; then
    printf 'Configuring in %s\n' "$build"
    if command -v ninja >/dev/null; then
      generator=(-G Ninja)
    fi
  fi
  setup_quietly cmake -S "$root" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release "$@"
}

setup_build() {
  printf 'Building (log: %s)\n' "$(setup_log)"
  setup_quietly cmake --build "$build" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}" \
    --target "$@"
}
