#!/usr/bin/env bash
# Runs the benchmarks whose names match and prints one Google Benchmark JSON on stdout.
#
# Usage: scripts/bench.sh [FILTER]
#   FILTER is a regular expression, or the name of a program, such as raster_bench, for all of its benchmarks
# Environment: RENDERFM_PRESET (release), RENDERFM_BENCH_ARGS for the benchmark programs, for example
#   --benchmark_repetitions=20; RENDERFM_TEST_DATA, a folder of real scans (default ../shared/data if there is one)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ "$#" -le 1 ] || stop "usage: scripts/bench.sh [FILTER]"
filter="${1:-.}"
preset="${RENDERFM_PRESET:-release}"
"$root/scripts/build.sh" "$preset" renderfm_benchmarks
cd "$root"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
read -ra extra <<<"${RENDERFM_BENCH_ARGS:-}"
if [ -z "${RENDERFM_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
  RENDERFM_TEST_DATA="$(cd ../shared/data && pwd)"
fi
[ -z "${RENDERFM_TEST_DATA:-}" ] || export RENDERFM_TEST_DATA

for program in "build/$preset"/bench/*; do
  name="$(basename "$program")"
  names="$filter"
  [ "$name" != "$filter" ] || names=.
  # A program without a match says so on stderr and writes nothing of use.
  [ -n "$("$program" --benchmark_list_tests=true --benchmark_filter="$names" 2>/dev/null)" ] || continue
  say "$name"
  "$program" --benchmark_filter="$names" --benchmark_out="$scratch/$name.json" --benchmark_out_format=json \
    "${extra[@]}" >&2 || stop "the benchmark $name failed"
done

python3 - "$scratch" "$(git describe --always --dirty 2>/dev/null || echo unknown)" "$filter" <<'PYTHON'
import json
import pathlib
import sys

folder, commit, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
merged = None
for path in sorted(folder.glob("*.json")):
    report = json.loads(path.read_text())
    for entry in report["benchmarks"]:
        entry["program"] = path.stem
    if merged is None:
        merged = report
    else:
        merged["benchmarks"] += report["benchmarks"]
        # What one program says of its own conditions stays beside what all have in common.
        merged["context"] = {**report["context"], **merged["context"]}
if merged is None:
    sys.exit(f"error: no benchmark matches '{wanted}'")
merged["context"].pop("executable", None)
merged["context"]["commit"] = commit
cpu = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
merged["context"]["device"] = cpu[0] if cpu else "unknown"
json.dump(merged, sys.stdout, indent=1)
print()
PYTHON
