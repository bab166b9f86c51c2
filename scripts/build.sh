#!/usr/bin/env bash
# Configures and builds; the programs land in build/<preset>/bin.
#
# Usage: scripts/build.sh [release|dev|asan-ubsan|tsan|cuda] [target...]
# Without a target the programs are built; `all` is the tests and benchmarks as well.
# Environment: RENDERFM_CUDA_ARCHITECTURES, the GPUs to compile for, such as "90-real" (default: seven of them)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

preset="${1:-release}"
shift || true
cd "$root"
PATH="$(cmake_folder):$PATH"
cmake --list-presets 2>/dev/null | grep -q "\"$preset\"" ||
  stop "there is no preset '$preset'; the presets are release, dev, asan-ubsan, tsan and cuda"
arguments=()
# LibTorch in another environment than the default one.
[ "$venv" = "$root/.venv" ] || arguments+=("-DTORCH_ROOT=$(echo "$venv"/lib/python3*/site-packages/torch)")
[ -z "${RENDERFM_CUDA_ARCHITECTURES:-}" ] ||
  arguments+=("-DRENDERFM_CUDA_ARCHITECTURES=$RENDERFM_CUDA_ARCHITECTURES")
cmake --preset "$preset" "${arguments[@]}" >&2
targets=()
[ "$#" -gt 0 ] || set -- renderfm_programs
for target in "$@"; do targets+=(--target "$target"); done
cmake --build "build/$preset" --parallel "$(build_jobs)" "${targets[@]}" >&2
[ "$*" != renderfm_programs ] || say "programs: build/$preset/bin"
