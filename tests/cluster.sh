#!/usr/bin/env bash
# Runs what cluster/ holds, and the line for xargs of docs/src/cluster.md, and compares with what one run prints, byte for byte.
# Under a real Slurm of one node in a temporary folder, without systemd, that touches no other: tasks are killed, cancelled and
# queued again.
#
# Installs Slurm where it is missing and this is root; where it is not root the Slurm part is skipped and the exit status is 77.
set -euo pipefail

if [ $# != 1 ] || [ ! -x "$1" ]; then
  echo "usage: tests/cluster.sh PATH_TO_EQUIPOISE" >&2
  exit 2
fi
EQUIPOISE=$(realpath "$1")
export EQUIPOISE
project=$(cd "$(dirname "$0")/.." && pwd)
cluster=$project/cluster
# Daemons are there; and no settings of a Slurm or a make that this runs under.
PATH=$PATH:/usr/sbin:/sbin
unset "${!SLURM@}" "${!SBATCH@}" MAKEFLAGS MFLAGS MAKELEVEL SHARDS INTO COMMAND FORMAT

work=$(mktemp -d "${TMPDIR:-/tmp}/equipoise-cluster.XXXXXX")
slurm=$work/slurm
background=()

fail() {
  echo "FAILED: $*" >&2
  tail -n 20 "$work"/*.log "$slurm"/log/*.log 2>/dev/null | cut -c1-200 >&2 || true
  exit 1
}

# One that has ended may stay as a zombie where nobody waits for it, as in a container.
lives() { [[ $(ps -o stat= -p "$1") == [!Z]* ]]; }

# Ends a process by its id, at last without asking.
end() {
  kill "$1" 2>/dev/null || return 0
  for _ in {1..50}; do
    lives "$1" || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}

finish() {
  local status=$? pid name
  trap - EXIT
  trap '' INT TERM HUP
  for pid in "${background[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
  # Without a word about those.
  wait "${background[@]}" 2>/dev/null || true
  if [ -e "$slurm/slurmctld.pid" ]; then
    # Tasks outlive the daemons unless they are cancelled first.
    timeout 5 scancel --user="$(id -un)" 2>/dev/null || true
    for _ in {1..50}; do
      [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
      sleep 0.1
    done
  fi
  for name in slurmd slurmctld munged; do
    if [ -s "$slurm/$name.pid" ]; then end "$(cat "$slurm/$name.pid")"; fi
  done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
trap 'exit 130' INT TERM HUP

say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

# What one run prints, as NAME.text, .json and .csv.
single() {
  local name=$1 format
  shift
  for format in text json csv; do "$EQUIPOISE" "$@" --format "$format" >"$name.$format" 2>>single.log; done
}

same() { cmp "$1" "$2" || fail "$1 is not what one run prints"; }

# The three files that merge.sbatch writes.
merged_same() {
  same "$1/merged.txt" "$2.text"
  same "$1/merged.json" "$2.json"
  same "$1/merged.csv" "$2.csv"
}

# `merge` of a folder names these shards, and no others, and fails.
missing() {
  local folder=$1 status=0
  shift
  "$EQUIPOISE" merge "$folder" >merge.out 2>merge.log || status=$?
  [ "$status" = 1 ] || fail "merge of an unfinished folder has exit status $status"
  [ ! -s merge.out ] || fail "merge of an unfinished folder prints a result"
  grep -Eq "shards these are missing: $*\$" merge.log || fail "merge does not name $*"
}

cd "$work"
cp "$project/decisions/rescue-by-etiology.toml" my-decision.toml
cp "$project/models/solvd.toml" my-model.toml
mkdir bin
ln -s "$EQUIPOISE" bin/equipoise
little=(simulate my-decision.toml --replications 600)
model=(validate my-model.toml --replications 60)
single little "${little[@]}"
single model "${model[@]}"

if command -v shellcheck >/dev/null; then
  shellcheck -s bash "$cluster"/*.sbatch "$cluster"/*.sh "$project/tests/cluster.sh" || fail "shellcheck"
fi

# --- make ---------------------------------------------------------------------------------------------------------------------

by_make() { make -j2 -s -f "$cluster/Makefile" SHARDS=4 INTO="$1" COMMAND="$2" FORMAT="$3" 2>make.log || fail "make"; }
for of in little model; do
  declare -n command=$of
  by_make "$of-made" "${command[*]}" text >out
  same out "$of.text"
  rm "$of-made/shard-0003-of-0004.jsonl"
  missing "$of-made" 3
  for format in json csv; do
    by_make "$of-made" "${command[*]}" "$format" >out
    same out "$of.$format"
    if [ "$format" = json ]; then
      grep shard- make.log >made
      [ "$(cat made)" = "Written to $of-made/shard-0003-of-0004.jsonl" ] || fail "make made other than what is missing"
    fi
  done
done
say "make: as one run, and only what is missing is made"

# --- xargs --------------------------------------------------------------------------------------------------------------------

line=$(grep '^seq 40 | xargs ' "$project/docs/src/cluster.md") || fail "docs/src/cluster.md has no line for xargs"
[ "$(wc -l <<<"$line")" = 1 ] || fail "docs/src/cluster.md has several lines for xargs"
line=${line//40/4}
PATH=$work/bin:$PATH bash -c "${line/10000/600}" >out 2>xargs.log || fail "xargs"
same out little.text
seq 4 | xargs -P 2 -I{} "$EQUIPOISE" "${model[@]}" --threads 1 --shard {}/4 --into model-xargs 2>xargs.log || fail "xargs"
INTO=model-xargs bash "$cluster/merge.sbatch" 2>xargs.log || fail "merge.sbatch without Slurm"
merged_same model-xargs model
say "xargs: as one run"

# --- Slurm --------------------------------------------------------------------------------------------------------------------

have_slurm() { command -v sbatch && command -v slurmctld && command -v slurmd && command -v munged; } >/dev/null
if ! have_slurm; then
  if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: Slurm is not installed (Debian: slurm-wlm and munge), and only root can install it"
    exit 77
  fi
  command -v apt-get >/dev/null || fail "Slurm is not installed, and there is no apt-get to install it with"
  say "installing slurm-wlm and munge"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >install.log 2>&1 ||
    fail "Slurm can't be installed"
  have_slurm || fail "slurm-wlm and munge are installed, and yet there is no Slurm"
fi

# Long enough that a task can be met in the middle of its work.
whole=(simulate my-decision.toml --replications 6000)
# A group of processes of its own, to be ended together.
set -m
single whole "${whole[@]}" &
set +m
background+=($!)

mkdir "$slurm" "$slurm/log" "$slurm/state" "$slurm/spool"
chmod 755 "$work" "$slurm"
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=$((20000 + RANDOM % 10000))
while taken "$port" || taken $((port + 1)); do port=$((port + 2)); done
export SLURM_CONF=$slurm/slurm.conf
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=$port
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/log/slurmctld.log
SlurmdLogFile=$slurm/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
SlurmdParameters=config_overrides
NodeName=node NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=2 RealMemory=4000
PartitionName=main Nodes=node Default=YES MaxTime=INFINITE
CONF
(umask 077 && head -c 128 /dev/urandom >"$slurm/munge.key")
munged --force --socket="$slurm/munge.socket" --key-file="$slurm/munge.key" --pid-file="$slurm/munged.pid" \
  --log-file="$slurm/log/munged.log" --seed-file="$slurm/munged.seed" 2>munged.log || fail "munged does not start"
slurmctld -f "$SLURM_CONF" 2>slurmctld.log || fail "slurmctld does not start"
slurmd -f "$SLURM_CONF" -N node 2>slurmd.log || fail "slurmd does not start"

# Waits until a command succeeds, at most so many tenths of a second.
until_done() {
  local tenths=$1
  shift
  while ! "$@"; do
    ((tenths-- > 0)) || fail "waited in vain: $*"
    sleep 0.1
  done
}
is_idle() { [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; }
is_over() { [ -z "$(squeue --noheader)" ]; }
until_done 200 is_idle
say "Slurm $(sbatch --version | cut -d' ' -f2) runs"

# The process of a task, as soon as it is the program's.
find_process() {
  local id
  id=$(squeue --noheader --states=RUNNING --array --job="$1" --format=%A 2>/dev/null) && [ -n "$id" ] || return 1
  process=$(scontrol listpids "$id" 2>/dev/null | awk 'NR == 2 { print $1 }')
  [ -n "$process" ] && [ "$(readlink "/proc/$process/exe")" = "$EQUIPOISE" ]
}
job_of() { awk '/^shards/ { print $NF }' "$1"; }

export SHARDS=3 INTO=by-slurm
"$cluster/submit.sh" "${whole[@]}" >submitted
grep -q '^shards 1-3 of 3: job' submitted || fail "submit.sh submits other than all"
task=$(job_of submitted)_2
until_done 300 find_process "$task"
sleep 0.5
kill -KILL "$process"
until_done 600 is_over
missing by-slurm 2
[ ! -e by-slurm/merged.json ] || fail "merged without all shards"
say "killed: the others are done, merge names it"

# In the middle: some of it is finished. Submitted by hand, as the page says.
task=$(env -u SHARDS -u INTO sbatch --parsable --array=2 --export=ALL,SHARDS=3,INTO=by-slurm \
  "$cluster/array.sbatch" "${whole[@]}")_2
until_done 300 find_process "$task"
sleep 0.7
scancel "$task"
until_done 600 is_over
missing by-slurm '2 \([1-9][0-9]* replications of it are there\)'
say "cancelled: what was finished is kept"

# The same call again submits only this one, which is then preempted, and goes on by itself.
"$cluster/submit.sh" "${whole[@]}" >submitted
grep -q '^shards 2 of 3: job' submitted || fail "submit.sh submits other than what is missing"
task=$(job_of submitted)_2
until_done 300 find_process "$task"
sleep 0.3
scontrol requeue "$task"
is_queued() { [ "$(squeue --noheader --array --job="$task" --format=%T)" = PENDING ]; }
until_done 300 is_queued
# In place of the two minutes that Slurm waits; in the same second the node would still refuse it.
sleep 2
scontrol update JobId="$task" StartTime=now
until_done 600 is_over
kept=$(grep -c 'replications are there already' "equipoise-$task.log")
[ "$kept" = 2 ] || fail "a task that was queued again began anew"
wait "${background[@]}" || fail "the single run"
background=()
merged_same by-slurm whole
say "queued again: all merged, as one run"

SHARDS=3 INTO=model-slurm "$cluster/submit.sh" "${model[@]}" >submitted
outside=$(sbatch --parsable --array=0,4 "$cluster/array.sbatch" "${whole[@]}")
until_done 600 is_over
merged_same model-slurm model
for task in 0 4; do
  grep -q "array task $task is no shard from 1 to SHARDS=3" "equipoise-${outside}_$task.log" ||
    fail "task $task of 3 shards is not refused"
done
say "validate: as one run; tasks that are no shards are refused"

echo "All passed"
