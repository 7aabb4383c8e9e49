"""Bundles, traces and runs the packed npm packages as docs/bundlers.md says.

Every output is moved elsewhere and run there. Without the page's setting, a build must fail.
`--long` also runs what takes longer to install: Next.js, other runtimes, PyInstaller.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bundlers import nextjs, pyinstaller
from bundlers.building import (
    FORMS,
    Bundle,
    Setting,
    Wrong,
    application,
    expect_url,
    run_bundle,
    run_refused,
    said,
)
from bundlers.installed import (
    BUNDLERS,
    NEXT,
    NODE_VERSIONS,
    PYINSTALLER,
    install_library,
    install_runtimes,
)
from bundlers.page import PageBroken, recipes, titles
from driver.installed import CannotInstall
from driver.programs import ROOT

BUNDLES = (
    Bundle("esbuild", 0),
    Bundle("esbuild", 1),
    Bundle("esbuild", 2, external=True),
    Bundle("webpack", 0),
    Bundle("webpack", 1, external=True),
    Bundle("Rollup", 0, external=True),
    Bundle("@vercel/nft", 0),
)
BUN = (Bundle("Bun", 0, runner=("bun",)), Bundle("Bun", 1, runner=()))
NODE_LOADER = "module: { rules: [{ test: /\\.node$/, loader: 'node-loader' }] },"
SETTINGS = {
    "esbuild": Setting("--loader:.node=copy"),
    "webpack": Setting(NODE_LOADER, "webpack.config.mjs"),
    "Rollup": Setting("external: ['sipgate-oauth2'],", "rollup.config.mjs"),
}

Check = tuple[str, Callable[[], None]]


def bundlers() -> Iterator[Check]:
    BUNDLERS.install()
    project, programs = BUNDLERS.folder / "project", BUNDLERS.modules / ".bin"
    main, native = install_library(project)
    yield from bundled(BUNDLES, project, programs)
    for title, setting in SETTINGS.items():
        recipe = recipes(title)[0]
        refused = functools.partial(run_refused, recipe, setting, project, programs)
        yield f"{title} without the setting fails", refused
    for tarball in (main, native):
        linted = [str(programs / "publint"), "run", "--strict", str(tarball)]
        yield f"publint of {tarball.name}", functools.partial(clean, linted, "All good!")
    types = [str(programs / "attw"), "--no-emoji", str(main)]
    yield f"attw of {main.name}", functools.partial(clean, types, "No problems found")


def bundled(bundles: tuple[Bundle, ...], project: Path, programs: Path) -> Iterator[Check]:
    for bundle in bundles:
        for form in FORMS:
            name = f"{bundle.title}, command {bundle.number + 1}, {form}"
            yield name, functools.partial(run_bundle, bundle, form, project, programs)


def clean(command: list[str], expected: str) -> None:
    """A linter must be content, and say so."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or expected not in done.stdout:
        raise Wrong(f"{done.stdout}{done.stderr}")


def runtimes() -> Iterator[Check]:
    folder, programs = install_runtimes()
    project = folder / "project"
    install_library(project)
    for name, program in programs.items():
        if name == "deno":
            [recipe] = recipes("Deno")
            command = [str(program), *recipe.command[1:]]
        else:
            command = [str(program), "app.mjs"]
        for form, files in FORMS.items():
            yield f"{name}, {form}", functools.partial(run_from_source, command, files, project)
        if name in NODE_VERSIONS:
            yield f"{name}, the tests of the package", functools.partial(run_tests, program)
    yield from bundled(BUN, project, programs["bun"].parent)


def run_from_source(command: list[str], files: Mapping[str, str], project: Path) -> None:
    folder = application(project)
    for name, text in files.items():
        (folder / name).write_text(text)
    expect_url(command, folder)


def run_tests(node: Path) -> None:
    """Those of `make test`, with another Node."""
    package = ROOT / "bindings-node"
    tests = sorted(map(str, package.glob("test/*.test.mjs")))
    done = subprocess.run([node, "--test", *tests], cwd=package, capture_output=True, text=True)
    if done.returncode:
        raise Wrong(said(done))


def next_standalone() -> Iterator[Check]:
    NEXT.install()
    project = NEXT.folder / "project"
    install_library(project)
    yield "Next.js, standalone", functools.partial(nextjs.run_standalone, project)
    recipe, programs = nextjs.recipe(), NEXT.modules / ".bin"
    refused = functools.partial(run_refused, recipe, nextjs.SETTING, project, programs)
    yield "Next.js without the setting fails", refused


def frozen() -> Iterator[Check]:
    PYINSTALLER.install()
    yield "PyInstaller, one folder", functools.partial(pyinstaller.run_moved, PYINSTALLER.folder)


SHORT = {"bundlers": bundlers}
LONG = {**SHORT, "Next.js": next_standalone, "runtimes": runtimes, "PyInstaller": frozen}
TESTED = {"esbuild", "webpack", "Rollup", "Next.js", "@vercel/nft", "Bun", "Deno", "PyInstaller"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    groups = LONG if parser.parse_args().long else SHORT
    if titles() != TESTED:
        raise PageBroken(f"the page has commands in other sections: {titles() ^ TESTED}")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for group, checks in groups.items():
        try:
            for name, check in checks():
                try:
                    check()
                except (Wrong, PageBroken, OSError, subprocess.SubprocessError) as problem:
                    counts["failed"] += 1
                    print(f"{name:<44} FAILED: {problem}", flush=True)
                else:
                    counts["passed"] += 1
                    print(f"{name:<44} ok", flush=True)
        except CannotInstall as problem:
            counts["skipped"] += 1
            print(f"{group:<44} SKIPPED: {problem}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
