#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""call_overhead.py CALL_FLOOR [CALLS]: what Python adds to a call, in microseconds.

CALL_FLOOR is the program of call_floor.c, which does the same uploads, run and download from C. Both take turns, since a machine is
not as fast at all times; the medians of the turns are printed, and their difference; and the difference of quiet calls, those that a hundredth of
the calls of the fastest turn is as fast as.
"""
import statistics
import subprocess
import sys
import time

import numpy as np

import vatten

TURNS = 5


def python_times(calls, device):
    q = np.zeros((1, 1, 8, 16), np.float32)
    vatten.attention(q, q, q, device=device)
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        vatten.attention(q, q, q, device=device)
        times.append(time.perf_counter() - start)
    times.sort()
    return times[calls // 2] * 1e6, times[calls // 100] * 1e6


def measure(floor, calls=500):
    """Medians of C and of Python, and the difference of their quiet calls: what a busy machine adds is not Python's."""
    turns = []
    with vatten.Device() as device:
        for _ in range(TURNS):
            c = subprocess.run([floor, str(calls)], capture_output=True, text=True, check=True).stdout.split()
            turns.append((*map(float, c), *python_times(calls, device)))
    c, quiet_c, python, quiet_python = zip(*turns)
    return statistics.median(c), statistics.median(python), min(quiet_python) - min(quiet_c)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    c, python, quiet = measure(sys.argv[1], *map(int, sys.argv[2:]))
    print(f"C {c:.1f} us, Python {python:.1f} us, overhead {python - c:.1f} us ({quiet:.1f} us of quiet calls)")


if __name__ == "__main__":
    main()
