#!/usr/bin/env bash
# Prints where the time of the engine alone and of ConsumeTraces goes, by
# function, each function without those that it calls. Needs perf.
#   profile.sh SCRATCH    from this folder, after `make lib`
set -euo pipefail

scratch=$1
mkdir -p "$scratch"
command -v perf > /dev/null || { echo "perf is missing" >&2; exit 1; }

# top NAME COMMAND...: the first two seconds are preparation and left out.
top() {
  local name=$1
  shift
  perf record --quiet --event cpu-clock --freq 1999 --delay 2000 --output "$scratch/$name.data" "$@" > "$scratch/$name.log" 2>&1
  printf '\n%s\n\n' "$name"
  perf report --stdio --no-children --percent-limit 1 --sort symbol --input "$scratch/$name.data" 2> /dev/null |
    awk '/^ *[0-9]/ { sub(/\[[.k]\] /, ""); sub(/ *- *-? *$/, ""); if (++n <= 20) print }'
}

engine=$(cd ../.. && cargo bench --package fluo-engine --bench ingest --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
case $engine in /*) ;; *) engine=../../$engine ;; esac
go build -o "$scratch/bench" .

top "the engine, whole OTLP, 10 rules" "$engine" --bench --profile-time 10 '^ingest/whole, 10 typical rules$'
top "ConsumeTraces, the question" env GOMAXPROCS=1 "$scratch/bench" one \
  '{"What":"throughput","Side":"fluo","Shape":"typical","Rules":1,"Spans":20000000,"Cores":1,"Wait":1000000000,"Grace":5000000000}'
