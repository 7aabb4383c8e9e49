#!/usr/bin/env bash
# Builds what users install, optimized, into dist/: a wheel, npm tarballs, a C install tree. The
# argument is the folder of the tools' programs.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$1

rm -rf dist
mkdir dist
"$tools/maturin" build --release --manifest-path bindings-python/Cargo.toml --out dist
cargo build --release -p sipgate-oauth2-node
node bindings-node/pack.mjs main dist
node bindings-node/pack.mjs here release dist
cargo build --release -p sipgate-oauth2-c-library
bash bindings-c/install.sh dist/c release
ls -l dist dist/c/lib
