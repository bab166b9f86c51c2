#!/usr/bin/env python3
"""What the compiler made of the CUDA kernels, without a GPU: see scripts/cuda_static_report.sh."""

import argparse
import concurrent.futures
import dataclasses
import json
import pathlib
import re
import sys
import tempfile

import cuda_compile
import cuda_occupancy
import sass_paths
from cuda_compile import ROOT, Missing, ReportError

LIMITS = ROOT / "cuda" / "static_limits.json"
SKIPPED = 77


@dataclasses.dataclass
class Steps:
    """A blend's loop. Figures are [shortest, longest] of warp instructions per 32 pairs."""

    pairs_per_step: int
    steps_per_reduction: int = 1
    loops: int = 0
    contributing: list = None
    skipped: list = None
    opcodes: dict = None  # of the longest path of each kind
    problem: str = None


@dataclasses.dataclass
class Kernel:
    name: str
    shown: str
    symbol: str
    file: str
    architecture: str
    foreign: bool
    registers: int = 0
    spill_store_bytes: int = 0
    spill_load_bytes: int = 0
    stack_bytes: int = 0
    local_instructions: int = 0
    shared_bytes: int = 0
    max_threads: int = None
    occupancy_percent: float = None
    occupancy_limited_by: list = None
    float_atomics: list = None
    instructions: int = 0
    steps: Steps = None


FLOAT_ATOMIC = re.compile(r"^(RED|ATOM|SURED|SUATOM|UBLKRED)\w*\.(?:.*\.)?(F16|F32|F64|BF16|FADD)")
FLOAT_RESULT = re.compile(r"^(FADD|FMUL|FFMA|FMNMX|FSEL|DADD|DMUL|DFMA|HADD2|HMUL2|HFMA2|HMNMX2)\b")


def float_atomics(flow):
    """The instructions of float atomics, those of shared memory among them: a loop in which a float result
    goes into a compare-and-swap."""
    found = [i for b in flow.blocks for i in b.instructions if FLOAT_ATOMIC.match(i.opcode)]
    for body in flow.loops.values():
        inside = [i for b in body for i in flow.blocks[b].instructions]
        results = {i.operands.split(",")[0].strip() for i in inside if FLOAT_RESULT.match(i.opcode)}
        for i in inside:
            operands = [o.strip().split(".")[0] for o in i.operands.split(",")]
            if (
                re.match(r"ATOM\w*\.(?:.*\.)?CAS", i.opcode)
                and results & set(operands[1:])
                and i not in found
            ):
                found.append(i)
    return [f"{i.opcode} at {i.offset:#x}" for i in found]


def read_constant(where, folder):
    """The value of 'kName in FILE', FILE relative to `folder`."""
    name, _, file = where.partition(" in ")
    if not (folder / file).is_file():
        raise ReportError(f"the limits count on {where}, and {folder / file} is no file")
    text = (folder / file).read_text(encoding="utf-8")
    found = re.findall(rf"\bconstexpr\s+[\w:]+\s+{re.escape(name)}\s*=\s*(\d+)\s*;", text)
    if len(found) != 1:
        raise ReportError(f"{file} has {len(found)} constants {name} = NUMBER; the limits count on one")
    return int(found[0])


def step_figures(flow, rule):
    """(contributing, skipped, opcodes): each a (shortest, longest) of warp instructions a step, a reduction's
    share included, over all step loops; opcodes are those of one longest path each."""
    pairs, every = rule["pairs_per_step"], rule.get("steps_per_reduction", 1)
    marks = pairs // sass_paths.WARP_SIZE
    if not flow.step_loops():
        raise sass_paths.PathError(f"no loop holds a {sass_paths.PAIR_MARK}")
    contributing, skipped, opcodes = [], [], {}
    for head in flow.step_loops():
        paths = sass_paths.step_paths(flow, head)
        most = max(number for number, _ in paths)
        if most != marks:
            raise sass_paths.PathError(
                f"a step has up to {most} {sass_paths.PAIR_MARK}, so it covers {most * sass_paths.WARP_SIZE} "
                f"pairs, not the {pairs} that the limits are stated for"
            )
        plain, reducing = paths.get((marks, False)), paths.get((marks, True))
        if every > 1 and not (plain and reducing):
            raise sass_paths.PathError(
                f"{'no' if plain else 'every'} step reduces by {sass_paths.REDUCTION_MARK}; "
                f"the limits expect it of one step in {every}"
            )
        if every == 1:
            plain = reducing = sass_paths.Range.merge([plain, reducing])
        none = sass_paths.Range.merge([paths.get((0, False)), paths.get((0, True))]) or plain
        contributing += [
            ((every - 1) * p.length + r.length) / every
            for p, r in ((plain.shortest, reducing.shortest), (plain.longest, reducing.longest))
        ]
        skipped += [none.shortest.length, none.longest.length]
        for what, path in (
            ("contributing", plain.longest),
            ("reducing", reducing.longest),
            ("skipped", none.longest),
        ):
            opcodes[what] = dict(flow.opcode_counts(path.blocks))
    return (min(contributing), max(contributing)), (min(skipped), max(skipped)), opcodes


def measure_steps(flow, rule):
    try:
        contributing, skipped, opcodes = step_figures(flow, rule)
    except sass_paths.PathError as error:
        return Steps(rule["pairs_per_step"], problem=str(error))
    per_32 = sass_paths.WARP_SIZE / rule["pairs_per_step"]
    return Steps(
        rule["pairs_per_step"],
        rule.get("steps_per_reduction", 1),
        len(flow.step_loops()),
        [length * per_32 for length in contributing],
        [length * per_32 for length in skipped],
        opcodes,
    )


def read_kernels(source, architecture, words, listing, limits):
    resources, threads = cuda_compile.read_resources(words), cuda_compile.read_max_threads(listing)
    functions = sass_paths.parse_listing(listing)
    names = cuda_compile.demangle(sorted(resources))
    kernels = []
    for symbol, fields in resources.items():
        name, shown, foreign = cuda_compile.split_name(names[symbol])
        kernel = Kernel(
            name, name if foreign else shown, symbol, source.name, architecture, foreign, **fields
        )
        if symbol not in functions or not functions[symbol].instructions:
            raise ReportError(f"the listing of {source.name} for {architecture} lacks {shown}")
        code = functions[symbol].instructions
        kernel.instructions = len(code)
        kernel.local_instructions = sum(i.opcode.split(".")[0] in ("LDL", "STL") for i in code)
        kernel.max_threads = threads.get(symbol)
        if kernel.max_threads:
            fit = cuda_occupancy.occupancy(
                architecture, kernel.max_threads, kernel.registers, kernel.shared_bytes
            )
            if fit:
                kernel.occupancy_percent, kernel.occupancy_limited_by = round(fit.percent, 1), fit.limited_by
        flow = sass_paths.ControlFlow(functions[symbol])
        kernel.float_atomics = float_atomics(flow)
        rule = limits.get(name, {}).get("steps")
        if rule and not foreign:
            kernel.steps = measure_steps(flow, rule)
        kernels.append(kernel)
    return kernels


def read_limits(path):
    limits = json.loads(path.read_text(encoding="utf-8"))["kernels"]
    for limit in limits.values():
        rule = limit.get("steps", {})
        if "steps_per_reduction" in rule:
            rule["steps_per_reduction"] = read_constant(rule["steps_per_reduction"], path.parent)
    return limits


def violations(kernels, limits, architectures):
    for kernel in kernels:
        if kernel.foreign:
            continue
        where = f"{kernel.shown} on {kernel.architecture}"
        if kernel.spill_store_bytes or kernel.spill_load_bytes:
            yield (
                f"{where} spills registers: {kernel.spill_store_bytes} B stored, "
                f"{kernel.spill_load_bytes} B loaded."
            )
        if kernel.stack_bytes or kernel.local_instructions:
            yield (
                f"{where} keeps {kernel.stack_bytes} B in local memory "
                f"({kernel.local_instructions} instructions load or store there)."
            )
        if kernel.float_atomics:
            yield f"{where} has float atomics, summed in any order: {', '.join(kernel.float_atomics)}."
        limit = limits.get(kernel.name, {})
        if "registers" in limit and kernel.registers > limit["registers"]:
            yield f"{where} takes {kernel.registers} registers; the limit is {limit['registers']}."
        if kernel.steps is None:
            continue
        if kernel.steps.problem:
            yield f"{where}: its steps cannot be counted: {kernel.steps.problem}."
            continue
        for what, (_, figure) in (
            ("contributing", kernel.steps.contributing),
            ("skipped", kernel.steps.skipped),
        ):
            if figure > limit["steps"][what]:
                yield (
                    f"{where} takes {figure:g} instructions per 32 {what} pairs; "
                    f"the limit is {limit['steps'][what]}."
                )
    for name in limits:
        for architecture in architectures:
            if not any(k.name == name and k.architecture == architecture and not k.foreign for k in kernels):
                yield f"{name} has limits, but no kernel of that name was compiled for {architecture}."


def table(kernels):
    head = (
        "kernel",
        "arch",
        "regs",
        "spill st/ld",
        "stack",
        "smem",
        "threads",
        "occupancy",
        "float atomics",
        "contributing",
        "skipped",
    )

    def span(low, high):
        return f"{high:.4g}" if low == high else f"{low:.4g} to {high:.4g}"

    rows = [head]
    for k in kernels:
        occupied = (
            "-"
            if k.occupancy_percent is None
            else f"{k.occupancy_percent:.0f} % ({k.occupancy_limited_by[0]})"
        )
        steps = ("-", "-")
        if k.steps is not None:
            steps = ("?", "?") if k.steps.problem else (span(*k.steps.contributing), span(*k.steps.skipped))
        shown = k.shown if len(k.shown) <= 44 else k.shown[:41] + "..."
        rows.append(
            (
                shown,
                k.architecture,
                str(k.registers),
                f"{k.spill_store_bytes}/{k.spill_load_bytes}",
                str(k.stack_bytes),
                str(k.shared_bytes),
                str(k.max_threads or "-"),
                occupied,
                str(len(k.float_atomics)),
                *steps,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/cuda_static_report.sh", description=__doc__)
    parser.add_argument("sources", nargs="*", type=pathlib.Path, help="default: cuda/**/*.cu")
    parser.add_argument("--arch", action="append", help="sm_XX, repeatable (default sm_89 and sm_90)")
    parser.add_argument(
        "--build", help="a CMake build whose flags to take (default: the newest that has them)"
    )
    parser.add_argument("--flags", help="the flags themselves, instead of a build's")
    parser.add_argument("--limits", type=pathlib.Path, default=LIMITS)
    parser.add_argument("--json", type=pathlib.Path, help="write the report there too")
    parser.add_argument("--check", action="store_true", help="exit 1 where a limit is broken")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at a time")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    architectures = arguments.arch or ["sm_89", "sm_90"]
    sources = [s.resolve() for s in arguments.sources] or sorted((ROOT / "cuda").rglob("*.cu"))
    nvcc = cuda_compile.find_nvcc()
    nvdisasm = cuda_compile.find_disassembler(nvcc)
    origin, flags = cuda_compile.choose_flags(arguments, sources)
    limits = read_limits(arguments.limits)

    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(
        max(1, arguments.jobs)
    ) as pool:
        jobs = [(source, architecture) for source in sources for architecture in architectures]

        def one(number):
            source, architecture = jobs[number]
            folder = pathlib.Path(scratch) / str(number)
            folder.mkdir()
            words, listing = cuda_compile.compile_source(
                nvcc, nvdisasm, source, architecture, *flags[source], folder
            )
            return read_kernels(source, architecture, words, listing, limits)

        kernels = [kernel for found in pool.map(one, range(len(jobs))) for kernel in found]
    if not kernels:
        raise ReportError("the sources hold no kernel")
    kernels.sort(key=lambda k: (k.foreign, k.file, k.shown, k.architecture))

    print(f"flags from {origin}")
    print(
        "occupancy is theoretical, at the threads of the launch bounds; contributing and skipped are warp "
        "instructions per 32 pairs of Gaussian and pixel"
    )
    for name, limit in limits.items():
        if "steps" in limit:
            pairs, every = limit["steps"]["pairs_per_step"], limit["steps"].get("steps_per_reduction", 1)
            shared = f", and one step in {every} reduces for all" if every > 1 else ""
            print(f"{name}: a step of a warp is one Gaussian at {pairs} pixels{shared}")
    print()
    print(table(kernels))
    broken = list(violations(kernels, limits, architectures))
    if arguments.json:
        report = {
            "flags": origin,
            "nvcc": nvcc,
            "kernels": [dataclasses.asdict(k) for k in kernels],
            "violations": broken,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if arguments.check:
        print()
        for sentence in broken:
            print(f"FAILED: {sentence}")
        if broken:
            return 1
        print(f"all {sum(not k.foreign for k in kernels)} kernels keep their limits")
    return 0


def command():
    try:
        return main()
    except Missing as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    except ReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(command())
