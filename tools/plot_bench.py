#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what vatten_bench measured, from files that --history or --json wrote.

    plot_bench.py FILE... --times OUT     the last scaling run: time and memory against tokens, with exponents
    plot_bench.py FILE... --roofs OUT     the last run of each suite: what part of a roof each kernel reaches

OUT ends in .svg or .png. --device PART chooses runs by part of their device or driver; without it the last
run's is taken. Needs matplotlib (package python3-matplotlib). Exit status: 1 if there is nothing to draw.
"""
import argparse
import json
import sys

COLOURS = {"dense": "#d55e00", "window": "#0072b2", "block-sparse": "#009e73"}  # told apart by everybody (Okabe, Ito)
MARKERS = {"dense": "o", "window": "s", "block-sparse": "^"}
ROOFS = {"fma": ("f32 multiply-add", "#0072b2"), "matrix": ("f16 matrix", "#cc79a7"), "copy": ("copy", "#e69f00")}
PAPER, INK, FAINT = "#ffffff", "#202020", "#d8d8d8"


class NothingToDraw(Exception):
    """Said on stderr; the exit status is 1."""


# ---- Runs --------------------------------------------------------------------------------------------------------


def is_run(run):
    return isinstance(run, dict) and isinstance(run.get("rows"), list) and "device" in run


def runs_of(path):
    """The runs of a file: one JSON document, or a history with one a line, damaged ones told of and left out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    try:
        whole = json.loads(text)
        return [whole] if is_run(whole) else []
    except ValueError:
        pass
    runs = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            run = json.loads(line) if line.strip() else None
        except ValueError:
            run = {}
        if is_run(run):
            runs.append(run)
        elif run is not None:
            print(f"plot_bench.py: {path}:{number}: no run, the line is left out", file=sys.stderr)
    return runs


def place_of(run):
    return run["device"] + ", " + run.get("driver", "")


def choose(runs, device):
    """Those of one device: the one asked for, or that of the last run."""
    if device:
        runs = [run for run in runs if device.lower() in place_of(run).lower()]
    if not runs:
        raise NothingToDraw("there is no run" + (f" of {device}" if device else ""))
    return [run for run in runs if place_of(run) == place_of(runs[-1])]


def made_by(run):
    return f"vatten {run.get('version', '?')}, {run.get('date', '')[:10]}"


def with_roofs(run):
    roofs = [f"{run[name]['median']:.0f} {unit}" for name, unit in
             (("fma_gflops", "GFLOP/s multiply-add"), ("matrix_gflops", "GFLOP/s matrix"), ("copy_gbs", "GB/s copy"))
             if run.get(name)]
    return f"roofs: {', '.join(roofs)}; {made_by(run)}"


# ---- Time and memory against tokens ----------------------------------------------------------------------------------


def curves(run):
    """method -> its rows that are right, by tokens."""
    found = {}
    for row in run["rows"]:
        if row.get("status") == "RIGHT" and row.get("ms", 0) > 0 and "method" in row:
            found.setdefault(row["method"], []).append(row)
    return {method: sorted(rows, key=lambda row: row["tokens"]) for method, rows in found.items()}


def exponent(run, method, name):
    for fit in run["exponents"]:
        if fit["method"] == method and name in fit:
            return f"tokens$^{{{fit[name]:.2f}}}$"
    return "one length"


def tokens_text(tokens):
    for size, unit in ((1 << 20, "M"), (1 << 10, "k")):
        if tokens >= size and tokens % size == 0:
            return f"{tokens // size}{unit}"
    return str(tokens)


def time_label(run, method):
    label = f"{method}: {exponent(run, method, 'time')}"
    if any("cpu" in fit for fit in run["exponents"] if fit["method"] == method):
        label += f", CPU time {exponent(run, method, 'cpu')}"
    return label


def draw_times(axes, run):
    for method, rows in curves(run).items():
        x = [row["tokens"] for row in rows]
        y = [row["ms"] for row in rows]
        spread = [[row["ms"] - row["ms_min"] for row in rows], [row["ms_max"] - row["ms"] for row in rows]]
        axes.errorbar(x, y, yerr=spread, color=COLOURS.get(method, INK), marker=MARKERS.get(method, "o"),
                      markersize=6, linewidth=2, elinewidth=1, capsize=2,
                      label=time_label(run, method))
        if all(row.get("cpu_ms", 0) > 0 for row in rows):
            axes.plot(x, [row["cpu_ms"] for row in rows], color=COLOURS.get(method, INK), linewidth=1, linestyle=":")
    cpu = any("cpu" in fit for fit in run["exponents"])
    axes.set_ylabel("time of one run, ms")
    axes.set_title("time", loc="left", fontweight="bold")
    axes.set_title("medians, min to max" + ("; dotted: CPU time of all threads" if cpu else ""), loc="right", fontsize=9)


def draw_memory(axes, run):
    for method, rows in curves(run).items():
        x = [row["tokens"] for row in rows]
        y = [(row["buffer_bytes"] + row["workspace"]) / 2**20 for row in rows]
        axes.plot(x, y, color=COLOURS.get(method, INK), marker=MARKERS.get(method, "o"), markersize=6, linewidth=2,
                  linestyle={"dense": "-", "window": "--"}.get(method, ":"),
                  label=f"{method}: {exponent(run, method, 'memory')}")
    axes.set_ylabel("buffers and workspace, MiB")
    axes.set_title("memory", loc="left", fontweight="bold")


def finish_axes(axes, tokens, base):
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=base)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(tokens)
    axes.set_xticklabels([tokens_text(t) for t in tokens])
    axes.minorticks_off()
    axes.set_xlabel("tokens")
    axes.grid(True, color=FAINT, linewidth=0.8)
    axes.legend(loc="lower right", frameon=True, edgecolor=FAINT, framealpha=1)


def plot_times(pyplot, runs, out):
    scaling = [run for run in runs if run.get("exponents") and curves(run)]
    if not scaling:
        raise NothingToDraw("there is no scaling run with a line that is right")
    run = scaling[-1]
    tokens = sorted({row["tokens"] for rows in curves(run).values() for row in rows})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5.6), gridspec_kw={"width_ratios": (3, 2)})
    draw_times(left, run)
    draw_memory(right, run)
    finish_axes(left, tokens, base=10)
    finish_axes(right, tokens, base=2)
    save(figure, "Attention of one head against the number of tokens", place_of(run) + "\n" + with_roofs(run), out)


# ---- Parts of roofs --------------------------------------------------------------------------------------------------


def roof_of(row):
    """(roof, the part of it that the row reaches)"""
    matrix = isinstance(row.get("tile"), dict) and row["tile"].get("layout") == "matrix"
    if matrix and row.get("of_matrix_roof", 0) > 0:
        return "matrix", row["of_matrix_roof"]
    fma, copy = row.get("of_fma_roof", 0), row.get("of_copy_roof", 0)
    return ("copy", copy) if copy > fma else ("fma", fma)


def kernels(runs):
    """[(kernel, its parts with their roofs)], of the last run of each suite, the best kernel last."""
    last = {run.get("suite") or run.get("command", ""): run for run in runs}
    found = {}
    for run in last.values():
        for row in run["rows"]:
            roof, part = roof_of(row)
            if row.get("status") == "RIGHT" and part > 0 and row.get("kernel"):
                found.setdefault(row["kernel"], []).append((part, roof))
    return sorted(found.items(), key=lambda item: max(item[1]))


def plot_roofs(pyplot, runs, out):
    bars = kernels(runs)
    if not bars:
        raise NothingToDraw("no run has a line with a part of a roof")
    figure, axes = pyplot.subplots(figsize=(11, 1.9 + 0.34 * len(bars)))
    for y, (kernel, parts) in enumerate(bars):
        best, roof = max(parts)
        axes.barh(y, best, height=0.62, color=ROOFS[roof][1], zorder=2)
        axes.plot([part for part, _ in parts], [y] * len(parts), "|", color=INK, markersize=9, zorder=3)
        axes.text(best, y, f"  {best:.2f}", va="center", color=INK, zorder=3)
    axes.set_yticks(range(len(bars)))
    axes.set_yticklabels([kernel for kernel, _ in bars], family="monospace", fontsize=9)
    axes.set_xlim(0, max(1.0, 1.1 * max(max(parts)[0] for _, parts in bars)))
    axes.set_xlabel("part of the roof of the same run; the bar is the best line, each tick a line")
    axes.axvline(1.0, color=INK, linewidth=1)
    axes.grid(True, axis="x", color=FAINT, linewidth=0.8, zorder=0)
    used = {max(parts)[1] for _, parts in bars}
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for name, (_, colour) in ROOFS.items() if name in used]
    axes.legend(handles, [f"of the {words} roof" for name, (words, _) in ROOFS.items() if name in used],
                loc="lower right", frameon=True, edgecolor=FAINT, framealpha=1)
    save(figure, "What part of a roof each kernel reaches", place_of(runs[-1]) + "\n" + made_by(runs[-1]), out)


# ---- The picture ------------------------------------------------------------------------------------------------------


def save(figure, title, subtitle, out):
    height = figure.get_size_inches()[1]
    figure.text(0.01, 1 - 0.12 / height, title, ha="left", va="top", fontsize=14, fontweight="bold")
    figure.text(0.01, 1 - 0.42 / height, subtitle, ha="left", va="top", fontsize=9, color="#555555")
    for axes in figure.axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.82 / height))
    # the same picture gives the same bytes
    metadata = {"Date": None} if out.endswith(".svg") else {}
    figure.savefig(out, dpi=120, facecolor=PAPER, metadata=metadata)


def load_pyplot():
    try:
        import matplotlib
    except ImportError:
        sys.exit("plot_bench.py: this Python has no matplotlib (package python3-matplotlib)")
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "vatten", "text.color": INK, "axes.labelcolor": INK, "font.size": 10})
    from matplotlib import pyplot
    return pyplot


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--times", metavar="OUT")
    parser.add_argument("--roofs", metavar="OUT")
    parser.add_argument("--device", metavar="PART", default="")
    options = parser.parse_args()
    if not options.times and not options.roofs:
        parser.error("--times or --roofs is needed")
    for out in (options.times, options.roofs):
        if out and not out.endswith((".svg", ".png")):
            parser.error(f"{out} ends neither in .svg nor in .png")
    try:
        runs = choose([run for path in options.files for run in runs_of(path)], options.device)
        pyplot = load_pyplot()
        if options.times:
            plot_times(pyplot, runs, options.times)
        if options.roofs:
            plot_roofs(pyplot, runs, options.roofs)
    except (OSError, NothingToDraw) as fault:
        sys.exit(f"plot_bench.py: {fault}")


if __name__ == "__main__":
    main()
