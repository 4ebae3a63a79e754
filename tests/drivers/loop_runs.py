# SPDX-License-Identifier: MIT
"""Loops: what the production compilers make of the products in the kernels that matter most, counted in their code.

One process of vatten_audit per device, with the layer listings.c, which prints the code of each pipeline behind the line in
which the audit says what it compiles. A run fails where the driver fails, where no code was printed, or where what was
counted is not what the tile asks for, and where the products of SUBGROUP have fewer multiply-adds than GOAL.
"""
import csv
import json
import os
import re

import audit_runs
import launch
import loop_count
import loop_sets

LIMIT = 3600
LAYER = "VK_LAYER_VATTEN_listings"
PROBLEMS = "causal,grid2,masked"
KERNELS = "_f32_subgroup,_f16_subgroup,_f32_shared,_f16_shared,_f16_matrix"
DIMS = "64,128"  # of which no layout pads the larger ones, so that a tile has exactly the products of its dims
CHUNK = 32  # lib/tile.c: above dim 64 the split layouts bring in K by so many dims
GOAL = 0.6  # of the instructions of SUBGROUP's products that are multiply-adds, on devices of:
GOAL_FAMILIES = ("amd", "nvidia")
FIELDS = ("device", "driver", "kernel", "problem", "dim", "layout", "workgroup", "rows", "keys", "lanes_per_row", "registers",
          "occupancy", "multiply_adds", "product_share", "product_rate", "tile_share", "tile_rate", "shared_rate",
          "exchange_rate", "cycle_rate", *loop_sets.KINDS, "unrolled", "other_loops", "over")


def _command(place, ident, table):
    instructions = loop_sets.of(place.device)
    layers = [launch.RAISING_LAYER] if place.device.raise_version else []
    environment = [("VK_LAYER_PATH", place.program("tests", "drivers")), ("VK_INSTANCE_LAYERS", ":".join([*layers, LAYER]))]
    if instructions.asked_by:
        environment.append(instructions.asked_by)
    words = ["--quiet", "--name", ident, "--csv", table, "--only", KERNELS, "--problems", PROBLEMS, "--dims", DIMS]
    return launch.command(place, place.program("tools", "vatten_audit"), words, environment)


# ---- What was printed ----------------------------------------------------------------------------------------------

def texts_of(log, ident, instructions):
    """{(kernel, problem, dims): code} of what the audit of the device `ident` said and the layer printed."""
    found = {}
    key = None
    for part in re.split(r"^(?=vatten_audit: |@@ pipeline$)", log, flags=re.M):
        named = re.match(rf"vatten_audit: {re.escape(ident)}: (\S+) (.+) (\d+x\d+)\n", part)
        if named:
            key = named.groups()
        elif part.startswith("@@ pipeline") and key:
            found[key] = _code_in(part.split("\n@@ end")[0], instructions)  # the last: others were refused
    return found


def _code_in(part, instructions):
    """The code of the last executable, of which the audit takes the size of a subgroup."""
    printed, *executables = part.split("\n@@ executable ")
    if not instructions.text:
        return printed
    texts = [text.split("\n", 1) for text in executables[-1].split("\n@@ text ")[1:]] if executables else []
    return next((text[1] for text in reversed(texts) if len(text) == 2 and instructions.text in text[0]), "")


# ---- Rows ----------------------------------------------------------------------------------------------------------

def tile_of(row):
    """What a tile asks of a lane, by the audit's row."""
    rows, keys, workgroup, dim, value_dim = (int(row[name]) for name in ("rows", "keys", "workgroup", "dim", "value_dim"))
    pairs = rows * keys / workgroup
    if "matrix" in row["layout"]:
        return loop_count.Tile(pairs * dim, pairs * value_dim)
    return loop_count.Tile(pairs * dim, pairs * value_dim, 4 * pairs, rows * value_dim / workgroup,
                           dim // CHUNK if dim > 64 else 1)


def figures_of(row, text, instructions):
    """The row of loops.csv. Raises Unreadable."""
    code = loop_count.read(instructions, text, int(row["subgroup_size"]))
    tile = tile_of(row)
    found = loop_count.measure(code, tile, "matrix" in row["layout"])
    hot, whole = found.hot, found.whole
    figures = {"multiply_adds": tile.macs, "product_share": hot.products / hot.total, "product_rate": hot.macs / hot.total,
               "tile_share": whole.products / whole.total, "tile_rate": tile.macs / whole.total,
               "shared_rate": whole.turns[loop_sets.SHARED] / tile.macs,
               "exchange_rate": whole.turns[loop_sets.EXCHANGE] / tile.macs,
               "cycle_rate": whole.cycles / tile.macs if whole.cycles else "", "over": found.over}
    figures = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in figures.items()}
    counts = {kind: f"{number:g}" for kind, number in whole.turns.items()}
    return {**{name: row[name] for name in FIELDS if name in row}, **figures, **counts,
            "unrolled": int(found.unrolled), "other_loops": found.others}


def judge(rows, texts, instructions):
    """(rows of loops.csv, what is wrong of each that has none)."""
    good, wrong = [], []
    for row in rows:
        if row["status"] != "compiled":
            continue
        key = (row["kernel"], row["problem"], f"{row['dim']}x{row['value_dim']}")
        try:
            if not texts.get(key):
                raise loop_count.Unreadable("the driver printed no code")
            good.append(figures_of(row, texts[key], instructions))
        except loop_count.Unreadable as error:
            wrong.append(f"{' '.join(key)}: {error}")
    return good, wrong


def below_goal(family, rows):
    """What is wrong of each row whose products have too few multiply-adds."""
    return [f"{row['kernel']} {row['problem']} {row['dim']}: multiply-adds are {row['product_share']} of the products, below {GOAL}"
            for row in rows if family in GOAL_FAMILIES and row["layout"] == "subgroup" and float(row["product_share"]) < GOAL]


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def run(place, run_ident, report, folder):
    ident = place.device.ident
    instructions = loop_sets.of(place.device)
    table, log = (os.path.join(folder, f"{ident}.{end}") for end in ("audit.csv", "log"))
    outcome = launch.run(*_command(place, ident, table), log, LIMIT)
    if outcome.code != 0:
        report.failed(run_ident, outcome.why())
        return
    with open(log, encoding="utf-8", errors="replace") as file:
        texts = texts_of(file.read(), ident, instructions)
    good, wrong = judge(audit_runs.read(table), texts, instructions)
    write_csv(os.path.join(folder, ident + ".csv"), good)
    with open(os.path.join(folder, ident + ".json"), "w", encoding="utf-8") as file:
        json.dump(good, file, indent=1)
    wrong += below_goal(place.device.family, good)
    if wrong or not good:
        report.failed(run_ident, f"{len(wrong)} of {len(texts)} kernels, the first: " + (wrong or ["none compiled"])[0])
        return
    report.passed(run_ident, f"{len(good)} kernels counted; {outcome.seconds:.0f} s")
