#!/usr/bin/env bash
# Compiles the C benchmark against the optimized library. The benchmark itself says if libraries for
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
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude benches/bench_c.c -o target/c/bench \
  target/release/libsipgate_oauth2.so "-Wl,-rpath,$PWD/target/release" "${flags[@]}"
