# SPDX-License-Identifier: MIT
"""python -m vatten: versions, devices, and what the chosen one can do, as a bug report needs it."""
import platform
import sys

import cffi
import numpy as np

import vatten
from vatten.native import lib


def features(bits: int) -> str:
    """Names of vatten_feature bits."""
    prefix = "VATTEN_FEATURE_"
    names = [name[len(prefix):].lower() for name in dir(lib) if name.startswith(prefix) and bits & getattr(lib, name)]
    return ", ".join(names) or "none"


def main() -> int:
    print(f"vatten {vatten.__version__} in {vatten.__path__[0]}")
    print(f"Python {platform.python_version()}, numpy {np.__version__}, cffi {cffi.__version__}, {platform.platform()}")
    for index, name in enumerate(vatten.devices()):
        print(f"device {index}: {name}")
    try:
        with vatten.Device() as device:
            print(f"chosen: {device.name}, driver {device.driver}")
            print(f"features: {features(device.features)}")
            for name, value in device.info.items():
                if name not in ("name", "features"):
                    print(f"  {name}: {value}")
    except vatten.Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
