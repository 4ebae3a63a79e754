# SPDX-License-Identifier: MIT
"""Executions: the programs of tests/gpu on software devices, perhaps with caps or under newer validation layers."""
import os

import launch

LIMIT = 2400  # seconds for one program
SKIP = 77


def _environment(run, place):
    values = dict(run.environment)
    if run.kind == "validate":
        values["VK_LAYER_PATH"] = launch.layer_folder(place)
    return tuple(values.items())


def _do(place, words, environment, log):
    program, *arguments = words
    line, values = launch.command(place, program, arguments, environment)
    return launch.run(line, values, log, LIMIT)


def _defects(run, place, folder, environment):
    """A layer that says nothing proves nothing unless it would have spoken. Returns what is wrong, or ""."""
    for defect in run.defects:
        log = os.path.join(folder, f"layers-{defect}.log")
        outcome = _do(place, [place.program("tests", "drivers", "test_layers"), defect], environment, log)
        if outcome.code != 0:
            return outcome.why()
    return ""


def run(run, place, report, folder, programs):
    """All programs of a run, one after the other; the run passes if all did."""
    folder = os.path.join(folder, run.ident.replace(":", "-"))
    os.makedirs(folder, exist_ok=True)
    environment = _environment(run, place)
    wrong = _defects(run, place, folder, environment)
    if wrong:
        report.failed(run.ident, wrong)
        return
    seconds = 0
    for words in programs:
        name, *arguments = words.split()
        program = place.program("tests", "gpu", "test_" + name)
        outcome = _do(place, [program, *arguments], environment, os.path.join(folder, name + ".log"))
        seconds += outcome.seconds
        if outcome.code == SKIP:
            report.failed(run.ident, f"{name} found no device [{outcome.log}]")
            return
        if outcome.code != 0:
            report.failed(run.ident, f"{name}: {outcome.why()}")
            return
    report.passed(run.ident, f"{', '.join(programs)}; {seconds:.0f} s")
