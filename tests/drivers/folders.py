# SPDX-License-Identifier: MIT
"""Private folders of Debian packages in the cache: fetched once, whole or not at all, without a change to the system.

The mirror is the one in the machine's own apt sources, or VATTEN_DRIVERS_MIRROR. What cannot be had raises
Unavailable with one line that says why and what to do.
"""
import fcntl
import gzip
import json
import os
import re
import shutil
import subprocess

import device_list

TRIPLES = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
FETCH_SECONDS = 900


class Unavailable(Exception):
    pass


def cache_path(environment=os.environ):
    named = environment.get("VATTEN_DRIVERS_CACHE")
    if named:
        return os.path.abspath(named)
    base = environment.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "vatten-drivers")


def mirror_from(listing):
    """The first Debian mirror in what `apt-get indextargets` printed as ORIGIN|CODENAME|REPO_URI lines, or None."""
    for line in listing.splitlines():
        origin, _, rest = line.partition("|")
        codename, _, place = rest.partition("|")
        if origin == "Debian" and place and "-" not in codename:
            return place.rstrip("/")
    return None


def find_mirror():
    named = os.environ.get("VATTEN_DRIVERS_MIRROR")
    if named:
        return named.rstrip("/")
    listing = ""
    if shutil.which("apt-get"):
        listing = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"],
                                 capture_output=True, text=True, check=False).stdout
    mirror = mirror_from(listing)
    if mirror is None:
        raise Unavailable("the apt sources name no Debian mirror (or apt-get update has not run): set "
                          "VATTEN_DRIVERS_MIRROR to one")
    return mirror


def system_suite(path="/etc/os-release"):
    """The machine's own Debian release; the oldest supported one elsewhere, so that its libraries link everywhere."""
    values = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            values = dict(line.strip().split("=", 1) for line in file if "=" in line)
    if values.get("ID", "").strip('"') == "debian" and values.get("VERSION_CODENAME"):
        return values["VERSION_CODENAME"].strip('"')
    return "bookworm"


def without_hosts(text):
    """Messages of apt, fit for one line of the report."""
    return re.sub(r"\b\w+://\S+", "(mirror)", " ".join(text.split()))


def last_error(text):
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:") and "mmdebstrap" not in line and "failed:" not in line]
    return without_hosts((errors or lines or ["no message"])[-1])[:300]


class Folders:
    """The cache. Folders are fetched when first asked for; a failure is kept and told to each that asks.

    Two locks: `fetching` is one run's at a time, until `settled`; `lock` all runs share to their ends, and who replaces
    a folder has it alone. `fetching` comes first, so nobody waits for it with a share of the other.
    """

    def __init__(self, cache, refresh=False, say=print):
        self.cache = cache
        self.refresh = refresh
        self.say = say
        self.known = {}  # name -> path or Unavailable
        self.fetching = None
        self.lock = None
        self._open()

    def _open(self):
        try:
            os.makedirs(self.cache, exist_ok=True)
            self.fetching = open(os.path.join(self.cache, "fetching"), "w", encoding="utf-8")
            self.lock = open(os.path.join(self.cache, "lock"), "w", encoding="utf-8")
            self._wait(self.fetching, fcntl.LOCK_EX, "prepares")
            self._wait(self.lock, fcntl.LOCK_EX if self.refresh else fcntl.LOCK_SH, "replaces what is in")
        except OSError as error:
            raise Unavailable(f"the cache {self.cache} cannot be used ({error.strerror}): make it writable or set "
                              "VATTEN_DRIVERS_CACHE to another folder") from error
        for name in os.listdir(self.cache):
            if name.endswith(".part"):  # of a run that was stopped
                shutil.rmtree(os.path.join(self.cache, name), ignore_errors=True)

    def _wait(self, file, how, what):
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            self.say(f"Waiting for another run that {what} {self.cache}")
            fcntl.flock(file, how)

    def settled(self):
        """All folders that this run needs are there: other runs may fetch theirs."""
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        self.fetching.close()

    def path(self, name):
        """The folder's path, fetched if need be; raises Unavailable."""
        if name not in self.known:
            try:
                self.known[name] = self._get(name)
            except Unavailable as error:
                self.known[name] = error
        if isinstance(self.known[name], Unavailable):
            raise self.known[name]
        return self.known[name]

    def private(self, name):
        """A folder of the cache for something else, made if need be."""
        path = os.path.join(self.cache, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _get(self, name):
        arch, suite, packages = device_list.FOLDERS[name]
        suite = system_suite() if suite == "@system" else suite
        path = os.path.join(self.cache, name)
        stamp = {"architecture": arch, "suite": suite, "packages": list(packages)}
        if not self.refresh and _read_stamp(path) == stamp:
            return path
        part = path + ".part"
        self.say(f"Fetching {name}: {' '.join(packages)} of {suite}")
        try:
            _unpack(arch, suite, packages, part)
            _link(part)
            with open(os.path.join(part, "vatten-stamp.json"), "w", encoding="utf-8") as file:
                json.dump(stamp, file)
            if os.path.exists(path):
                self._wait(self.lock, fcntl.LOCK_EX, "uses")
                shutil.rmtree(path)
            os.rename(part, path)
        except OSError as error:
            raise Unavailable(f"folder {name} could not be written: {error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return path


def _read_stamp(path):
    try:
        with open(os.path.join(path, "vatten-stamp.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _unpack(arch, suite, packages, part):
    """mmdebstrap to tar, so that also without root everything belongs to the caller."""
    if not shutil.which("mmdebstrap"):
        raise Unavailable("mmdebstrap is not installed")
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    fetch = ["mmdebstrap", "--variant=extract", "--format=tar", f"--architectures={arch}",
             '--aptopt=Acquire::Check-Valid-Until "false"', "--include=" + ",".join(packages), suite, "-",
             find_mirror()]
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev", "-C", part]
    with open(part + ".log", "w+", encoding="utf-8", errors="replace") as log:
        first = subprocess.Popen(fetch, stdout=subprocess.PIPE, stderr=log)
        second = subprocess.Popen(unpack, stdin=first.stdout, stderr=log)
        first.stdout.close()
        try:
            failed = second.wait(timeout=FETCH_SECONDS) + first.wait(timeout=60)
        except subprocess.TimeoutExpired as error:
            first.kill()
            second.kill()
            raise Unavailable(f"fetching took more than {FETCH_SECONDS} s") from error
        log.seek(0)
        text = log.read()
    if failed:
        raise Unavailable(f"fetching {' '.join(packages)} of {suite} failed: {last_error(text)}")
    os.remove(part + ".log")


def _link(path):
    """An extracted folder lacks the merged-usr links, which programs' interpreters are found by."""
    for name in ("lib", "lib64"):
        place = os.path.join(path, name)
        if not os.path.lexists(place) and os.path.isdir(os.path.join(path, "usr", name)):
            os.symlink("usr/" + name, place)


def libraries_in(path, arch):
    return os.path.join(path, "usr", "lib", TRIPLES[arch])


def package_version(path, package):
    """The version of an unpacked package by its changelog: what is only extracted is in no database."""
    place = os.path.join(path, "usr", "share", "doc", package, "changelog.Debian.gz")
    try:
        with gzip.open(place, "rt", encoding="utf-8", errors="replace") as file:
            found = re.match(r"\S+ \(([^)]+)\)", file.readline())
    except OSError:
        found = None
    if not found:
        raise Unavailable(f"the version of {package} is not known: {place} cannot be read; try --refresh")
    return found.group(1)
