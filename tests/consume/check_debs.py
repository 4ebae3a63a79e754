#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the packages of Debian that cpack made to what their users and Debian's policy ask for, and asks lintian where it is installed.

    check_debs.py FOLDER LICENSE

FOLDER has a set of packages of one version. What lintian finds and is meant so stands in MEANT.
"""
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

# Which packages a set may have, and what each needs: (field, a pattern that it matches). {libraries} is the package of the shared ones.
NEEDS = {
    "libvatten-dev": [("Depends", "{libraries}"), ("Recommends", r"\blibvulkan-dev\b"), ("Section", "^libdevel$")],
    "vatten-tools": [("Depends", "{libraries}"), ("Depends", r"\blibvulkan1\b"), ("Depends", r"\blibc6\b"), ("Depends", r"\blibcjson1\b"),
                     ("Section", "^utils$")],
    r"libvatten\d.*": [("Depends", r"\blibc6\b"), ("Recommends", r"\blibvulkan1\b"), ("Section", "^libs$")],
}

MEANT = {
    "no-changelog": "CHANGELOG.md is none of Debian's form",
    "no-manual-page": "the tools have --help",
    "maintscript-calls-ldconfig": "CPack writes these scripts, beside the trigger",
    "pkg-config-unavailable-for-cross-compilation": "lib/ is where the same tree is installed elsewhere too",
}


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


class Package:
    def __init__(self, path):
        self.fields = dict(re.findall(r"^([\w-]+): (.*(?:\n .*)*)", run("dpkg-deb", "-f", path).decode(), re.M))
        self.name = self.fields["Package"]
        with tarfile.open(fileobj=io.BytesIO(run("dpkg-deb", "--fsys-tarfile", path))) as tar:
            self.members = tar.getmembers()
            self.texts = {m.name[1:]: tar.extractfile(m).read() for m in self.members if m.name.startswith("./usr/share/doc/") and m.isfile()}
        with tarfile.open(fileobj=io.BytesIO(run("dpkg-deb", "--ctrl-tarfile", path))) as tar:
            self.control = {m.name[2:]: tar.extractfile(m).read().decode() for m in tar.getmembers() if m.isfile()}

    def lacks(self, libraries):
        """What NEEDS has for this package and it does not say."""
        needs = [needs for name, needs in NEEDS.items() if re.fullmatch(name, self.name)]
        if not needs:
            yield "is no package that is known"
        for field, pattern in needs[0] if needs else ():
            wanted = pattern.format(libraries=libraries) if "{" in pattern else pattern
            if not re.search(wanted, self.fields.get(field, "")):
                yield f"{field}: {self.fields.get(field)!r} does not match {wanted!r}"


def wrong(package, libraries, license_text):
    yield from package.lacks(libraries)
    if not re.fullmatch(r"[^<>]+ <[^<>@\s]+@[^<>@\s]+>", package.fields["Maintainer"]):
        yield f"Maintainer: {package.fields['Maintainer']} is no name with an address"
    if "\n" not in package.fields["Description"]:
        yield "Description: only one line"
    if package.texts.get(f"/usr/share/doc/{package.name}/copyright") != license_text:
        yield "the licence is not where it belongs"
    for member in package.members:
        if member.isdir() and member.mode & 0o777 != 0o755 or member.isfile() and member.mode & 0o777 not in (0o644, 0o755):
            yield f"{member.name} has the mode {member.mode:o}"
    for member in package.members:
        library = re.fullmatch(r".*/(lib\w+)\.so\.(\d+\.\d+)", member.name)
        if library and f"{library[1]} {library[2]} {package.name} (>= " not in package.control.get("shlibs", ""):
            yield f"shlibs: {member.name} is not named"


def asked_of_lintian(debs):
    if not shutil.which("lintian"):
        print("lintian is not installed: it is not asked")
        return
    # Root may ask too. Its status tells of findings only, which are read here.
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "none", *debs], check=True, stdout=subprocess.PIPE)
    for line in done.stdout.decode().splitlines():
        tag = re.match(r"[EW]: [\w.-]+: ([\w-]+)", line)
        if tag and tag[1] not in MEANT:
            yield line


def main():
    folder, license_file = map(pathlib.Path, sys.argv[1:3])
    debs = sorted(folder.glob("*.deb"))
    packages = [Package(deb) for deb in debs]
    # Static libraries are in the package of developers, and there is no other.
    libraries = ""
    for package in packages:
        if re.match(r"libvatten\d", package.name):
            libraries = re.escape(f"{package.name} (= {package.fields['Version']})")
    found = [f"{p.name}: {text}" for p in packages for text in wrong(p, libraries, license_file.read_bytes())]
    if "libvatten-dev" not in [p.name for p in packages]:
        found.append("there is no libvatten-dev")
    found += asked_of_lintian(debs)
    print("\n".join(found) or f"{len(packages)} packages are right: {', '.join(p.name for p in packages)}")
    return 1 if found else 0


sys.exit(main())
