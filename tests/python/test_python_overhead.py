#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_python_overhead.py FOLDER CALL_FLOOR: Python adds less than 100 us to a call. FOLDER has call_overhead.py."""
import sys

import python_kit as kit

MOST_US = 100


def main():
    if not kit.vatten.devices():
        print("skipped: there is no Vulkan device")
        return 77
    sys.path.insert(0, sys.argv[1])
    from call_overhead import measure
    c, python, quiet = measure(sys.argv[2])
    print(f"C {c:.1f} us, Python {python:.1f} us, {quiet:.1f} us more in quiet calls, at most {MOST_US} us")
    return 0 if quiet < MOST_US else 1


if __name__ == "__main__":
    sys.exit(main())
