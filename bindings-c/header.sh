#!/usr/bin/env bash
# Makes include/sipgate_oauth2.h from the sources; with --check only says whether it is what they would make.
set -euo pipefail
cd "$(dirname "$0")/.."
cbindgen_version=0.29.4
cbindgen=.cache/tools/bin/cbindgen

if ! "$cbindgen" --version 2>/dev/null | grep -qF "$cbindgen_version"; then
  # Unoptimised: it runs for a second, and is built for a minute less.
  cargo install --debug --quiet --locked --root .cache/tools --version "$cbindgen_version" cbindgen
fi
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
IFS=.-+ read -r major minor patch _ <<< "$(bash bindings-c/version.sh)"
sed -e "s/@MAJOR@/$major/" -e "s/@MINOR@/$minor/" -e "s/@PATCH@/$patch/" bindings-c/cbindgen.toml > "$room/cbindgen.toml"
"$cbindgen" --quiet --config "$room/cbindgen.toml" --output "$room/made.h" bindings-c
# Arguments that cbindgen puts below the parenthesis, far to the right, are indented by four.
perl -0pi -e 's{^((?:\w[^\n;{}()]*\w|typedef [\w *]+\(\*\w+\))\()([^;{}]*)\);$}{
  my ($name, $arguments) = ($1, $2);
  length("$name$arguments);") > 100 || $arguments =~ /\n/
    ? "$name\n    " . join(",\n    ", split(/,\s*\n\s*/, $arguments)) . ");" : "$name$arguments);"
}gme' "$room/made.h"
if [ "${1:-}" = --check ]; then
  diff -u include/sipgate_oauth2.h "$room/made.h" || { echo "include/sipgate_oauth2.h is not what the sources make: run make header" >&2; exit 1; }
  long=$(awk 'length($0) > 100 { print FILENAME ": " FNR ": " $0 }' include/sipgate_oauth2.h)
  [ -z "$long" ] || { echo "longer than 100 columns:" >&2; echo "$long" >&2; exit 1; }
else
  cp "$room/made.h" include/sipgate_oauth2.h
fi
