#!/usr/bin/env bash
# From nothing to the README's tables and pictures: build, data sets, a network (the one that ships, or one trained
# here), measurements on held-out scans, ablations. What is done stays in OUT: the same command goes on where it was
# cut short. The tables come on stdout and into OUT/tables.md, the figures into OUT/pictures.
#
# Usage: scripts/reproduce.sh [--quick] [--train] [--ablations] [--no-build] [SCANS] OUT
#   SCANS           folder of the scans that configs/prepare/small.yaml names; or $RENDERFM_SCANS
#   --quick         everything in minutes, on small made-up patients alone: proves that it runs, not how good it is
#   --train         train with configs/small.yaml instead of taking the network that ships
#   --ablations     also train and compare the ablations (always with --quick)
#   --no-build      take the programs that are in build/release/bin
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() { stop "usage: scripts/reproduce.sh [--quick] [--train] [--ablations] [--no-build] [SCANS] OUT"; }
quick=false train=false ablations=false build=true folders=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    --quick) quick=true ;;
    --train) train=true ;;
    --ablations) ablations=true ;;
    --no-build) build=false ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) usage ;;
    *) folders+=("$1") ;;
  esac
  shift
done
case "${#folders[@]}" in
  1) scans="${RENDERFM_SCANS:-}" out="${folders[0]}" ;;
  2) scans="${folders[0]}" out="${folders[1]}" ;;
  *) usage ;;
esac
if $quick; then
  [ "${#folders[@]}" -eq 1 ] || stop "--quick needs no scans: scripts/reproduce.sh --quick OUT"
  scale=quick train=true ablations=true
  data_config=configs/prepare/quick.yaml held_out_config=configs/prepare/quick-held-out.yaml
  train_config=configs/smoke.yaml train_steps=40 warmup=5 every=20
  methods_config=configs/eval/quick.yaml
  ablation_names=(no-priming view-independent) ablation_steps=20
  data_time="a minute" held_out_time="a minute" train_time="a minute" ablation_time="half a minute"
else
  [ -n "$scans" ] || stop "no scans: scripts/reproduce.sh SCANS OUT, or set RENDERFM_SCANS; or --quick without any"
  [ -d "$scans" ] || stop "there is no folder of scans '$scans'"
  scans="$(realpath "$scans")"
  scale=full
  data_config=configs/prepare/small.yaml held_out_config=configs/prepare/held-out.yaml
  train_config=configs/small.yaml train_steps="" warmup=50 every=""
  methods_config=configs/eval/held-out.yaml
  ablation_names=(no-priming no-residual view-independent no-mask narrow l1-only) ablation_steps=120
  data_time="an hour" held_out_time="20 minutes" train_time="an hour" ablation_time="five minutes"
fi
shipped="$root/models/renderfm-small.safetensors"
$train || [ -e "$shipped" ] || stop "no network ships in $shipped; add --train"
mkdir -p "$out" || stop "the folder '$out' cannot be made"
out="$(realpath "$out")"
[ "$(cat "$out/scale.txt" 2>/dev/null || echo "$scale")" = "$scale" ] ||
  stop "$out holds a $(cat "$out/scale.txt") run; name another OUT"
printf '%s\n' "$scale" >"$out/scale.txt"
mkdir -p "$out/commands"

stage() { printf '\n== %s\n' "$1" >&2; }
# noted NAME COMMAND...: runs it, the command kept for the tables. Its stdout goes where progress goes.
noted() {
  local name="$1" started=$SECONDS text code=0
  shift
  text="$(printf '%q ' "$@")"
  text="${text//"$bin/"/}" text="${text//"$out/"/}" text="${text//"$root/"/}" text="${text//\\,/,}"
  [ -z "$scans" ] || text="${text//"$scans"/SCANS}"
  printf '%s\n' "${text% }" >"$out/commands/$name.txt"
  "$@" >&2 || code=$?
  [ "$code" -eq 0 ] || stop "$name failed with exit code $code: ${text% }; once mended, the same command goes on here"
  say "   $name: $((SECONDS - started)) s"
}

if $build; then
  stage "programs: set-up and build, about 20 minutes the first time"
  "$root/scripts/setup.sh" || stop "scripts/setup.sh failed; what it says above is the reason"
  "$root/scripts/build.sh" release || stop "scripts/build.sh failed; what it says above is the reason"
fi
bin="$root/build/release/bin" python="$venv/bin/python"
if ! "$python" -c 'import PIL' 2>/dev/null; then
  "$python" -m pip install --disable-pip-version-check --quiet "$(grep -o 'pillow==[0-9.]*' "$root/scripts/setup.sh")" ||
    stop "pip could not install Pillow, which draws the figures; is the network reachable?"
fi
cd "$root"
from=()
[ -z "$scans" ] || from=(--scans "$scans")

if $train || $ablations; then
  stage "data set to train on: $data_config, about $data_time"
  noted data "$bin/renderfm-prepare" --config "$data_config" "${from[@]}" --out "$out/data"
fi
stage "held-out scans: $held_out_config, about $held_out_time"
noted held-out "$bin/renderfm-prepare" --config "$held_out_config" "${from[@]}" --out "$out/held-out"

if $train; then
  short=() begin=() model= train_parts=2
  [ -z "$train_steps" ] || short=(--set "optimizer.steps=$train_steps" --set "validation.every=$every")
  # Each part goes once through the schedule and begins with the best of the part before.
  for ((part = 1; part <= train_parts; part++)); do
    stage "network, part $part of $train_parts: trained with $train_config, about $train_time"
    [ -z "$model" ] || begin=(--init "$model")
    run="$out/run-$part"
    if compgen -G "$run/checkpoints/step-*.safetensors" >/dev/null; then begin=(--resume auto); fi
    noted "train-$part" "$bin/renderfm-train" --config "$train_config" "${short[@]}" --data "$out/data" --out "$run" \
      "${begin[@]}"
    # What validation chose, never the held-out scans.
    model="$out/model-$part.safetensors"
    [ -e "$model" ] || noted "export-$part" "$bin/renderfm-train" --export "$run/checkpoints/best.safetensors" \
      --name "$scale-$part" --out "$model"
  done
else
  model="$shipped"
  stage "network: $model, which ships"
fi

# measure METHOD TIME [CASES]: one method over all scans, or those, robustness rows of the config included; the report
# is then of all that is measured.
evaluate=("$bin/renderfm-eval" --dataset "$out/held-out" --config "$methods_config" --model "$model"
          --out "$out/evaluation")
measure() {
  stage "measuring $1, about $2"
  noted "evaluation-$1" "${evaluate[@]}" --methods "$1" ${3:+--cases "$3"}
  "${evaluate[@]}" --report >/dev/null
}
if $quick; then
  for method in priming dvr network finetune 6dgs-agp; do measure "$method" "ten seconds"; done
else
  measure priming "a minute"
  measure dvr "a minute"
  measure network "two minutes"
  measure finetune "ten minutes"
  preset_looks="$(cd "$out/held-out" && printf '%s,' *-auto)"
  measure 6dgs-agp "half an hour" "${preset_looks%,}"
fi

if $ablations; then
  ablation() { # NAME KEY=VALUE...: what differs from the base
    local name="$1" set=() change
    shift
    for change in "$@" "optimizer.steps=$ablation_steps" "optimizer.warmup_steps=$warmup" \
      "validation.every=$ablation_steps" validation.cases=8; do set+=(--set "$change"); done
    stage "ablation $name: $ablation_steps steps, about $ablation_time"
    noted "ablation-$name" "$bin/renderfm-train" --config "$train_config" "${set[@]}" --data "$out/data" \
      --out "$out/ablations/$name" --resume auto
  }
  ablation base name=base
  for name in "${ablation_names[@]}"; do
    changes="$("$python" scripts/settings.py "configs/ablation/$name.yaml")" ||
      stop "configs/ablation/$name.yaml cannot be read"
    mapfile -t changes <<<"$changes"
    ablation "$name" "${changes[@]}"
  done
fi

stage "tables and figures, seconds"
"$python" scripts/pictures.py "$out" >&2 || stop "scripts/pictures.py failed"
if $train; then
  "$python" scripts/model_card.py "$run" "$model" "$out/evaluation" --dataset "$out/held-out" >"$out/model_card.md" ||
    stop "scripts/model_card.py failed"
fi
"$python" scripts/tables.py "$out" >"$out/tables.md.part" || stop "scripts/tables.py failed"
mv "$out/tables.md.part" "$out/tables.md"
cat "$out/tables.md"
say "tables: $out/tables.md"
say "figures: $out/pictures"
say "$(printf 'all in %d:%02d:%02d' $((SECONDS / 3600)) $((SECONDS / 60 % 60)) $((SECONDS % 60)))"
