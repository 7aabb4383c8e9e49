#!/bin/sh
# rustdoc with its unstable options, on any toolchain. The rest of a build has the usual options, so
# nothing is built again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
