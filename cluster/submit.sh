#!/bin/bash
# Submits the shards that are missing as a Slurm job array, and a job that merges all of them when these are done. (bash)
#
#   SHARDS=40 INTO=shards cluster/submit.sh simulate my-decision.toml --replications 10000
#
# After a failure: the same again. EQUIPOISE names the program. Slurm's own variables, such as SBATCH_PARTITION,
# SBATCH_TIMELIMIT and SBATCH_ACCOUNT, are heeded.
set -euo pipefail

export SHARDS=${SHARDS:-40} INTO=${INTO:-shards} EQUIPOISE=${EQUIPOISE:-equipoise}
if [ $# = 0 ] || ! [[ $SHARDS =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: SHARDS=40 INTO=shards $0 simulate|validate ARGUMENTS" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)

width=${#SHARDS}
((width >= 4)) || width=4
missing=()
for ((k = 1; k <= SHARDS; k++)); do
  printf -v file 'shard-%0*d-of-%0*d.jsonl' "$width" "$k" "$width" "$SHARDS"
  [ -e "$INTO/$file" ] || missing+=("$k")
done

after=()
if [ ${#missing[@]} != 0 ]; then
  tasks=$(IFS=, && echo "${missing[*]}")
  [ ${#missing[@]} != "$SHARDS" ] || tasks=1-$SHARDS
  job=$(sbatch --parsable --export=ALL --array="$tasks" "$here/array.sbatch" "$@")
  job=${job%%;*}
  echo "shards $tasks of $SHARDS: job $job"
  # Where a shard fails, this job is cancelled in place of waiting for ever.
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
fi
job=$(sbatch --parsable --export=ALL ${after[@]+"${after[@]}"} "$here/merge.sbatch")
echo "merge into $INTO/merged.txt, .json and .csv: job ${job%%;*}"
