"""From a .cu file to its machine code and what ptxas says of it: which programs, which flags, which names."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Kernels of these namespaces are the toolkit's: shown, but not ours to mend.
FOREIGN = ("cub", "thrust")
TOOLKIT = pathlib.Path("/usr/local/cuda")
# What a recorded command says of its output and architecture; the report asks for its own.
WITH_VALUE = {
    "-o",
    "-MF",
    "-MT",
    "-MQ",
    "-gencode",
    "--generate-code",
    "-arch",
    "--gpu-architecture",
    "-code",
    "--gpu-code",
    "-odir",
    "-t",
    "--threads",
}
ALONE = {
    "-c",
    "-dc",
    "--compile",
    "--device-c",
    "-MD",
    "-MMD",
    "-ptx",
    "-cubin",
    "-rdc=true",
    "--relocatable-device-code=true",
}


class ReportError(Exception):
    """What stops the report, in a sentence."""


class Missing(Exception):
    """A program that this machine lacks."""


def find_program(name, variable, folders):
    wanted = os.environ.get(variable)
    if wanted:
        if not shutil.which(wanted):
            raise ReportError(f"{variable} is '{wanted}', which is no program")
        return wanted
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return str(folder / name)
    return shutil.which(name)


def find_nvcc():
    homes = [pathlib.Path(os.environ[v]) for v in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(v)]
    nvcc = find_program("nvcc", "CUDACXX", [h / "bin" for h in homes + [TOOLKIT]])
    if not nvcc:
        raise Missing("no nvcc: install the CUDA Toolkit or set CUDACXX")
    return nvcc


def find_disassembler(nvcc):
    venv = pathlib.Path(os.environ.get("RENDERFM_VENV", ROOT / ".venv"))
    wheels = sorted(venv.glob("lib/python3*/site-packages/nvidia/cu*/bin"), reverse=True)
    toolkit = pathlib.Path(shutil.which(nvcc) or nvcc).resolve().parent
    nvdisasm = find_program("nvdisasm", "RENDERFM_NVDISASM", [toolkit] + wheels)
    if not nvdisasm:
        raise Missing("no nvdisasm: run scripts/setup.sh --tests, or set RENDERFM_NVDISASM")
    return nvdisasm


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **options)


def keep_flags(words, source):
    """The words of a compile command that shape the code: no compiler, source, output or architecture."""
    kept, skip = [], False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in WITH_VALUE:
            skip = True
        elif word in ALONE or word.split("=")[0] in WITH_VALUE or pathlib.Path(word).name == source.name:
            pass
        else:
            kept.append(word)
    while "-x" in kept:
        at = kept.index("-x")
        del kept[at : at + 2]
    return kept


def read_compile_commands(path):
    """{source: (flags, folder)} of what a build gives to nvcc; the emulator's .cu files go to others."""
    flags = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        words = entry.get("arguments") or shlex.split(entry["command"])
        compiler = next((at for at, word in enumerate(words[:3]) if pathlib.Path(word).name == "nvcc"), None)
        if source.suffix == ".cu" and compiler is not None:  # a launcher such as ccache may stand before it
            flags[source] = (keep_flags(words[compiler:], source), entry["directory"])
    return flags


def choose_flags(arguments, sources):
    """(description, {source: (flags, folder)})."""
    if arguments.flags:
        words = shlex.split(arguments.flags)
        return f"the command line ({arguments.flags})", {s: (words, str(ROOT)) for s in sources}
    if arguments.build:
        candidates = [pathlib.Path(arguments.build) / "compile_commands.json"]
        if not candidates[0].is_file():
            raise ReportError(f"{arguments.build} holds no compile_commands.json; configure it with CMake")
    else:
        candidates = sorted(ROOT.glob("build/*/compile_commands.json"), key=lambda p: -p.stat().st_mtime)
    lacking = {}
    for path in candidates:
        flags = read_compile_commands(path)
        lacks = [source for source in sources if source not in flags]
        if not lacks:
            return str(path), flags
        if flags:
            lacking[path.parent] = lacks[0]
    if not lacking:
        raise Missing(
            f"no CUDA in {arguments.build or 'any of build/*'}; configure a build with CUDA, or give --flags"
        )
    raise ReportError(
        "no build compiles every source: "
        + ", ".join(f"{build} lacks {source}" for build, source in lacking.items())
    )


def compile_source(nvcc, nvdisasm, source, architecture, flags, folder, scratch):
    """(ptxas' words, the listing) of one source for one architecture."""
    cubin = scratch / f"{len(list(scratch.iterdir()))}_{source.stem}_{architecture}.cubin"
    built = run(
        [nvcc, *flags, f"-arch={architecture}", "-cubin", "-Xptxas", "-v", "-o", str(cubin), str(source)],
        cwd=folder,
    )
    if built.returncode != 0:
        raise ReportError(f"{source} does not compile for {architecture}:\n{built.stderr.strip()}")
    listed = run([nvdisasm, str(cubin)])
    if listed.returncode != 0:
        raise ReportError(f"{nvdisasm} cannot read {source.name} for {architecture}: {listed.stderr.strip()}")
    return built.stdout + built.stderr, listed.stdout


def read_resources(words):
    """{symbol: fields of Kernel} of the entry functions that ptxas -v tells of."""
    found, symbol, described = {}, None, None
    for line in words.splitlines():
        entry = re.search(r"Compiling entry function '([^']+)'", line)
        properties = re.search(r"Function properties for (\S+)", line)
        sizes = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
        used = re.search(r"Used (\d+) registers", line)
        if entry:
            symbol = entry.group(1)
            found[symbol] = {
                "stack_bytes": 0,
                "spill_store_bytes": 0,
                "spill_load_bytes": 0,
                "shared_bytes": 0,
            }
        elif properties:
            described = properties.group(1)
        elif sizes and symbol:  # a function that is called, not inlined, has a frame of its own
            for key, value in zip(("stack_bytes", "spill_store_bytes", "spill_load_bytes"), sizes.groups()):
                found[symbol][key] += int(value)
        elif used and symbol and described == symbol:
            found[symbol]["registers"] = int(used.group(1))
            shared = re.search(r"(\d+)(?:\+\d+)? bytes smem", line)
            found[symbol]["shared_bytes"] = int(shared.group(1)) if shared else 0
    return found


def read_max_threads(listing):
    """{symbol: threads of a block} from the launch bounds, printed among a kernel's attributes."""
    found = {}
    for section in re.split(r"^\s*\.section\s+", listing, flags=re.M):
        name = re.match(r"\.nv\.info\.([^,\s]+),", section)
        bounds = re.search(r"EIATTR_MAX_THREADS\n(.*?)(?=//-----|\Z)", section, re.S)
        if name and bounds:
            x, y, z = (int(w, 16) for w in re.findall(r"\.word\s+0x([0-9a-f]+)", bounds.group(1))[:3])
            found[name.group(1)] = x * y * z
    return found


def demangle(symbols):
    if not symbols or not shutil.which("c++filt"):
        return {symbol: symbol for symbol in symbols}
    lines = run(["c++filt"], input="\n".join(symbols)).stdout.splitlines()
    return dict(zip(symbols, lines))


def split_name(demangled):
    """('blend_forward', 'blend_forward<true>', foreign): the last name without '_kernel', the same with its
    template arguments, and whether it is the toolkit's."""
    outer, word, depth = [], "", 0
    for letter in demangled.replace("(anonymous namespace)", "anonymous"):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if depth == 0 and letter == "(":
            break
        if depth == 0 and letter == " ":  # what came before is the type of the result
            outer, word = [], ""
        elif depth == 0 and letter == ":":
            outer += [word] if word else []
            word = ""
        else:
            word += letter
    plain, bracket, arguments = word.partition("<")
    name = plain.removesuffix("_kernel")
    return name, name + bracket + arguments, bool(outer) and outer[0] in FOREIGN
