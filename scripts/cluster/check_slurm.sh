#!/usr/bin/env bash
# Starts a Slurm cluster of this one machine, with daemons, keys and ports of its own, and trains on it: two tasks
# of a bare srun and of a batch job must end with the weights of one process, and a killed task must end the other
# with a sentence and a checkpoint that goes on. Leaves nothing behind. A minute; needs root, and Debian's
# slurm-wlm and munge.
# usage: scripts/cluster/check_slurm.sh [BUILD_FOLDER]     (default build/release)
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
build="${1:-$root/build/release}"
worker="$build/tests/renderfm_train_worker"
fail() { echo "check_slurm: $*" >&2; exit 1; }
[ -x "$worker" ] || fail "build the target renderfm_train_worker first"
for program in munged slurmctld slurmd srun sbatch; do
  command -v $program >/dev/null || fail "$program is missing; apt-get install slurm-wlm munge"
done
[ "$(id -u)" -eq 0 ] || fail "slurmd starts as root only"

work="$(mktemp -d)"
chmod 755 "$work"
daemons=()
cleanup() {
  kill "${daemons[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# munged wants its key and its socket's folder to be its user's alone to write.
mkdir -p "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chmod 400 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" 2>"$work/munge.err" &
daemons+=($!)

host="$(hostname -s)"
mkdir -p "$work/state" "$work/spool"
port=$((20000 + RANDOM % 20000))
cat >"$work/slurm.conf" <<CONFIG
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONFIG
export SLURM_CONF="$work/slurm.conf"
slurmctld -D -c >"$work/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurmd.log" 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
  sinfo -h -o %T 2>/dev/null | grep -qE '^(idle|mixed)' && break
  sleep 0.3
done
sinfo -h -o %T 2>/dev/null | grep -qE '^(idle|mixed)' \
  || { tail -5 "$work"/*.log >&2; fail "the node does not come up"; }
srun --version

newest() { find "$1/checkpoints" -name 'step-*.safetensors' | sort | tail -1; }
compare() {
  "$root/.venv/bin/python" "$root/scripts/compare_weights.py" "$(newest "$work/one")" "$(newest "$1")" \
    || fail "two tasks of $2 train other weights than one process"
}
"$worker" "$work/one" - 10 optimizer.batch=4 2>/dev/null
srun --overcommit -n 2 "$worker" "$work/srun" - 10 optimizer.batch=4 2>"$work/srun.log" \
  || { cat "$work/srun.log" >&2; fail "srun failed"; }
[ "$(grep -c "weights; a sample of" "$work/srun.log")" -eq 2 ] || { cat "$work/srun.log" >&2; fail "there were not two tasks"; }
echo -n "two tasks under srun: "
compare "$work/srun" srun

# The committed batch script's way: sbatch, and srun within.
cat >"$work/job.sh" <<JOB
#!/bin/bash
#SBATCH --ntasks=2 --overcommit --output=$work/job.log
srun --overcommit --kill-on-bad-exit=1 "$worker" "$work/batch" - 10 optimizer.batch=4
JOB
sbatch --wait "$work/job.sh" >/dev/null || { cat "$work/job.log" >&2; fail "sbatch failed"; }
echo -n "two tasks of a batch job: "
compare "$work/batch" sbatch

srun --overcommit -n 2 "$worker" "$work/lost" - 100000 checkpoint.every=5 2>"$work/lost.log" &
job=$!
for _ in $(seq 300); do
  [ -e "$work/lost/checkpoints/step-00000010.safetensors" ] && break
  sleep 0.2
done
victim=""
for process in $(pgrep -f "$worker $work/lost"); do
  tr '\0' '\n' <"/proc/$process/environ" | grep -q '^SLURM_PROCID=1$' || continue
  [ "$(readlink "/proc/$process/exe")" = "$(readlink -f "$worker")" ] && victim=$process
done
[ -n "$victim" ] || fail "there is no second task to kill"
kill -9 "$victim"
code=0
wait $job || code=$?
[ $code -ne 0 ] || fail "srun ended well although a task was killed"
grep -q "has lost another one" "$work/lost.log" || { cat "$work/lost.log" >&2; fail "nobody said that a task was lost"; }
step="$(basename "$(newest "$work/lost")" .safetensors)"
step=$((10#${step#step-}))
srun --overcommit -n 2 "$worker" "$work/lost" auto $((step + 5)) checkpoint.every=5 2>"$work/resumed.log" \
  || { cat "$work/resumed.log" >&2; fail "the job does not go on"; }
grep -q "going on from" "$work/resumed.log" || fail "the job started anew"
echo "a killed task: the other says so and ends; the checkpoint of step $step goes on"
