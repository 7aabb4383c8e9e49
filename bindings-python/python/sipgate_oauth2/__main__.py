"""The command line: `sipgate-oauth2`, or `python -m sipgate_oauth2`."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command that the arguments name, and returns its exit code."""
    # Native code waits for the user, and Python's own handler would not run meanwhile.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_command_line(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
