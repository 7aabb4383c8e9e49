#!/usr/bin/env bash
# Fuzzes each target, or those that are named, for so many seconds: fuzz/run.sh SECONDS [target…]
# Stops at the first input for which something does not hold; it is then in fuzz/artifacts/<target>/.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: fuzz/run.sh SECONDS [target…]}
shift
tools=$PWD/.cache/tools
[[ -x $tools/bin/cargo-fuzz ]] || cargo install --locked --quiet --root "$tools" cargo-fuzz
export PATH=$tools/bin:$PATH

cd fuzz
if (($# > 0)); then targets=("$@"); else mapfile -t targets < <(ls seeds); fi
# The code is safe Rust, where the address sanitizer finds nothing but makes everything slow; without one, the stable toolchain will do.
cargo fuzz build --sanitizer none
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    echo "== $target, $seconds seconds"
    nice cargo fuzz run --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
        -dict=words.dict -max_len=20000 -max_total_time="$seconds" -print_final_stats=1 -verbosity=0
done
