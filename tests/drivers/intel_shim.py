# SPDX-License-Identifier: MIT
"""The faked kernel device for Intel's driver: no package has it, so it is built once from Mesa's source package.

The source comes by apt's ordinary machinery with lists and caches of its own; meson comes by pip into a private
environment. Any Mesa of the last years will do: the shim answers ioctls, the compiler is the packaged driver's.
"""
import glob
import os
import shutil
import subprocess
import sys

import folders as rooms

SUITES = ("sid", "trixie-backports", "trixie")  # the first whose source can be had
TARGET = "src/intel/tools/libintel_noop_drm_shim.so"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OPTIONS = ("-Dtools=drm-shim,intel", "-Dvulkan-drivers=", "-Dgallium-drivers=", "-Dplatforms=", "-Dllvm=disabled",
           "-Dglx=disabled", "-Degl=disabled", "-Dgbm=disabled", "-Dopengl=false", "-Dgles1=disabled",
           "-Dgles2=disabled", "-Db_ndebug=true")  # with assertions it aborts on buffers of no bytes


def _do(words, log, folder=None):
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"\n$ {words[0]} ...\n")
        file.flush()
        code = subprocess.run(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, cwd=folder, check=False)
    return code.returncode == 0


def _apt(place, suite):
    """apt-get with everything of its own under `place`, for the sources of one suite."""
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(place, name), exist_ok=True)
    signed = f" [signed-by={KEYRING}]" if os.path.exists(KEYRING) else ""
    with open(os.path.join(place, "sources.list"), "w", encoding="utf-8") as file:
        file.write(f"deb-src{signed} {rooms.find_mirror()} {suite} main\n")
    pairs = (f"Dir::Etc::sourcelist={place}/sources.list", "Dir::Etc::sourceparts=-",
             f"Dir::State::lists={place}/lists", f"Dir::Cache={place}/cache", "Acquire::Check-Valid-Until=false",
             "APT::Sandbox::User=")
    return ["apt-get", "-q"] + [word for pair in pairs for word in ("-o", pair)]


def _fetch_source(place, log):
    """The folder of Mesa's unpacked source; raises Unavailable."""
    for suite in SUITES:
        shutil.rmtree(os.path.join(place, "lists"), ignore_errors=True)
        apt = _apt(place, suite)
        if not _do(apt + ["update"], log):
            continue
        if not _do(apt + ["source", "--download-only", "mesa"], log, place):
            continue
        archives = glob.glob(os.path.join(place, "mesa_*.orig.tar.xz"))
        source = os.path.join(place, "source")
        os.makedirs(source, exist_ok=True)
        if archives and _do(["tar", "-x", "-C", source, "--strip-components=1", "-f", archives[0]], log):
            return source
    raise rooms.Unavailable(f"Mesa's source package could not be fetched [{log}]")


def _meson(place, log):
    """A meson that is new enough, in an environment of its own; its path."""
    home = os.path.join(place, "python")
    good = _do([sys.executable, "-m", "venv", home], log) and _do(
        [os.path.join(home, "bin", "pip"), "install", "-q", "meson", "mako", "pyyaml", "packaging"], log)
    if not good:
        raise rooms.Unavailable(f"meson could not be installed into {home} [{log}]")
    return os.path.join(home, "bin", "meson")


def _build(place, log):
    source = _fetch_source(place, log)
    meson = _meson(place, log)
    build = os.path.join(place, "build")
    environment = os.path.dirname(meson) + os.pathsep + os.environ["PATH"]
    with_path = ["env", f"PATH={environment}"]
    if not _do([*with_path, meson, "setup", build, source, "--buildtype=release", *OPTIONS], log):
        raise rooms.Unavailable(f"meson could not configure Mesa for the Intel shim [{log}]")
    if not _do([*with_path, "ninja", "-C", build, TARGET], log):
        raise rooms.Unavailable(f"the Intel shim could not be built [{log}]")
    return os.path.join(build, TARGET)


def path(cache, refresh=False, say=print):
    """The shim's path, built if need be (about a minute and a half); raises Unavailable."""
    done = os.path.join(cache, "libintel_noop_drm_shim.so")
    if os.path.exists(done) and not refresh:
        return done
    place = os.path.join(cache, "intel-shim.part")  # what a stopped run left is swept away when the cache is opened
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    log = os.path.join(cache, "intel-shim.log")
    if os.path.exists(log):
        os.remove(log)
    say("Building the Intel shim from Mesa's source package")
    built = _build(place, log)
    shutil.copyfile(built, done + ".new")
    os.rename(done + ".new", done)
    shutil.rmtree(place, ignore_errors=True)
    return done
