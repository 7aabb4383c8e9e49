"""Builds a small program as the page says, moves the output elsewhere, and runs it there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .page import Recipe, recipes, without

BUILD_SECONDS = 600
RUN_SECONDS = 60
URL = "https://login.sipgate.com/auth/realms/third-party/protocol/openid-connect/auth?"

PROGRAM = """\
const client = Client.sipgate({
  clientId: 'id',
  clientSecret: 'secret',
  redirectUri: 'https://example.com/auth',
})
console.log(client.authorizationRequest('balance:read').url)
"""
# The same program, with the library by `import` and by `require`.
FORMS: Mapping[str, Mapping[str, str]] = {
    "import": {"app.mjs": f"import {{ Client }} from 'sipgate-oauth2'\n{PROGRAM}"},
    "require": {
        "app.mjs": "import './required.cjs'\n",
        "required.cjs": f"const {{ Client }} = require('sipgate-oauth2')\n{PROGRAM}",
    },
}


class Wrong(Exception):
    """A tool or the library did something else than the page says."""


@dataclass(frozen=True)
class Bundle:
    """One command of the page."""

    title: str
    number: int
    # The program that runs the output; none if the output is a program itself.
    runner: Sequence[str] = ("node",)
    # Whether `node_modules` is shipped with the output.
    external: bool = False


@dataclass(frozen=True)
class Setting:
    """What the page adds to a tool's configuration; the build must fail without it."""

    text: str
    # The file that has it; none if it is an argument of the command.
    file: str | None = None
    files: Mapping[str, str] = field(default_factory=lambda: FORMS["import"])


def run_bundle(bundle: Bundle, form: str, project: Path, programs: Path) -> None:
    """Raises `Wrong` if the output does not work elsewhere."""
    recipe = recipes(bundle.title)[bundle.number]
    shipped = ["dist", *(["node_modules"] if bundle.external else [])]
    with built(recipe, FORMS[form], application(project), programs, shipped) as moved:
        [output] = (moved / "dist").glob("app*")
        expect_url([*bundle.runner, str(output)], moved, programs)


def run_refused(recipe: Recipe, setting: Setting, project: Path, programs: Path) -> None:
    """Raises `Wrong` if the build succeeds without the setting, or does not name the library."""
    command, files = list(recipe.command), dict(recipe.files)
    if setting.file is None:
        command.remove(setting.text)
    else:
        files[setting.file] = without(files[setting.file], setting.text)
    done = build(Recipe(command, files), setting.files, application(project), programs)
    if done.returncode == 0 or ".node" not in said(done):
        raise Wrong(f"the build without {setting.text} has status {done.returncode}: {said(done)}")


def fresh(folder: Path) -> Path:
    """The folder, emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def application(project: Path) -> Path:
    """A new folder beside the installed packages, with hard links to them."""
    folder = fresh(project / "application")
    shutil.copytree(project / "node_modules", folder / "node_modules", copy_function=os.link)
    return folder


@contextlib.contextmanager
def built(
    recipe: Recipe,
    program: Mapping[str, str],
    folder: Path,
    programs: Path,
    shipped: Sequence[str],
    settings: Mapping[str, str] | None = None,
) -> Iterator[Path]:
    """Builds in the folder, and moves what is shipped elsewhere, which is all that is left."""
    done = build(recipe, program, folder, programs, settings)
    if done.returncode:
        raise Wrong(f"the build fails: {said(done)}")
    with tempfile.TemporaryDirectory() as elsewhere:
        for output in shipped:
            shutil.move(folder / output, elsewhere)
        shutil.rmtree(folder)
        yield Path(elsewhere)


def build(
    recipe: Recipe,
    program: Mapping[str, str],
    folder: Path,
    programs: Path,
    settings: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    for name, text in {**program, **recipe.files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return subprocess.run(
        recipe.command,
        cwd=folder,
        env={**environment(programs), **(settings or {})},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )


def expect_url(command: Sequence[str], folder: Path, programs: Path | None = None) -> None:
    ran = subprocess.run(
        command,
        cwd=folder,
        env=environment(programs),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    if ran.returncode or not ran.stdout.startswith(URL):
        raise Wrong(f"{' '.join(command)} does not work: {said(ran)}")


def environment(programs: Path | None = None) -> dict[str, str]:
    """Without the staged packages; with a folder of programs before all others."""
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    mine |= {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
    if programs is not None:
        mine["PATH"] = f"{programs}{os.pathsep}{mine['PATH']}"
    return mine


def said(process: subprocess.CompletedProcess[str]) -> str:
    """The end of both outputs."""
    return f"{process.stdout}{process.stderr}"[-3000:].strip()
