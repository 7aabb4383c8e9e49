#!/usr/bin/env bash
# Makes include/sipgate_oauth2.h from the sources; with --check only says whether it is what they would make.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.29.4
cbindgen=.cache/tools/bin/cbindgen

if ! "$cbindgen" --version 2>/dev/null | grep -qF "$version"; then
  # Unoptimised: it runs for a second, and is built for a minute less.
  cargo install --debug --quiet --locked --root .cache/tools --version "$version" cbindgen
fi
made=$(mktemp)
trap 'rm -f "$made"' EXIT
"$cbindgen" --quiet --config bindings-c/cbindgen.toml --output "$made" bindings-c
if [ "${1:-}" = --check ]; then
  diff -u include/sipgate_oauth2.h "$made" || { echo "include/sipgate_oauth2.h is not what the sources make: run make header" >&2; exit 1; }
else
  cp "$made" include/sipgate_oauth2.h
fi
