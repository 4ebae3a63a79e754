# SPDX-License-Identifier: MIT
"""test_packer.py VATTEN_PACK KERNELS: the packer as the build calls it: the same bytes each time, whatever it refuses told by name, and nothing
written then."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

PACKER, KERNELS = sys.argv[1:3]
HEAD = (0x07230203, 0x00010300, 0, 3, 0)
VOID, UNKNOWN = (2 << 16 | 19, 1), (2 << 16 | 9999, 2)


class Packer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.out = os.path.join(self.folder.name, "packed.h")

    def put(self, name, data):
        with open(os.path.join(self.folder.name, name), "wb") as file:
            file.write(data)

    def module(self, name, *words):
        self.put(name + ".spv", struct.pack(f"<{len(words)}I", *words))

    def pack(self, *names, folder=None):
        self.put("names.txt", "".join(name + "\n" for name in names).encode())
        return subprocess.run([PACKER, self.out, folder or self.folder.name, os.path.join(self.folder.name, "names.txt")],
                              capture_output=True, text=True, check=False)

    def text(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def refused(self, done, words):
        self.assertEqual(done.returncode, 1)
        self.assertIn(words, done.stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_the_same_bytes_each_time(self):
        names = sorted(name[:-4] for name in os.listdir(KERNELS) if name.endswith(".spv"))
        if not names:
            self.skipTest(f"{KERNELS} has no kernels as compiled")
        self.assertEqual(self.pack(*names, folder=KERNELS).returncode, 0)
        first = self.text()
        self.assertEqual(self.pack(*names, folder=KERNELS).returncode, 0)
        self.assertEqual(self.text(), first)
        self.assertIn(f"vt_size_{names[0]} = ", first)

    def test_what_is_not_known_is_kept_and_told(self):
        self.module("plain", *HEAD, *VOID, *UNKNOWN)
        self.module("other", *HEAD, *VOID)
        done = self.pack("plain", "other")
        self.assertEqual(done.returncode, 0)
        self.assertIn("plain has what is not known here", done.stderr)
        self.assertNotIn("other", done.stderr)
        self.assertIn("vt_size_plain = 36", self.text())
        self.assertIn("vt_size_other = 28", self.text())

    def test_files_that_are_none(self):
        self.refused(self.pack("missing"), "missing.spv: No such file")
        self.module("magic", 1, *HEAD[1:])
        self.refused(self.pack("magic"), "magic: no SPIR-V")
        self.module("cut", *HEAD, VOID[0])
        self.refused(self.pack("cut"), "cut: no SPIR-V")
        self.put("odd.spv", b"\x03\x02\x23\x07\x00")
        self.refused(self.pack("odd"), "odd: no SPIR-V")

    def test_usage(self):
        done = subprocess.run([PACKER], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: vatten_pack OUT.h FOLDER NAMES.txt", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
