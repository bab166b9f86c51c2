#!/usr/bin/env bash
# Kills a training run at random moments, twenty times, most of them while it saves, and resumes it: the last
# checkpoint must equal that of an uninterrupted run byte for byte. Then damages the newest checkpoint, asks for
# saving and stopping by signal, and, where the build has Gloo, runs two processes under torchrun, kills one, and
# kills one again where torchrun may restart them.
# usage: scripts/check_resume.sh [BUILD_FOLDER]     (default build/release; a few minutes)
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
build="${1:-$root/build/release}"
worker="$build/tests/renderfm_train_worker"
[ -x "$worker" ] || { echo "check_resume: build the target renderfm_train_worker first" >&2; exit 1; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
RANDOM=7
steps=150
# A checkpoint after every step: about half of the time goes into saving.
settings=(checkpoint.every=1 checkpoint.keep=3 log_every=10)

newest() { find "$1/checkpoints" -name 'step-*.safetensors' | sort | tail -1; }
fail() { echo "check_resume: $*" >&2; exit 1; }

"$worker" "$work/whole" - $steps "${settings[@]}" 2>"$work/whole.log"

kills=0 folders=0
while [ $kills -lt 20 ]; do
  folders=$((folders + 1))
  run="$work/killed-$folders"
  resume=-
  while :; do
    "$worker" "$run" $resume $steps "${settings[@]}" 2>>"$run.log" &
    process=$!
    sleep "0.$((RANDOM % 8 + 1))$((RANDOM % 10))"
    if ! kill -9 $process 2>/dev/null; then break; fi
    if wait $process 2>/dev/null; then break; fi
    kills=$((kills + 1))
    resume=auto
  done
  wait $process 2>/dev/null || true
  "$worker" "$run" auto $steps "${settings[@]}" 2>>"$run.log"
  cmp "$(newest "$work/whole")" "$(newest "$run")" || fail "the run that was killed ended with other weights"
done
echo "killed $kills times in $folders runs: the same bytes as the uninterrupted run"

run="$work/killed-1"
damaged="$(newest "$run")"
printf 'x' | dd of="$damaged" bs=1 seek=20000 conv=notrunc status=none
"$worker" "$run" auto $steps "${settings[@]}" 2>"$work/damaged.log"
grep -q "damaged" "$work/damaged.log" || fail "the damaged checkpoint was not noticed"
cmp "$(newest "$work/whole")" "$(newest "$run")" || fail "going on from the checkpoint before gave other weights"
echo "a damaged newest checkpoint: noticed, and the one before it used"

run="$work/signalled"
"$worker" "$run" - 100000 checkpoint.every=100000 2>"$work/signalled.log" &
process=$!
while [ ! -s "$run/metrics.jsonl" ]; do sleep 0.1; done
kill -USR1 $process
sleep 1
[ "$(basename "$(newest "$run")")" != step-00000000.safetensors ] || fail "SIGUSR1 did not save"
kill -TERM $process
code=0
wait $process || code=$?
[ $code -eq 3 ] || fail "SIGTERM ended the run with code $code"
grep -q "stopped by a signal" "$work/signalled.log" || fail "SIGTERM was not explained"
echo "SIGUSR1 saves and goes on; SIGTERM saves and stops"

torchrun="$root/.venv/bin/torchrun"
if [ ! -x "$torchrun" ] || grep -q "built without Gloo" "$work/signalled.log"; then
  echo "torchrun is not installed: two processes were not tried"
  exit 0
fi
"$worker" "$work/one" - 10 optimizer.batch=4 2>/dev/null
"$torchrun" --standalone --nproc-per-node 2 --no-python "$worker" "$work/two" - 10 optimizer.batch=4 \
  2>"$work/two.log" || { cat "$work/two.log" >&2; fail "two processes under torchrun failed"; }
"$root/.venv/bin/python" "$root/scripts/compare_weights.py" "$(newest "$work/one")" "$(newest "$work/two")" \
  || fail "two processes under torchrun train other weights than one"

port=$((20000 + RANDOM % 20000))
start() {  # RANK RESUME
  RANK=$1 WORLD_SIZE=2 LOCAL_RANK=$1 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    "$worker" "$work/lost" "$2" 100000 checkpoint.every=5 2>"$work/lost-$1.log" &
}
start 0 -; first=$!
start 1 -; second=$!
while [ ! -e "$work/lost/checkpoints/step-00000010.safetensors" ]; do sleep 0.2; done
kill -9 $second
wait $second 2>/dev/null || true
code=0
wait $first || code=$?
[ $code -eq 3 ] || fail "process 0 ended with code $code when process 1 was killed"
grep -q "has lost another one" "$work/lost-0.log" || fail "process 0 did not say that it lost process 1"
step="$(basename "$(newest "$work/lost")" .safetensors)"
step=$((10#${step#step-}))
"$worker" "$work/lost" auto $((step + 5)) checkpoint.every=5 2>"$work/lost-resumed.log"
grep -q "going on from" "$work/lost-resumed.log" || fail "the checkpoint after a lost process is of no use"
echo "a killed process: the other says so and ends; its checkpoint of step $step goes on"

# torchrun starts both again, and the same command resumes.
"$worker" "$work/unbroken" - 60 optimizer.batch=4 2>/dev/null
"$torchrun" --standalone --nproc-per-node 2 --max-restarts 2 --monitor-interval 0.2 --no-python \
  "$worker" "$work/elastic" auto 60 optimizer.batch=4 checkpoint.every=5 2>"$work/elastic.log" &
launcher=$!
while [ ! -e "$work/elastic/checkpoints/step-00000010.safetensors" ]; do
  kill -0 $launcher 2>/dev/null || { cat "$work/elastic.log" >&2; fail "torchrun ended early"; }
  sleep 0.1
done
victim=""
for process in $(pgrep -f "^$worker $work/elastic"); do
  if tr '\0' '\n' <"/proc/$process/environ" | grep -qx RANK=1; then victim=$process; fi
done
[ -n "$victim" ] || fail "torchrun has no process 1 to kill"
kill -9 "$victim"
wait $launcher || { cat "$work/elastic.log" >&2; fail "torchrun did not bring the run to its end"; }
grep -q "going on from" "$work/elastic.log" || fail "the processes that torchrun started again did not resume"
echo -n "torchrun --max-restarts with a killed process ends as one process without: "
"$root/.venv/bin/python" "$root/scripts/compare_weights.py" "$(newest "$work/unbroken")" "$(newest "$work/elastic")" \
  || fail "the restarted run ends with other weights"
