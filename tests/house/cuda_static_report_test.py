"""Sees that scripts/cuda_static_report.sh counts what is known by construction, and that --check finds every
planted fault. Without nvcc or nvdisasm only the listings and tables written out here are judged."""

import contextlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import cuda_compile  # noqa: E402
import cuda_occupancy  # noqa: E402
import cuda_static_report  # noqa: E402
import sass_paths  # noqa: E402

SAMPLES = pathlib.Path(__file__).with_name("cuda_static_samples.cu")
LOOSE = {"registers": 255, "steps": {"pairs_per_step": 64, "contributing": 1000, "skipped": 1000}}


def missing_tool():
    try:
        cuda_compile.find_disassembler(cuda_compile.find_nvcc())
    except cuda_compile.Missing as missing:
        return str(missing)
    return None


def listing(lines):
    """nvdisasm's text for instructions, one a line; a line that ends in a colon is a label."""
    text, offset = ['\t.section\t.text.k,"ax",@progbits', ".text.k:"], 0
    for line in lines.strip().splitlines():
        line = line.strip()
        if line.endswith(":"):
            text.append(line)
        else:
            text.append(f"        /*{offset:04x}*/                   {line} ;")
            offset += 16
    return "\n".join(text)


def flow_of(lines):
    return sass_paths.ControlFlow(sass_paths.parse_listing(listing(lines))["k"])


class PathsTest(unittest.TestCase):
    def lengths(self, lines):
        flow = flow_of(lines)
        (head,) = flow.step_loops()
        return {
            (marks, "SHFL") if reduces else marks: (r.shortest.length, r.longest.length)
            for (marks, reduces), r in sass_paths.step_paths(flow, head).items()
        }

    def test_both_ways_of_a_branch_are_counted(self):
        self.assertEqual(
            self.lengths("""
            MOV R1, RZ
            .L_head:
            LDS R3, [R2]
            VOTE.ANY P0, P1
            @!P0 BRA `(.L_next)
            MUFU.EX2 R4, R3
            @P2 FFMA R5, R5, R5, R5
            .L_next:
            IADD3 R2, R2, 0x4, RZ
            @P3 BRA `(.L_head)
            EXIT
            .L_stop:
            BRA `(.L_stop)"""),
            {0: (5, 5), 1: (7, 7)},
        )

    def test_the_shortest_and_the_longest_of_several_paths_are_told_apart(self):
        self.assertEqual(
            self.lengths("""
            .L_head:
            LDS R3, [R2]
            @!P0 BRA `(.L_next)
            MUFU.EX2 R4, R3
            @P1 BRA `(.L_next)
            MUFU.EX2 R4, R3
            FADD R4, R4, R4
            @P2 BRA P4, `(.L_next)
            FADD R4, R4, R4
            FADD R4, R4, R4
            .L_next:
            BRA.U !UP0, `(.L_head)
            EXIT"""),
            {0: (3, 3), 1: (5, 5), 2: (8, 10)},
        )

    def test_a_path_that_reduces_is_told_apart(self):
        self.assertEqual(
            self.lengths("""
            .L_head:
            @!P0 BRA `(.L_next)
            MUFU.EX2 R4, R3
            @P1 BRA `(.L_next)
            SHFL.BFLY PT, R5, R4, 0x1, 0x1f
            FADD R4, R4, R5
            .L_next:
            @P2 BRA `(.L_head)
            EXIT"""),
            {0: (2, 2), 1: (4, 4), (1, "SHFL"): (6, 6)},
        )

    def test_what_leaves_the_loop_is_no_step(self):
        self.assertEqual(
            self.lengths("""
            .L_head:
            MUFU.EX2.FTZ R4, R3
            @P0 EXIT
            @P1 BRA `(.L_out)
            FADD R4, R4, R4
            BRA `(.L_head)
            .L_out:
            FADD R4, R4, R4
            EXIT"""),
            {1: (5, 5)},
        )

    def test_only_the_innermost_loop_is_a_step(self):
        flow = flow_of("""
            .L_outer:
            LDS R3, [R2]
            .L_head:
            MUFU.EX2 R4, R3
            @P0 BRA `(.L_head)
            MUFU.EX2 R4, R4
            @P1 BRA `(.L_outer)
            .L_other:
            FFMA R1, R1, R1, R1
            @P1 BRA `(.L_other)
            EXIT""")
        (head,) = flow.step_loops()
        self.assertEqual(sass_paths.step_paths(flow, head)[1, False].longest.length, 2)

    def test_a_call_costs_the_longest_path_of_what_it_calls(self):
        self.assertEqual(
            self.lengths("""
            .L_head:
            MUFU.EX2 R4, R3
            CALL.REL.NOINC `(k_slow)
            @P0 BRA `(.L_head)
            EXIT
            k_slow:
            @P1 BRA `(.L_end)
            FADD R4, R4, R4
            .L_end:
            RET.REL.NODEC R2 `(k)"""),
            {1: (6, 6)},
        )

    def test_a_torn_warp_is_no_path(self):
        self.assertEqual(
            self.lengths("""
            .L_head:
            MUFU.EX2 R4, R3
            BRA.DIV UR4, `(.L_torn)
            .L_back:
            @P0 BRA `(.L_head)
            EXIT
            .L_torn:
            WARPSYNC.COLLECTIVE R5, `(.L_back)
            BRA `(.L_back)"""),
            {1: (3, 3)},
        )

    def test_a_loop_inside_a_step_is_refused(self):
        with self.assertRaisesRegex(sass_paths.PathError, "holds another loop"):
            self.lengths("""
                .L_head:
                MUFU.EX2 R4, R3
                .L_inner:
                FADD R4, R4, R4
                @P0 BRA `(.L_inner)
                @P1 BRA `(.L_head)
                EXIT""")

    def test_a_jump_to_nowhere_known_is_refused(self):
        with self.assertRaisesRegex(sass_paths.PathError, "table"):
            flow_of("BRX R2 -0x100\nEXIT")
        with self.assertRaisesRegex(sass_paths.PathError, "lacks"):
            flow_of("BRA `(.L_missing)\nEXIT")


class NamesTest(unittest.TestCase):
    def test_kernels_are_named_by_their_last_word(self):
        split = cuda_compile.split_name
        self.assertEqual(split("walk_kernel(float const*, float*)"), ("walk", "walk", False))
        self.assertEqual(
            split("void renderfm::cuda::(anonymous namespace)::blend_kernel<(bool)1, a::b<int>>(P)"),
            ("blend", "blend<(bool)1, a::b<int>>", False),
        )
        self.assertEqual(
            split("void cub::detail::ScanKernel<renderfm::X, (int)3>(unsigned int)"),
            ("ScanKernel", "ScanKernel<renderfm::X, (int)3>", True),
        )
        self.assertEqual(
            split("renderfm::cuda::blend_forward_kernel(renderfm::cuda::Params)"),
            ("blend_forward", "blend_forward", False),
        )

    def test_flags_come_from_what_nvcc_compiles(self):
        with tempfile.TemporaryDirectory() as folder:
            commands = pathlib.Path(folder) / "compile_commands.json"
            commands.write_text(
                json.dumps(
                    [
                        {
                            "directory": folder,
                            "file": "/s/a.cu",
                            "command": "/usr/bin/c++ -DEMULATOR -x c++ -c /s/a.cu",
                        },
                        {"directory": folder, "file": "/s/b.cpp", "command": "/usr/bin/c++ -c /s/b.cpp"},
                        {
                            "directory": folder,
                            "file": "/s/a.cu",
                            "command": "ccache /c/bin/nvcc -O3 -c /s/a.cu -o a.o",
                        },
                    ]
                )
            )
            self.assertEqual(
                cuda_compile.read_compile_commands(commands), {pathlib.Path("/s/a.cu"): (["-O3"], folder)}
            )

    def test_only_what_shapes_the_code_is_taken_from_a_compile_command(self):
        words = (
            "nvcc -forward-unknown-to-host-compiler -DX=1 -I/a -O3 -std=c++17 "
            "--generate-code=arch=compute_90,"
            "code=[sm_90] -Xcompiler=-fPIC -MD -MT a.o -MF a.d -x cu -c /s/a.cu -o a.o"
        ).split()
        self.assertEqual(
            cuda_compile.keep_flags(words, pathlib.Path("/s/a.cu")),
            "-forward-unknown-to-host-compiler -DX=1 -I/a -O3 -std=c++17 -Xcompiler=-fPIC".split(),
        )


class OccupancyTest(unittest.TestCase):
    SIZES = list(
        itertools.product(
            (32, 96, 128, 256, 320, 1024),
            (0, 16, 32, 33, 48, 64, 72, 80, 128, 168, 255),
            (0, 1, 1023, 4608, 27392, 49152, 99 * 1024, 200 * 1024),
        )
    )

    def test_known_figures(self):
        for architecture, expected in (("sm_89", 83.3), ("sm_90", 62.5)):
            fit = cuda_occupancy.occupancy(architecture, 128, 48, 4608)
            self.assertEqual((round(fit.percent, 1), fit.limited_by), (expected, ["registers"]))
        self.assertEqual(cuda_occupancy.occupancy("sm_90", 128, 48, 32768).limited_by, ["shared memory"])

    def test_it_agrees_with_the_toolkit(self):
        header = next(
            (
                p / "include"
                for p in map(pathlib.Path, (os.environ.get("CUDA_HOME", ""), "/usr/local/cuda"))
                if (p / "include" / "cuda_occupancy.h").is_file()
            ),
            None,
        )
        if header is None:
            self.skipTest("no cuda_occupancy.h")
        machines = [
            (name, major, minor, cuda_occupancy.MULTIPROCESSORS[name])
            for name, major, minor in (("sm_80", 8, 0), ("sm_86", 8, 6), ("sm_89", 8, 9), ("sm_90", 9, 0))
        ]
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "occupancy"
            source = pathlib.Path(folder) / "occupancy.cpp"
            source.write_text(OCCUPANCY_PROGRAM, encoding="utf-8")
            subprocess.run(
                [os.environ.get("CXX", "c++"), "-w", "-I", header, source, "-o", program], check=True
            )
            asked = "".join(
                f"{major} {minor} {m.warps * 32} {m.shared_bytes} {m.block_shared_bytes} {t} {r} {s}\n"
                for _, major, minor, m in machines
                for t, r, s in self.SIZES
            )
            answer = subprocess.run([program], input=asked, capture_output=True, text=True, check=True).stdout
        expected = [int(word) for word in answer.split()]
        ours = [cuda_occupancy.occupancy(name, *size).blocks for name, *_ in machines for size in self.SIZES]
        self.assertEqual(len(expected), len(ours))
        wrong = [
            (machines[i // len(self.SIZES)][0], self.SIZES[i % len(self.SIZES)], e, o)
            for i, (e, o) in enumerate(zip(expected, ours))
            if e != o
        ]
        self.assertEqual(wrong, [], "architecture, (threads, registers, shared), the toolkit's blocks, ours")


OCCUPANCY_PROGRAM = r"""
#include <cstdio>
#include <cuda_occupancy.h>
int main() {
  int major, minor, threads, block, registers;
  size_t shared, block_shared, used;
  while (std::scanf("%d %d %d %zu %zu %d %d %zu", &major, &minor, &threads, &shared, &block_shared, &block,
                    &registers, &used) == 8) {
    cudaOccDeviceProp machine;
    machine.computeMajor = major;
    machine.computeMinor = minor;
    machine.maxThreadsPerBlock = 1024;
    machine.maxThreadsPerMultiprocessor = threads;
    machine.regsPerBlock = machine.regsPerMultiprocessor = 65536;
    machine.warpSize = 32;
    machine.sharedMemPerBlock = 49152;
    machine.sharedMemPerMultiprocessor = shared;
    machine.sharedMemPerBlockOptin = block_shared;
    machine.reservedSharedMemPerBlock = 1024;
    machine.numSms = 1;
    cudaOccFuncAttributes kernel;
    kernel.maxThreadsPerBlock = 1024;
    kernel.numRegs = registers;
    kernel.sharedSizeBytes = 0;
    kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
    kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
    kernel.maxDynamicSharedSizeBytes = used;
    kernel.numBlockBarriers = 1;
    cudaOccDeviceState state;
    state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
    cudaOccResult result;
    const auto status =
        cudaOccMaxActiveBlocksPerMultiprocessor(&result, &machine, &kernel, &state, block, used);
    std::printf("%d\n", status == CUDA_OCC_SUCCESS ? result.activeBlocksPerMultiprocessor : -1);
  }
}
"""


class CompiledTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if missing_tool():
            raise unittest.SkipTest(missing_tool())

    def report(self, flags, limits=None, check=False):
        """(exit status, output, {(kernel, architecture): its entry})"""
        with tempfile.TemporaryDirectory() as folder:
            limits_file, json_file = (
                pathlib.Path(folder) / "limits.json",
                pathlib.Path(folder) / "report.json",
            )
            limits_file.write_text(json.dumps({"kernels": limits or {}}), encoding="utf-8")
            result = subprocess.run(
                [
                    ROOT / "scripts" / "cuda_static_report.sh",
                    "--flags",
                    f"-O3 -std=c++17 {flags}",
                    "--limits",
                    limits_file,
                    "--json",
                    json_file,
                    *(["--check"] if check else []),
                    SAMPLES,
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            kernels = json.loads(json_file.read_text())["kernels"] if json_file.exists() else []
        return (
            result.returncode,
            result.stdout + result.stderr,
            {(k["name"], k["architecture"]): k for k in kernels},
        )

    def test_multiply_adds_on_each_path_are_those_of_the_source(self):
        limits = {"walk": LOOSE, "branch_free": LOOSE}
        lengths = {}
        for short, long in ((0, 5), (5, 5), (5, 29)):
            status, output, kernels = self.report(f"-DSHORT={short} -DLONG={long}", limits, check=True)
            self.assertEqual(status, 0, output)
            for architecture in ("sm_89", "sm_90"):
                walk, free = (kernels[name, architecture]["steps"] for name in ("walk", "branch_free"))
                self.assertIsNone(walk["problem"])
                self.assertEqual(walk["opcodes"]["skipped"].get("FFMA", 0), short)
                self.assertEqual(walk["opcodes"]["contributing"]["FFMA"], short + long)
                self.assertEqual(walk["opcodes"]["contributing"]["MUFU.EX2"], 2)
                self.assertNotIn("MUFU.EX2", walk["opcodes"]["skipped"])
                # Beside the multiply-adds: two powers and two sums.
                self.assertEqual(2 * (walk["contributing"][1] - walk["skipped"][1]), long + 4)
                self.assertEqual(free["skipped"], free["contributing"])
                self.assertEqual(free["opcodes"]["skipped"]["FFMA"], short + long)
                lengths.setdefault(architecture, []).append((2 * walk["skipped"][1], 2 * free["skipped"][1]))
        for architecture, (first, second, third) in lengths.items():
            self.assertEqual((second[0] - first[0], third[0] - second[0]), (5, 0), architecture)
            self.assertEqual((second[1] - first[1], third[1] - second[1]), (5, 24), architecture)

    def test_a_limit_is_kept_at_its_value_and_broken_below(self):
        _, _, kernels = self.report("-DSHORT=2 -DLONG=4", {"walk": LOOSE})
        entries = [kernels["walk", a] for a in ("sm_89", "sm_90")]
        exact = {
            "registers": max(k["registers"] for k in entries),
            "steps": {
                "pairs_per_step": 64,
                **{what: max(k["steps"][what][1] for k in entries) for what in ("contributing", "skipped")},
            },
        }
        self.assertEqual(self.report("-DSHORT=2 -DLONG=4", {"walk": exact}, check=True)[0], 0)
        for tightened, sentence in (
            ({**exact, "registers": exact["registers"] - 1}, "registers; the limit is"),
            (
                {**exact, "steps": {**exact["steps"], "skipped": exact["steps"]["skipped"] - 0.5}},
                "per 32 skipped pairs; the limit is",
            ),
            (
                {**exact, "steps": {**exact["steps"], "contributing": exact["steps"]["contributing"] - 0.5}},
                "per 32 contributing pairs; the limit is",
            ),
        ):
            status, output, _ = self.report("-DSHORT=2 -DLONG=4", {"walk": tightened}, check=True)
            self.assertEqual(status, 1, output)
            self.assertIn(sentence, output)
            self.assertNotIn("spill", output.split("FAILED")[1])

    def test_a_reduction_is_shared_by_its_group(self):
        every = f"kEvery in {SAMPLES}"
        limits = {"group": {"steps": {**LOOSE["steps"], "steps_per_reduction": every}}}
        figures = []
        for flags in ("", "-DLONG=8"):
            status, output, kernels = self.report(flags, limits, check=True)
            self.assertEqual(status, 0, output)
            for architecture in ("sm_89", "sm_90"):
                steps = kernels["group", architecture]["steps"]
                self.assertEqual(steps["steps_per_reduction"], 4)
                plain, reducing = (
                    sum(steps["opcodes"][what].values()) for what in ("contributing", "reducing")
                )
                self.assertEqual(steps["contributing"][1] * 2, (3 * plain + reducing) / 4)
                self.assertEqual(steps["opcodes"]["reducing"]["SHFL.BFLY"], 5)
                self.assertNotIn("SHFL.BFLY", steps["opcodes"]["contributing"])
                figures.append(steps["contributing"][1])
        # Eight more instructions in each group of four steps of 64 pairs.
        self.assertEqual([b - a for a, b in zip(figures[:2], figures[2:])], [8 / 4 / 2] * 2)

    def test_limits_that_do_not_fit_the_kernels_are_refused(self):
        limits = {
            "walk": {"steps": {**LOOSE["steps"], "pairs_per_step": 32}},
            "branch_free": {"steps": {**LOOSE["steps"], "steps_per_reduction": f"kEvery in {SAMPLES}"}},
            "vanished": {"registers": 1},
        }
        status, output, _ = self.report("", limits, check=True)
        self.assertEqual(status, 1, output)
        self.assertIn("covers 64 pairs, not the 32", output)
        self.assertIn("branch_free on sm_89: its steps cannot be counted: no step reduces by SHFL", output)
        self.assertIn("vanished has limits, but no kernel of that name was compiled for sm_89", output)

    def test_a_constant_that_is_gone_is_an_error(self):
        limits = {"group": {"steps": {**LOOSE["steps"], "steps_per_reduction": f"kGone in {SAMPLES}"}}}
        status, output, _ = self.report("", limits, check=True)
        self.assertEqual(status, 2, output)
        self.assertIn("0 constants kGone", output)
        limits["group"]["steps"]["steps_per_reduction"] = "kEvery in gone.cuh"
        status, output, _ = self.report("", limits, check=True)
        self.assertEqual(status, 2, output)
        self.assertIn("gone.cuh is no file", output)

    def test_planted_faults_are_found_on_every_architecture(self):
        faults = {
            "-DSPILL -maxrregcount=32": (("wide", "spills registers"), ("wide", "B in local memory")),
            "-DSTACK -DFLOAT_ATOMIC -DRETURNED_ATOMIC -DSHARED_ATOMIC": (
                ("table", "B in local memory"),
                ("add", "has float atomics"),
                ("fetch_and_add", "has float atomics"),
                ("add_shared", "has float atomics"),
            ),
        }
        for flags, planted in faults.items():
            status, output, _ = self.report(flags, check=True)
            self.assertEqual(status, 1, output)
            for (kernel, sentence), architecture in itertools.product(planted, ("sm_89", "sm_90")):
                self.assertRegex(output, f"FAILED: {kernel} on {architecture} [^\n]*{sentence}")
            self.assertEqual(output.count("FAILED"), 2 * len(planted), output)

    def test_integer_atomics_pass_and_launch_bounds_are_read(self):
        status, output, kernels = self.report("-DINTEGER_ATOMIC", check=True)
        self.assertEqual(status, 0, output)
        self.assertIn(("count", "sm_90"), kernels)
        walk = kernels["walk", "sm_89"]
        self.assertEqual(
            (walk["max_threads"], walk["shared_bytes"], walk["occupancy_percent"]), (128, 128, 100)
        )

    def test_source_that_does_not_compile_is_an_error(self):
        status, output, _ = self.report("-DSHORT=nonsense", check=True)
        self.assertEqual(status, 2, output)
        self.assertIn("does not compile for sm_", output)


class MissingToolsTest(unittest.TestCase):
    def run_without(self, **programs):
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(output), mock.patch.object(
            cuda_compile, "TOOLKIT", pathlib.Path(empty)
        ), mock.patch.object(sys, "argv", ["report", "--check", str(SAMPLES)]), mock.patch.dict(
            os.environ, {"PATH": empty, "RENDERFM_VENV": empty, **programs}, clear=True
        ):
            return cuda_static_report.command(), output.getvalue()

    def test_the_reason_is_said_and_nothing_passes(self):
        self.assertEqual(
            self.run_without(), (77, "skipped: no nvcc: install the CUDA Toolkit or set CUDACXX\n")
        )
        status, output = self.run_without(CUDACXX=sys.executable)
        self.assertEqual((status, output.startswith("skipped: no nvdisasm: ")), (77, True), output)


if __name__ == "__main__":
    reason = missing_tool()
    if reason:
        print(f"skipped: {reason}")
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else 77 if reason else 0)
