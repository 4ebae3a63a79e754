# SPDX-License-Identifier: MIT
"""The sample denoise as a user calls it: test_denoise.py <program> <photograph>. Standard library only.

Exit status 77 (skipped) when there is no Vulkan device.
"""
import json
import os
import random
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


def write_png(path, width, height, pixel):
    """pixel(x, y) gives three levels."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows))
                   + png_chunk(b"IEND", b""))


def unfilter(kind, line, above):
    """One row of a PNG with three bytes a pixel."""
    for i in range(len(line)):
        left = line[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        paeth = min((left, above[i], corner), key=lambda v: abs(left + above[i] - corner - v))
        line[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, paeth)[kind]) & 255
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


class Denoise(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_it(self, *args):
        return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, cwd=self.folder.name)

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

    # ---- What it refuses, and how ----

    def test_files_that_cannot_be_read(self):
        with open(PHOTO, "rb") as file:
            photo = file.read()
        for name, data in (("cut.png", photo[:len(photo) // 2]), ("text.png", b"no picture"),
                           ("bad.png", photo[:5000] + b"\xff" * 500 + photo[5500:]), ("empty.png", b"")):
            with open(self.path(name), "wb") as file:
                file.write(data)
        self.before = os.listdir(self.folder.name)
        self.refused(1, ["absent.png", "No such file"], "absent.png")
        self.refused(1, ["cut.png", "not a readable PNG or JPEG"], "cut.png")
        self.refused(1, ["bad.png", "not a readable PNG or JPEG"], "bad.png")
        self.refused(1, ["text.png", "not a readable PNG or JPEG"], "text.png")
        self.refused(1, ["empty.png", "is empty"], "empty.png")
        self.refused(1, [self.folder.name, "cannot read"], self.folder.name)

    def test_wrong_command_lines(self):
        self.before = []
        self.refused(2, ["which photograph"])
        self.refused(2, ["unknown option '--nose'"], PHOTO, "--nose", 3)
        self.refused(2, ["--noise needs a value"], PHOTO, "--noise")
        self.refused(2, ["--noise takes a number from 0 to 200", "'much'"], PHOTO, "--noise", "much")
        self.refused(2, ["--patch 4 is even"], PHOTO, "--patch", 4)
        self.refused(2, ["--patch takes a whole number from 1 to 13"], PHOTO, "--patch", 15)
        self.refused(2, ["--window takes", "'2.5'"], PHOTO, "--window", "2.5")
        self.refused(2, ["--strength takes", "'nan'"], PHOTO, "--strength", "nan")
        self.refused(2, ["out.jpg", ".png"], PHOTO, "-o", "out.jpg")
        self.refused(2, ["--crop takes"], PHOTO, "--crop", "middle")
        self.refused(2, ["one photograph at a time"], PHOTO, PHOTO)
        self.refused(1, ["cannot write", "No such file"], PHOTO, "-o", "absent/out.png")
        self.refused(1, ["not larger than the window"], PHOTO, "--piece", 21)
        self.refused(1, ["no such device", "no Vulkan device"], PHOTO, "--device", "no such device")

    # ---- What it computes ----

    def test_every_pixel_is_the_definitions(self):
        for width, height, options in ((61, 47, ["--noise", 25]), (61, 47, ["--noise", 8]),
                                       (64, 40, ["--noise", 25, "--patch", 7, "--window", 9]),
                                       (40, 33, ["--noise", 50, "--patch", 13, "--window", 5]),
                                       (33, 40, ["--noise", 25, "--patch", 1, "--window", 12]),
                                       (33, 9, ["--noise", 25]), (5, 2, ["--noise", 25]), (1, 7, ["--sigma", 10])):
            with self.subTest(width=width, height=height, options=options):
                write_png(self.path("in.png"), width, height, shapes)
                result = self.result("in.png", "-o", "out.png", "--check", *options)
                self.assertTrue(result["check_passed"])
                self.assertEqual(result["check_pixels"], width * height)
                self.assertEqual(read_png(self.path("out.png"))[:2], (width, height))

    def test_the_pieces_together_are_the_whole(self):
        write_png(self.path("in.png"), 97, 75, shapes)
        self.assertEqual(self.result("in.png", "-o", "whole.png", "--noise", 25)["pieces"], 1)
        whole = read_png(self.path("whole.png"))[2]
        for window, piece in ((21, 22), (21, 40), (12, 31), (21, 96)):
            options = ["--noise", 25, "--window", window]
            self.result("in.png", "-o", "whole.png", *options)
            result = self.result("in.png", "-o", "parts.png", *options, "--piece", piece, "--check")
            self.assertGreater(result["pieces"], 1)
            whole, parts = read_png(self.path("whole.png"))[2], read_png(self.path("parts.png"))[2]
            # The order of additions may differ, and with it the rounding of a level that is nearly a half.
            self.assertLessEqual(max(abs(a - b) for a, b in zip(whole, parts)), 1)
            self.assertLess(sum(a != b for a, b in zip(whole, parts)), len(whole) // 1000 + 1)

    def test_a_photograph_gets_better(self):
        result = self.result(PHOTO, "-o", "out.png", "--noise", 25, "--check", "--side-by-side", "both.png")
        self.assertGreater(result["psnr_denoised"], result["psnr_noisy"] + 8)
        self.assertTrue(result["check_passed"])
        original, denoised = read_png(PHOTO), read_png(self.path("out.png"))
        self.assertEqual(original[:2], denoised[:2])
        error = sum((a - b) ** 2 for a, b in zip(original[2], denoised[2])) / len(original[2])
        self.assertLess(error, 255 ** 2 / 10 ** ((result["psnr_noisy"] + 8) / 10))
        self.assertGreater(read_png(self.path("both.png"))[0], 700)

    def test_noise_is_estimated(self):
        noise = random.Random(1)
        level = lambda v: min(255, max(0, round(v + noise.gauss(0, 15))))
        write_png(self.path("in.png"), 90, 70, lambda x, y: (level(80 + x), level(120), level(90 + y)))
        result = self.result("in.png", "-o", "out.png")
        self.assertTrue(result["sigma_estimated"])
        self.assertLess(abs(result["sigma"] - 15), 1.5)


if __name__ == "__main__":
    PROGRAM, PHOTO = map(os.path.abspath, sys.argv[1:3])
    if subprocess.run([PROGRAM, "--list-devices"], capture_output=True).returncode != 0:
        print("skipped: no Vulkan device")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
