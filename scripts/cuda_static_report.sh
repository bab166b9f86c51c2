#!/usr/bin/env bash
# What the compiler made of the CUDA kernels, told without a GPU: compiles each .cu to a cubin for each
# architecture with the project's own flags and reports registers, spills, stack, static shared memory,
# threads of the launch bounds, theoretical occupancy, float atomics, and the warp instructions of the blend
# kernels' inner loops per 32 (Gaussian, pixel) pairs, for a Gaussian that contributes and for one that is
# skipped.
#
# Usage: scripts/cuda_static_report.sh [--arch sm_XX]... [--build DIR | --flags "..."] [--json FILE] [--check]
#                                      [--limits FILE] [--jobs N] [FILE.cu...]
#   Flags come from the newest build/*/compile_commands.json that knows every source; the report names it.
#   --check exits 1, with a sentence each, on spills, local memory, float atomics, and on what breaks
#   cuda/static_limits.json. The toolkit's own kernels (CUB) are shown and not judged.
# Exit 77: nvcc, nvdisasm or a build with CUDA is missing. nvdisasm comes with the toolkit or with
# scripts/setup.sh --tests.
#
# How paths are counted: scripts/sass_paths.py says it in full. In short, from the control flow of the
# machine code: a step is one turn of the innermost loop with a MUFU.EX2 (the 2^x of a pair, one a lane);
# its paths with all the MUFU.EX2 are a contributing Gaussian's, those with none a skipped one's. A warp
# draws 64 pixels, 2 a lane, so a step covers 64 pairs and a figure is path length x 32 / 64. Where paths
# differ, both ends are shown and the longest is judged. Where the steps of a warp share a reduction (the
# paths with a SHFL), a contributing step bears its share of a full group. Groups that a list leaves
# unfilled, and what is done once a batch outside the loop, are not in the figure.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
RENDERFM_VENV="$venv" exec python3 "$root/scripts/cuda_static_report.py" "$@"
