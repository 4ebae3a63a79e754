#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lines and branches that were reached, of the sources in a folder, by what gcov says of a build that ran.

usage: coverage.py BUILD SOURCES [--missed] [--json FILE] [--lines PERCENT] [--branches PERCENT]

An object may be compiled into several programs, and a header into several objects: what any of them reached counts.
Exit status: 0, 1 below the percents that are asked for (95 and 85), 2 wrong command line or no figures.
"""
import argparse
import collections
import json
import os
import subprocess
import sys


class Source:
    """What was reached of one file: times by line, and by branch of a line."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        for index, branch in enumerate(b for b in line.get("branches", ()) if not b.get("throw")):
            self.branches[number, index] += branch["count"]

    @property
    def missed(self):
        return sorted(number for number, count in self.lines.items() if count == 0)


def share(counts):
    """(reached, all)"""
    return sum(count > 0 for count in counts.values()), len(counts)


def percent(reached, whole):
    return 100.0 * reached / whole if whole else 100.0


def shown(counts):
    """Never rounded up: what is below a bound does not look as if it were not."""
    reached, whole = counts
    return f"{reached * 1000 // whole / 10 if whole else 100:.1f} % of {whole}"


def read(documents, folder):
    """Sources by their path in the folder, of documents as gcov --json-format writes them."""
    sources = collections.defaultdict(Source)
    inside = os.path.join(os.path.abspath(folder), "")
    for document in documents:
        for file in document["files"]:
            path = os.path.join(document.get("current_working_directory", ""), file["file"])
            path = os.path.normpath(path)
            if not path.startswith(inside):
                continue
            source = sources[path[len(inside):]]
            for line in file["lines"]:
                source.add(line)
    return dict(sources)


def documents_of(build):
    """One for each object that ran."""
    build = os.path.abspath(build)  # gcov runs there
    for folder, _, names in os.walk(build):
        data = [os.path.join(folder, name) for name in names if name.endswith(".gcda")]
        if not data:
            continue
        said = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", *data], cwd=build,
                              capture_output=True, text=True, check=True).stdout
        for line in said.splitlines():
            if line.strip():
                yield json.loads(line)


def spans(numbers):
    """3 4 5 9 -> "3-5 9"."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def totals(sources):
    """((reached, all) lines, the same of branches)"""
    sums = [[0, 0], [0, 0]]
    for source in sources.values():
        for total, counts in zip(sums, (source.lines, source.branches)):
            reached, whole = share(counts)
            total[0] += reached
            total[1] += whole
    return tuple(tuple(total) for total in sums)


def table(sources, missed):
    rows = sorted(sources.items(), key=lambda item: (percent(*share(item[1].lines)), percent(*share(item[1].branches))))
    text = "| file | lines | branches |\n|---|---|---|\n"
    for name, source in rows:
        text += f"| {name} | {shown(share(source.lines))} | {shown(share(source.branches))} |\n"
    if missed:
        text += "".join(f"{name}: {spans(source.missed)}\n" for name, source in rows if source.missed)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("sources")
    parser.add_argument("--missed", action="store_true", help="also name the lines that nothing reached")
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--lines", type=float, default=95, help="percent of the lines that must be reached")
    parser.add_argument("--branches", type=float, default=85)
    options = parser.parse_args()
    sources = read(documents_of(options.build), options.sources)
    if not sources:
        print("coverage: no figures: has a build with --coverage run?", file=sys.stderr)
        return 2
    lines, branches = totals(sources)
    print(table(sources, options.missed), end="")
    print(f"lines {shown(lines)}, branches {shown(branches)}")
    if options.json:
        figures = {name: {"lines": share(s.lines), "branches": share(s.branches), "missed": s.missed}
                   for name, s in sources.items()}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"lines": lines, "branches": branches, "files": figures}, file, indent=1)
    return 0 if percent(*lines) >= options.lines and percent(*branches) >= options.branches else 1


if __name__ == "__main__":
    sys.exit(main())
