#!/usr/bin/env python3
"""Checks that modules include and link only what lies below them, and that every library stays behind its wall.

Usage: check_layers.py [--root FOLDER]. Prints each violation as FILE:LINE and exits 1 if there is any.
"""
import argparse
import pathlib
import re
import sys

# From the bottom up; modules of one line are siblings and do not know each other.
LAYERS = [
    ["core"],
    ["math"],
    ["volume", "view", "tensor"],
    # The part of gaussian without LibTorch: folder src/gaussian/files.
    ["gaussian_files"],
    ["image", "gaussian"],
    ["medium"],
    # The parts of raster without LibTorch: folders src/raster/cpu and cuda.
    ["raster_cpu", "cuda_kernels"],
    ["raster", "pathtrace", "nn"],
    ["model", "data"],
    ["train"],
    ["eval"],
    ["viewer", "server"],
    ["tools"],
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}

TORCH_FREE = {"core", "math", "volume", "view", "medium", "pathtrace", "server", "cuda"}

# (name, pattern of an included file, where it may be included from, what to say)
WALLS = [
    ("ITK", re.compile(r"(itk|gdcm|vnl/|vnl_|nifti1|niftilib|znzlib)"),
     re.compile(r"src/volume/(io/[^/]+\.(cpp|h)|tissue_estimator[^/]*\.cpp)$"),
     "ITK is for src/volume/io and src/volume/tissue_estimator*.cpp"),
    ("yaml-cpp", re.compile(r"yaml-cpp/"), re.compile(r"src/core/"), "yaml-cpp is for src/core"),
    ("stb", re.compile(r"(stb/)?stb_"), re.compile(r"src/image/[^/]+\.cpp$"), "stb is for src/image/*.cpp"),
    ("CLI11", re.compile(r"CLI/"), re.compile(r"tools/"), "CLI11 is for tools"),
]
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINKED = re.compile(r"renderfm::(\w+)")
SOURCE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh", ".in"}


def module_of(path):
    """The module that owns a file, from its path relative to the root; None for tests and scripts."""
    parts = path.parts
    if parts[:2] == ("include", "renderfm") and len(parts) > 3:
        return parts[2]
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] in ("tools", "cuda"):
        return parts[0]
    return None


def included_module(quote, target):
    """The module that an #include names: "renderfm/raster/x.h", or a private "raster/x.h" from src."""
    parts = target.split("/")
    if parts[0] == "renderfm" and len(parts) > 2:
        return parts[1]
    if quote == '"' and len(parts) > 1 and parts[0] in RANK:
        return parts[0]
    return None


def may_use(user, used):
    if user == used or user == "tools":
        return True
    if user == "cuda":  # kernels see the shared mathematics and the parameter structs
        return used in RANK and RANK[used] <= RANK["raster"] and used != "tools"
    return RANK[used] < RANK[user]


def check_source(root, path, module):
    relative = path.relative_to(root)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        used = included_module(quote, target)
        if used is not None:
            if used not in RANK:
                yield relative, number, f"includes {target}, but there is no module '{used}'"
            elif not may_use(module, used):
                yield relative, number, f"includes {target}, but '{module}' does not lie above '{used}'"
            continue
        for _, pattern, allowed, text in WALLS:
            if pattern.match(target) and not allowed.match(relative.as_posix()):
                yield relative, number, f"includes {target}; {text}"
        torch_free = module in TORCH_FREE or relative.name.endswith("_params.h")
        if torch_free and TORCH.match(target):
            yield relative, number, f"includes {target}; '{module}' does without LibTorch"
    if path.suffix == ".h" and "using namespace" in path.read_text(encoding="utf-8"):
        yield relative, 1, "says 'using namespace' in a header"


def check_links(root, path, module):
    relative = path.relative_to(root)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        code = line.split("#", 1)[0]
        for used in LINKED.findall(code):
            if used not in RANK:
                yield relative, number, f"links renderfm::{used}, but there is no such module"
            elif used != module and not may_use(module, used):
                yield relative, number, f"links renderfm::{used}, but '{module}' does not lie above it"
        # LibTorch::cudart is CUDA's run time, which LibTorch only brings along.
        if re.search(r"LibTorch::(?!cudart\b)", code) and module in TORCH_FREE:
            yield relative, number, f"links LibTorch; '{module}' does without"


def check(root):
    violations = []
    for top in ("include", "src", "tools", "cuda"):
        for path in sorted((root / top).rglob("*")):
            module = module_of(path.relative_to(root)) if path.is_file() else None
            if module is None:
                continue
            if module not in RANK and module != "cuda":
                violations.append((path.relative_to(root), 1, f"there is no module '{module}'"))
            elif path.name == "CMakeLists.txt":
                violations += check_links(root, path, module)
            elif path.suffix in SOURCE_SUFFIXES:
                violations += check_source(root, path, module)
    return violations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    violations = check(parser.parse_args().root)
    for path, number, text in violations:
        print(f"{path}:{number}: {text}")
    if violations:
        print(f"{len(violations)} includes or links cross a layer or a wall")
        return 1
    print("every include and link points down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
