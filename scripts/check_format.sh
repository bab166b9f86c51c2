#!/usr/bin/env bash
# Checks that every source is formatted as .clang-format says; --fix formats them.
#
# Usage: scripts/check_format.sh [--fix]
# The output of clang-format changes between releases, so only one decides; setup.sh --tests installs it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
pinned=14

fix=false
case "${1:-}" in
  "") ;;
  --fix) fix=true ;;
  *) stop "usage: scripts/check_format.sh [--fix]" ;;
esac
tool=""
for candidate in "$venv/bin/clang-format" "clang-format-$pinned" clang-format; do
  command -v "$candidate" >/dev/null || continue
  if "$candidate" --version | grep -q "version $pinned\."; then tool="$candidate"; break; fi
done
if [ -z "$tool" ]; then
  say "format: not checked, since clang-format $pinned is not installed"
  exit 0
fi

cd "$root"
mapfile -t files < <(git ls-files -- '*.h' '*.cpp' '*.cu' '*.cuh')
if $fix; then
  "$tool" -i "${files[@]}"
  exit 0
fi
if ! output="$("$tool" --dry-run -Werror "${files[@]}" 2>&1)"; then
  printf '%s\n' "$output" | sed -n 's/^\([^:]*:[0-9]*\):.*error: code should be clang-formatted.*/\1/p' >&2
  stop "the lines above are not formatted; scripts/check_format.sh --fix repairs them"
fi
say "format: ${#files[@]} files are as .clang-format says"
