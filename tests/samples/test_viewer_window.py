# SPDX-License-Identifier: MIT
"""The sample viewer in a real window: test_viewer_window.py <program> <photograph>. A server of its own (Xvfb), keys and mouse by
xdotool, what the screen shows by ImageMagick; each time it must be what the program renders without a window.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import denoise_support as support
from viewer_support import Frame, share_of_different

NEEDED = {"Xvfb": "xvfb", "xdotool": "xdotool", "import": "imagemagick", "xprop": "x11-utils"}
PATIENCE = 30  # seconds until the screen must show what it should
SHAPE = ["--grid", 96, "--noise", 20]
WIDTH, HEIGHT = 660, 300


def start_server():
    """A free display: the server itself says which."""
    reader, writer = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1000x800x24", "-nolisten", "tcp"],
                              pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as said:
        number = said.readline().strip()
    return server, number


class Window(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server, number = start_server()
        if not number:
            raise unittest.SkipTest("Xvfb does not start")
        os.environ["DISPLAY"] = f":{number}"
        os.environ.pop("WAYLAND_DISPLAY", None)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.size = (WIDTH, HEIGHT)
        layer = subprocess.run([support.PROGRAM, support.PHOTO, "--headless", "--json", "--no-roof", "--validation", "--grid", "16"],
                               capture_output=True, text=True)
        self.layer = [] if "not installed" in layer.stderr else ["--validation"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, *args):
        run = subprocess.run(["xdotool", *map(str, args)], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.strip()

    def open(self, *options):
        self.tool("mousemove", 999, 799)
        self.viewer = subprocess.Popen(
            [support.PROGRAM, support.PHOTO, "--no-roof", "--scale", "1", "--size", f"{WIDTH}x{HEIGHT}", *self.layer,
             *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.addCleanup(self.viewer.kill)
        self.window = self.tool("search", "--sync", "--onlyvisible", "--name", "^vatten viewer$").split()[0]
        self.tool("windowfocus", self.window)

    def ends_well(self):
        """Its last words, once it was asked to end."""
        stdout, stderr = self.viewer.communicate(timeout=PATIENCE)
        self.assertEqual((self.viewer.returncode, stderr), (0, ""), stdout)
        self.assertRegex(stdout, r"^\d+ frames, swapchain made \d+ times\n$")
        return [int(word) for word in stdout.split() if word.isdigit()]

    def headless(self, *options, photo=None):
        run = subprocess.run([support.PROGRAM, photo or support.PHOTO, "--headless", "--no-roof", "--screenshot", self.path("want.png"),
                              "--size", "%dx%d" % self.size, "--json", *map(str, options)], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        figures = json.loads(run.stdout)
        return Frame.of_png(self.path("want.png")), figures["picture"], figures["panel"]

    def compare(self, got, want, picture, panel):
        """The picture is the very same. Of the panel figures of time may differ, and whether the pixel is held."""
        if len(got.levels) != len(want.levels):
            return f"{len(got.levels)} levels instead of {len(want.levels)}"
        if got.box(*picture) != want.box(*picture):
            return "another picture"
        share = share_of_different(got.box(*panel), want.box(*panel))
        return "" if share < 0.02 else f"{share:.3f} of the panel is different"

    def shows(self, *options, photo=None):
        """Waits until the screen shows the frame of these options."""
        wanted = self.headless(*options, photo=photo)
        end, fault = time.monotonic() + PATIENCE, "nothing"
        while time.monotonic() < end:
            self.assertIsNone(self.viewer.poll(), "the viewer has ended")
            grab = subprocess.run(["import", "-window", self.window, "-depth", "8", "rgb:-"], capture_output=True)
            fault = self.compare(Frame(*self.size, grab.stdout), *wanted) if grab.returncode == 0 else str(grab.stderr)
            if not fault:
                return
            time.sleep(0.2)
        self.fail(f"the screen shows {fault} instead of {options}")

    def resize(self, width, height):
        self.tool("windowsize", self.window, width, height)
        self.size = (width, height)

    # ---- What a user does ----

    def test_keys(self):
        self.open(*SHAPE, "--pixel", "40,30")
        self.shows(*SHAPE, "--pixel", "40,30")
        self.tool("key", "Right", "Right", "Down", "shift+Left")
        self.shows(*SHAPE, "--pixel", "34,31")
        self.tool("key", "bracketright", "bracketright", "z", "v")
        self.shows(*SHAPE, "--pixel", "34,31", "--strength", 0.85, "--zoom", 2, "--show", "input")
        self.tool("key", "3", "Tab", "Prior", "v", "x", "h")  # the focus goes from strength to noise
        shape = ["--noise", 28, "--pattern", "neighborhood", "--strength", 0.85, "--show", "both", "--no-heat"]
        token = "85,78"  # of the grid of 240: the pixel stays where it is
        self.shows(*shape, "--pixel", token)
        self.tool("key", "s", "q")
        frames, _ = self.ends_well()
        self.assertGreaterEqual(frames, 4)
        want, picture, panel = self.headless(*shape, "--pixel", token)
        self.assertEqual(self.compare(Frame.of_png(self.path("viewer.png")), want, picture, panel), "")

    def test_the_mouse(self):
        self.open(*SHAPE)
        self.shows(*SHAPE)
        _, picture, panel = self.headless(*SHAPE)
        x, y = picture[0] + picture[2] // 3, picture[1] + picture[3] // 2
        token = "%d,%d" % ((x - picture[0]) * 96 // picture[2], (y - picture[1]) * 77 // picture[3])
        self.tool("mousemove", "--window", self.window, x, y)
        self.shows(*SHAPE, "--pixel", token)
        self.tool("click", 1, "mousemove", "--window", self.window, x + 60, y)  # held: it stays
        self.shows(*SHAPE, "--pixel", token)
        # The fifth slider of the pattern is the noise, the fourth the strength; 20 pixels each, from 60 on.
        self.tool("mousemove", "--window", self.window, panel[0] + 90, 60 + 3 * 20 + 10, "mousedown", 1)
        self.tool("mousemove", "--window", self.window, panel[0] + panel[2] - 5, 60 + 3 * 20 + 10, "mouseup", 1)
        self.shows(*SHAPE, "--pixel", token, "--strength", 5)
        self.tool("mousemove", "--window", self.window, x + 60, y)
        self.tool("key", "space", "F1")
        self.tool("key", "Escape")  # closes the help, not the window
        self.tool("mousemove", "--window", self.window, x, y)
        self.shows(*SHAPE, "--pixel", token, "--strength", 5)
        self.tool("mousemove", "--window", self.window, panel[0] + panel[2] - 40, 42, "click", 1)
        self.shows("--noise", 20, "--strength", 5, "--pattern", "blocks")
        self.tool("key", "Escape")
        self.ends_well()

    def test_several_photographs(self):
        other = self.path("other.png")
        support.write_png(other, 90, 60, lambda x, y: support.shapes(x, y % 60))
        with open(self.path("text.png"), "w") as file:
            file.write("no picture")
        self.open("--noise", 20, "--pattern", "dense", other, "text.png")
        self.tool("key", "n")
        self.shows("--noise", 20, "--pattern", "dense", photo=other)
        self.tool("key", "n", "p", "p")  # one that cannot be read is told, and passed over
        self.shows("--noise", 20, "--pattern", "dense")
        self.tool("key", "q")
        stdout, stderr = self.viewer.communicate(timeout=PATIENCE)
        self.assertEqual(self.viewer.returncode, 0, stdout)
        self.assertIn("text.png' is not a readable PNG or JPEG", stderr)

    def test_sizes_and_minimising(self):
        self.open(*SHAPE, "--pixel", "40,30", "--screenshot", self.path("last.png"))
        self.shows(*SHAPE, "--pixel", "40,30")
        self.resize(720, 360)
        self.shows(*SHAPE, "--pixel", "40,30")
        for side in ((1, 1), (3, 700), (640, 100), (17, 17)):
            self.resize(*side)
            time.sleep(0.3)
        self.resize(650, 240)
        self.shows(*SHAPE, "--pixel", "40,30")
        # There is no window manager: what one does to a window that is minimised, and back.
        icon = lambda state: subprocess.run(["xprop", "-id", self.window, "-f", "WM_STATE", "32c", "-set", "WM_STATE", state], check=True)
        self.tool("windowunmap", self.window)
        icon("3")
        time.sleep(0.5)
        self.tool("key", "--window", self.window, "h")  # the frame waits
        time.sleep(0.3)
        icon("1")
        self.tool("windowmap", "--sync", self.window)
        self.tool("windowfocus", self.window)
        self.shows(*SHAPE, "--pixel", "40,30", "--no-heat")
        self.tool("key", "q")
        _, made = self.ends_well()
        self.assertGreaterEqual(made, 3)
        want, picture, panel = self.headless(*SHAPE, "--pixel", "40,30", "--no-heat")
        self.assertEqual(self.compare(Frame.of_png(self.path("last.png")), want, picture, panel), "")


if __name__ == "__main__":
    lacking = [f"{program} (package {package})" for program, package in NEEDED.items() if not shutil.which(program)]
    if lacking:
        print("skipped: no " + ", ".join(lacking))
        sys.exit(77)
    support.main()
