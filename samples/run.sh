#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# samples/run.sh                                          the first two of these, with what they have by themselves
# samples/run.sh [photo.png|jpg ...] [options of denoise]
# samples/run.sh long_context [options of long_context]
# samples/run.sh decode [options of decode]
# samples/run.sh viewer [photo.png|jpg ...] [options of viewer]
# samples/run.sh ring [options of ring]
#
# Installs what is missing and builds the samples `denoise`, `long_context`, `decode` and `viewer` in build/. Denoises a photograph: the
# given one, or the one beside the sample with noise added, to have something to measure; several photographs are the
# frames of a sequence. Looks for needles in a text of 131,072 tokens; where nothing is given, dense attention is
# asked for some rows of it only. Decodes tokens over a paged cache, without options at lengths from 1k to 32k. Shows
# what attention over a photograph looks at, in a window or, without a display, in one frame. `ring` spreads
# causal attention over VATTEN_RANKS ranks of MPI (2), which it installs and the others do not need. Pictures
# go to build/pictures. VATTEN_BUILD names another build folder, VATTEN_INSTALL=no installs nothing.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${VATTEN_BUILD:-$root/build}
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

pictures=$build/pictures

long_context() {
  "$build/samples/long_context/long_context" --map "$pictures/long-context-map.png" \
    --chart "$pictures/long-context-chart.png" "$@"
}

decode() {
  if [ $# -eq 0 ]; then
    set -- --lengths 1k,2k,4k,8k,16k,24k,32k --tokens 8 --chart "$pictures/decode-chart.png"
  fi
  "$build/samples/decode/decode" "$@"
}

# A software device takes all cores for itself unless told otherwise: here each rank has its share. Ranks may be more than
# cores, may be root's, and may be in a container that forbids reading another process.
ring() {
  local ranks=${VATTEN_RANKS:-2} cores
  cores=$(nproc 2>/dev/null || echo 2)
  if [ $# -eq 0 ]; then
    set -- --causal --heads 4 --kv-heads 1
  fi
  env LP_NUM_THREADS="${LP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}" \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
    OMPI_MCA_btl_vader_single_copy_mechanism=none PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe \
    mpirun -n "$ranks" "$build/samples/ring/ring" --timeline "$pictures/ring-timeline.png" "$@"
}

denoise() {
  local photos=() options=() number='' name
  while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
    photos+=("$1")
    shift
  done
  if [ ${#photos[@]} -eq 0 ]; then
    photos=("$root/samples/denoise/coffee.png")
    options=(--noise 25)
  fi
  name=$(basename "${photos[0]%.*}")
  if [ ${#photos[@]} -gt 1 ] || [[ $name == *%*d* ]]; then
    name=${name%%%*}
    name=${name%[-_]}
    name=${name:-frame}
    number=-%03d
  fi
  "$build/samples/denoise/denoise" "${photos[@]}" -o "$pictures/$name-denoised$number.png" \
    --side-by-side "$pictures/$name-side-by-side.png" "${options[@]}" "$@"
}

viewer() {
  local options=()
  if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    printf 'No display: one frame goes to %s\n' "$pictures/viewer.png"
    options=(--headless --screenshot "$pictures/viewer.png")
    if [ $# -eq 0 ]; then
      options+=(--pixel 150,80) # no mouse points at one
    fi
  fi
  "$build/samples/viewer/viewer" "${options[@]}" "$@"
}

wanted=(denoise long_context decode viewer)
installed=sample
if [ "${1-}" = ring ]; then
  wanted=(ring)
  installed=ring
fi
setup_install $installed
if [ ! -e "$build/CMakeCache.txt" ]; then
  setup_configure -DVATTEN_TESTS=OFF -DVATTEN_TOOLS=OFF
elif [ $installed = ring ]; then
  setup_configure # an MPI that was not there when the folder was made
fi
setup_build "${wanted[@]}"
mkdir -p "$pictures"

if [ $# -eq 0 ]; then
  denoise
  printf '\n'
  long_context --dense rows --repeat 1
elif [ "$1" = long_context ]; then
  shift
  long_context "$@"
elif [ "$1" = decode ]; then
  shift
  decode "$@"
elif [ "$1" = viewer ]; then
  shift
  viewer "$@"
elif [ "$1" = ring ]; then
  shift
  ring "$@"
else
  denoise "$@"
fi
