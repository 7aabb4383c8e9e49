"""Checks that `abi.py` distinguishes planted changes that break programs from those that do not."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import abi

BREAKS = {
    "a function was removed": (
        "sipgate_oauth2_status_at(size_t",
        "sipgate_oauth2_status_by(size_t",
    ),
    "a result has another type": (
        "int64_t sipgate_oauth2_error_retry",
        "int32_t sipgate_oauth2_error_retry",
    ),
    "an argument was removed": ("    uint64_t milliseconds,\n", ""),
    "two arguments were swapped": (
        "    const char *base,\n    const char *realm,\n",
        "    const char *realm,\n    const char *base,\n",
    ),
    "a handle is no longer const": (
        "(const sipgate_oauth2_client *client)",
        "(sipgate_oauth2_client *client)",
    ),
    "a constant has another value": ("SIPGATE_UNSAVED = 605", "SIPGATE_UNSAVED = 606"),
    "a constant is gone": ("  SIPGATE_UNSAVED = 605,\n", ""),
    "what is passed by value has grown": (
        "  size_t len;\n} sipgate_oauth2_str;",
        "  size_t len, more;\n  int x;\n} sipgate_oauth2_str;",
    ),
    "a function of a store is gone": ("  void (*free)(void *user_data);\n", ""),
    "a function of a store takes something else": (
        "(*load)(void *user_data,",
        "(*load)(const void *user_data,",
    ),
}
KEEPS = {
    "nothing": ("", ""),
    "prose": ("The access token.", "The token."),
    "a new function": (
        "sipgate_oauth2_status sipgate_oauth2_status_at",
        "int sipgate_oauth2_later(void);\nsipgate_oauth2_status sipgate_oauth2_status_at",
    ),
    "a new constant": (
        "  SIPGATE_UNSAVED = 605,",
        "  SIPGATE_UNSAVED = 605,\n  SIPGATE_NEW = 606,",
    ),
    "a new function of a store": (
        "\n} sipgate_oauth2_store_functions;",
        "\n  void (*later)(void);\n} sipgate_oauth2_store_functions;",
    ),
}


def main() -> int:
    header = abi.HEADER.read_text(encoding="utf-8")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        # Here, the last release is the header itself.
        abi.RELEASED = Path(shutil.copy(abi.HEADER, Path(folder) / "released.h"))
        for changes, breaks in ((BREAKS, True), (KEEPS, False)):
            for what, (old, new) in changes.items():
                assert old in header, f"{what}: {old!r} is not in the header"
                changed = Path(folder) / "changed.h"
                changed.write_text(header.replace(old, new, 1), encoding="utf-8")
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    found = abi.broken_by(changed)
                if found != breaks:
                    wrong += 1
                    print(f"{what}: {'not ' if breaks else ''}taken for a break\n{said.getvalue()}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
