#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/drivers/run.sh [--list] [--only PATTERN]... [--audit|--loops|--execute] [--full] [--refresh] [--table FILE]
#
# Every kernel on the compilers of AMD, NVIDIA, Intel, ARM, Qualcomm, Apple, Broadcom and Imagination devices, and
# the GPU tests on software devices of several versions and widths. Needs no GPU. Drivers come as packages into a
# folder of their own (README.md beside this file); the system is not changed but for the packages that
# tools/setup.sh installs. VATTEN_BUILD names another build folder, VATTEN_INSTALL=no installs nothing.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${VATTEN_BUILD:-$root/build}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

for word in "$@"; do
  case $word in
    --list | --help | -h) exec python3 -B "$here/drivers.py" --build "$build" "$@" ;;
  esac
done

setup_install drivers
exec python3 -B "$here/drivers.py" --build "$build" "$@"
