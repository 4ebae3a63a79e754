# SPDX-License-Identifier: MIT
"""What the loops of a kernel consist of, by the code that a driver printed: reading it, its loops, and the sums for a tile.

A kernel is a loop over tiles of keys. In it lie two products, unrolled or as loops of their own, whose multiply-adds follow
from the tile. So how often an inner loop turns is known from what it holds, and a sum that does not come out says that the
code was read wrongly.
"""
import dataclasses
import itertools
import re

import loop_sets
from loop_sets import BRANCH, FMA, HINT, KINDS, MATRIX, WAIT


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
    targets: tuple = ()  # indices of where it may go, besides the next one
    leaves: bool = False  # never goes to the next one


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
        self._jump(line, kind)

    def _jump(self, line, kind):
        found = re.search(self.set.target, line) if kind == BRANCH else None
        if found:
            self.jumps.append((len(self.code) - 1, found))
        if kind == BRANCH and re.search(self.set.leaves, line):
            self.code[-1].leaves = True

    def _join(self, line, found):
        """An operation beside that of the last instruction, which is of the kind that comes first."""
        last = self.code[-1]
        kind, macs = _kind_of(self.set, line, found)
        last.macs += macs
        if KINDS.index(kind) < KINDS.index(last.kind):
            last.kind = kind
        self._jump(line, kind)

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
                last = min(index + self.set.slots, len(self.code) - 1)
                self.code[last].targets += (target,)
                self.code[target].start = True
        return self.code


def read(instructions, text, subgroup):
    """The code in a driver's text, in its order. `subgroup`: lanes that run it together."""
    reader = _Reader(instructions, subgroup)
    for line in text.splitlines():
        if re.search(instructions.begin, line):
            reader = _Reader(instructions, subgroup)
        reader.read(line)
        if reader.code and re.search(instructions.end, line):
            break
    return reader.finish()


# ---- Loops ---------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Loop:
    head: int  # where it is entered
    body: frozenset  # indices of its instructions
    inner: list = dataclasses.field(default_factory=list)  # directly inside

    def macs(self, code, kind):
        return sum(code[index].macs for index in self.body if code[index].kind == kind)

    def straight(self, code, kind):
        """Those that lie in no loop inside."""
        return self.macs(code, kind) - sum(loop.macs(code, kind) for loop in self.inner)


def _before(code):
    """For each instruction those after which it may run."""
    before = [[] for _ in code]
    for index, instruction in enumerate(code):
        for target in instruction.targets:
            before[target].append(index)
        if not instruction.leaves and index + 1 < len(code):
            before[index + 1].append(index)
    return before


def loops_of(code):
    """The outermost loops. A branch back to an instruction makes a loop of all from which the branch can be reached without
    passing it; several branches back to the same one are the same loop. Compilers may place a part of a loop elsewhere, but
    further on; what comes before is a way to skip the first turn."""
    before = _before(code)
    ends = {}
    for index, instruction in enumerate(code):
        for target in instruction.targets:
            if target <= index:
                ends.setdefault(target, []).append(index)
    loops = []
    for head, rest in ends.items():
        body = {head}
        while rest:
            index = rest.pop()
            if index not in body and index > head:
                body.add(index)
                rest += before[index]
        loops.append(Loop(head, frozenset(body)))
    loops.sort(key=lambda loop: -len(loop.body))
    outer = []
    for loop in loops:
        level = outer
        while True:
            around = next((other for other in level if loop.body < other.body), None)
            if around is None:
                break
            level = around.inner
        level.append(loop)
        level.sort(key=lambda loop: loop.head)
    return outer


def _product_loops(loop, code, kind):
    """Loops in it, of any depth, that hold products: those with more of them than the loops that they have inside."""
    found = []
    for inner in loop.inner:
        macs = inner.macs(code, kind)
        if macs and 2 * inner.straight(code, kind) >= macs:
            found.append(inner)
        elif macs:
            found += _product_loops(inner, code, kind)
    return found


def tile_loop(code, kind):
    """The innermost loop with nearly all products that lie in loops: the one over tiles."""
    level, chosen = loops_of(code), None
    whole = max((loop.macs(code, kind) for loop in level), default=0)
    while level and whole:
        best = max(level, key=lambda loop: loop.macs(code, kind))
        if best.macs(code, kind) < 0.9 * whole:
            break
        chosen, level = best, best.inner
        if chosen.straight(code, kind) > 0.1 * whole:
            break
    if chosen is None:
        raise Unreadable("no loop with products was found")
    return chosen


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
class Sum:
    """Of some instructions: how many of each kind, multiply-adds of a lane by those of kind `product`, cycles."""
    product: str
    turns: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    macs: float = 0
    cycles: float = 0

    def add(self, instruction, times):
        if instruction.kind in self.turns:
            self.turns[instruction.kind] += instruction.turns * times
        self.macs += instruction.macs * times if instruction.kind == self.product else 0
        self.cycles += instruction.cycles * times

    @property
    def total(self):
        return sum(self.turns.values())

    @property
    def products(self):
        return self.turns[self.product]


@dataclasses.dataclass
class Figures:
    hot: Sum  # blocks of instructions that hold the products, of a whole tile
    whole: Sum  # all of the loop over tiles; its loops without products once
    unrolled: bool  # no loop holds products
    over: float  # multiply-adds beyond those of the tile in `hot`, by those: softmax has some
    others: int  # loops without products


def _group_turns(each, macs, step):
    """(how often loops turn that hold `each` multiply-adds together and make `macs`, 0 where that does not come out; how many
    of a turn are others, as those of addresses)."""
    own = each // step * step if step else each
    number = macs / own if own else 0
    return (round(number) if number >= 1 and abs(number - round(number)) < 0.01 else 0), each - own


def _choose_turns(hot, code, kind, tile, straight):
    """(how often each of the innermost loops turns in a tile, multiply-adds of other things there). Some loops are of q k,
    others after them of p v, and some of neither; a product without a loop is unrolled. What comes nearest to the tile's
    multiply-adds is taken."""
    macs = [loop.macs(code, kind) for loop in hot]
    best = None
    for parts in itertools.product("qp-", repeat=len(hot)):
        if "pq" in "".join(parts).replace("-", ""):
            continue
        turns, others = dict.fromkeys("qp-", 1), 0
        for part, whole, step in (("q", tile.scores, tile.score_step), ("p", tile.outputs, tile.output_step)):
            if part in parts:
                turns[part], more = _group_turns(sum(m for m, p in zip(macs, parts) if p == part), whole, step)
                others += turns[part] * more
        miss = abs(straight + sum(m * turns[p] for m, p in zip(macs, parts)) - others - tile.macs)
        if all(turns.values()) and (best is None or miss < best[0]):
            best = (miss, [turns[p] for p in parts], others)
    if best is None or best[0] > 0.5 * tile.macs:
        raise Unreadable(f"{straight:g} multiply-adds and loops with " + ", ".join(f"{m:g}" for m in macs)
                         + f" of them do not make the tile's {tile.scores:g} + {tile.outputs:g}")
    return best[1], best[2]


def _times(loop, hot, turns, chunks):
    """(how often each instruction of the loop over tiles is counted, loops without products). Those around inner loops
    with products turn once for each chunk."""
    times = dict.fromkeys(loop.body, 1)
    others = 0
    todo = list(loop.inner)
    while todo:
        inner = todo.pop()
        if any(inner is one for one in hot):
            continue
        if any(inner.body < one.body for one in hot):
            continue
        around = any(one.body < inner.body for one in hot)
        others += not around
        times.update(dict.fromkeys(inner.body, chunks if around else 1))
        todo += inner.inner
    for inner, number in zip(hot, turns):
        times.update(dict.fromkeys(inner.body, number))
    return times, others


def _blocks(code, indices):
    """Lists of indices: instructions that run one after the other, entered at the first and left at the last."""
    block = []
    for index in sorted(indices):
        if block and (code[index].start or index != block[-1] + 1 or code[block[-1]].kind == BRANCH):
            yield block
            block = []
        block.append(index)
    if block:
        yield block


def measure(code, tile, matrix):
    """The figures of a kernel's code. `matrix`: its products are made by matrix instructions. Raises Unreadable."""
    kind = MATRIX if matrix else FMA
    loop = tile_loop(code, kind)
    hot = _product_loops(loop, code, kind)
    straight = loop.macs(code, kind) - sum(inner.macs(code, kind) for inner in hot)
    turns, foreign = _choose_turns(hot, code, kind, tile, straight)
    times, others = _times(loop, hot, turns, tile.chunks)
    whole, products = Sum(kind), Sum(kind)
    for block in _blocks(code, loop.body):
        macs = sum(code[index].macs * times[index] for index in block if code[index].kind == kind)
        for index in block:
            whole.add(code[index], times[index])
            if macs >= 0.02 * tile.macs:
                products.add(code[index], times[index])
    over = (products.macs - foreign) / tile.macs - 1
    if not -0.02 <= over <= 0.15:
        raise Unreadable(f"{products.macs - foreign:g} multiply-adds of a lane were counted, the tile has {tile.macs:g}")
    return Figures(products, whole, all(times[index] == 1 for inner in hot for index in inner.body), over, others)
