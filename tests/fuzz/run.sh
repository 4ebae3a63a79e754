#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/fuzz/run.sh [--seconds N] [--executions N] [--seed N] [--merge] [TARGET...], for example: tests/fuzz/run.sh --seconds 20 npy cache
#
# Builds the fuzz targets with clang, libFuzzer and the sanitizers for addresses and undefined behaviour, and runs those named,
# or all, two at a time, 60 seconds each, or so many executions. A TARGET may be several that share the seconds: npy+cache. The last line
# sums up: "executions N, findings N". A finding is told with the file that repeats it; the exit status is 1 then. Every run draws
# other inputs, unless --seed says what to begin with.
#
# They begin with tests/fuzz/corpus/TARGET and keep what they learn in the build folder; --merge adds what is new of that to the
# corpus. VATTEN_BUILD names another build folder (build/fuzz), VATTEN_INSTALL=no installs nothing.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "${VATTEN_BUILD:-$root/build/fuzz}"
build=$(cd "${VATTEN_BUILD:-$root/build/fuzz}" && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

seconds=60 executions=-1 seed=0 merge=no
groups=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift 2 ;;
    --executions) executions=$2 seconds=0; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --merge) merge=yes; shift ;;
    -*) sed -n '3,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
    *) groups+=("$1"); shift ;;
  esac
done

setup_install check
CC=clang setup_configure -DVATTEN_FUZZ=ON -DVATTEN_TESTS=ON
setup_build fuzz_targets

programs=$build/tests/fuzz
work=$build/fuzzing
known=$(cd "$programs" && for program in fuzz_*; do
  case $program in fuzz_replay_* | *.*) ;; *) [ -f "$program" ] && echo "${program#fuzz_}" ;; esac
done)
if [ ${#groups[@]} -eq 0 ]; then
  mapfile -t groups <<<"$known"
fi
for target in ${groups[*]//+/ }; do
  grep -qx "$target" <<<"$known" || { printf 'tests/fuzz/run.sh: no target %s; there are: %s\n' "$target" "${known//$'\n'/ }" >&2; exit 2; }
done
mkdir -p "$work"
rm -f "$work"/*.log

# One target; its findings stay, so that they can be looked at.
fuzz() {
  local target=$1 at_most=$2 folder=$work/$1 known=()
  mkdir -p "$folder/learnt" "$folder/found"
  rm -f "$folder/found/"*
  if [ -d "$here/corpus/$target" ]; then
    known=("$here/corpus/$target")
  fi
  "$programs/fuzz_$target" "-max_total_time=$at_most" "-runs=$executions" "-seed=$seed" -max_len=2048 -len_control=0 -timeout=25 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -print_final_stats=1 "-artifact_prefix=$folder/found/" "$folder/learnt" "${known[@]}" >"$work/$target.log" 2>&1 || true
}

fuzz_group() {
  local targets
  IFS=+ read -ra targets <<<"$1"
  for target in "${targets[@]}"; do
    fuzz "$target" $(((seconds + ${#targets[@]} - 1) / ${#targets[@]}))
  done
}

for group in "${groups[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
    wait -n
  done
  fuzz_group "$group" &
done
wait

sum=0 findings=0
for target in ${groups[*]//+/ }; do
  log=$work/$target.log
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  # Without its last line a run ended before its time, whatever it left.
  if [ -z "$count" ] || [ -n "$(ls -A "$work/$target/found")" ]; then
    findings=$((findings + 1))
    grep -vE '^#[0-9]|NEW_FUNC' "$log" | tail -n 40
    ls "$work/$target/found/"* 2>/dev/null | sed "s|^|repeat with: $programs/fuzz_$target |"
  fi
  printf '%-10s %12s executions\n' "$target" "${count:-0}"
  sum=$((sum + ${count:-0}))
  if [ $merge = yes ]; then
    mkdir -p "$here/corpus/$target"
    "$programs/fuzz_$target" -merge=1 "$here/corpus/$target" "$work/$target/learnt" >>"$log" 2>&1
  fi
done
printf 'executions %d, findings %d\n' $sum $findings
[ $findings -eq 0 ]
