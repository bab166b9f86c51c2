#!/usr/bin/env bash
# The comparison of per-scan methods: path-traced views (20 to learn from, 10 held out, 256 x 256) of four
# scans (configs/eval/per_scan.yaml), every method on each (configs/eval/methods.yaml). What is done stays in
# OUT; a measurement that was cut short is taken up where it stood, and measurements may run in any order.
#   scripts/bench_per_scan.sh DATA OUT                  # everything, quick methods first
#   scripts/bench_per_scan.sh DATA OUT CASES METHODS    # of these alone, each a list with commas, or all
#   scripts/bench_per_scan.sh DATA OUT --list           # what is done and what is not
# DATA is the folder with ct/example_ct.nii.gz and ct/aorta_ct.nii.gz. After every measurement the report in
# OUT/evaluation and the figures in tests/bench/results/per_scan are those of all that is done.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 1; }
[ $# -ge 2 ] && [ $# -le 4 ] || usage
bin=${RENDERFM_BIN:-$PWD/build/release/bin}
methods_file=${RENDERFM_METHODS:-$PWD/configs/eval/methods.yaml}
data=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
results=${RENDERFM_RESULTS:-$PWD/tests/bench/results/per_scan}
all_cases=phantom_0001,phantom_0002,aorta_ct,example_ct
all_methods=priming,dvr,network,finetune,finetune-primed,6dgs-agp,6dgs,3dgs-agp,6dgs-agp-mcmc
cases=${3:-all}
methods=${4:-all}

if [ "$cases" = --list ]; then
  for method in ${all_methods//,/ }; do
    for name in ${all_cases//,/ }; do
      folder=$out/evaluation/cases/$name/$method
      if [ -f "$folder/result.json" ]; then state=done
      elif [ -f "$folder/run.state" ]; then state='cut short'
      else state=missing; fi
      echo "$method $name $state"
    done
  done
  exit
fi
[ "$cases" = all ] && cases=$all_cases
[ "$methods" = all ] && methods=$all_methods

# Scans in the config are named relative to the data.
config=$PWD/configs/eval/per_scan.yaml
(cd "$data" && "$bin/renderfm-prepare" --config "$config" --out "$out/cases")
evaluate() {
  "$bin/renderfm-eval" --dataset "$out/cases" --config "$methods_file" --out "$out/evaluation" "$@"
}
# Method by method: the quick ones are there early.
for method in ${methods//,/ }; do
  for name in ${cases//,/ }; do
    evaluate --cases "$name" --methods "$method" > /dev/null
    evaluate --report
    mkdir -p "$results"
    cp "$out"/evaluation/{results.json,per_view.json,results.csv} "$results"
  done
done
