#!/usr/bin/env bash
# Fuzzes each target, or the named ones, for this many seconds: fuzz/run.sh [--asan] SECONDS [target…]
# Stops at the first input that breaks a property, and keeps it in fuzz/artifacts/<target>/.
# With --asan, fuzzes the C layer, or the named targets, under the address sanitizer. That needs a
# nightly toolchain; without one, it is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# The other targets are safe Rust, where the address sanitizer finds nothing and is slow. Without it,
# the stable toolchain is enough.
toolchain=() sanitizer=(--sanitizer none) targets=()
if [[ ${1:-} == --asan ]]; then
    shift
    cargo +nightly --version > /dev/null 2>&1 || { echo "address sanitizer: SKIPPED, no nightly toolchain" && exit 0; }
    toolchain=(+nightly) sanitizer=(--sanitizer address --target-dir target/asan) targets=(c_calls)
fi
seconds=${1:?usage: fuzz/run.sh [--asan] SECONDS [target…]}
shift
PATH=$(dirname "$(tests/house/tool.sh cargo-fuzz 0.13.2)"):$PATH
# Unlike the release profile, this builds fast and finds the most.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true

cd fuzz
if (($# > 0)); then targets=("$@"); elif ((${#targets[@]} == 0)); then mapfile -t targets < <(ls seeds); fi
for target in "${targets[@]}"; do
    cargo "${toolchain[@]}" fuzz build "${sanitizer[@]}" "$target"
done
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    echo "== $target, $seconds seconds"
    nice cargo "${toolchain[@]}" fuzz run "${sanitizer[@]}" "$target" "corpus/$target" "seeds/$target" -- \
        -dict=words.dict -max_len=20000 -max_total_time="$seconds" -print_final_stats=1 -verbosity=0
done
