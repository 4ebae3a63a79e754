# SPDX-License-Identifier: MIT
"""The sample denoise on single photographs: test_denoise.py <program> <photograph>."""
import json
import os
import random
import unittest

import denoise_support as support
from denoise_support import read_png, shapes, write_png, write_rows


class Denoise(support.DenoiseTest):
    # ---- What it refuses, and how ----

    def test_files_that_cannot_be_read(self):
        with open(support.PHOTO, "rb") as file:
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
        self.refused(2, ["unknown option '--nose'"], support.PHOTO, "--nose", 3)
        self.refused(2, ["--noise needs a value"], support.PHOTO, "--noise")
        self.refused(2, ["--noise takes a number from 0 to 200", "'much'"], support.PHOTO, "--noise", "much")
        self.refused(2, ["--patch 4 is even"], support.PHOTO, "--patch", 4)
        self.refused(2, ["--patch takes a whole number from 1 to 13"], support.PHOTO, "--patch", 15)
        self.refused(2, ["--window takes", "'2.5'"], support.PHOTO, "--window", "2.5")
        self.refused(2, ["--strength takes", "'nan'"], support.PHOTO, "--strength", "nan")
        self.refused(2, ["out.jpg", ".png"], support.PHOTO, "-o", "out.jpg")
        for crop in ("middle", "-1x8+0+0", "8x8+-1+0", " 8x8+0+0", "8x8+0+0 ", "7x8+0+0", "8x8+0", "100000x8+0+0",
                     "8x8+18446744073709551624+0", "nanx8+0+0"):
            self.refused(2, ["--crop takes WxH+X+Y of 8x8 to 99999x99999 pixels", f"not '{crop}'"], support.PHOTO, "--crop", crop)
        self.refused(2, ["--memory takes a whole number from 8 to 65536"], support.PHOTO, "--memory", 4)
        self.refused(1, ["cannot write", "No such file"], support.PHOTO, "-o", "absent/out.png")
        self.refused(1, ["20 pixels a side", "the window of 21 x 21"], support.PHOTO, "--piece", 20)
        self.refused(1, ["--memory 8", "99 x 99 pixels and 1 frame has 9801"], support.PHOTO, "--memory", 8, "--window", 99,
                     "--patch", 5)
        self.refused(1, ["no such device", "no Vulkan device"], support.PHOTO, "--device", "no such device")

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
        for window, piece in ((21, 21), (21, 40), (12, 31), (21, 96)):
            options = ["--noise", 25, "--window", window]
            self.result("in.png", "-o", "whole.png", *options)
            result = self.result("in.png", "-o", "parts.png", *options, "--piece", piece, "--check")
            self.assertGreater(result["pieces"], 1)
            self.assert_equal_pictures("whole.png", "parts.png")

    @unittest.skipIf(os.environ.get("VATTEN_SANITIZE"), "sanitizers keep what was freed")
    def test_memory_is_bounded(self):
        """Four times the picture, many more pieces: only the levels of the picture itself are added, 3 bytes a pixel
        each for original, noisy and denoised, and 2 more while a PNG is packed."""
        rows = [bytes(v for x in range(640) for v in shapes(x % 90, y % 70)) for y in range(280)]
        peaks, options = [], ["--noise", 8, "--window", 5, "--memory", 24]
        for height in (280, 1120):
            write_rows(self.path("in.png"), 640, [rows[y % 280] for y in range(height)])
            result = self.result("in.png", "-o", "out.png", *options)
            self.assertGreater(result["pieces"], 1)
            self.assertLessEqual(result["piece_bytes"], 24 << 20)
            peaks.append(result["peak_bytes"])
        self.assertGreater(result["pieces"], 5)
        self.assertLess(peaks[1] - peaks[0], 640 * (1120 - 280) * 5 * 3 + (4 << 20))
        whole = self.result("in.png", "-o", "whole.png", *options[:-1], 1000, "--json")
        self.assertEqual(whole["pieces"], 1)
        self.assertGreater(whole["peak_bytes"], peaks[1] + (50 << 20))
        self.assert_equal_pictures("whole.png", "out.png")

    def test_progress_goes_to_stderr(self):
        write_png(self.path("in.png"), 150, 90, shapes)
        run, shown = self.run_in_terminal("in.png", "--noise", 25, "--piece", 34, "--json")
        self.assertGreater(json.loads(run)["pieces"], 20)
        self.assertRegex(shown, r"\rdenoise: \d+ of \d+ pieces, \d+ %, about \d+ s left")
        self.assertTrue(shown.endswith("\r\033[K"), repr(shown))
        run, shown = self.run_in_terminal("in.png", "--noise", 25, "--piece", 34, "--quiet")
        self.assertEqual(shown, "")
        self.assertIn("pieces", run)

    def test_a_photograph_gets_better(self):
        result = self.result(support.PHOTO, "-o", "out.png", "--noise", 25, "--check", "--side-by-side", "both.png")
        self.assertGreater(result["psnr_denoised"], result["psnr_noisy"] + 8)
        self.assertTrue(result["check_passed"])
        original, denoised = read_png(support.PHOTO), read_png(self.path("out.png"))
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
    support.main()
