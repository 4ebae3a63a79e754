# SPDX-License-Identifier: MIT
"""The command line and environment for a program on a device, and running it with a time limit.

A folder's own dynamic linker runs a program of this machine on the folder's libraries; arm64 programs run under
qemu. Nothing of the system's drivers and layers is seen by either.
"""
import dataclasses
import json
import os
import signal
import subprocess
import time

import device_list
import folders as rooms

UNSET = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_INSTANCE_LAYERS", "VK_ADD_LAYER_PATH", "LD_PRELOAD",
         "LD_LIBRARY_PATH", "VATTEN_DEVICE", "VATTEN_TEST_CAPS", "VATTEN_TEST_LAYOUT", "VATTEN_TEST_BRIEF")
RAISING_LAYER = "VK_LAYER_VATTEN_raise_version"
# Without pointer authentication, which newer ones have, distributions build for and qemu computes by a cipher at each call
# and return: compilers take ten times as long with it.
ARM64_CPU = "cortex-a72"


@dataclasses.dataclass
class Place:
    """Where a device's files are: a fetched folder and what was built for it."""
    device: device_list.Device
    folder: str  # path; "" for the system's own drivers
    build: str  # build folder of the programs that run there: the host's or the one for arm64
    cache: str
    shim: str = ""  # path, "" = the folder's own
    extra_libraries: str = ""  # another folder of libraries, searched last
    layers: str = ""  # path of a folder with newer layers, "" = `folder`; its loader and libraries are then used

    @property
    def arch(self):
        name = self.device.folder
        return device_list.FOLDERS[name][0] if name in device_list.FOLDERS else "amd64"

    @property
    def libraries(self):
        return rooms.libraries_in(self.folder, self.arch)

    def program(self, *parts):
        return os.path.join(self.build, *parts)


def _icd_file(place):
    """The driver's manifest; where other libraries come first, one that names the driver by its whole path."""
    path = os.path.join(place.folder, "usr/share/vulkan/icd.d", f"{place.device.icd}_icd.json")
    if not place.layers:
        return path
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    library = os.path.basename(manifest["ICD"]["library_path"])
    manifest["ICD"]["library_path"] = os.path.join(place.libraries, library)
    whole = os.path.join(place.cache, f"{place.device.ident}_icd.json")
    with open(whole, "w", encoding="utf-8") as file:
        json.dump(manifest, file)
    return whole


def _driver_environment(place):
    device = place.device
    values = dict(device.environment)
    empty = os.path.join(place.cache, "no-layers")
    os.makedirs(empty, exist_ok=True)
    values["VK_DRIVER_FILES"] = _icd_file(place)
    values["VK_LAYER_PATH"] = empty
    values["VK_LOADER_LAYERS_DISABLE"] = "~implicit~"
    if device.executes:
        values["MESA_SHADER_CACHE_DIR"] = os.path.join(place.cache, "shaders")
    else:
        values["MESA_SHADER_CACHE_DISABLE"] = "true"  # an audit is there to compile
    if device.raise_version:
        values["VK_LAYER_PATH"] = place.program("tests", "drivers")
        values["VK_INSTANCE_LAYERS"] = RAISING_LAYER
    return values


def _shim(place):
    if not place.device.shim:
        return ""
    return place.shim or os.path.join(place.libraries, f"lib{place.device.shim}_noop_drm_shim.so")


def layer_folder(place):
    """Where the validation layers are."""
    return os.path.join(place.layers or place.folder, "usr/share/vulkan/explicit_layer.d")


def command(place, program, arguments=(), environment=()):
    """(words, environment) that run `program` there; `environment` holds more pairs, which win."""
    values = {name: value for name, value in os.environ.items() if name not in UNSET}
    if place.folder:
        values.update(_driver_environment(place))
    values.update(environment)
    words = [program, *arguments]
    if not place.folder:
        return words, values
    shim = _shim(place)
    if place.arch == "arm64":
        path = ":".join(p for p in (place.libraries, place.extra_libraries) if p)
        preload = ["-E", f"LD_PRELOAD={shim}"] if shim else []
        return ["qemu-aarch64-static", "-cpu", ARM64_CPU, "-L", place.folder, "-E", f"LD_LIBRARY_PATH={path}", *preload,
                *words], values
    linker = os.path.join(place.layers or place.folder, "usr/lib64/ld-linux-x86-64.so.2")
    newer = [rooms.libraries_in(place.layers, place.arch)] if place.layers else []
    preload = ["--preload", shim] if shim else []
    return [linker, "--library-path", ":".join([*newer, place.libraries]), *preload, *words], values


@dataclasses.dataclass
class Outcome:
    code: int  # exit status; negative: the signal; None: the time limit
    seconds: float
    log: str  # path of what it said, stdout and stderr together
    last_line: str

    def why(self):
        """One line for a failure."""
        if self.code is None:
            how = f"still running after {self.seconds:.0f} s"
        elif self.code < 0:
            how = f"crashed ({signal_name(-self.code)})"
        else:
            how = f"exit status {self.code}"
        return f"{how}, last line: {self.last_line or '(nothing said)'} [{self.log}]"


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    # qemu's own report of a crash comes after the line that says what was being done
    lines = [line for line in lines if not line.startswith("qemu: uncaught target signal")]
    return lines[-1][:200] if lines else ""


def run(words, values, log, limit, folder=None):
    """Runs to the end or the limit, in seconds; everything said goes to the file `log`."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(words, env=values, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=folder,
                                   start_new_session=True)
        try:
            code = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # with what it started
                process.wait()
    return Outcome(code, time.monotonic() - start, log, last_line_of(log))
