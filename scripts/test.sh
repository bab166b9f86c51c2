#!/usr/bin/env bash
# Everything that must hold: set-up, build, the checks of the source, all tests, and those of the modules without
# LibTorch once more under the sanitizers. The last line counts what passed, failed and was skipped.
#
# Usage: scripts/test.sh
# Environment: RENDERFM_TEST_DATA, a folder of real scans (default ../shared/data where that exists); where it is
#   set, a skipped test is a failure.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ "$#" -eq 0 ] || stop "usage: scripts/test.sh"
cd "$root"

passed=0 failed=0 skipped=0
excused=0  # of the skipped: what this machine cannot do, real scans or not
timings=()
failures=()

summary() {
  local status=$?
  say "" "seconds per stage:"
  printf '  %s\n' "${timings[@]}" >&2
  [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1  # stopped half-way
  [ "${#failures[@]}" -eq 0 ] || printf 'failed: %s\n' "${failures[@]}" >&2
  echo "$passed passed, $failed failed, $skipped skipped"
}
trap summary EXIT

# stage NAME COMMAND...: must succeed for the rest to make sense.
stage() {
  local name="$1" start=$SECONDS status=0
  shift
  say "" "== $name"
  "$@" || status=$?
  timings+=("$(printf '%5d  %s' $((SECONDS - start)) "$name")")
  if [ "$status" -ne 0 ]; then
    failures+=("$name")
    failed=$((failed + 1))
    exit 1
  fi
}

# check NAME COMMAND...: counts as one test; exit 77 of the command skips it.
check() {
  local name="$1" start=$SECONDS status=0
  shift
  say "" "== $name"
  "$@" || status=$?
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
  elif [ "$status" -eq 77 ]; then
    say "skipped: $name"
    skipped=$((skipped + 1))
    excused=$((excused + 1))
  else
    failed=$((failed + 1))
    failures+=("$name")
  fi
  timings+=("$(printf '%5d  %s' $((SECONDS - start)) "$name")")
}

# run_tests PRESET: every test of a build, counted from CTest's own report.
run_tests() {
  local preset="$1" start=$SECONDS
  local report="$root/build/$preset/test-report.xml"
  say "" "== tests ($preset)"
  rm -f "$report" "$report.failures"
  ctest --test-dir "build/$preset" --parallel "$(nproc)" --output-on-failure --no-tests=error \
    --output-junit "$report" --progress >&2 || true
  timings+=("$(printf '%5d  %s' $((SECONDS - start)) "tests ($preset)")")
  local counts
  counts="$(python3 - "$report" "$report.failures" <<'PYTHON'
import re
import sys
import xml.etree.ElementTree as ElementTree

counts = {"passed": 0, "failed": 0, "skipped": 0, "excused": 0}
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    reason = case.find("skipped")
    chosen = case.get("status") == "disabled" or (reason is not None and "SKIP_" in reason.get("message", ""))
    if case.get("status") == "run":
        counts["passed"] += 1
    elif case.get("status") == "fail" or not chosen:  # a program that is missing did not skip: it is broken
        counts["failed"] += 1
        said = [line for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
        telling = [n for n, line in enumerate(said) if re.search(r"failure|error|assert|exception", line, re.I)]
        first = telling[0] if telling else max(0, len(said) - 12)
        with open(sys.argv[2], "a") as failures:
            print(case.get("name"), *said[first : first + 12], sep="\n    ", file=failures)
    else:
        counts["skipped"] += 1
        why = re.search(r"^skipped: no nvcc\b.*", case.findtext("system-out") or "", re.M)
        counts["excused"] += why is not None
        print(f"skipped: {case.get('name')}" + (f" ({why.group()})" if why else ""), file=sys.stderr)
print(*counts.values())
PYTHON
)" || { failed=$((failed + 1)); failures+=("the test report of $preset"); return; }
  local run_passed run_failed run_skipped run_excused
  read -r run_passed run_failed run_skipped run_excused <<<"$counts"
  passed=$((passed + run_passed))
  failed=$((failed + run_failed))
  skipped=$((skipped + run_skipped))
  excused=$((excused + run_excused))
  [ "$run_failed" -eq 0 ] || failures+=("$run_failed tests of $preset: $(cat "$report.failures")")
}

if [ -z "${RENDERFM_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
  RENDERFM_TEST_DATA="$(cd ../shared/data && pwd)"
fi
if [ -n "${RENDERFM_TEST_DATA:-}" ]; then
  export RENDERFM_TEST_DATA
  say "real scans: $RENDERFM_TEST_DATA"
else
  say "real scans: none; tests that need them are skipped"
fi
# Two of the seven that scripts/build.sh compiles for: those whose static report has limits.
export RENDERFM_CUDA_ARCHITECTURES="${RENDERFM_CUDA_ARCHITECTURES:-89-real;90-real}"
export RENDERFM_PYTHON="$venv/bin/python"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1}"

stage "set-up and downloads" scripts/setup.sh --tests
PATH="$(cmake_folder):$PATH"
check "format" scripts/check_format.sh
stage "build (release)" scripts/build.sh release all
check "headers compile alone" scripts/check_headers.sh release
check "CUDA static report" scripts/cuda_static_report.sh --build build/release --check
run_tests release
for preset in asan-ubsan tsan; do
  stage "build ($preset)" scripts/build.sh "$preset" all
  run_tests "$preset"
done

if [ -n "${RENDERFM_TEST_DATA:-}" ] && [ "$skipped" -gt "$excused" ]; then
  say "" "real scans are there, so nothing should have been skipped"
  failures+=("$((skipped - excused)) skipped tests")
  exit 1
fi
[ "$failed" -eq 0 ]
