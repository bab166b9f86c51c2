#!/usr/bin/env bash
# The comparison of per-scan methods: path-traced views (20 to learn from, 10 held out, 256 x 256) of four
# scans, then every method on each. What is done stays in OUT, so the same command goes on where it was cut
# short; the report grows case by case.
#   scripts/bench_per_scan.sh DATA OUT [METHODS] [FULL_STEPS]
# DATA is the folder with ct/example_ct.nii.gz and ct/aorta_ct.nii.gz. FULL_STEPS (of 6dgs, 6dgs-agp and
# 3dgs-agp; 30000 is their authors' schedule) belongs to OUT: another number needs another OUT.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -lt 2 ]; then sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 1; fi
bin=$PWD/build/release/bin
config=$PWD/configs/eval/per_scan.yaml
data=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
methods=${3:-priming,dvr,finetune,6dgs,6dgs-agp,3dgs-agp}
steps=${4:-30000}
# Scans in the config are named relative to the data.
(cd "$data" && "$bin/renderfm-prepare" --config "$config" --out "$out/cases")
# Method by method over all cases: the quick ones are there early.
done_so_far=
for method in ${methods//,/ }; do
  done_so_far=${done_so_far:+$done_so_far,}$method
  "$bin/renderfm-eval" --dataset "$out/cases" --methods "$done_so_far" --full-steps "$steps" \
    --out "$out/evaluation"
done
