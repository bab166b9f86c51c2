#!/usr/bin/env bash
# Fuzzes the importers of Gaussian files with libFuzzer, under the address and undefined-behaviour sanitizers. What
# crashes one is left in build/fuzz/findings/FORMAT: move it to tests/fuzz/findings/FORMAT, where every test run tries
# it again.
#
# Usage: scripts/fuzz.sh [SECONDS [FORMAT...]]   180 seconds for each of ply glb spz splat by default
# Needs clang++ with its run-time libraries (Debian: clang libclang-rt-14-dev); RENDERFM_CLANG names another one.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds="${1:-180}"
[ "$#" -gt 0 ] && shift
formats=("$@")
[ "${#formats[@]}" -gt 0 ] || formats=(ply glb spz splat)
clang="${RENDERFM_CLANG:-clang++}"
command -v "$clang" >/dev/null || stop "$clang is not installed; fuzzing needs Clang with libFuzzer"

cd "$root"
cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" >/dev/null || stop "the fuzz preset cannot be configured"
cmake --build build/fuzz --target write_fuzz_seeds "${formats[@]/%/_fuzz}" || stop "the fuzz targets do not compile"
build/fuzz/tests/write_fuzz_seeds build/fuzz/corpus
for format in "${formats[@]}"; do
  work="build/fuzz/corpus/$format" findings="build/fuzz/findings/$format"
  mkdir -p "$work" "$findings"
  if [ -d "tests/fuzz/findings/$format" ]; then cp "tests/fuzz/findings/$format"/* "$work"; fi
  "build/fuzz/tests/${format}_fuzz" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=4096 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="$findings/" "$work" || stop "$format: see $findings"
done
