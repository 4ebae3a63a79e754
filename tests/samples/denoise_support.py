# SPDX-License-Identifier: MIT
"""What the tests of the samples denoise and viewer share: pictures as PNG, and the program as a user calls it. Standard
library only.
"""
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

PROGRAM = None
PHOTO = None


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_rows(path, width, rows):
    """Each row is 3 * width bytes."""
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed)
                   + png_chunk(b"IEND", b""))


def write_png(path, width, height, pixel):
    """pixel(x, y) gives three levels."""
    write_rows(path, width, [bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height)])


def paeth(left, up, corner):
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    return left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner


def unfilter(kind, line, above):
    """One row of a PNG with three bytes a pixel."""
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(line, above))
    guess = {0: None, 1: lambda left, up, corner: left, 3: lambda left, up, corner: (left + up) // 2, 4: paeth}[kind]
    for i in range(len(line) if guess else 0):
        left, corner = (line[i - 3], above[i - 3]) if i >= 3 else (0, 0)
        line[i] = (line[i] + guess(left, above[i], corner)) & 255
    return line


def read_png(path):
    """(width, height, levels) of an 8-bit RGB PNG."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2)
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    raw, row, levels = zlib.decompress(packed), 3 * width + 1, bytearray()
    above = bytearray(3 * width)
    for y in range(height):
        above = unfilter(raw[y * row], bytearray(raw[y * row + 1:(y + 1) * row]), above)
        levels += above
    return width, height, levels


def shapes(x, y):
    """A stripe, a disc and a ramp: edges, corners and flat parts."""
    disc = (x - 30) ** 2 + (y - 20) ** 2 < 150
    return (230 if disc else 40 + 2 * x % 160, 60 if x // 9 % 2 else 150, 90 + y if not disc else 20)


class DenoiseTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_it(self, *args):
        return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, cwd=self.folder.name)

    def run_in_terminal(self, *args):
        """What it writes to stdout, and what to the terminal that stderr is."""
        terminal, stderr = os.openpty()
        with os.fdopen(terminal, "rb", buffering=0) as screen:
            run = subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=stderr, text=True,
                                   cwd=self.folder.name)
            stdout = run.communicate()[0]
            self.assertEqual(run.returncode, 0)
            # Read before the last writer's end is closed: a terminal without one may forget what it has.
            shown = screen.read(1 << 16) if select.select([screen], [], [], 0)[0] else b""
        os.close(stderr)
        return stdout, shown.decode()

    def assert_equal_pictures(self, a, b):
        """The order of additions may differ, and with it the rounding of a level that is nearly a half."""
        a, b = read_png(self.path(a)), read_png(self.path(b))
        self.assertEqual(a[:2], b[:2])
        self.assertLessEqual(max(abs(x - y) for x, y in zip(a[2], b[2])), 1)
        self.assertLess(sum(x != y for x, y in zip(a[2], b[2])), len(a[2]) // 1000 + 1)

    def result(self, *args):
        run = self.run_it(*args, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def refused(self, status, words, *args):
        run = self.run_it(*args)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertEqual(os.listdir(self.folder.name), self.before)


def main():
    """<program> <photograph> from the command line; exit status 77 (skipped) when there is no Vulkan device."""
    global PROGRAM, PHOTO
    PROGRAM, PHOTO = map(os.path.abspath, sys.argv[1:3])
    if subprocess.run([PROGRAM, "--list-devices"], capture_output=True).returncode != 0:
        print("skipped: no Vulkan device")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
