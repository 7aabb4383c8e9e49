"""The Tab key in each shell, at a terminal as a user has it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from command_line.conftest import LIMIT_SECONDS, CommandLine
from driver import debian
from driver.installed import CannotInstall
from driver.report import skips_fail

READY = "READY> "


@dataclass(frozen=True)
class Shell:
    """The file that it reads at its start, the command, and what makes it say what was typed."""

    file: str
    command: Sequence[str]
    settings: str


# Each has a function in place of the program, which says its arguments.
SHELLS: Mapping[str, Shell] = {
    "bash": Shell(
        "bashrc",
        ["bash", "--rcfile", "bashrc", "-i"],
        f"PS1='{READY}'; sipgate-oauth2() {{ echo \"ran $*.\"; }}",
    ),
    "zsh": Shell(
        ".zshrc",
        ["zsh", "-i"],
        f"PROMPT='{READY}'; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u\n"
        'sipgate-oauth2() { echo "ran $*." }',
    ),
    "fish": Shell(
        "setup.fish",
        ["fish", "--interactive", "--init-command", "source setup.fish"],
        f"function fish_prompt; echo -n '{READY}'; end\n"
        'function sipgate-oauth2; echo "ran $argv."; end',
    ),
}


@contextlib.contextmanager
def terminal(shell: Shell, home: Path) -> Iterator[int]:
    """The shell at a terminal of its own."""
    ours, theirs = pty.openpty()
    variables = {"HOME": str(home), "ZDOTDIR": str(home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        # fish wants to control its terminal.
        ["setsid", "--ctty", *shell.command],
        cwd=home,
        env={**variables, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            yield ours
        finally:
            process.kill()
            os.close(ours)


def read_until(place: int, words: str) -> str:
    """What the terminal shows, up to these words or its end."""
    shown = b""
    end = time.monotonic() + LIMIT_SECONDS
    # Where the shell has ended, reading fails.
    with contextlib.suppress(OSError):
        while words.encode() not in shown and time.monotonic() < end:
            if select.select([place], [], [], 0.1)[0]:
                shown += os.read(place, 4096)
    return shown.decode(errors="replace")


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("logi\t--sc\tbalance:read", "login --scope balance:read"),
        ("logou\t--for\t", "logout --forget"),
        ("comp\tfi\t", "completion fish"),
    ],
)
def test_tab_completes(
    run: CommandLine, tmp_path: Path, name: str, typed: str, expected: str
) -> None:
    if shutil.which(name) is None:
        try:
            debian.install([name])
        except CannotInstall as problem:
            # Only root can install zsh and fish. A run of CI needs them. Elsewhere,
            # `make test-command-line` prints what is skipped.
            if skips_fail():
                raise
            pytest.skip(f"{name} is not tested here: {problem}")
    shell = SHELLS[name]
    script = run("completion", name).stdout
    (tmp_path / shell.file).write_text(f"{shell.settings}\n{script}")
    with terminal(shell, tmp_path) as place:
        shown = read_until(place, READY)
        os.write(place, f"sipgate-oauth2 {typed}\n".encode())
        shown += read_until(place, f"ran {expected}")
    assert f"ran {expected}" in shown
