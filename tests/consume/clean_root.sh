#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/consume/clean_root.sh [picture] [program]
#
# How long a new user waits, on a Debian with nothing but its package manager (made by mmdebstrap in a folder of its own, entered by chroot):
#
#   picture   from the sources to the first denoised photograph, by samples/run.sh: at most 5 minutes
#   program   from the archive of sources to a program that links the installed library and has attended: at most 2 minutes
#
# Prints the seconds, of which those of apt-get apart, and fails above the bound. Needs root and a network; nothing outside of a temporary folder is
# changed. VATTEN_DRIVERS_MIRROR names another mirror of Debian.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")
work=$(mktemp -d)
trap 'umount "$work"/*/proc 2>/dev/null || true; rm -rf "$work"' EXIT

complain() {
  printf 'clean_root.sh: %s\n' "$*" >&2
  exit 1
}

mirror() {
  local named=${VATTEN_DRIVERS_MIRROR:-}
  [ -n "$named" ] || named=$(apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)' 2>/dev/null |
    sed -n 's/^Debian|[a-z]*|//p' | head -n 1)
  [ -n "$named" ] || complain "the apt sources name no mirror: set VATTEN_DRIVERS_MIRROR to one"
  printf '%s' "$named"
}

# A root of the packages that every Debian has, with /proc.
make_root() {
  local place=$work/$1
  printf 'Making a root of %s\n' "$suite"
  mmdebstrap --quiet --variant=minbase '--aptopt=Acquire::Check-Valid-Until "false"' "$suite" "$place" "$(mirror)" 2>"$work/root.log" ||
    { cat "$work/root.log" >&2; complain "no root could be made"; }
  cp /etc/resolv.conf "$place/etc/resolv.conf" 2>/dev/null || true
  mount -t proc proc "$place/proc"
}

inside() {
  local place=$work/$1
  shift
  chroot "$place" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive bash -euc "$*"
}

# judge NAME BOUND SECONDS OF_APT
judge() {
  printf '%s: %d seconds, of which apt-get %d; at most %d\n' "$1" "$3" "$4" "$2"
  [ "$3" -le "$2" ] || complain "$1 took more than $2 seconds"
}

picture() {
  local began apt
  make_root picture
  mkdir "$work/picture/vatten"
  git -C "$root" archive HEAD | tar -x -C "$work/picture/vatten"
  began=$SECONDS
  inside picture 'apt-get update -q >/log 2>&1; . /vatten/tools/setup.sh
    apt-get install -q -y --no-install-recommends "${setup_packages_sample[@]}" >>/log 2>&1' || { tail "$work/picture/log" >&2; complain "apt-get"; }
  apt=$((SECONDS - began))
  inside picture 'cd /vatten && samples/run.sh samples/denoise/coffee.png --noise 25'
  [ -s "$work/picture/vatten/build/pictures/coffee-denoised.png" ] || complain "there is no picture"
  judge picture 300 $((SECONDS - began)) "$apt"
}

# What a user writes: a project that finds the library, and samples/hello as its program.
write_project() {
  mkdir "$1"
  cp "$root/samples/hello/hello.c" "$1"
  cat >"$1/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.21)
project(app C)
find_package(vatten REQUIRED COMPONENTS context)
add_executable(app hello.c)
target_link_libraries(app PRIVATE vatten::context m)
END
}

program() {
  local archive began apt
  archive=$(find "${VATTEN_BUILD:-$root/build}" -name 'vatten-*source.tar.xz' -print -quit)
  [ -n "$archive" ] || complain "make the target source_archive first (in ${VATTEN_BUILD:-$root/build})"
  make_root program
  write_project "$work/program/app"
  cp "$archive" "$work/program/source.tar.xz"
  began=$SECONDS
  inside program 'apt-get update -q >/log 2>&1
    apt-get install -q -y --no-install-recommends gcc libc6-dev cmake make xz-utils libvulkan-dev libvulkan1 mesa-vulkan-drivers >>/log 2>&1' ||
    { tail "$work/program/log" >&2; complain "apt-get"; }
  apt=$((SECONDS - began))
  inside program 'tar -xf source.tar.xz; cd vatten*; exec >>/log 2>&1
    cmake -S . -B build -DVATTEN_TESTS=OFF -DVATTEN_TOOLS=OFF -DVATTEN_SAMPLES=OFF -DVATTEN_PYTHON=OFF
    cmake --build build --parallel; cmake --install build
    cmake -S /app -B /app/build; cmake --build /app/build' || { tail -n 30 "$work/program/log" >&2; complain "it does not build"; }
  inside program '/app/build/app'
  judge program 120 $((SECONDS - began)) "$apt"
}

[ "$(id -u)" -eq 0 ] || complain "needs root, for chroot"
command -v mmdebstrap >/dev/null || complain "needs mmdebstrap"
[ $# -gt 0 ] || set -- picture program
for name in "$@"; do
  case $name in
    picture | program) $name ;;
    *) complain "'$name' is neither picture nor program" ;;
  esac
done
