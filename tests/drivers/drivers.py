# SPDX-License-Identifier: MIT
"""tests/drivers/run.sh without its set-up: which runs, in what order, and the sums.

    drivers.py [--list] [--only PATTERN]... [--audit|--loops|--execute] [--full] [--refresh] [--table FILE] --build FOLDER

Ends with a line "N passed, N failed, N skipped"; exit status 1 if any failed, 2 for a wrong command line.
"""
import argparse
import os
import sys

import audit_runs
import builds
import device_list
import devices_table
import execution_runs
import folders as rooms
import intel_shim
import launch
import loop_runs
import loop_table
import report as reports

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse(words):
    parser = argparse.ArgumentParser(prog="tests/drivers/run.sh", description="Every kernel on the compilers of many "
                                     "devices, and the GPU tests on software devices; none of them needs a GPU.")
    parser.add_argument("--list", action="store_true", help="print what there is to run and stop")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="runs whose id, name or family contains this, or matches it with * and ?")
    parser.add_argument("--audit", action="append_const", dest="kinds", const=("audit", "shaders"), default=[],
                        help="only what is compiled, at dim 128 with every dtype")
    parser.add_argument("--loops", action="append_const", dest="kinds", const=("loops",),
                        help="only what the compilers make of the products: instructions for each multiply-add")
    parser.add_argument("--execute", action="append_const", dest="kinds", const=("execute", "validate"),
                        help="only what is executed")
    parser.add_argument("--full", action="store_true", help="whole lists everywhere; takes hours")
    parser.add_argument("--refresh", action="store_true", help="fetch the drivers anew")
    parser.add_argument("--table", metavar="FILE", help="write the audit, or with --loops the loops, as a page of Markdown "
                        "there, and the rows beside it as results/devices.csv or results/loops.csv")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    return parser.parse_args(words)


def print_list():
    for run in device_list.RUNS:
        state = "" if run.default else "  (only with --full or --only)"
        print(f"{run.ident:32} {run.kind:9} {run.device.folder:13} {run.name}{state}")


class Places:
    """Where each device's files are, made when first asked for. Not for several threads: ask before they start."""

    def __init__(self, root, build, cache, refresh, say=print):
        self.root = root
        self.build = build
        self.refresh = refresh
        self.say = say
        self.cache = cache
        self.folders = rooms.Folders(cache, refresh, say)
        self.once = {}

    def _made(self, name, make):
        if name not in self.once:
            try:
                self.once[name] = make()
            except (rooms.Unavailable, builds.BuildFailed) as error:
                self.once[name] = error
        if isinstance(self.once[name], Exception):
            raise self.once[name]
        return self.once[name]

    def of(self, device, scope="workgroup"):
        if device.folder == device_list.SYSTEM:
            return launch.Place(device, "", self._made("system", lambda: builds.system(self.root, self.build)), self.cache)
        folder = self.folders.path(device.folder)
        place = launch.Place(device, folder, "", self.cache)
        if place.arch == "arm64":
            devel = self.folders.path("devel-arm64")
            place.build = self._made("arm64", lambda: builds.arm64(self.root, self.build, self._glslang(), devel))
            place.extra_libraries = rooms.libraries_in(devel, "arm64")
        else:
            place.build = self._made(f"amd64 {scope}",
                                     lambda: builds.amd64(self.root, self.build, self._glslang(), scope))
        if device.shim == "intel":
            place.shim = self._made("shim", lambda: intel_shim.path(self.cache, self.refresh, self.say))
        return place

    def _glslang(self):
        """The folder with the newer glslang; "" without one, and then the system's has to do."""
        try:
            folder = self.folders.path(device_list.GLSLANG_FOLDER)
        except rooms.Unavailable:
            folder = ""
        self.say("Building the programs" + (" with a newer glslang" if folder else ""))
        return folder

    def of_run(self, run):
        place = self.of(run.device, run.scope)
        if run.layers and run.layers != run.device.folder:
            place.layers = self.folders.path(run.layers)
        return place


def find_places(runs, places, report):
    """(run, place) of each run that can be had; the others are reported as skipped, by name."""
    found = []
    for run in runs:
        try:
            found.append((run, places.of_run(run)))
        except rooms.Unavailable as error:
            report.skipped(run.ident, str(error))
        except builds.BuildFailed as error:
            report.failed(run.ident, str(error))
    return found


def check_shaders(run, place, report):
    names, wrong, version = builds.check_kernels(place.build, place.folder)
    matrix = sum("_matrix" in name for name in names)
    if not names or not matrix:
        wrong.append("no kernel with cooperative matrices was built" if names else "no kernel was built")
    for unit in builds.UNITS:
        log = os.path.join(place.build, f"{unit}.log")
        outcome = launch.run([place.program("tests", "unit", unit)], dict(os.environ), log, 600)
        if outcome.code != 0:
            wrong.append(f"{unit}: {outcome.why()}")
    if wrong:
        report.failed(run.ident, f"glslang {version}: {wrong[0]}")
    else:
        report.passed(run.ident, f"glslang {version}: {len(names)} kernels valid, {matrix} of them with cooperative "
                      f"matrices, whose tiles pass {' and '.join(builds.UNITS)}")


def task_of(run, place, report, folder, options):
    if run.kind == "audit":
        depth = "full" if options.full else "dtypes" if options.kinds or options.table else "turns"
        return lambda: audit_runs.run(place, run.ident, report, os.path.join(folder, "audit"), depth)
    if run.kind == "loops":
        return lambda: loop_runs.run(place, run.ident, report, os.path.join(folder, "loops"))
    if run.kind == "shaders":
        return lambda: check_shaders(run, place, report)
    return lambda: execution_runs.run(run, place, report, folder, options.full)


def write_table(options, folder, devices):
    if ("loops",) in options.kinds:
        loop_table.write(options.table, os.path.join(folder, "loops"), devices)
    else:
        devices_table.write(options.table, os.path.join(folder, "audit"), devices)


def slowest_first(pair):
    """Long runs that begin last would leave cores idle at the end."""
    run, place = pair
    return 0 if run.kind in ("execute", "validate") else 1 if place.arch == "arm64" else 2


def main(words):
    options = parse(words)
    if options.list:
        print_list()
        return 0
    try:
        kinds = {kind for group in options.kinds or [] for kind in group}
        runs = device_list.choose(options.only, kinds, options.full)
        places = Places(ROOT, os.path.abspath(options.build), rooms.cache_path(), options.refresh)
    except (device_list.UnknownPattern, rooms.Unavailable) as error:
        print(f"tests/drivers/run.sh: {error}", file=sys.stderr)
        return 2
    report = reports.Report(len(runs))
    folder = os.path.join(places.build, "drivers")
    for name in ("audit", "loops"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    found = sorted(find_places(runs, places, report), key=slowest_first)
    places.folders.settled()
    reports.side_by_side([task_of(run, place, report, folder, options) for run, place in found])
    status = report.finish()
    if options.table:
        write_table(options, folder, [run.device for run, _ in found if run.kind in ("audit", "loops")])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
