#!/usr/bin/env bash
# Makes the site in target/site: the pages by Sphinx, and the references of Node and Rust by their languages' own tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=.cache/site
site=target/site

rm -rf "$site"
# A warning is a broken link, a page without a place in the navigation, or code that is not in its language.
"$tools/bin/sphinx-build" -q -W --keep-going -d target/site-doctrees -c docs . "$site"
cp "$site/README.html" "$site/index.html"

"$tools/node_modules/.bin/typedoc" --tsconfig tests/site/tsconfig.json --logLevel Warn --out "$site/docs/reference/node"

RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --all-features -p sipgate-oauth2
cp -r target/doc "$site/docs/reference/rust"
echo '<!doctype html><meta http-equiv="refresh" content="0; url=sipgate_oauth2/index.html">' > "$site/docs/reference/rust/index.html"

python3 tests/site/links.py "$site"
