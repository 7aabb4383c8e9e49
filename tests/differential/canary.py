#!/usr/bin/env python3
"""Runs a native suite, shows its output, and fails if that contains a secret.

    canary.py node --test test/*.test.mjs

The secrets that tests make up are canaries; those of the local realm are known, and its tokens are
recognized by their form.
"""

from __future__ import annotations

import re
import subprocess
import sys

SECRETS = re.compile(rb"canary|test-secret-with|anna-pw|eyJ[\w-]{10,}\.[\w-]{10,}", re.IGNORECASE)


def main() -> int:
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    searched, hits = 0, 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            searched += len(line)
            hits += len(SECRETS.findall(line))
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    print(f"secrets: {searched} bytes searched, {hits} hits")
    return process.returncode or (1 if hits or not searched else 0)


if __name__ == "__main__":
    sys.exit(main())
