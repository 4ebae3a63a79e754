#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds samples/android together as far as that can be seen without Gradle: XML is well-formed, names and files that one file takes from another are
there, versions agree, braces close.

    check_project.py FOLDER VERSION
"""
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

#: The highest compileSdk of a version of the Android Gradle plugin.
HIGHEST = {(8, 5): 34, (8, 6): 35, (8, 10): 36, (8, 13): 36}
ANDROID = "{http://schemas.android.com/apk/res/android}"


def first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else None


def unbalanced(text):
    text = re.sub(r'"[^"\n]*"|//[^\n]*', "", text)
    return any(text.count(left) != text.count(right) for left, right in ("{}", "()", "[]"))


def read_all(folder):
    names = ("settings.gradle", "build.gradle", "gradle.properties", "app/build.gradle", "app/src/main/AndroidManifest.xml",
             "app/src/main/res/values/strings.xml", "app/src/main/cpp/CMakeLists.txt")
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def manifest_faults(texts, library):
    root = xml.fromstring(texts["app/src/main/AndroidManifest.xml"])
    strings = {node.get("name") for node in xml.fromstring(texts["app/src/main/res/values/strings.xml"])}
    label = root.find("application").get(ANDROID + "label")
    activity = root.find("application/activity")
    named = activity.find("meta-data")
    yield root.get("package") is not None, "the package belongs into app/build.gradle, as namespace"
    yield not label.startswith("@string/") or label[8:] not in strings, f"{label} is no string"
    yield activity.get(ANDROID + "name") != "android.app.NativeActivity", "the activity is not Android's own"
    yield activity.get(ANDROID + "exported") != "true", "launchers cannot start the activity"
    yield named.get(ANDROID + "name") != "android.app.lib_name" or named.get(ANDROID + "value") != library, "the activity loads another library"
    yield root.find("uses-feature").get(ANDROID + "version") != "0x401000", "Vulkan 1.1 is 0x401000"


def gradle_faults(folder, texts, version, library):
    app = texts["app/build.gradle"]
    path = first(r'path "([^"]+)"', app)
    picture = first(r'from "([^"]+)"', app)
    minimum, target, compiled = (int(first(rf"{name} (\d+)", app) or 0) for name in ("minSdk", "targetSdk", "compileSdk"))
    yield first(r'versionName "([^"]+)"', app) != version, "versionName is not the project's version"
    yield not 24 <= minimum <= target <= compiled, f"minSdk {minimum}, targetSdk {target}, compileSdk {compiled}"
    yield not (folder / "app" / path).is_file(), f"{path} is not there"
    yield not (folder / "app" / picture).resolve().is_file(), f"{picture} is not there"
    yield Path(picture).name not in (folder / "app/src/main/cpp/phone_app.c").read_text(encoding="utf-8"), "the activity opens another picture"
    yield first(r'targets "([^"]+)"', app) != library, "Gradle builds another target"
    yield 'include ":app"' not in texts["settings.gradle"], "settings.gradle has no :app"
    for block in ("pluginManagement", "dependencyResolutionManagement"):  # the plugin itself, and the aapt2 that it takes
        yield not re.search(block + r" \{\s*repositories \{\s*google\(\)", texts["settings.gradle"]), f"{block} has no google()"
    plugin = tuple(int(n) for n in (first(r'version "([0-9.]+)"', texts["build.gradle"]) or "0").split("."))
    yield compiled > HIGHEST.get(plugin[:2], 0), f"plugin {plugin} does not know compileSdk {compiled}: HIGHEST has what its release notes say"
    yield first(r'id "([^"]+)"', app) != first(r'id "([^"]+)"', texts["build.gradle"]), "the plugins differ"
    for name in re.findall(r'project\.property\("(\w+)"\)', app):
        yield not re.search(rf"^{name}=", texts["gradle.properties"], re.M), f"gradle.properties has no {name}"
    for name in ("settings.gradle", "build.gradle", "app/build.gradle", "app/src/main/cpp/CMakeLists.txt"):
        yield unbalanced(texts[name]), f"{name}: a bracket is not closed"


def cmake_faults(folder, text):
    here = folder / "app/src/main/cpp"
    values = {"CMAKE_CURRENT_SOURCE_DIR": str(here)}
    for name, value in re.findall(r"set\((tree|common|denoise) ([^)\s]+)\)", text):
        values[name] = re.sub(r"\$\{(\w+)\}", lambda m: values[m.group(1)], value)
    sources = first(r"add_library\(phone SHARED([^)]+)\)", text).split()
    for source in sources:
        path = re.sub(r"\$\{(\w+)\}", lambda m: values.get(m.group(1), m.group(0)), source)
        yield "${" not in path and not (here / path).resolve().is_file(), f"{source} is not there"
    yield len(sources) < 10, "the sources were not found"


def main():
    folder, version = Path(sys.argv[1]).resolve(), sys.argv[2]
    texts = read_all(folder)
    cmake = texts["app/src/main/cpp/CMakeLists.txt"]
    library = first(r"add_library\((\w+) SHARED", cmake)
    found = list(manifest_faults(texts, library)) + list(gradle_faults(folder, texts, version, library)) + list(cmake_faults(folder, cmake))
    faults = [text for wrong, text in found if wrong]
    for fault in faults:
        print(fault)
    print(f"{len(found)} conditions, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
