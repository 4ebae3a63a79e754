# SPDX-License-Identifier: MIT
"""The sample viewer without a window: test_viewer.py <program> <photograph>. What its frames show is worked out once more here,
in double and from the pixels of other frames.
"""
import json
import math
import os
import subprocess

import denoise_support as support
from denoise_support import shapes, write_png
from viewer_support import Frame, frame_size

WIDTH, HEIGHT, CELL = 60, 48, 5
SIZE = frame_size(WIDTH, HEIGHT, CELL)
SIGMA, STRENGTH = 25, 0.8
PLAIN = ["--headless", "--no-roof", "--size", SIZE, "--grid", WIDTH, "--noise", SIGMA, "--strength", STRENGTH]


def mirrored(i, extent):
    while not 0 <= i < extent:
        i = -i if i < 0 else 2 * (extent - 1) - i
    return i


def distance(levels, a, b, patch):
    """Mean squared difference of two patches."""
    total, border = 0, patch // 2
    for dy in range(-border, border + 1):
        for dx in range(-border, border + 1):
            one = levels[mirrored(a[0] + dx, WIDTH), mirrored(a[1] + dy, HEIGHT)]
            other = levels[mirrored(b[0] + dx, WIDTH), mirrored(b[1] + dy, HEIGHT)]
            total += sum((u - v) ** 2 for u, v in zip(one, other))
    return total / (3 * patch * patch)


def axis_keys(at, extent, window, stride, dilation):
    """All windows that lie on the grid, and of these the one whose middle is nearest to where the leader's should be."""
    group = [x for x in range(extent) if x % dilation == at % dilation]
    first = group.index(at) // stride * stride
    leader = min(first + stride // 2, len(group) - 1)
    starts = range(len(group) - window + 1)
    start = min(starts, key=lambda s: abs(s + window // 2 - leader))
    return set(group[start:start + window])


def between(a, b, share):
    return [int(u + (v - u) * share + 0.5) for u, v in zip(a, b)]


def heat(under, share):
    """As view_frame.c draws it: its colours are no part of what is tested, but that they are those of the weights is."""
    stops = ((12, 12, 60), (112, 24, 128), (232, 84, 40), (255, 246, 170))
    at = share * 3
    stop = min(int(at), 2)
    grey = (under[0] * 2 + under[1] * 5 + under[2]) // 8
    return between([grey] * 3, between(stops[stop], stops[stop + 1], at - stop), 0.5 + 0.5 * share)


class Viewer(support.DenoiseTest):
    kept = None

    def setUp(self):
        super().setUp()
        write_png(self.path("in.png"), WIDTH, HEIGHT, shapes)

    def frame(self, *args):
        self.said = self.run_it("in.png", "--json", "--screenshot", "out.png", *args)
        self.assertEqual(self.said.returncode, 0, self.said.stderr)
        self.figures = json.loads(self.said.stdout)
        return Frame.of_png(self.path("out.png"))

    def tokens(self, *args):
        return self.frame(*PLAIN, *args).tokens(WIDTH, HEIGHT, CELL)

    def noisy(self):
        """The picture with noise, which is the same in all patterns."""
        if Viewer.kept is None:
            Viewer.kept = self.tokens("--show", "input", "--no-heat")
        return Viewer.kept

    def test_photograph_of_its_own(self):
        self.said = self.run_it("--headless", "--json", "--no-roof", "--grid", "64")
        self.assertEqual(self.said.returncode, 0, self.said.stderr)
        figures = json.loads(self.said.stdout)
        self.assertLess(figures["psnr_noisy"], figures["psnr_denoised"])
        quiet = json.loads(self.run_it("--headless", "--json", "--no-roof", "--grid", "64", "--noise", "10").stdout)
        self.assertAlmostEqual(quiet["psnr_noisy"] - figures["psnr_noisy"], 6, delta=0.5)  # half of the noise

    # ---- What it refuses, and how ----

    def test_wrong_command_lines(self):
        self.before = os.listdir(self.folder.name)
        head = ["--headless", "--json"]
        self.refused(2, ["--headless takes one photograph, not 2"], "in.png", "in.png", *head)
        self.refused(2, ["unknown option '--nose'"], "in.png", "--nose")
        self.refused(2, ["would do nothing"], "in.png", "--headless")
        self.refused(2, ["go with --headless"], "in.png", "--json")
        self.refused(2, ["a.jpg", ".png"], "in.png", "--headless", "--screenshot", "a.jpg")
        self.refused(2, ["--pattern takes dense, window, neighborhood or blocks, not 'all'"], "in.png", *head, "--pattern", "all")
        self.refused(2, ["--show takes denoised, input or both, not 'x'"], "in.png", *head, "--show", "x")
        self.refused(2, ["--patch 4 is even"], "in.png", *head, "--patch", 4)
        self.refused(2, ["--zoom takes 1, 2, 4, 8 or 16, not 3"], "in.png", *head, "--zoom", 3)
        self.refused(2, ["--strength takes a number from 0.05 to 5"], "in.png", *head, "--strength", "nan")
        for size in ("63x64", "64", "64x64x", "-64x64", "8193x64", "x"):
            self.refused(2, ["--size takes WxH of 64x64 to 8192x8192", f"not '{size}'"], "in.png", *head, "--size", size)
        for pixel in ("60,0", "0,48", "1", "1,2,", "-1,0", "1 ,2"):
            self.refused(1, ["--pixel takes X,Y below 60,48", f"not '{pixel}'"], "in.png", *head, "--pixel", pixel)
        self.refused(1, ["--window does not go with --pattern dense"], "in.png", *head, "--pattern", "dense", "--window", 5)
        self.refused(1, ["--stride 6 is outside 1..5"], "in.png", *head, "--pattern", "neighborhood", "--window", 5, "--stride", 6)
        self.refused(1, ["--dilation 6 is outside 1..5"], "in.png", *head, "--pattern", "neighborhood", "--window", 11, "--dilation", 6)
        self.refused(1, ["--top 13 is outside 1..12"], "in.png", *head, "--pattern", "blocks", "--block", 16, "--top", 13)
        self.refused(1, ["--grid 61 is outside 8..60"], "in.png", *head, "--grid", 61)
        self.refused(1, ["cannot write", "No such file"], "in.png", "--headless", "--screenshot", "absent/out.png")
        self.refused(1, ["absent.png", "No such file"], "absent.png", *head)
        self.refused(1, ["no such device", "no Vulkan device"], "in.png", *head, "--device", "no such device")

    def test_a_window_without_a_display(self):
        lacks = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        run = subprocess.run([support.PROGRAM, self.path("in.png"), "--no-roof"], capture_output=True, text=True, env=lacks)
        self.assertEqual(run.returncode, 1)
        self.assertIn("--headless --screenshot FILE", run.stderr)

    def test_help_tells_options_and_keys(self):
        said = self.run_it("--help")
        self.assertEqual(said.returncode, 0)
        for word in ("--pattern", "--headless", "--screenshot", "--pixel", "arrows", "Exit status"):
            self.assertIn(word, said.stdout)

    # ---- What it computes ----

    def test_results_are_the_definitions(self):
        """By the program's own check: the oracle's predicates, and plain loops in double; under the validation layer, if it
        is there."""
        layer = [] if "not installed" in self.run_it("in.png", *PLAIN, "--json", "--validation").stderr else ["--validation"]
        pixels = ["0,0", "31,22", "59,47", "17,46"]
        for pattern, options, keys in (
                ("dense", [], WIDTH * HEIGHT), ("window", ["--patch", 5], 121), ("window", ["--window", 8, "--patch", 1], 64),
                ("neighborhood", [], 121), ("neighborhood", ["--window", 6, "--stride", 5, "--dilation", 7], 36),
                ("neighborhood", ["--window", 9, "--stride", 9, "--dilation", 1, "--patch", 7], 81),
                ("blocks", [], None), ("blocks", ["--block", 7, "--top", 9], None), ("blocks", ["--block", 11, "--top", 1], None)):
            pixel = pixels[0]
            pixels = pixels[1:] + pixels[:1]
            with self.subTest(pattern=pattern, options=options, pixel=pixel):
                figures = self.result("in.png", *PLAIN, "--pattern", pattern, *options, "--pixel", pixel, "--check", *layer)
                row = figures["row"]
                self.assertTrue(figures["check_passed"])
                self.assertEqual(figures["check_wrong_keys"], 0)
                self.assertLess(abs(row["sum"] - 1), 2e-5)
                self.assertEqual([row["x"], row["y"]], [int(n) for n in pixel.split(",")])
                if keys:
                    self.assertEqual(row["keys"], keys)
                self.assertGreater(figures["check_pixels"], 0)
                self.assertGreater(figures["psnr_denoised"], figures["psnr_noisy"])

    def test_grids_of_few_tokens(self):
        for width, height in ((1, 1), (1, 7), (2, 60), (37, 5)):
            write_png(self.path("in.png"), width, height, shapes)
            for pattern in ("dense", "window", "neighborhood", "blocks"):
                with self.subTest(width=width, height=height, pattern=pattern):
                    figures = self.result("in.png", "--headless", "--no-roof", "--pattern", pattern, "--noise", 25, "--pixel", "0,0",
                                          "--check", "--screenshot", "out.png")
                    self.assertTrue(figures["check_passed"])

    def test_rows_of_many_keys_come_in_parts(self):
        """240 x 192 keys are more than one plan of a row takes: a pixel whose window lies in both parts, one of the last."""
        for pixel in ("120,137", "239,191"):
            figures = self.result(support.PHOTO, "--headless", "--no-roof", "--noise", 20, "--strength", 1, "--pixel", pixel, "--check")
            self.assertTrue(figures["check_passed"])
            self.assertLess(abs(figures["row"]["sum"] - 1), 2e-5)

    def test_the_roof_is_measured(self):
        figures = self.result("in.png", "--headless", "--pattern", "dense", "--noise", 25)
        if figures["roof_gflops"] == 0:
            self.skipTest("built without the device's roof")
        self.assertGreater(figures["gflops"], 0)
        self.assertLess(figures["gflops"], 1.2 * figures["roof_gflops"])

    # ---- What it shows ----

    def assert_heat(self, seen, pixel, options, patch=3):
        """Cells that are not seen are as without heat, the others have the colour of their weight."""
        noisy = self.noisy()
        hot = self.tokens(*options, "--show", "input", "--pixel", "%d,%d" % pixel)
        h2 = (SIGMA * STRENGTH) ** 2
        weights = {key: math.exp(-distance(noisy, pixel, key, patch) / h2) for key in seen}
        largest = max(w for key, w in weights.items() if key != pixel)
        for key, colour in hot.items():
            want = noisy[key]
            if key in seen:
                want = heat(want, min(1.0, math.sqrt(weights[key] / largest)))
            self.assertLessEqual(max(abs(a - b) for a, b in zip(colour, want)), 1 if key in seen else 0, (key, colour, want))
        self.assertEqual(self.figures["row"]["keys"], len(seen))

    def test_heat_of_windows(self):
        for pattern, window, stride, dilation, pixel in (
                ("window", 7, 1, 1, (30, 20)), ("window", 8, 1, 1, (59, 0)), ("neighborhood", 7, 3, 2, (30, 20)),
                ("neighborhood", 5, 5, 8, (3, 47)), ("neighborhood", 6, 2, 4, (58, 31))):
            with self.subTest(pattern=pattern, window=window, stride=stride, dilation=dilation, pixel=pixel):
                options = ["--pattern", pattern, "--window", window]
                if pattern == "neighborhood":
                    options += ["--stride", stride, "--dilation", dilation]
                seen = {(x, y) for x in axis_keys(pixel[0], WIDTH, window, stride, dilation)
                        for y in axis_keys(pixel[1], HEIGHT, window, stride, dilation)}
                self.assert_heat(seen, pixel, options)

    def test_heat_of_blocks(self):
        """The blocks are chosen here too: the own one, and those whose patches are nearest in the mean."""
        pixel, block, top = (23, 30), 12, 4
        options = ["--pattern", "blocks", "--block", block, "--top", top, "--patch", 1]
        noisy, sums = self.noisy(), {}
        for key in noisy:
            sums.setdefault((key[0] // block, key[1] // block), []).append(distance(noisy, pixel, key, 1))
        own = (pixel[0] // block, pixel[1] // block)
        best = sorted(sums, key=lambda b: (b != own, sum(sums[b]) / len(sums[b])))[:top]
        self.assert_heat({key for key in noisy if (key[0] // block, key[1] // block) in best}, pixel, options, patch=1)
        self.assertEqual(self.figures["row"]["blocks"], sorted(y * (WIDTH // block) + x for x, y in best))

    def test_noise_is_removed(self):
        clean = self.tokens("--show", "input", "--noise", 0)
        noisy = self.noisy()
        denoised = self.tokens("--window", 21)
        error = lambda a: sum((u - v) ** 2 for key in a for u, v in zip(a[key], clean[key]))
        self.assertGreater(error(noisy), 0.5 * SIGMA ** 2 * 3 * len(clean))
        self.assertLess(error(denoised), error(noisy) / 4)
        figures, psnr = self.figures, lambda a: 10 * math.log10(255 ** 2 * 3 * len(clean) / error(a))
        self.assertAlmostEqual(psnr(denoised), figures["psnr_denoised"], places=4)
        self.assertAlmostEqual(psnr(noisy), figures["psnr_noisy"], places=4)
        self.assertEqual(clean[30, 20], shapes(30, 20))
        weak = self.tokens("--window", 21, "--strength", 0.1)
        self.assertLess(sum(a != b for key in weak for a, b in zip(weak[key], noisy[key])), len(weak))

    def test_both_halves(self):
        noisy, denoised, both = self.noisy(), self.tokens(), self.tokens("--show", "both")
        for key in both:
            self.assertEqual(both[key], (noisy if key[0] < WIDTH // 2 else denoised)[key])

    def test_zoom_shows_the_same_tokens(self):
        whole = self.tokens("--no-heat")
        frame = self.frame(*PLAIN, "--no-heat", "--zoom", 2, "--pixel", "0,0")
        for (x, y), colour in frame.tokens(WIDTH // 2, HEIGHT // 2, 2 * CELL).items():
            self.assertEqual(colour, whole[x, y])

    def test_a_smaller_grid_is_the_mean(self):
        levels = self.frame("--headless", "--no-roof", "--show", "input", "--no-heat", "--grid", WIDTH // 2, "--size",
                            SIZE).tokens(WIDTH // 2, HEIGHT // 2, 2 * CELL)
        for (x, y), colour in levels.items():
            four = [shapes(2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]
            self.assertEqual(colour, tuple(math.floor(sum(c) / 4 + 0.5) for c in zip(*four)))

    def test_the_panel_follows_the_sliders(self):
        frames = [self.frame("--headless", "--no-roof", "--noise", 25, "--strength", s, "--size", "660x260") for s in (0.05, 5)]
        box = self.figures["panel"]
        lit = lambda frame: sum(frame.at(x, y) == (74, 134, 214) for y in range(60, 180) for x in range(box[0], box[0] + box[2]))
        self.assertEqual([box[0] + box[2], box[3]], [660, 260])
        self.assertGreater(lit(frames[1]), lit(frames[0]) + 400)

    def test_a_small_frame_has_the_picture_alone(self):
        self.frame("--headless", "--no-roof", "--size", "64x64", "--pixel", "3,3")
        self.assertEqual(self.figures["panel"][2], 0)
        self.assertEqual(self.figures["picture"][2], 48)


if __name__ == "__main__":
    support.main()
