# SPDX-License-Identifier: MIT
"""Executions: the programs of tests/gpu on software devices, perhaps with caps or under newer validation layers."""
import os

import device_list
import launch

LIMITS = {"execute": 2400, "validate": 7200}  # seconds for one program; instrumented kernels take long to compile
SKIP = 77


def _environment(run, place, full):
    """Each problem meets one layout, by turns: under layers, which make all else take long, and where the lists are not whole."""
    values = dict(run.environment)
    if run.kind == "validate" or not full:
        values["VATTEN_TEST_BRIEF"] = "1"
    if run.kind == "validate":
        values["VK_LAYER_PATH"] = launch.layer_folder(place)
    return tuple(values.items())


def _do(run, place, words, environment, log):
    program, *arguments = words
    line, values = launch.command(place, program, arguments, environment)
    return launch.run(line, values, log, LIMITS[run.kind])


def _defects(run, place, folder, environment):
    """A layer that says nothing proves nothing unless it would have spoken. Returns what is wrong, or ""."""
    for defect in run.defects:
        log = os.path.join(folder, f"layers-{defect}.log")
        outcome = _do(run, place, [place.program("tests", "drivers", "test_layers"), defect], environment, log)
        if outcome.code != 0:
            return outcome.why()
    return ""


def _program(run, words, place, environment, folder):
    """One program of tests/gpu, its arguments after it. Returns (seconds, what is wrong or "")."""
    name, *arguments = words.split()
    program = place.program("tests", "gpu", "test_" + name)
    outcome = _do(run, place, [program, *arguments], environment, os.path.join(folder, name + ".log"))
    if outcome.code == SKIP:
        return outcome.seconds, f"{name} found no device [{outcome.log}]"
    return outcome.seconds, "" if outcome.code == 0 else f"{name}: {outcome.why()}"


def run(run, place, report, folder, full):
    """All programs of a run, one after the other, those after a failure too; the run passes if all did."""
    programs = device_list.programs_of(run, full)
    folder = os.path.join(folder, run.ident.replace(":", "-"))
    os.makedirs(folder, exist_ok=True)
    environment = _environment(run, place, full)
    wrong = _defects(run, place, folder, environment)
    if wrong:
        report.failed(run.ident, wrong)
        return
    outcomes = [_program(run, words, place, environment, folder) for words in programs]
    failures = [why for _, why in outcomes if why]
    if failures:
        report.failed(run.ident, "; ".join(failures))
    else:
        report.passed(run.ident, f"{', '.join(programs)}; {sum(seconds for seconds, _ in outcomes):.0f} s")
