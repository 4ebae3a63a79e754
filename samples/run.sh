#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# samples/run.sh [photo.png|jpg ...] [options of denoise]
#
# Installs what is missing, builds the sample `denoise` in build/ and denoises a photograph: the given one, or
# the one beside the sample with noise added, to have something to measure. Several photographs are the frames
# of a sequence. VATTEN_BUILD names another build folder, VATTEN_INSTALL=no installs nothing.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${VATTEN_BUILD:-$root/build}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

photos=()
while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
  photos+=("$1")
  shift
done
options=()
if [ ${#photos[@]} -eq 0 ]; then
  photos=("$root/samples/denoise/coffee.png")
  options=(--noise 25)
fi

setup_install sample
if [ ! -e "$build/CMakeCache.txt" ]; then
  setup_configure -DVATTEN_TESTS=OFF -DVATTEN_TOOLS=OFF
fi
setup_build denoise

pictures=$build/pictures
name=$(basename "${photos[0]%.*}")
number=
if [ ${#photos[@]} -gt 1 ] || [[ $name == *%*d* ]]; then
  name=${name%%%*}
  name=${name%[-_]}
  name=${name:-frame}
  number=-%03d
fi
mkdir -p "$pictures"
exec "$build/samples/denoise/denoise" "${photos[@]}" -o "$pictures/$name-denoised$number.png" \
  --side-by-side "$pictures/$name-side-by-side.png" "${options[@]}" "$@"
