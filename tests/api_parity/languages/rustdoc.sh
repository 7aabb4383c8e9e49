#!/bin/sh
# rustdoc with its unstable options, whatever the toolchain; all else of a build stays as it is, and need not be built anew.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
