#!/usr/bin/env bash
# Compiles the C benchmarks against the optimized library. They say themselves if libraries for
# the hand-written code are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/c
flags=()
for name in libcurl libcrypto; do
  if pkg-config --exists "$name" 2>/dev/null; then
    read -ra found <<<"-DHAVE_${name^^} $(pkg-config --cflags --libs "$name")"
    flags+=("${found[@]}")
  fi
done
ln -sf libsipgate_oauth2.so "target/release/libsipgate_oauth2.so.$(bash bindings-c/version.sh --abi)"
compile() {
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude "benches/$1.c" -o "target/c/$1" \
    target/release/libsipgate_oauth2.so "-Wl,-rpath,$PWD/target/release" "${@:2}"
}
compile bench_c "${flags[@]}"
# Without those libraries: loading them would take most of its time.
compile first_call
compile refreshes -pthread
