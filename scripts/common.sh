# Sourced by the other scripts: where things are, and how to say something.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${RENDERFM_VENV:-$root/.venv}"

say() { printf '%s\n' "$*" >&2; }
stop() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# version_at_least 3.25.1 3.25
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# The system's CMake where it is new enough, else the one that setup.sh put beside LibTorch.
cmake_folder() {
  local version
  version="$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9.]*\).*/\1/p' || true)"
  if [ -n "$version" ] && version_at_least "$version" 3.25; then
    dirname "$(command -v cmake)"
  elif [ -x "$venv/bin/cmake" ]; then
    printf '%s\n' "$venv/bin"
  else
    stop "no CMake 3.25 or newer was found; run scripts/setup.sh"
  fi
}

# A compiler of a LibTorch unit needs about 1.5 GiB.
build_jobs() {
  local cores memory_jobs
  cores="$(nproc)"
  memory_jobs="$(awk '/^MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)"
  [ "$memory_jobs" -ge 1 ] || memory_jobs=1
  printf '%s\n' "$((cores < memory_jobs ? cores : memory_jobs))"
}
