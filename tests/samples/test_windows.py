#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples/windows as a user runs it: the table that its README shows, and pictures that agree with it.

    test_windows.py PROGRAM README
"""
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

PROGRAM, README = sys.argv[1:3]
NOTHING, GRID, QUERY, PLANES = (240, 240, 240), (205, 205, 205), (214, 40, 40), (90, 90, 90)
CELL, SIDE = 10, 24


def unfilter(kind, line, above):
    """One line of a PNG of 3 bytes a pixel."""
    out = bytearray(line)
    for i, byte in enumerate(line):
        left = out[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        guess = left + above[i] - corner
        nearest = min((left, above[i], corner), key=lambda value: abs(guess - value))
        out[i] = (byte + (0, left, above[i], (left + above[i]) // 2, nearest)[kind]) & 255
    return bytes(out)


def read_png(path):
    """(width, height, rows of bytes)"""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw, rows, above = zlib.decompress(packed), [], bytes(width * 3)
    for y in range(height):
        line = raw[y * (width * 3 + 1):(y + 1) * (width * 3 + 1)]
        above = unfilter(line[0], line[1:], above)
        rows.append(above)
    return width, height, rows


def cells(path):
    """The colour of each token's left upper corner, which neither the query's mark nor a line covers."""
    _, _, rows = read_png(path)
    return [tuple(rows[y * CELL + 2][(x * CELL + 2) * 3:(x * CELL + 2) * 3 + 3]) for y in range(SIDE) for x in range(SIDE)]


class Windows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.said = subprocess.run([PROGRAM, cls.folder.name], capture_output=True, text=True, check=False)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def table(self):
        return re.findall(r"^(\S+) +(\d+) keys, +([\d.]+) % of the weight: (.*)$", self.said.stdout, re.M)

    def test_ends_well_and_prints_what_the_readme_shows(self):
        self.assertEqual(self.said.returncode, 0, self.said.stderr)
        with open(README, encoding="utf-8") as file:
            shown = re.findall(r"^    (\S+) +(\d+) keys, +([\d.]+) % of the weight: (.*)$", file.read(), re.M)
        self.assertEqual(self.table(), shown)
        self.assertGreaterEqual(len(shown), 16)

    def test_pictures_show_as_many_keys(self):
        for name, keys, _, _ in self.table():
            colours = cells(os.path.join(self.folder.name, name + ".png"))
            blue = [c for c in colours if c not in (NOTHING, GRID, PLANES)]
            self.assertEqual(len(blue), int(keys), name)
            self.assertTrue(all(c[2] > c[0] for c in blue), name)

    def test_the_query_is_marked_once_in_each(self):
        for name, _, _, _ in self.table():
            _, _, rows = read_png(os.path.join(self.folder.name, name + ".png"))
            red = sum(tuple(row[i:i + 3]) == QUERY for row in rows for i in range(0, len(row), 3))
            self.assertEqual(red, (CELL - 5) ** 2, name)

    def test_one_sheet_has_them_all(self):
        width, height, _ = read_png(os.path.join(self.folder.name, "all.png"))
        self.assertEqual((width, height), (4 * (SIDE * CELL + 1 + 12) + 12, 4 * (SIDE * CELL + 1 + 12) + 12))

    def test_a_folder_that_is_not_there_is_an_error(self):
        said = subprocess.run([PROGRAM, os.path.join(self.folder.name, "none")], capture_output=True, text=True, check=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("cannot write", said.stderr)
        self.assertIn("none/window.png", said.stderr)

    def test_options_are_told(self):
        said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(said.returncode, 2)
        self.assertIn("usage: windows [FOLDER]", said.stderr)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        if "no Vulkan device" in subprocess.run([PROGRAM, empty], capture_output=True, text=True, check=False).stderr:
            print("skipped: no Vulkan device")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
