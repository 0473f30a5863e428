#!/usr/bin/env bash
# Runs a test suite with its output in a log, and counts what ran.
#   suite.sh run NAME COMMAND...   one line on success, the end of the log on failure
#   suite.sh summary               each suite with its number of tests; none may be 0
set -euo pipefail

logs=$(cd "$(dirname "$0")/.." && pwd)/.logs
suites=(rust differential ffi go go-faults go-without-cgo bench shop e2e)

# Prints how many tests passed according to a log of cargo test, of go test -v
# or of a script that closes with "NAME: N passed, N failed".
passed() {
  awk '
    /^test result: / { n += $4 }
    /^ *--- PASS: /  { n++ }
    /^[a-z]+: [0-9]+ passed, [0-9]+ failed$/ { n += $2 }
    END { print n + 0 }' "$1"
}

run() {
  local name=$1 started=$SECONDS
  shift
  mkdir -p "$logs"
  if ! "$@" > "$logs/$name.log" 2>&1; then
    grep -E '^(FAIL|--- FAIL|test .* FAILED|failures:|error)' "$logs/$name.log" | head -n 40 >&2 || true
    grep -vE '^$|^running 0 tests$|^test result: ok' "$logs/$name.log" | tail -n 60 >&2
    echo "$name: failed, whole log in $logs/$name.log" >&2
    return 1
  fi
  echo "$name: $(passed "$logs/$name.log") tests passed in $((SECONDS - started)) s"
}

summary() {
  local name count empty=0
  for name in "${suites[@]}"; do
    count=0
    [ ! -f "$logs/$name.log" ] || count=$(passed "$logs/$name.log")
    [ "$count" -gt 0 ] || empty=1
    printf '%-16s %5d tests\n' "$name" "$count"
  done
  [ "$empty" = 0 ] || echo "a suite ran no tests" >&2
  return "$empty"
}

"$@"
