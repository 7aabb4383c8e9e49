"""Checks that a test runs each block of code in the README and in docs/, that the table of
environment variables is complete, and that the links of packages lead somewhere.

The tests themselves say what they run: their own functions read the blocks from the pages. Other
blocks have an exact exception here, with its reason.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bundlers.page
import migration.page
import readme.blocks
import signing_in.page
import testing.page
from migration.run import PEERS
from pages import environment, packages
from pages.markdown import ROOT, Block, blocks, pages
from pages.run import RUNS
from signing_in.run import FRAMEWORKS

# By page, heading and language: all blocks of this language below the heading.
EXCEPTIONS: Mapping[tuple[str, str, str], str] = {
    ("docs/bundlers.md", "Another platform than your own", "text"): (
        "npm finds the package of another platform in a registry only, and none has it yet"
    ),
    ("docs/fleets.md", "Rights", "sql"): (
        "tests/fleet carries out the grant that the library's error names, which has another table"
    ),
    ("docs/signing-in.md", "Sign in with sipgate", "sh"): (
        "settings for sipgate; tests/signing_in gives its programs the same ones for the realm"
    ),
}


def readme_blocks() -> Iterator[str]:
    for language in ("python", "js", "rust", "c"):
        yield readme.blocks.block(language)


def ci_commands() -> Iterator[str]:
    """Blocks of which each line is a step of CI."""
    steps = set(re.findall(r"^step (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    for block in blocks("README.md"):
        lines = block.text.splitlines()
        if {line.partition("#")[0].strip() for line in lines} <= steps:
            yield block.text


def signing_in_blocks() -> Iterator[str]:
    for title in (*FRAMEWORKS, "Celery", "Any other server", "On your own machine"):
        code = signing_in.page.code(title)
        yield from (block.text for block in blocks("docs/signing-in.md") if block.text in code)
    yield signing_in.page.code("In a cookie of its own", signing_in.page.OF_LOGGING_IN)


def testing_blocks() -> Iterator[str]:
    for title in testing.page.SECTIONS:
        yield from testing.page.files(title).values()


def bundlers_blocks() -> Iterator[str]:
    titles = bundlers.page.titles()
    for block in blocks("docs/bundlers.md"):
        if block.heading in titles and block.language in ("js", "sh"):
            yield block.text


def migration_blocks() -> Iterator[str]:
    for peer in PEERS:
        yield from migration.page.blocks(peer)


def own_blocks() -> Iterator[str]:
    for page, heading, language in RUNS:
        for block in blocks(page):
            if (block.heading, block.language) == (heading, language):
                yield block.text


TESTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "tests/readme/run.py": readme_blocks,
    ".ci/run": ci_commands,
    "tests/signing_in/run.py": signing_in_blocks,
    "tests/testing/run.py": testing_blocks,
    "tests/bundlers/run.py": bundlers_blocks,
    "tests/migration/run.py": migration_blocks,
    "tests/pages/run.py": own_blocks,
}
# The site's diagrams.
NO_CODE = {"mermaid"}


def excepted(block: Block) -> tuple[str, str, str]:
    return block.page, block.heading, block.language


def problems(every: Sequence[Block]) -> Iterator[str]:
    run = {text for texts in TESTS.values() for text in texts()}
    not_run = [block for block in every if block.text not in run]
    for block in not_run:
        if excepted(block) not in EXCEPTIONS:
            place = f"{block.page}:{block.line}"
            yield f"{place}: no test runs this block ({block.heading}, {block.language})"
    for entry in EXCEPTIONS.keys() - {excepted(block) for block in not_run}:
        yield f"{entry}: this exception is not needed"


def main() -> int:
    every = [block for page in pages() for block in blocks(page) if block.language not in NO_CODE]
    planted = Block("docs/start.md", "Python", "python", "planted()\n", 1)
    found, with_planted = list(problems(every)), list(problems([*every, planted]))
    assert len(with_planted) == len(found) + 1, "a block that nothing runs is not found"
    in_page, in_code = environment.in_page(), environment.in_code()
    for name in in_code:
        planted_problems = list(environment.problems(in_page - {name}, in_code))
        assert planted_problems, f"that {environment.PAGE.name} lacks {name} is not found"
    found += environment.problems(in_page, in_code)
    packages.planted()
    found += packages.problems()
    print(*found, f"{len(every)} blocks, {len(EXCEPTIONS)} exceptions", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
