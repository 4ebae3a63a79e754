# SPDX-License-Identifier: MIT
"""What the loops of a kernel consist of, by the code that a driver printed: reading it, its loops, and the sums for a tile.

A kernel is a loop over tiles of keys. In it lie two products, unrolled or as loops of their own, whose multiply-adds follow
from the tile. So how often an inner loop turns is known from what it holds, and a sum that does not come out says that the
code was read wrongly.
"""
import dataclasses
import re

import loop_sets
from loop_sets import BRANCH, EXCHANGE, FMA, HINT, KINDS, MATRIX, SHARED, WAIT


class Unreadable(Exception):
    """The code has no loop with products, or not what the tile asks for."""


# ---- Reading -------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Instruction:
    kind: str
    turns: int  # instructions that it stands for
    macs: float  # multiply-adds of a lane
    cycles: int  # 0: not said
    start: bool = False  # of a block: something jumps here
    target: int = -1  # BRANCH: index of where it goes; -1 = not known


def _number(pattern, line):
    found = re.search(pattern, line)
    return int(found["number"]) if found else 0


def _kind_of(instructions, line, found):
    """Kind and multiply-adds of the operation that `found` has in the line."""
    for pattern, kind, macs in instructions.kinds:
        if re.compile(pattern).match(line, found.start("op")):
            return kind, macs
    return loop_sets.OTHER, 0


class _Reader:
    def __init__(self, instructions, subgroup):
        self.set = instructions
        self.subgroup = subgroup
        self.code = []
        self.names = {}  # of labels, by index
        self.places = {}  # addresses, by index
        self.jumps = []  # (index, match)

    def _add(self, line, found):
        kind, macs = _kind_of(self.set, line, found)
        lanes = _number(self.set.lanes, line)
        share = lanes / self.subgroup if lanes else 1
        if kind == MATRIX:
            share /= self.subgroup
        turns = 1 + _number(self.set.repeats, line)
        if kind == HINT:
            turns = 0
        self.code.append(Instruction(kind, turns, turns * macs * share, _number(self.set.cycles, line)))
        idle = _number(self.set.idles, line)
        if idle:
            self.code.append(Instruction(WAIT, idle, 0, 0))
        if kind == BRANCH:
            self._jump(line)

    def _jump(self, line):
        found = re.search(self.set.target, line)
        if found:
            self.jumps.append((len(self.code) - 1, found))

    def _join(self, line, found):
        """An operation beside that of the last instruction, which is of the kind that comes first."""
        last = self.code[-1]
        kind, macs = _kind_of(self.set, line, found)
        last.macs += macs
        if KINDS.index(kind) < KINDS.index(last.kind):
            last.kind = kind
        if kind == BRANCH:
            self._jump(line)

    def read(self, line):
        label = re.search(self.set.label, line)
        if label:
            self.names[label["name"]] = len(self.code)
            return
        address = re.search(self.set.address, line)
        if address:
            self.places[int(address["hex"], 16)] = len(self.code)
        first = re.search(self.set.line, line)
        if first:
            self._add(line, first)
        if self.code:
            for other in re.finditer(self.set.joined, line):
                self._join(line, other)

    def _target(self, index, found):
        if "name" in found.groupdict():
            return self.names.get(found["name"], -1)
        distance = int(found["distance"])
        if self.set.stride:
            return index + self.set.base + distance // self.set.stride
        own = next(address for address, at in self.places.items() if at == index)
        return self.places.get(own + distance, -1)

    def finish(self):
        for index, found in self.jumps:
            target = self._target(index, found)
            if 0 <= target < len(self.code):
                self.code[index].target = target
                self.code[target].start = True
        for index in self.names.values():
            if index < len(self.code):
                self.code[index].start = True
        return self.code


def read(instructions, text, subgroup):
    """The code in a driver's text, in its order. `subgroup`: lanes that run it together."""
    reader = _Reader(instructions, subgroup)
    for line in text.splitlines():
        reader.read(line)
        if reader.code and re.search(instructions.end, line):
            break
    return reader.finish()


# ---- Loops ---------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Loop:
    first: int
    last: int
    inner: list = dataclasses.field(default_factory=list)  # directly inside

    def holds(self, other):
        return self.first <= other.first and other.last <= self.last and self is not other


def loops_of(code):
    """The outermost loops, by the branches that go back; those that go to the same place are one loop."""
    ends = {}
    for index, instruction in enumerate(code):
        if 0 <= instruction.target <= index:
            ends[instruction.target] = max(index, ends.get(instruction.target, 0))
    outer = []
    for loop in sorted((Loop(first, last) for first, last in ends.items()), key=lambda loop: (loop.first, -loop.last)):
        around = None
        level = outer
        while level and level[-1].holds(loop):
            around = level[-1]
            level = around.inner
        level.append(loop)
    return outer


@dataclasses.dataclass
class Sum:
    """Of some instructions: how many of each kind, multiply-adds of a lane, cycles."""
    turns: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    macs: float = 0
    cycles: float = 0

    def add(self, instruction, times=1):
        if instruction.kind in self.turns:
            self.turns[instruction.kind] += instruction.turns * times
        self.macs += instruction.macs * times
        self.cycles += instruction.cycles * times

    @property
    def total(self):
        return sum(self.turns.values())

    @property
    def products(self):
        return self.turns[FMA] + self.turns[MATRIX]


def _counts(code, kind, first, last):
    return sum(i.macs for i in code[first:last + 1] if i.kind == kind)


def _innermost(loop, code, kind):
    """Loops in it, of any depth, that hold products and no loop that does."""
    found = []
    for inner in loop.inner:
        if _counts(code, kind, inner.first, inner.last):
            found += _innermost(inner, code, kind) or [inner]
    return found


def tile_loop(code, kind):
    """The innermost loop with (nearly) all products that lie in loops: the one over tiles."""
    level, chosen = loops_of(code), None
    whole = max((_counts(code, kind, loop.first, loop.last) for loop in level), default=0)
    while level:
        best = max(level, key=lambda loop: _counts(code, kind, loop.first, loop.last))
        if not whole or _counts(code, kind, best.first, best.last) < 0.95 * whole:
            break
        chosen, level = best, best.inner
        if _direct(code, kind, best) > 0.02 * whole or len(_innermost(best, code, kind)) > 1:
            break
    if chosen is None:
        raise Unreadable("no loop with products was found")
    return chosen


def _direct(code, kind, loop):
    """Multiply-adds that do not lie in a loop inside."""
    inside = sum(_counts(code, kind, inner.first, inner.last) for inner in loop.inner)
    return _counts(code, kind, loop.first, loop.last) - inside


# ---- A tile --------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Tile:
    """Multiply-adds of one lane for a tile: of q k, and of p v; and the fewest of each that a turn of a loop makes, of which
    it makes a multiple, beside which it may have others. 0: it has no others."""
    scores: float
    outputs: float
    score_step: float = 0
    output_step: float = 0
    chunks: int = 1  # K comes in so many parts

    @property
    def macs(self):
        return self.scores + self.outputs


@dataclasses.dataclass
class Figures:
    hot: Sum  # blocks of instructions that hold the products, of a whole tile
    whole: Sum  # all of the loop over tiles, each of its other loops once
    unrolled: bool  # no loop holds products
    over: float  # multiply-adds beyond those of the tile, by those: softmax has some
    others: int  # loops without products, counted once


def _group_turns(each, macs, step):
    """How often loops turn that hold `each` multiply-adds together and make `macs`; 0 where that does not come out."""
    own = each // step * step if step else each
    number = macs / own if own else 0
    return round(number) if number >= 1 and abs(number - round(number)) < 0.01 else 0


def _turns(hot, code, kind, tile, straight):
    """How often each innermost loop turns: the first few are of q k, the others of p v; a product without a loop is unrolled."""
    best = None
    for cut in range(len(hot) + 1):
        turns, expected = [], 0
        for loops, macs, step in ((hot[:cut], tile.scores, tile.score_step), (hot[cut:], tile.outputs, tile.output_step)):
            each = sum(_counts(code, kind, loop.first, loop.last) for loop in loops)
            turns += [_group_turns(each, macs, step)] * len(loops)
            expected += 0 if loops else macs
        miss = abs(straight - expected)
        if all(turns) and (best is None or miss < best[0]):
            best = (miss, turns)
    if best is None:
        raise Unreadable(f"the tile's {tile.scores:g} + {tile.outputs:g} multiply-adds are no multiple of those of its loops: "
                         + ", ".join(f"{_counts(code, kind, loop.first, loop.last):g}" for loop in hot))
    return best[1]


def _times(code, loop, hot, turns, chunks):
    """How often each instruction of the loop over tiles is counted. Loops around inner ones turn once for each chunk."""
    times = {index: 1 for index in range(loop.first, loop.last + 1)}
    others = 0

    def visit(inner):
        nonlocal others
        inside = [h for h in hot if inner.holds(h)]
        for index in range(inner.first, inner.last + 1):
            times[index] = chunks if inside else 1
        others += not inside
        for below in inner.inner:
            if below in hot:
                for index in range(below.first, below.last + 1):
                    times[index] = turns[hot.index(below)]
            else:
                visit(below)

    for inner in loop.inner:
        if inner in hot:
            for index in range(inner.first, inner.last + 1):
                times[index] = turns[hot.index(inner)]
        else:
            visit(inner)
    return times, others


def _blocks(code, first, last):
    """(first, last) of each run of instructions that is entered at its first and left at its last one."""
    start = first
    for index in range(first, last + 1):
        if index > start and code[index].start:
            yield start, index - 1
            start = index
        if code[index].kind == BRANCH:
            yield start, index
            start = index + 1
    if start <= last:
        yield start, last


def measure(code, tile, matrix):
    """The figures of a kernel's code. `matrix`: its products are made by matrix instructions."""
    kind = MATRIX if matrix else FMA
    loop = tile_loop(code, kind)
    hot = _innermost(loop, code, kind)
    straight = _counts(code, kind, loop.first, loop.last) - sum(_counts(code, kind, h.first, h.last) for h in hot)
    turns = _turns(hot, code, kind, tile, straight)
    times, others = _times(code, loop, hot, turns, tile.chunks)
    whole, products = Sum(), Sum()
    counted = sum(code[i].macs * n for i, n in times.items() if code[i].kind == kind)
    for first, last in _blocks(code, loop.first, loop.last):
        macs = sum(code[i].macs * times[i] for i in range(first, last + 1) if code[i].kind == kind)
        for index in range(first, last + 1):
            whole.add(code[index], times[index])
            if macs >= 0.02 * counted:
                products.add(code[index], times[index])
    over = counted / tile.macs - 1
    if not -0.02 <= over <= 0.15:
        raise Unreadable(f"{counted:g} multiply-adds of a lane were counted, the tile has {tile.macs:g}")
    return Figures(products, whole, not hot, over, others)
