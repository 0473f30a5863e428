#!/usr/bin/env bash
# Builds the archive and drives it from C and C++: plainly, under valgrind where it is installed, and under the address sanitizer,
# which must also notice a planted read beyond the end. Prints `ffi: N passed, M failed` and fails where M is not 0.
set -uo pipefail
cd "$(dirname "$0")/../.."

out=${CARGO_TARGET_DIR:-target}/asan
mkdir -p "$out/bin"
out=$(cd "$out" && pwd)
host=$(rustc -vV | sed -n 's/^host: //p')
libraries=(-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc)
warnings=(-Wall -Wextra -Wpedantic -Werror -Iinclude -g)
passed=0
failed=0

# check NAME COMMAND...: one line of the count; what the command says is shown where it fails.
check() {
  local name=$1
  shift
  if "$@" > "$out/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok: $name"
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
    tail -n 60 "$out/log"
  fi
}

# archive FILE RUSTFLAGS: with --target, so that the flags do not reach build scripts.
archive() {
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="$2" CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_INCREMENTAL=0 \
    cargo build --quiet --package fluo-ffi --lib --features faults --target "$host" --target-dir "$out" &&
    cp "$out/$host/debug/libfluo.a" "$1"
}

# smoke ARCHIVE PROGRAM FLAGS...
smoke() {
  cc -std=c11 "${warnings[@]}" -DFLUO_FAULTS "${@:3}" tests/ffi/smoke.c "$1" "${libraries[@]}" -o "$2"
}

# The last line of the C program says how many of its checks held; each counts here.
counted() {
  local name=$1 line
  shift
  "$@" > "$out/log" 2>&1
  local status=$?
  line=$(grep -oE '^smoke: [0-9]+ passed, [0-9]+ failed$' "$out/log" | tail -n 1)
  if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
  fi
  if [[ $status -eq 0 && -n $line ]]; then
    echo "ok: $name: $line"
  else
    [[ -n $line && $line != *" 0 failed" ]] || failed=$((failed + 1))
    echo "FAILED: $name (exit $status)"
    tail -n 60 "$out/log"
  fi
}

notices_the_over_read() {
  local said
  if said=$(ASAN_OPTIONS=abort_on_error=0 "$1" over-read 2>&1); then
    echo "the program went on after reading beyond the end: $said"
    return 1
  fi
  grep -q 'ERROR: AddressSanitizer: heap-buffer-overflow' <<< "$said" && grep -q 'fluo_fault_over_read' <<< "$said" || {
    echo "$said"
    return 1
  }
}

check "the archive builds" archive "$out/bin/plain.a" ""
check "it links into a C program" smoke "$out/bin/plain.a" "$out/bin/smoke"
check "it links into a C++ program" c++ -std=c++17 "${warnings[@]}" tests/ffi/header.cc "$out/bin/plain.a" \
  "${libraries[@]}" -o "$out/bin/header"
check "the C++ program runs" "$out/bin/header"
check "the header is C99" cc -std=c99 "${warnings[@]}" -fsyntax-only -x c include/fluo.h
counted "from C" "$out/bin/smoke"
if command -v valgrind > /dev/null; then
  counted "under valgrind" valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect --error-exitcode=9 \
    "$out/bin/smoke"
fi

check "the archive builds with the address sanitizer" archive "$out/bin/sanitized.a" "-Zsanitizer=address"
check "it links with the sanitizer" smoke "$out/bin/sanitized.a" "$out/bin/smoke-asan" -fsanitize=address
counted "under the address sanitizer" env ASAN_OPTIONS=detect_leaks=1 "$out/bin/smoke-asan"
check "the sanitizer notices a planted over-read" notices_the_over_read "$out/bin/smoke-asan"

echo "ffi: $passed passed, $failed failed"
[[ $failed -eq 0 ]]
