#!/usr/bin/env bash
# Lays header, libraries and the pkg-config file out under a prefix, which may be moved afterwards:
#
#   bindings-c/install.sh PREFIX [debug|release]
#
# The shared library is the one to link. The static one is for where there must be none beside the program.
set -euo pipefail
prefix=$1
profile=${2:-release}
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
prefix=$(cd "$prefix" && pwd)
cd "$(dirname "$0")/.."
built=target/$profile
version=$(bash bindings-c/version.sh)
abi=$(bash bindings-c/version.sh --abi)

cp include/sipgate_oauth2.h "$prefix/include/"
cp "$built/libsipgate_oauth2.a" "$prefix/lib/"
if [ "$(uname)" = Darwin ]; then
  cp "$built/libsipgate_oauth2.dylib" "$prefix/lib/libsipgate_oauth2.$abi.dylib"
  ln -sf "libsipgate_oauth2.$abi.dylib" "$prefix/lib/libsipgate_oauth2.dylib"
  private="-framework Security -framework CoreFoundation -lSystem -lm"
else
  cp "$built/libsipgate_oauth2.so" "$prefix/lib/libsipgate_oauth2.so.$version"
  ln -sf "libsipgate_oauth2.so.$version" "$prefix/lib/libsipgate_oauth2.so.$abi"
  ln -sf "libsipgate_oauth2.so.$abi" "$prefix/lib/libsipgate_oauth2.so"
  private="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
fi
sed -e "s/@VERSION@/$version/" -e "s/@PRIVATE@/$private/" bindings-c/sipgate_oauth2.pc.in > "$prefix/lib/pkgconfig/sipgate_oauth2.pc"
