#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_python_wheel.py SOURCE KERNELS FOLDER TEST: builds the wheel as `pip wheel` does, without network and with the kernels of another
build; holds what is in it; installs it into a fresh environment in FOLDER and runs TEST there. Skipped without venv, pip or
scikit-build-core, which tools/setup.sh installs into FOLDER/build where it can."""
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

MEMBERS = {"vatten/__init__.py", "vatten/_declarations.py", "vatten/_vatten.so", "vatten/py.typed"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def has(python, modules):
    return subprocess.run([str(python), "-c", f"import {modules}"], capture_output=True, check=False).returncode == 0


def builder(folder):
    """A Python that has all to build a wheel with."""
    for python in (folder / "build" / "bin" / "python", Path(sys.executable)):
        if python.exists() and has(python, "pip, scikit_build_core, cffi"):
            return python
    return skip("no Python with pip, scikit-build-core and cffi: VATTEN_INSTALL=no, or no network when tests/run.sh set up")


def build(python, source, kernels, folder):
    shutil.rmtree(folder, ignore_errors=True)
    environment = {**os.environ, "VATTEN_PREBUILT_SPIRV": kernels, "CMAKE_GENERATOR": "Ninja" if shutil.which("ninja") else "Unix Makefiles"}
    run(python, "-m", "pip", "-q", "wheel", "--no-index", "--no-build-isolation", "--no-deps", "-w", folder, source, env=environment)
    wheels = list(folder.glob("*.whl"))
    assert len(wheels) == 1 and "-py3-none-" in wheels[0].name, wheels
    return wheels[0]


def check_members(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        modules = {f"vatten/{path.name}" for path in (Path(sys.argv[1]) / "python" / "vatten").glob("*.py")}
        assert MEMBERS | modules <= names, f"missing: {(MEMBERS | modules) - names}"
        strangers = [n for n in names if not n.startswith(("vatten/", "vatten-"))]
        assert not strangers, strangers
    print(f"{wheel.name}: {len(names)} members, {wheel.stat().st_size >> 10} KiB")


def main():
    source, kernels, folder, test = (Path(word).resolve() for word in sys.argv[1:])
    if not has(sys.executable, "venv, ensurepip"):
        skip("this Python has no venv")
    wheel = build(builder(folder), source, str(kernels), folder / "wheel")
    check_members(wheel)
    fresh = folder / "fresh"
    # numpy and cffi are this Python's: without network they come from nowhere else
    run(sys.executable, "-m", "venv", "--clear", "--system-site-packages", fresh)
    python = fresh / "bin" / "python"
    run(python, "-m", "pip", "-q", "install", "--no-index", wheel)
    where = {**os.environ, "PYTHONPATH": ""}
    out = run(python, "-c", "import vatten; print(vatten.__file__)", env=where, capture_output=True, text=True, cwd=folder).stdout
    assert out.startswith(str(fresh)), out
    status = subprocess.run([str(python), "-B", str(test)], env=where, check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
