#!/usr/bin/env bash
# From nothing to a picture: set-up, build, CT to 6D Gaussians, those from four sides, and an interactive page.
# Everything it writes lies under demo/.
#
# Usage: scripts/demo.sh [CT [LABELS]]
#   CT       .nii, .nii.gz, .nrrd, .mha, .mhd, a DICOM folder or zip; without it, a made-up patient
#   LABELS   its organ labels; without them tissues are estimated
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ "$#" -le 2 ] || stop "usage: scripts/demo.sh [CT [LABELS]]"
for input in "$@"; do [ -e "$input" ] || stop "there is no file or folder '$input'"; done
ct="${1:+$(realpath "$1")}"
labels="${2:+$(realpath "$2")}"

"$root/scripts/setup.sh"
"$root/scripts/build.sh" release
cd "$root"
bin=build/release/bin
mkdir -p demo

if [ -z "$ct" ]; then
  name=phantom
  if [ ! -e demo/phantom/phantom_0001/labels.nii.gz ]; then
    "$bin/renderfm-prepare" --phantom 1 --healthy --spacing 2 --views 0 --out demo/phantom
  fi
  ct=demo/phantom/phantom_0001/ct.nii.gz
  labels=demo/phantom/phantom_0001/labels.nii.gz
else
  name="$(basename "$ct")"
  name="${name%%.*}"
fi

start=$(date +%s.%N)
"$bin/renderfm-infer" "$ct" "demo/$name.ply" ${labels:+--labels "$labels"}
middle=$(date +%s.%N)
"$bin/renderfm-render" "demo/$name.ply" "demo/$name.png" --four-sides
drawn=$(date +%s.%N)
"$bin/renderfm-view" "$ct" --html "demo/$name.html" --overwrite ${labels:+--labels "$labels"}
end=$(date +%s.%N)

awk -v a="$start" -v b="$middle" -v c="$drawn" -v d="$end" \
  'BEGIN {printf "CT to Gaussians %.1f s, four pictures %.1f s, CT to page %.1f s\n", b - a, c - b, d - c}' >&2
printf 'Gaussians: %s\npicture:   %s\npage:      %s\n' "$root/demo/$name.ply" "$root/demo/$name.png" \
  "$root/demo/$name.html"
