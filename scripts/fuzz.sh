#!/usr/bin/env bash
# Fuzzes the importers of Gaussian files, and the server of renderfm-view, with libFuzzer, under the address and
# undefined-behaviour sanitizers. What crashes one is left in build/fuzz/findings/NAME: move it to
# tests/fuzz/findings/NAME, where every test run tries it again.
#
# Usage: scripts/fuzz.sh [SECONDS [NAME...]]   180 seconds for each of ply glb spz splat server by default
# Needs clang++ with its run-time libraries (Debian: clang libclang-rt-14-dev); RENDERFM_CLANG names another one.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds="${1:-180}"
[ "$#" -gt 0 ] && shift
names=("$@")
[ "${#names[@]}" -gt 0 ] || names=(ply glb spz splat server)
clang="${RENDERFM_CLANG:-clang++}"
command -v "$clang" >/dev/null || stop "$clang is not installed; fuzzing needs Clang with libFuzzer"

cd "$root"
cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" >/dev/null || stop "the fuzz preset cannot be configured"
cmake --build build/fuzz --target write_fuzz_seeds "${names[@]/%/_fuzz}" || stop "the fuzz targets do not compile"
build/fuzz/tests/write_fuzz_seeds build/fuzz/corpus
for name in "${names[@]}"; do
  work="build/fuzz/corpus/$name" findings="build/fuzz/findings/$name"
  mkdir -p "$work" "$findings"
  if [ -d "tests/fuzz/findings/$name" ]; then cp "tests/fuzz/findings/$name"/* "$work"; fi
  "build/fuzz/tests/${name}_fuzz" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=4096 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="$findings/" "$work" || stop "$name: see $findings"
done
