# SPDX-License-Identifier: MIT
"""Audits: one process of vatten_audit per device, its table, and what must hold in it.

A row fails where the driver fails, or where a kernel for dims up to 128 spills and EXCEPTIONS does not say why.
"""
import csv
import os

import device_list
import launch

LIMIT = 7200  # seconds for one device: all of them with --full take the slowest emulated one the better part of an hour
STRICT_DIM = 128  # up to here nothing may spill
# Kernels are compiled at the hardest dim of the strict part and at the other steps of the tuning table; dims between have the
# same tiles. The devices of a driver take dtypes and steps in turns, so that a driver compiles all there is. Where audits
# alone are asked for, every device takes all steps, and the hardest dim with every dtype.
STEPS = ("64", "256", "576x512")
EMULATED_STEPS = ("64", "")  # compilers that spill take minutes for the larger ones under qemu; "": no step
DTYPES = ("f32", "f16", "bf16")

# (part of the device's id, part of the kernel's name, start of the problem's, reason): rows that may spill although their
# dims are small.
EXCEPTIONS = (
    ("pi-5", "_shared_full", "grid3", "3-D neighborhoods with the log-sum-exp keep two coordinates of each row and key on "
     "64 registers; five of them are spilled, outside the products"),
    ("pi-5", "_shared_bias", "bias3", "the same with where each pair's bias stands: nine"),
    ("adreno-702", "_lists_", "masked", "row masks beside 128 dims leave no room in 32 registers of four floats, with the "
     "smallest tile too: three are spilled, by the layout shared ten"),
    ("pi-", "_rules", "ruled", "sequences, segments, a table of heads and a bias at once, beside 128 dims, leave no room in V3D's "
     "registers: some thirty to forty are spilled, outside the products"),
    ("adreno-702", "_rules", "ruled", "the same in 32 registers of four floats, with the smallest tile too: three are spilled, "
     "by the layout shared nine"),
    ("pi-", "_mass", "mass ruled", "attention mass by those rules, without values: some twenty registers are spilled, outside "
     "the products"),
    ("pi-", "score_", "select", "no register is spilled; V3D keeps the 16 sums of an invocation in scratch, 64 bytes of a lane, and "
     "spills ten registers where it is made to hold them"),
    ("pi-5", "_lists_", "boxes3", "3-D boxes of lists keep three sides of a box; two are spilled, with a bias four"),
)


def _turn(device, things, shift):
    """Those of `things` that are a device's, by its place among those of the same driver; `shift` moves each round on by as many."""
    siblings = [d for d in device_list.DEVICES if (d.folder, d.icd) == (device.folder, device.icd)]
    turns = min(len(siblings), len(things))
    place = siblings.index(device)
    return [thing for i, thing in enumerate(things) if i % turns == (place + shift * (place // turns)) % turns]


def dtypes_of(device):
    return _turn(device, DTYPES, 0)


def _possible_steps(device):
    return EMULATED_STEPS if "arm64" in device.folder else STEPS


def all_steps(device):
    """Those beside the hardest dim."""
    return [step for step in _possible_steps(device) if step]


def steps_of(device):
    """Shifted, else a step would always meet the same dtype."""
    return [step for step in _turn(device, _possible_steps(device), 1) if step]


def words(place, ident, table, depth):
    """`depth`: "turns", "dtypes" for every dtype at the hardest dim, or "full"."""
    program = place.program("tools", "vatten_audit")
    options = ["--quiet", "--name", ident, "--csv", table]
    dtypes = ",".join(dtypes_of(place.device))
    if depth == "turns":
        options += ["--dims", ",".join([str(STRICT_DIM), *steps_of(place.device)]), "--dtypes", dtypes]
    elif depth == "dtypes":
        steps = ",".join(all_steps(place.device))
        options += ["--dims", str(STRICT_DIM), "--more-dims", steps, "--more-dtypes", dtypes]
    return program, options


def read(table):
    with open(table, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def spills(row):
    return float(row["spills"] or 0) > 0 or float(row["scratch"] or 0) > 0


def excused(row):
    return next((reason for device, kernel, problem, reason in EXCEPTIONS if device in row["device"]
                 and kernel in row["kernel"] and row["problem"].startswith(problem)), "")


def is_strict(row):
    return max(int(row["dim"]), int(row["value_dim"])) <= STRICT_DIM


def judge(rows):
    """(what is wrong, "" for nothing; one line that sums up)."""
    compiled = [row for row in rows if row["status"] == "compiled"]
    failed = [row for row in rows if row["status"] not in ("compiled", "refused")]
    spilling = [row for row in compiled if spills(row) and is_strict(row) and not excused(row)]
    low = sum(spills(row) and is_strict(row) for row in compiled)
    text = (f"{len(compiled)} compiled, {len(rows) - len(compiled) - len(failed)} refused by rule; spills: {low} up to "
            f"dim {STRICT_DIM}, {sum(map(spills, compiled)) - low} above")
    wrong = ""
    if failed:
        wrong = f"{len(failed)} rows failed, the first: {failed[0]['kernel']}: {failed[0]['reason']}"
    elif spilling:
        row = spilling[0]
        wrong = (f"{len(spilling)} rows up to dim {STRICT_DIM} spill, the first: {row['kernel']} {row['problem']} "
                 f"{row['dim']}x{row['value_dim']}")
    elif not compiled:
        wrong = "no kernel was compiled"
    return wrong, text


def run(place, run_ident, report, folder, depth):
    ident = place.device.ident
    table = os.path.join(folder, ident + ".csv")
    program, options = words(place, ident, table, depth)
    line, environment = launch.command(place, program, options)
    outcome = launch.run(line, environment, os.path.join(folder, ident + ".log"), LIMIT)
    if outcome.code not in (0, 1):
        report.failed(run_ident, outcome.why())
        return
    wrong, text = judge(read(table))
    if outcome.code == 1 and not wrong:
        wrong = outcome.why()
    if wrong:
        report.failed(run_ident, wrong)
    else:
        report.passed(run_ident, f"{text}; {outcome.seconds:.0f} s")
