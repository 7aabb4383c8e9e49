#!/usr/bin/env bash
# Builds and runs the C tests against the library that cargo built (target/debug). With --valgrind,
# they run under valgrind. With --asan, they run under the address sanitizer, against a static library
# that is built here. That needs a nightly toolchain; without one, the tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."
library=$PWD/target/debug
out=target/c/tests
link=("$library/libsipgate_oauth2.so" "-Wl,-rpath,$library")
passed=0
failed=0

verdict() { # what, and the command
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok     $what"
  else
    failed=$((failed + 1))
    echo "FAILED $what"
  fi
}

under=()
how=
if [ "${1:-}" = --valgrind ]; then
  if ! command -v valgrind > /dev/null; then
    [ -n "${SKIP_VALGRIND:-}" ] && echo "SKIPPED: valgrind is missing, and SKIP_VALGRIND is set" && exit 0
    echo "valgrind is missing: install it, or set SKIP_VALGRIND=1 to skip this" && exit 1
  fi
  under=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect
    --trace-children=no)
  how=" under valgrind"
elif [ "${1:-}" = --asan ]; then
  skipped() { echo "address sanitizer: SKIPPED, $1" && exit 0; }
  [ "$(uname)" = Linux ] || skipped "this is not Linux"
  cargo +nightly --version > /dev/null 2>&1 || skipped "no nightly toolchain"
  echo 'int main(void) { return 0; }' | "${CC:-cc}" -fsanitize=address -x c - -o /dev/null 2> /dev/null || skipped "${CC:-cc} does not have it"
  host=$(rustc +nightly -vV | sed -n 's/^host: //p')
  # The library and the C programs are instrumented; Rust's standard library and the cryptography
  # library are not. Of those, only calls of memcpy and similar functions are checked.
  RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=address" \
    cargo +nightly rustc --quiet -p sipgate-oauth2-c-library --crate-type staticlib --target "$host" --target-dir target/asan
  out=target/asan/c
  link=(-fsanitize=address -fno-omit-frame-pointer "target/asan/$host/debug/libsipgate_oauth2.a" -lm -ldl)
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
  export NO_FORKS=1
  how=" under the address sanitizer"
fi
mkdir -p "$out"

warnings=(-Wall -Wextra -Wpedantic -Werror)
header_alone() { echo '#include <sipgate_oauth2.h>' | "$@" "${warnings[@]}" -Iinclude -fsyntax-only -; }
verdict "the header compiles alone as C99" header_alone "${CC:-cc}" -std=c99 -x c
verdict "the header compiles alone as C++17" header_alone "${CXX:-c++}" -std=c++17 -x c++

verdict "abi.py distinguishes breaking changes from others" python3 bindings-c/tests/planted_breaks.py

functions_of_the_header() { grep -oE '\bsipgate_oauth2_[a-z0-9_]+\(' include/sipgate_oauth2.h | tr -d '(' | sort -u; }
every_function_is_tested() {
  local name missing=0
  for name in $(functions_of_the_header); do
    grep -qE "\b$name\b" bindings-c/tests/*.c || { echo "no test calls $name"; missing=1; }
  done
  return "$missing"
}
verdict "every function of the header is in a test" every_function_is_tested

if [ "$(uname)" = Linux ]; then
  its_symbols() {
    diff <(nm -D --defined-only "$library/libsipgate_oauth2.so" | awk '{ print $3 }' | sort) <(functions_of_the_header)
  }
  verdict "the library's symbols are the functions of the header" its_symbols
  its_soname() { grep -qF "[libsipgate_oauth2.so.$(bash bindings-c/version.sh --abi)]" <<< "$(readelf -d "$library/libsipgate_oauth2.so")"; }
  verdict "the library's soname changes with its ABI" its_soname
fi

realm=${SIPGATE_TEST_REALM:-target/debug/sipgate-oauth2-realm}
ready=$(mktemp)
exec {realm_stdin}> >(exec "$realm" > "$ready")
trap 'exec {realm_stdin}>&-; rm -f "$ready"' EXIT
for _ in {1..600}; do [ -s "$ready" ] && break; sleep 0.05; done
[ -s "$ready" ] || { echo "$realm did not start: run make build" >&2; exit 1; }
REALM_HTTP=$(sed -E 's/.*"http":"([^"]*)".*/\1/' "$ready")
export REALM_HTTP NO_PROXY=127.0.0.1
be_silent_twice() { python3 - "$1" <<'PY'
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], b'{"on": "token", "kind": "silent", "times": 2}', {"content-type": "application/json"})
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
PY
}

for source in bindings-c/tests/*.c; do
  name=$(basename "$source" .c)
  "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -g "${warnings[@]}" -Iinclude "$source" -o "$out/$name" "${link[@]}" -pthread
  [ "$name" = calls ] && be_silent_twice "$REALM_HTTP/_realm/faults"
  checking=("${under[@]}")
  # A forked child deliberately forgets its parent's connections, which counts as a leak.
  [ "$name" = fork ] && [ -n "${under:-}" ] && checking+=(--leak-check=no)
  verdict "$name$how" "${checking[@]}" "$out/$name"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
