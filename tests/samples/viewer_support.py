# SPDX-License-Identifier: MIT
"""What the tests of the sample viewer share: frames, and what stands where in them. Standard library only."""
from denoise_support import read_png

MARGIN, PANEL = 8, 324  # of the frame, at letters of scale 1


class Frame:
    """Rows of RGB."""

    def __init__(self, width, height, levels):
        self.width, self.height, self.levels = width, height, levels

    @classmethod
    def of_png(cls, path):
        return cls(*read_png(path))

    def at(self, x, y):
        i = 3 * (y * self.width + x)
        return tuple(self.levels[i:i + 3])

    def box(self, x, y, width, height):
        return [bytes(self.levels[3 * (row * self.width + x):3 * (row * self.width + x + width)]) for row in range(y, y + height)]

    def tokens(self, width, height, cell):
        """Of a frame without a panel, with `cell` x `cell` pixels for each token: the middle of each, which no outline reaches:
        {(x, y): colour}."""
        left, top = (self.width - width * cell) // 2, (self.height - height * cell) // 2
        return {(x, y): self.at(left + x * cell + cell // 2, top + y * cell + cell // 2) for y in range(height) for x in range(width)}


def frame_size(width, height, cell):
    """A frame without a panel in which each token is a cell."""
    assert width * cell + 2 * MARGIN < 2 * PANEL
    return f"{width * cell + 2 * MARGIN}x{height * cell + 2 * MARGIN}"


def share_of_different(a, b):
    """Of bytes of two lists of rows."""
    different = sum(x != y for one, other in zip(a, b) for x, y in zip(one, other))
    return different / sum(len(row) for row in a)
