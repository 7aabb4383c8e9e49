#!/usr/bin/env bash
# Lays header, libraries, licences, and the files for pkg-config and CMake, out under a prefix, which may be moved afterwards:
#
#   bindings-c/install.sh PREFIX [debug|release] [TARGET]
#
# TARGET is what cargo was told to build for, if it was. The shared library is the one to link. The
# static one is for where there must be none beside the program.
set -euo pipefail
prefix=$1
profile=${2:-release}
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/sipgate_oauth2" "$prefix/share/doc/sipgate_oauth2"
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
    shared=lib/$name.$abi.dylib import=
    private="-framework Security -framework CoreFoundation -lSystem -lm"
    ;;
  *-windows-*)
    mkdir -p "$prefix/bin"
    cp "$built/sipgate_oauth2.dll" "$prefix/bin/"
    shared=bin/sipgate_oauth2.dll
    private="-lcrypt32 -lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp"
    ;;
  *)
    cp "$built/$name.so" "$prefix/lib/$name.so.$version"
    ln -sf "$name.so.$version" "$prefix/lib/$name.so.$abi"
    ln -sf "$name.so.$abi" "$prefix/lib/$name.so"
    shared=lib/$name.so.$abi import=
    private="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
    ;;
esac
case $target in
  *-musl) private="-lgcc_eh -lc" ;;
esac
case $target in
  *-windows-msvc) static=sipgate_oauth2.lib import=lib/sipgate_oauth2.dll.lib ;;
  *-windows-gnu) static=$name.a import=lib/$name.dll.a ;;
  *) static=$name.a ;;
esac
cp "$built/$static" ${import:+"$built/${import#lib/}"} "$prefix/lib/"
cp include/sipgate_oauth2.h "$prefix/include/"
cp LICENSE-* "$prefix/share/doc/sipgate_oauth2/"
sed -e "s/@VERSION@/$version/" -e "s/@PRIVATE@/$private/" bindings-c/sipgate_oauth2.pc.in > "$prefix/lib/pkgconfig/sipgate_oauth2.pc"
cmake=$prefix/lib/cmake/sipgate_oauth2/sipgate_oauth2-config
sed -e "s|@SHARED@|$shared|" -e "s|@IMPORT@|$import|" -e "s/@STATIC@/$static/" -e "s/@PRIVATE@/${private// -/;-}/" \
  bindings-c/sipgate_oauth2-config.cmake.in > "$cmake.cmake"
sed -e "s/@VERSION@/$version/" -e "s/@ABI@/$abi/g" bindings-c/sipgate_oauth2-config-version.cmake.in > "$cmake-version.cmake"
