#!/usr/bin/env bash
# Lays header, libraries, licences and the pkg-config file out under a prefix, which may be moved afterwards:
#
#   bindings-c/install.sh PREFIX [debug|release] [TARGET]
#
# TARGET is what cargo was told to build for, if it was. The shared library is the one to link. The
# static one is for where there must be none beside the program.
set -euo pipefail
prefix=$1
profile=${2:-release}
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/share/doc/sipgate_oauth2"
prefix=$(cd "$prefix" && pwd)
cd "$(dirname "$0")/.."
built=target/${3:+$3/}$profile
target=${3:-$(rustc -vV | sed -n 's/^host: //p')}
version=$(bash bindings-c/version.sh)
abi=$(bash bindings-c/version.sh --abi)
name=libsipgate_oauth2

# The last of each: what a program that links the static library needs, as `rustc --print native-static-libs` says.
case $target in
  *-apple-*)
    cp "$built/$name.dylib" "$prefix/lib/$name.$abi.dylib"
    ln -sf "$name.$abi.dylib" "$prefix/lib/$name.dylib"
    private="-framework Security -framework CoreFoundation -lSystem -lm"
    ;;
  *-windows-*)
    mkdir -p "$prefix/bin"
    cp "$built/sipgate_oauth2.dll" "$prefix/bin/"
    private="-lcrypt32 -lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp"
    ;;
  *)
    cp "$built/$name.so" "$prefix/lib/$name.so.$version"
    ln -sf "$name.so.$version" "$prefix/lib/$name.so.$abi"
    ln -sf "$name.so.$abi" "$prefix/lib/$name.so"
    private="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
    ;;
esac
case $target in
  *-musl) private="-lgcc_eh -lc" ;;
esac
case $target in
  *-windows-msvc) cp "$built/sipgate_oauth2.dll.lib" "$built/sipgate_oauth2.lib" "$prefix/lib/" ;;
  *-windows-gnu) cp "$built/$name.dll.a" "$built/$name.a" "$prefix/lib/" ;;
  *) cp "$built/$name.a" "$prefix/lib/" ;;
esac
cp include/sipgate_oauth2.h "$prefix/include/"
cp LICENSE-* "$prefix/share/doc/sipgate_oauth2/"
sed -e "s/@VERSION@/$version/" -e "s/@PRIVATE@/$private/" bindings-c/sipgate_oauth2.pc.in > "$prefix/lib/pkgconfig/sipgate_oauth2.pc"
