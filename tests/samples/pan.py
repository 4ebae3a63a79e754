#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A camera that moves over a photograph by 3 pixels right and 2 down a frame: a sequence to try denoise on.

    pan.py photo.png frame-%d.png FRAMES WIDTH HEIGHT

Writes frame-1.png and so on. The photograph is an 8-bit RGB PNG with room for the way.
"""
import sys

from denoise_support import read_png, write_rows

LEFT, TOP, RIGHT, DOWN = 150, 100, 3, 2


def write_pan(photo, pattern, frames, width, height):
    """The names that were written."""
    photo_width, photo_height, levels = read_png(photo)
    assert LEFT + RIGHT * (frames - 1) + width <= photo_width and TOP + DOWN * (frames - 1) + height <= photo_height
    names = [pattern % (t + 1) for t in range(frames)]
    for t, name in enumerate(names):
        starts = [3 * ((y + TOP + DOWN * t) * photo_width + LEFT + RIGHT * t) for y in range(height)]
        write_rows(name, width, [bytes(levels[at:at + 3 * width]) for at in starts])
    return names


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__.strip())
    write_pan(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
