#!/usr/bin/env bash
# The path tracer against Mitsuba 3: one cloud, one camera, one sky in both programs. Judges the means and
# times rate / variance of both in one run; see compare_mitsuba.py --help. Not part of the tests.
#   scripts/compare_mitsuba.sh [--build build/release] [options of compare_mitsuba.py]
# Installs mitsuba from PyPI into a virtual environment of its own (MITSUBA_VENV, build/mitsuba-venv by default)
# where the project's has none. Mitsuba's LLVM variant needs libLLVM 18 or newer (older ones abort in code generation):
# DRJIT_LIBLLVM_PATH names one, or the newest of /usr/lib is taken (Debian: apt-get install libllvm19).
source "$(dirname "$0")/common.sh"

build="$root/build/release"
if [ "${1:-}" = --build ]; then
  build="$(realpath "$2")"
  shift 2
fi
picture="$build/tests/pathtrace_picture"
[ -x "$picture" ] || stop "$picture is not there: cmake --build $build --target pathtrace_picture"
if [ -z "${DRJIT_LIBLLVM_PATH:-}" ]; then
  # Since version 18 they are called libLLVM.so.VERSION.
  DRJIT_LIBLLVM_PATH="$(find /usr/lib -maxdepth 3 -name 'libLLVM.so.[1-9][0-9].*' | sort -V | tail -n1)"
  [ -n "$DRJIT_LIBLLVM_PATH" ] || stop "no libLLVM 18 or newer was found; install one (Debian: libllvm19)"
  export DRJIT_LIBLLVM_PATH
fi

python="$venv/bin/python"
if ! "$python" -c 'import mitsuba' 2>/dev/null; then
  own="${MITSUBA_VENV:-$root/build/mitsuba-venv}"
  python="$own/bin/python"
  if ! "$python" -c 'import mitsuba' 2>/dev/null; then
    say "installing mitsuba into $own"
    python3 -m venv "$own"
    "$own/bin/pip" install --quiet 'mitsuba==3.9.1' numpy
  fi
fi
exec "$python" "$root/scripts/compare_mitsuba.py" --picture "$picture" "$@"
