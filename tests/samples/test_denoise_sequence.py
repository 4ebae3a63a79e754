# SPDX-License-Identifier: MIT
"""The sample denoise on sequences of frames: test_denoise_sequence.py <program> <photograph>."""
import os

import denoise_support as support
from denoise_support import read_png, shapes, write_png
from pan import write_pan


class Sequence(support.DenoiseTest):
    def write_moving(self, frames, width, height, pattern="f%02d.png"):
        """Shapes that move by 2 pixels right and 1 down a frame. Their names."""
        names = [pattern % (t + 1) for t in range(frames)]
        for t, name in enumerate(names):
            write_png(self.path(name), width, height, lambda x, y: shapes(x - 2 * t + 20, y - t + 10))
        return names

    # ---- What it refuses, and how ----

    def test_what_is_no_sequence(self):
        names = self.write_moving(3, 40, 30)
        write_png(self.path("other.png"), 41, 30, shapes)
        self.before = os.listdir(self.folder.name)
        self.refused(1, ["'f01.png' has 40 x 30 pixels", "'other.png' has 41 x 30"], *names, "other.png")
        self.refused(1, ["'f01.png' has 40 x 30 pixels", "'other.png' has 41 x 30"], "f01.png", "other.png", "f02.png")
        self.refused(1, ["cannot open 'absent.png'", "No such file"], *names, "absent.png")
        self.refused(2, ["--window-time takes a whole number from 2 to 99", "'1'"], *names, "--window-time", 1)
        self.refused(1, ["--window-time 3", "1 photograph"], names[0], "--window-time", 3)
        self.refused(1, ["3 frames need a name with a number", "'out.png'"], *names, "-o", "out.png")
        self.refused(1, ["no file of 'g%02d.png'", "0 to 4", "'g04.png' does not exist"], "g%02d.png")
        self.refused(1, ["cannot write 'absent/1.png'"], *names, "-o", "absent/%d.png")
        self.refused(1, ["window of 21 x 21 pixels and 3 frames has 1323"], *names, "--patch", 13, "--memory", 8)

    # ---- Names ----

    def test_a_number_in_a_name_means_all_files(self):
        self.write_moving(4, 24, 20, "in%d.png")
        os.remove(self.path("in1.png"))  # begins at 2
        write_png(self.path("in6.png"), 24, 20, shapes)  # past the gap
        result = self.result("in%d.png", "-o", "out%02d.png", "--noise", 25)
        self.assertEqual((result["frames"], result["output"]), (3, "out01.png"))
        self.assertEqual(sorted(n for n in os.listdir(self.folder.name) if n.startswith("out")),
                         ["out01.png", "out02.png", "out03.png"])
        self.result("in2.png", "in3.png", "--noise", 25)
        self.assertTrue(os.path.exists(self.path("denoised-002.png")))

    def test_a_photograph_is_a_sequence_of_one(self):
        write_png(self.path("50%d.png"), 24, 20, shapes)
        self.result("50%d.png", "-o", "a.png", "--noise", 25)
        self.result("50%d.png", "-o", "b%d.png", "--noise", 25)
        self.assertEqual(read_png(self.path("a.png")), read_png(self.path("b1.png")))

    # ---- What it computes ----

    def test_every_pixel_is_the_definitions(self):
        for frames, width, height, options in ((5, 33, 27, ["--window", 9]), (2, 40, 31, []),
                                               (7, 23, 25, ["--window", 6, "--window-time", 4]),
                                               (6, 30, 20, ["--window", 7, "--window-time", 99, "--patch", 3]),
                                               (3, 30, 7, ["--window", 11, "--patch", 9]), (9, 1, 5, []), (2, 1, 1, [])):
            with self.subTest(frames=frames, width=width, height=height, options=options):
                names = self.write_moving(frames, width, height)
                result = self.result(*names, "-o", "o%02d.png", "--check", "--noise", 25, *options)
                self.assertTrue(result["check_passed"])
                self.assertEqual(result["check_pixels"], frames * width * height)
                self.assertEqual(read_png(self.path(f"o{frames:02}.png"))[:2], (width, height))

    def test_the_pieces_together_are_the_whole(self):
        """Cut in time as well: 24 frames of little."""
        for frames, size, window, bounds in ((24, (40, 31), ["--window", 7, "--window-time", 3], ["--memory", 8]),
                                             (5, (61, 47), [], ["--piece", 30]),
                                             (12, (33, 40), ["--window", 12, "--window-time", 4], ["--memory", 10])):
            with self.subTest(frames=frames, size=size, window=window, bounds=bounds):
                names, options = self.write_moving(frames, *size), ["--noise", 25, *window]
                self.assertEqual(self.result(*names, "-o", "w%02d.png", *options)["pieces"], 1)
                result = self.result(*names, "-o", "p%02d.png", "--check", *options, *bounds)
                self.assertTrue(result["check_passed"])
                self.assertGreater(result["pieces"], 1)
                if frames == 24:
                    self.assertLess(result["piece_frames"], 24)
                for t in range(frames):
                    self.assert_equal_pictures(f"w{t + 1:02}.png", f"p{t + 1:02}.png")

    def test_neighbours_in_time_are_worth_it(self):
        """The same noisy frames, one by one and together."""
        names = write_pan(support.PHOTO, self.path("pan%d.png"), 5, 96, 72)
        together = self.result(*names, "-o", "o%d.png", "--noise", 25, "--check", "--side-by-side", "both.png")
        self.assertTrue(together["check_passed"])
        self.assertEqual((together["frames"], together["window_time"]), (5, 5))
        self.assertGreater(together["psnr_middle"], together["psnr_alone"] + 0.6)
        alone = [self.result(name, "-o", "alone.png", "--noise", 25, "--seed", seed + 1)["psnr_denoised"]
                 for seed, name in enumerate(names)]
        self.assertGreater(together["psnr_denoised"], sum(alone) / len(alone) + 0.6)
        self.assertGreater(together["psnr_denoised_least"], max(alone))
        self.assertGreater(read_png(self.path("both.png"))[0], 400)

    def test_each_frame_has_noise_of_its_own(self):
        for name in ("a.png", "b.png"):
            write_png(self.path(name), 60, 50, lambda x, y: (128, 128, 128))
        # Were it the same noise, its mean over frames would be no smaller, and the sequence no better.
        together = self.result("a.png", "b.png", "-o", "o%d.png", "--noise", 20)
        alone = self.result("a.png", "-o", "o.png", "--noise", 20)
        self.assertGreater(together["psnr_denoised"], alone["psnr_denoised"] + 1)


if __name__ == "__main__":
    support.main()
