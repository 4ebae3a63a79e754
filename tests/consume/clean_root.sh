#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/consume/clean_root.sh [picture] [program] [deb] [tgz]
#
# How long a new user waits, and whether what they got is whole, on a Debian with nothing but its package manager (made by mmdebstrap in
# a folder of its own, entered by chroot):
#
#   picture   from the sources to the first denoised photograph, by samples/run.sh: at most 5 minutes
#   program   from the archive of sources to a program that links the installed library and has attended: at most 2 minutes
#   deb       the same from packages of Debian, which apt-get installs with all that they need; then purged, and nothing of them is left
#   tgz       the same from an archive of binaries, which tar unpacks in /usr/local; then removed likewise
#
# Programs are linked by CMake's find_package and by pkg-config. The last three take what a build has made, in build/ or VATTEN_BUILD: by
# the targets source_archive and package, and by the test consume.packages. Those may be of static libraries and of shared ones; each set
# gets a root. Prints the seconds, of which those of apt-get apart, and fails above the bound. Needs root and a network; nothing outside
# of a temporary folder is changed. VATTEN_DRIVERS_MIRROR names another mirror of Debian.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")
work=$(mktemp -d)
# What is still mounted there, if we are stopped while a root is made, is the system's.
trap 'umount "$work"/*/proc 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT

complain() {
  printf 'clean_root.sh: %s\n' "$*" >&2
  exit 1
}

mirror() {
  local named=${VATTEN_DRIVERS_MIRROR:-}
  [ -n "$named" ] || named=$(apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)' 2>/dev/null |
    sed -n 's/^Debian|[a-z]*|//p' | sed -n 1p)
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
  chroot "$place" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive bash -euc "$*" </dev/null
}

failed() {
  tail -n 30 "$work/$1/log" >&2
  complain "$1: $2"
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
    apt-get install -q -y --no-install-recommends "${setup_packages_sample[@]}" >>/log 2>&1' || failed picture "apt-get"
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

# root_with NAME PACKAGE...: a root with a compiler and the user's project. Sets `began`, when that user had nothing yet, and `apt`.
root_with() {
  local name=$1
  shift
  make_root "$name"
  write_project "$work/$name/app"
  began=$SECONDS
  inside "$name" "apt-get update -q >/log 2>&1
    apt-get install -q -y --no-install-recommends gcc libc6-dev cmake make pkg-config $* >>/log 2>&1" || failed "$name" "apt-get"
  apt=$((SECONDS - began))
}

# Links the project in both ways with what is installed, and runs it.
link_app() {
  local app
  inside "$1" 'exec >>/log 2>&1; cd /app; cmake -S . -B build; cmake --build build
    cc -std=c11 hello.c $(pkg-config --cflags --libs --static vatten-context) -lm -o linked' || failed "$1" "it does not link"
  for app in build/app linked; do
    inside "$1" "/app/$app >/said 2>>/log" || failed "$1" "/app/$app does not run"
    printf '%s: /app/%s: %s\n' "$1" "$app" "$(tail -n 1 "$work/$1/said")"
  done
}

# archives PATTERN TARGET: every file of this name that a build has made, one a line.
archives() {
  local build=${VATTEN_BUILD:-$root/build} found
  found=$(find "$build" -name _CPack_Packages -prune -o -name "$1" -print | sort)
  [ -n "$found" ] || complain "make the target $2 first (in $build)"
  printf '%s\n' "$found"
}

program() {
  local archive began apt
  archive=$(archives 'vatten-*source.tar.xz' source_archive | sed -n 1p)
  root_with program xz-utils libvulkan-dev libvulkan1 mesa-vulkan-drivers
  cp "$archive" "$work/program/source.tar.xz"
  inside program 'tar -xf source.tar.xz; cd vatten*; exec >>/log 2>&1
    cmake -S . -B build -DVATTEN_TESTS=OFF -DVATTEN_TOOLS=OFF -DVATTEN_SAMPLES=OFF -DVATTEN_PYTHON=OFF
    cmake --build build --parallel; cmake --install build' || failed program "it does not build"
  link_app program
  judge program 120 $((SECONDS - began)) "$apt"
}

# try_installed ROOT PREFIX: the loader knows shared libraries, a program is linked, and the tools run, where there are some.
try_installed() {
  local kind=static
  if [ -e "$work/$1$2/lib/libvatten.so" ]; then
    kind=shared
    inside "$1" 'ldconfig -p >/known; grep -q "libvatten\.so\." /known; grep -q "libvatten_context\.so\." /known' ||
      complain "$1: ldconfig does not know the libraries"
  fi
  link_app "$1"
  if [ -e "$work/$1$2/bin/vatten_info" ]; then
    kind="$kind, with tools"
    inside "$1" 'vatten_info >/said 2>>/log' || failed "$1" "vatten_info does not run"
  fi
  judge "$1: $kind" 120 $((SECONDS - began)) "$apt"
}

# Nothing bears the library's name any more but what was fetched.
judge_removed() {
  local left
  left=$(inside "$1" 'find / -xdev -path /archives -prune -o -name "*vatten*" -print; ldconfig -p | grep vatten || true')
  [ -z "$left" ] || complain "$1: what was installed is removed, but this is left: $left"
  printf '%s: removed, and nothing is left\n' "$1"
}

# Only a compiler is there before: what apt-get brings along by itself has to do, a driver included.
deb() {
  local developments development name number=0 began apt asked
  developments=$(archives 'libvatten-dev_*.deb' package)
  while IFS= read -r development; do
    number=$((number + 1))
    name=deb$number
    root_with "$name"
    mkdir "$work/$name/archives"
    find "$(dirname "$development")" -maxdepth 1 -name '*vatten*.deb' -exec cp {} "$work/$name/archives" \;
    asked=$SECONDS
    inside "$name" 'cd /archives; apt-get install -q -y ./*.deb >>/log 2>&1' || failed "$name" "apt-get does not install the packages"
    apt=$((apt + SECONDS - asked))
    try_installed "$name" /usr
    inside "$name" 'cd /archives; names=$(for file in *.deb; do dpkg-deb -f "$file" Package; done)
      apt-get purge -q -y $names >>/log 2>&1' || failed "$name" "apt-get does not remove the packages"
    judge_removed "$name"
  done <<<"$developments"
}

# cJSON is for tools.
tgz() {
  local packed archive name number=0 began apt
  packed=$(archives 'vatten-*.tar.gz' package)
  while IFS= read -r archive; do
    number=$((number + 1))
    name=tgz$number
    root_with "$name" libvulkan-dev libvulkan1 mesa-vulkan-drivers libcjson1
    mkdir "$work/$name/archives"
    cp "$archive" "$work/$name/archives"
    inside "$name" 'stat -c "%a %n" /usr/local/* >/modes; tar -C /usr/local --strip-components=1 -xzf /archives/*.tar.gz; ldconfig' ||
      complain "$name: it cannot be unpacked"
    try_installed "$name" /usr/local
    inside "$name" 'stat -c "%a %n" /usr/local/* | diff /modes -' || complain "$name: folders of /usr/local have other modes than before"
    inside "$name" 'cd /usr/local; tar -tzf /archives/*.tar.gz | cut -d / -f 2- | sort -r >/names
      grep -v "/$" /names | xargs rm; grep "vatten/$" /names | xargs rmdir; ldconfig' || complain "$name: it cannot be removed"
    judge_removed "$name"
  done <<<"$packed"
}

[ "$(id -u)" -eq 0 ] || complain "needs root, for chroot"
command -v mmdebstrap >/dev/null || complain "needs mmdebstrap"
[ $# -gt 0 ] || set -- picture program deb tgz
for name in "$@"; do
  case $name in
    picture | program | deb | tgz) $name ;;
    *) complain "'$name' is none of picture, program, deb and tgz" ;;
  esac
done
