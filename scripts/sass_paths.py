"""Control flow of NVIDIA machine code (SASS) as nvdisasm prints it: blocks, loops, and the lengths of the
paths through the loop in which a blend kernel visits one Gaussian after another.

The rule, in SASS alone, so that the kernels carry no marks and run what is counted:
- A pair (Gaussian, pixel) that may contribute costs one 2^x, and nothing else of a blend kernel does: one
  MUFU.EX2 of a lane. A warp covers 32 x (MUFU.EX2 on a path) pairs at a time.
- A step is one turn of an innermost loop that holds a MUFU.EX2: all paths from its head back to its head.
  What leaves the loop (no hit left, every pixel closed) is no step.
- Paths with all the MUFU.EX2 a step can have are those of a Gaussian that contributes, paths with none those
  of one that is skipped. Where no branch leads around the MUFU.EX2, skipping costs as much as contributing.
- An instruction counts where it is issued: also when its predicate is false, also NOP and the branch itself.
  A call counts with the longest path of what it calls. BRA.DIV and BRA.CONV leave only when a warp is torn
  apart (a loop that all lanes walk together never takes them): one instruction, no way out.
- Steps may share a reduction: contributing paths with a SHFL are those of the one step in so many that also
  reduces what the steps before it have left. The number is a constant of the kernel's source.
"""

import collections
import dataclasses
import itertools
import re

PAIR_MARK = "MUFU.EX2"  # one a lane and pair
REDUCTION_MARK = "SHFL"
WARP_SIZE = 32


class PathError(Exception):
    """What cannot be counted, in a sentence."""


@dataclasses.dataclass
class Instruction:
    offset: int
    guard: str  # "@P0", "@!UP1" or ""
    opcode: str  # with its modifiers: "FFMA.FTZ"
    operands: str

    def is_mark(self):
        return self.opcode == PAIR_MARK or self.opcode.startswith(PAIR_MARK + ".")

    def target(self):
        label = re.search(r"`\(([^()]+)\)", self.operands)
        return label.group(1) if label else None


@dataclasses.dataclass
class Function:
    name: str
    instructions: list
    labels: dict  # name -> offset


def parse_listing(text):
    """The functions of `nvdisasm -c`, by symbol."""
    functions, current = {}, None
    instruction = re.compile(
        r"^\s*/\*([0-9a-f]{4,})\*/\s+(?:\{\s*)?(@!?U?P[T0-9]+\s+)?([A-Z][A-Z0-9_.]*)\s*(.*?)\s*;"
    )
    for line in text.splitlines():
        section = re.match(r"\s*\.section\s+\.text\.([^,\s]+),", line)
        label = re.match(r"\s*([.$\w]+):\s*$", line)
        found = instruction.match(line)
        if section:
            current = functions.setdefault(section.group(1), Function(section.group(1), [], {}))
        elif current is None:
            continue
        elif label:
            name = label.group(1)
            current.labels[name] = current.instructions[-1].offset + 16 if current.instructions else 0
        elif found:
            offset, guard, opcode, operands = found.groups()
            current.instructions.append(Instruction(int(offset, 16), (guard or "").strip(), opcode, operands))
    return functions


@dataclasses.dataclass
class Block:
    index: int
    instructions: list
    successors: list = dataclasses.field(default_factory=list)


def _base(opcode):
    return opcode.split(".")[0]


class ControlFlow:
    """The blocks of one function, and its natural loops."""

    ENDS = {"EXIT", "RET", "KILL"}
    BRANCHES = {"BRA", "JMP"}
    TORN_WARP = ("BRA.DIV", "BRA.CONV")

    def __init__(self, function):
        self.function = function
        self._callee_cost = {}
        self._make_blocks()
        self._find_dominators()
        self._find_loops()

    def _ends_block(self, instruction):
        base = _base(instruction.opcode)
        return base in self.ENDS or base in self.BRANCHES or base in ("BRX", "JMX")

    def _is_conditional(self, instruction):
        if instruction.guard and instruction.guard not in ("@PT", "@UPT"):
            return True
        # `BRA P1, target` and `BRA.U !UP0, target` name their condition as an operand.
        return re.match(r"!?U?P[0-6]\s*,", instruction.operands) is not None

    def _make_blocks(self):
        code, labels = self.function.instructions, self.function.labels
        starts = {0}
        for number, instruction in enumerate(code):
            if self._ends_block(instruction):
                starts.add(number + 1)
        by_offset = {instruction.offset: number for number, instruction in enumerate(code)}
        starts.update(by_offset[offset] for offset in labels.values() if offset in by_offset)
        cuts = sorted(start for start in starts if start < len(code)) + [len(code)]
        self.blocks = [Block(i, code[cuts[i] : cuts[i + 1]]) for i in range(len(cuts) - 1)]
        self._block_at = {block.instructions[0].offset: block.index for block in self.blocks}
        for block in self.blocks:
            block.successors = self._successors(block)

    def _labelled(self, label):
        if label not in self.function.labels or self.function.labels[label] not in self._block_at:
            raise PathError(f"{self.function.name} branches to {label}, which its listing lacks")
        return self._block_at[self.function.labels[label]]

    def _successors(self, block):
        last = block.instructions[-1]
        after = [block.index + 1] if block.index + 1 < len(self.blocks) else []
        base = _base(last.opcode)
        if last.opcode.startswith(self.TORN_WARP):
            return after
        if base in self.BRANCHES:
            if last.target() is None:
                raise PathError(
                    f"{self.function.name} has a {last.opcode} without a label at {last.offset:#x}"
                )
            taken = [self._labelled(last.target())]
            return taken + [b for b in after if b not in taken] if self._is_conditional(last) else taken
        if base in ("BRX", "JMX"):
            listed = re.search(r"BRANCH_TARGETS\s+([^\"]*)", last.operands)
            if not listed:
                raise PathError(
                    f"{self.function.name} jumps through a table at {last.offset:#x}, and the "
                    "disassembler does not say where to"
                )
            return sorted({self._labelled(label.strip()) for label in listed.group(1).split(",")})
        if base in self.ENDS:
            return after if self._is_conditional(last) else []
        return after

    def _find_dominators(self):
        order, seen = [], set()
        stack = [(0, iter(self.blocks[0].successors))]
        seen.add(0)
        while stack:
            node, rest = stack[-1]
            step = next((s for s in rest if s not in seen), None)
            if step is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(self.blocks[step].successors)))
        order.reverse()
        self.predecessors = collections.defaultdict(list)
        for node in order:
            for successor in self.blocks[node].successors:
                self.predecessors[successor].append(node)
        everything = set(order)
        self.dominators = {node: everything if node else {0} for node in order}
        changed = True
        while changed:
            changed = False
            for node in order[1:]:
                above = set.intersection(*(self.dominators[p] for p in self.predecessors[node])) | {node}
                changed |= above != self.dominators[node]
                self.dominators[node] = above

    def _find_loops(self):
        """Bodies by head: what reaches a back edge without passing the head."""
        self.loops = {}
        for node, above in self.dominators.items():
            for head in self.blocks[node].successors:
                if head not in above:
                    continue
                body = self.loops.setdefault(head, {head})
                stack = [node]
                while stack:
                    inside = stack.pop()
                    if inside not in body:
                        body.add(inside)
                        stack.extend(self.predecessors[inside])

    def children(self, head):
        """Heads of the loops nested in this one, however deep."""
        return [h for h, body in self.loops.items() if h != head and body < self.loops[head]]

    def marks(self, block):
        return sum(instruction.is_mark() for instruction in self.blocks[block].instructions)

    def reduces(self, block):
        return any(_base(i.opcode) == REDUCTION_MARK for i in self.blocks[block].instructions)

    def cost(self, block):
        return sum(1 + self._called(i) for i in self.blocks[block].instructions)

    def _called(self, instruction):
        if _base(instruction.opcode) != "CALL":
            return 0
        label = instruction.target()
        if label is None:
            raise PathError(f"{self.function.name} calls through a register at {instruction.offset:#x}")
        if label not in self._callee_cost:
            start = self._labelled(label)
            self._callee_cost[label] = self._longest_to_the_end(start, set())
        return self._callee_cost[label]

    def _longest_to_the_end(self, block, above):
        if block in above:
            raise PathError(f"{self.function.name} calls a function with a loop; its length is not known")
        rest = [self._longest_to_the_end(s, above | {block}) for s in self.blocks[block].successors]
        return self.cost(block) + max(rest, default=0)

    def step_loops(self):
        """Heads of the innermost loops that hold a MUFU.EX2."""
        holding = [h for h, body in self.loops.items() if any(self.marks(b) for b in body)]
        return sorted(h for h in holding if not any(c in holding for c in self.children(h)))

    def opcode_counts(self, path):
        return collections.Counter(i.opcode for b in path for i in self.blocks[b].instructions)


@dataclasses.dataclass
class Path:
    length: int
    blocks: tuple


@dataclasses.dataclass
class Range:
    """Shortest and longest of a set of paths."""

    shortest: Path
    longest: Path

    @staticmethod
    def merge(ranges):
        ranges = [r for r in ranges if r is not None]
        if not ranges:
            return None
        return Range(
            min((r.shortest for r in ranges), key=lambda p: p.length),
            max((r.longest for r in ranges), key=lambda p: p.length),
        )


class _Walk:
    """All paths through an acyclic graph of states, folded into a Range. A state is a tuple whose first item
    is its block; `following(state)` gives the next states, and whether the path may end behind this state."""

    def __init__(self, flow, following):
        self.flow, self.following = flow, following
        self.known, self.open = {}, set()

    def from_state(self, state):
        if state in self.known:
            return self.known[state]
        if state in self.open:
            raise PathError(f"{self.flow.function.name} has a cycle of jumps that is no simple loop")
        self.open.add(state)
        following, may_end = self.following(state)
        rest = [self.from_state(s) for s in following]
        if may_end:
            rest.append(Range(Path(0, ()), Path(0, ())))
        best, cost = Range.merge(rest), self.flow.cost(state[0])
        if best is not None:
            best = Range(
                *(Path(p.length + cost, (state[0],) + p.blocks) for p in (best.shortest, best.longest))
            )
        self.open.discard(state)
        self.known[state] = best
        return best


def step_paths(flow, head):
    """{(MUFU.EX2 on the path, whether it reduces): Range} of one turn of an innermost loop."""
    body = flow.loops[head]
    if flow.children(head):
        raise PathError(
            f"the step loop of {flow.function.name} holds another loop, so that a step has no one "
            "length; unroll it"
        )
    found = {}
    most = sum(flow.marks(b) for b in body)
    for wanted in itertools.product(range(most + 1), (False, True)):

        def following(state, wanted=wanted):
            block, marks, reduces = state
            so_far = (marks + flow.marks(block), reduces or flow.reduces(block))
            inside = [(s, *so_far) for s in flow.blocks[block].successors if s in body and s != head]
            return inside, head in flow.blocks[block].successors and so_far == wanted

        paths = _Walk(flow, following).from_state((head, 0, False))
        if paths is not None:
            found[wanted] = paths
    return found
