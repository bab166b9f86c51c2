#!/usr/bin/env bash
# Learns one path-traced case by heart and says how near it came: the PSNR of its eight training views, as the network
# draws them at each logged step. The case is a box of 48 voxels of a made-up patient. A quarter of an hour on two
# cores that have other work; goes on where it was cut short.
#
# Usage: scripts/overfit.sh OUT [key=value]...      (settings over those of configs/overfit.yaml)
# Environment: RENDERFM_BIN, the folder of the programs (default build/release/bin)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ "$#" -ge 1 ] || stop "usage: scripts/overfit.sh OUT [key=value]..."
bin="${RENDERFM_BIN:-$root/build/release/bin}"
out="$1"
shift
settings=()
for setting in "$@"; do settings+=(--set "$setting"); done

case_options=(--phantom 1 --seed 5 --spacing 2 --crop 48 --crops 1 --views 8 --test-views 2 --test-spp 256 --size 128x128)
"$bin/renderfm-prepare" "${case_options[@]}" --out "$out/case"
"$bin/renderfm-train" --config "$root/configs/overfit.yaml" "${settings[@]}" --data "$out/case" --out "$out/run" \
  --resume auto

python3 - "$out/run/metrics.jsonl" "renderfm-prepare ${case_options[*]}" "configs/overfit.yaml $*" <<'PYTHON'
import json
import os
import sys

records = [json.loads(line) for line in open(sys.argv[1])]
train = [r for r in records if r["kind"] == "train"]
held_out = [r for r in records if r["kind"] == "validation"]
cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
print(f"{cpu}, {os.cpu_count()} cores; {sys.argv[2]}; {sys.argv[3].strip()}")
seconds, step = 0.0, 0
passed = None
for record in train:
    seconds += record["step_s"] * (record["step"] - step)
    step = record["step"]
    if passed is None and record["psnr"] > 32:
        passed = step, seconds
print(f"training views: {train[0]['psnr']:.2f} dB at the start, {train[-1]['psnr']:.2f} dB at step {step}, "
      f"after {seconds:.0f} s of training")
print(f"above 32 dB from step {passed[0]}, after {passed[1]:.0f} s" if passed else "never above 32 dB")
if held_out:
    print(f"views of the same case that were held out: {held_out[0]['psnr']:.2f} dB, {held_out[-1]['psnr']:.2f} dB")
sys.exit(passed is None)
PYTHON
