#!/usr/bin/env bash
# Installs what building and running need: system packages through apt, LibTorch as a Python wheel in .venv.
# Run it as often as you like: what is there already is left alone, and nothing is downloaded again.
#
# Usage: scripts/setup.sh [--tests]
#   --tests   also the Python packages that the tests compare with
# Environment: RENDERFM_VENV, another folder than .venv.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

torch_version=2.11.0
# LibTorch for the CPU needs itself and two small libraries of CUDA, which its wheel links.
run_packages=("torch==$torch_version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
# Open Image Denoise, 179 MB on disk; path tracing does without it where it is missing.
denoiser_package=pyoidn==2.5.1.0
# `import torch` in Python wants all of CUDA.
test_packages=("torch==$torch_version" torchvision==0.26.0 nibabel==5.4.2 plyfile==1.1.5 pydicom==3.0.2 pygltflib==1.16.5
               dynamic-network-architectures==0.4.4 clang-format==14.0.6 nvidia-cuda-nvdisasm==13.5.37
               scikit-image==0.26.0 flip-evaluator==1.7 lpips==0.1.4 pytorch-msssim==1.0.0
               playwright==1.65.2 numpy==2.4.6 pillow==13.0.0)
run_download="about 550 MB"
denoiser_download="about 88 MB"
test_download="up to 2.2 GB"

system_packages=(build-essential cmake ninja-build ccache git python3 python3-venv libinsighttoolkit5-dev
                 libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev libstb-dev
                 libminizip-dev zlib1g-dev libzstd-dev libgloo-dev)
# ffmpeg: films are written through it, where it is.
test_system_packages=(libgtest-dev libbenchmark-dev libboost-context-dev ffmpeg)
# The viewer is tried in a browser; Ubuntu has it as a snap alone, and the test is skipped there.
if grep -qs '^ID=debian' "${RENDERFM_OS_RELEASE:-/etc/os-release}"; then test_system_packages+=(chromium); fi

for_tests=false
case "${1:-}" in
  "") ;;
  --tests) for_tests=true ;;
  *) stop "setup.sh does not know '$1'; usage: scripts/setup.sh [--tests]" ;;
esac

check_system() {
  local id="unknown" version=""
  if [ -r "${RENDERFM_OS_RELEASE:-/etc/os-release}" ]; then
    id="$(. "${RENDERFM_OS_RELEASE:-/etc/os-release}" && printf '%s' "${ID:-unknown}")"
    version="$(. "${RENDERFM_OS_RELEASE:-/etc/os-release}" && printf '%s' "${VERSION_ID:-}")"
  fi
  case "$id $version" in
    "debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
    *) stop "this script knows Debian 12 and 13 and Ubuntu 22.04 and 24.04, not '$id${version:+ $version}';" \
            "install the packages of third_party/README.md by hand, then run scripts/build.sh" ;;
  esac
  [ "$(uname -m)" = x86_64 ] ||
    stop "this script knows x86_64 machines, not $(uname -m); install LibTorch $torch_version by hand and" \
         "point CMAKE_PREFIX_PATH at it"
}

install_system_packages() {
  local wanted=("${system_packages[@]}" "${test_system_packages[@]}") missing=() package
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ "${#missing[@]}" -eq 0 ]; then
    say "system packages: all ${#wanted[@]} are there"
    return
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "these packages are missing and need root or sudo: ${missing[*]}"
    as_root=(sudo)
  fi
  say "system packages: installing ${missing[*]}"
  local start=$SECONDS
  "${as_root[@]}" apt-get update -qq || stop "apt-get update failed; is the network reachable?"
  say "  $("${as_root[@]}" apt-get install --no-install-recommends --assume-no "${missing[@]}" 2>/dev/null |
        grep -E '^(Need to get|After this)' | tr '\n' ' ' || true)"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null || stop "apt-get could not install: ${missing[*]}"
  say "  downloaded and installed in $((SECONDS - start)) s"
}

make_environment() {
  local version
  version="$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  version_at_least "$version" 3.10 ||
    stop "LibTorch $torch_version comes as a wheel for Python 3.10 or newer, but python3 is $version"
  if [ ! -x "$venv/bin/python" ]; then
    say "python environment: making $venv"
    python3 -m venv "$venv" || stop "python3 could not make $venv; is python3-venv installed?"
  fi
}

# Prints those of "name==version" that the environment lacks.
missing_from_environment() {
  "$venv/bin/python" - "$@" <<'PYTHON'
import importlib.metadata
import sys

for wanted in sys.argv[1:]:
    name, version = wanted.split("==")
    try:
        present = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        present = None
    if present is None or present.split("+")[0] != version:
        print(wanted)
PYTHON
}

# install_wheels "what" "how much" pip-arguments...
install_wheels() {
  local what="$1" size="$2" start=$SECONDS
  shift 2
  say "$what: downloading ${size} into $venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --quiet "$@" ||
    stop "pip could not install $what; is the network reachable, and is there room in $venv?"
  say "  downloaded and installed in $((SECONDS - start)) s"
}

install_libtorch() {
  local missing
  missing="$(missing_from_environment "${run_packages[@]}")"
  if [ -z "$missing" ]; then
    say "LibTorch $torch_version: is there"
  else
    # shellcheck disable=SC2086  # one word per package
    install_wheels "LibTorch $torch_version" "$run_download" --no-deps $missing
  fi
}

install_denoiser() {
  if [ -z "$(missing_from_environment "$denoiser_package")" ]; then
    say "Open Image Denoise: is there"
  else
    install_wheels "Open Image Denoise" "$denoiser_download" --no-deps "$denoiser_package"
  fi
}

install_test_packages() {
  # Named packages may be there while their own dependencies are not, so the mark is set after all of them.
  local mark="$venv/renderfm-test-packages"
  if [ -z "$(missing_from_environment "${test_packages[@]}")" ] &&
     [ "$(cat "$mark" 2>/dev/null)" = "${test_packages[*]}" ]; then
    say "test packages: all are there"
    return
  fi
  install_wheels "test packages" "$test_download" "${test_packages[@]}"
  printf '%s\n' "${test_packages[*]}" >"$mark"
}

install_cmake() {
  local version
  version="$(cmake --version | sed -n 's/^cmake version \([0-9.]*\).*/\1/p')"
  version_at_least "$version" 3.25 && return
  [ -x "$venv/bin/cmake" ] && return
  install_wheels "CMake 3.31 (the system's $version is older than 3.25)" "about 28 MB" cmake==3.31.6
}

start_all=$SECONDS
check_system
install_system_packages
make_environment
install_cmake
install_libtorch
install_denoiser
if $for_tests; then install_test_packages; fi
say "set-up finished in $((SECONDS - start_all)) s"
