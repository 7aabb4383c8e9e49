#!/usr/bin/env bash
# Prints the version; with --abi, the part of it that the shared library's name has: the major version, or,
# until 1.0, each 0.x (as library/build.rs says it to the linker).
set -euo pipefail
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1)
if [ "${1:-}" = --abi ]; then
  IFS=. read -r major minor _ <<< "$version"
  [ "$major" = 0 ] && version=0.$minor || version=$major
fi
echo "$version"
