#!/usr/bin/env bash
# Compiles the C programs of this repository against the library that cargo built. Takes the profile: debug or release.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-debug}
library=$PWD/target/$profile
out=target/c
mkdir -p "$out"

cc=${CC:-cc}
flags=(-std=c99 -D_POSIX_C_SOURCE=200809L -O1 -g -Wall -Wextra -Wpedantic -Werror -Iinclude)
link=("$library/libsipgate_oauth2.so" "-Wl,-rpath,$library")
[ "$(uname)" = Darwin ] && link=("$library/libsipgate_oauth2.dylib" "-Wl,-rpath,$library")
# The name that programs ask for.
if [ "$(uname)" = Darwin ]; then
  ln -sf libsipgate_oauth2.dylib "$library/libsipgate_oauth2.$(bash bindings-c/version.sh --abi).dylib"
else
  ln -sf libsipgate_oauth2.so "$library/libsipgate_oauth2.so.$(bash bindings-c/version.sh --abi)"
fi

curl=()
if pkg-config --exists libcurl 2>/dev/null; then
  read -ra curl <<<"-DHAVE_LIBCURL $(pkg-config --cflags --libs libcurl)"
fi

"$cc" "${flags[@]}" examples/c/main_job.c -o "$out/main_job" "${link[@]}" "${curl[@]}"
"$cc" "${flags[@]}" examples/c/custom_store.c -o "$out/custom_store" "${link[@]}"
python3 tests/readme/c_block.py "$out/readme_block.inc"
"$cc" "${flags[@]}" -I"$out" tests/readme/c/main.c -o "$out/readme" "${link[@]}"
