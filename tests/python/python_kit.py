# SPDX-License-Identifier: MIT
"""What the tests of the Python package share: random tensors, one device under the validation layer, and skipping without one."""
import sys
import unittest

try:
    import numpy as np
    import vatten
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

_device = []


def device():
    """The device of this program."""
    if not _device:
        _device.append(vatten.Device(validation=True))
    return _device[0]


def normal(seed, shape, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


class DeviceTest(unittest.TestCase):
    """Every test of it must leave the validation layer silent."""

    def tearDown(self):
        self.assertEqual(device().validation_errors(), 0)

    def assert_near(self, got, want, tolerance):
        self.assertEqual(got.shape, want.shape)
        same = got.astype(np.float64) == want  # infinities too
        worst = np.abs(np.where(same, 0, got.astype(np.float64) - np.where(same, 0, want))).max()
        self.assertLessEqual(worst, tolerance)  # NaN fails too


def run():
    if not vatten.devices():
        print("skipped: there is no Vulkan device")
        sys.exit(77)
    print(f"vatten {vatten.__version__} of {vatten.__file__} on {device().name}")
    unittest.main()
