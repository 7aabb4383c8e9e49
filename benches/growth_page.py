"""Makes the tables and the picture of docs/growth.md from docs/growth.json:

python3 benches/growth_page.py            writes them
python3 benches/growth_page.py --check    fails if they are not those of the data
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.growth import ACCOUNTS, DATA, ROOT, SYNCS_MS, Point

PAGE = ROOT / "docs" / "growth.md"
PICTURE = ROOT / "docs" / "growth.svg"
CALLERS = (1, 8, 32, 64)
MANY = 32
# A token of 300 s, at 80 % of its life.
REFRESHED_EVERY_SECONDS = 240
SHARED = ((4, 1), (4, 8), (16, 1), (16, 8))

Row = Sequence[str]


class Points:
    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points

    def shown(
        self, operation: str, sync_ms: float, processes: int, callers: int, accounts: int
    ) -> str:
        point = self.point(operation, sync_ms, processes, callers, accounts)
        return "timeouts" if point.refused else shown(point.per_second)

    def point(
        self, operation: str, sync_ms: float, processes: int, callers: int, accounts: int
    ) -> Point:
        wanted = (operation, sync_ms, accounts, processes, callers)
        (point,) = (
            point
            for point in self._points
            if (point.operation, point.sync_ms, point.accounts, point.processes, point.callers)
            == wanted
        )
        return point

    def refreshes(self) -> Iterator[Row]:
        """Of one process on the largest store."""
        last = f"logins in use, {named(MANY)}"
        yield ("a sync takes", *map(named, CALLERS), last)
        for sync_ms in SYNCS_MS:
            figures = {
                callers: self.point("refresh", sync_ms, 1, callers, ACCOUNTS[-1]).per_second
                for callers in CALLERS
            }
            logins = figures[MANY] * REFRESHED_EVERY_SECONDS
            yield (f"{sync_ms:g} ms", *map(shown, figures.values()), shown(logins))

    def processes(self) -> Iterator[Row]:
        yield ("a sync takes", *(f"{processes} × {callers}" for processes, callers in SHARED))
        for sync_ms in SYNCS_MS:
            figures = (
                self.shown("refresh", sync_ms, processes, callers, ACCOUNTS[-1])
                for processes, callers in SHARED
            )
            yield (f"{sync_ms:g} ms", *figures)

    def saves(self) -> Iterator[Row]:
        columns = [(callers, accounts) for callers in (1, MANY) for accounts in ACCOUNTS]
        names = {1: "few", 1_000: "1,000", 100_000: "100,000"}
        yield (
            "a sync takes",
            *(f"{named(callers)}, {names[accounts]} logins" for callers, accounts in columns),
        )
        for sync_ms in SYNCS_MS:
            figures = (
                self.shown("save", sync_ms, 1, callers, accounts) for callers, accounts in columns
            )
            yield (f"{sync_ms:g} ms", *figures)


def named(callers: int) -> str:
    return "1 caller" if callers == 1 else f"{callers} callers"


def shown(figure: float) -> str:
    """Two digits: more would be noise."""
    if figure < 10:
        return f"{figure:.1f}"
    digits = 1 - math.floor(math.log10(figure))
    return f"{round(figure, digits):,.0f}"


def table(rows: Iterator[Row]) -> str:
    head, *body = rows
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 20, 50
COLOURS = ("#1b7f3b", "#1f5fbf", "#b3471d")
LOWEST, HIGHEST = 1.0, 10_000.0


def picture(points: Points) -> str:
    """Refreshes a second by the number of callers, one line for each disk."""

    def across(callers: int) -> float:
        share = math.log2(callers) / math.log2(CALLERS[-1])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(figure: float) -> float:
        share = math.log10(figure / LOWEST) / math.log10(HIGHEST / LOWEST)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    return "".join(drawing(points, across, up))


def drawing(
    points: Points, across: Callable[[int], float], up: Callable[[float], float]
) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">\n'
        "<title>Refreshes a second by the number of callers and the time of a sync</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
    )
    for figure in (1, 10, 100, 1_000, 10_000):
        level = f"{up(figure):.1f}"
        yield f'<path d="M{LEFT} {level}H{WIDTH - RIGHT}" stroke="#ddd"/>\n'
        yield f'<text x="{LEFT - 8}" y="{level}" text-anchor="end" dy="4">{figure:,}</text>\n'
    for callers in CALLERS:
        place = f'x="{across(callers):.1f}" y="{HEIGHT - BOTTOM + 20}"'
        yield f'<text {place} text-anchor="middle">{callers}</text>\n'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">callers in one process</text>\n'
    for colour, sync_ms in zip(COLOURS, SYNCS_MS, strict=True):
        figures = [
            points.point("refresh", sync_ms, 1, callers, ACCOUNTS[-1]).per_second
            for callers in CALLERS
        ]
        spots = [
            (across(callers), up(figure)) for callers, figure in zip(CALLERS, figures, strict=True)
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        yield from (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>\n' for x, y in spots
        )
        x, y = spots[-1]
        yield f'<text x="{x + 10:.1f}" y="{y:.1f}" dy="4" fill="{colour}">sync of {sync_ms:g} ms</text>\n'
    yield "</svg>\n"


def page(text: str, points: Points) -> str:
    """The page with its tables replaced: each follows a comment that names it."""
    tables = {
        "refreshes": points.refreshes(),
        "saves": points.saves(),
        "processes": points.processes(),
    }
    for name, rows in tables.items():
        head = f"<!-- {name}: benches/growth_page.py -->\n\n"
        before, found, after = text.partition(head)
        assert found, f"docs/growth.md has no place for the table {name}"
        rest = re.sub(r"\A(?:\|.*\n)*\n*", "", after)
        text = f"{before}{head}{table(rows)}\n{rest}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="changes nothing")
    check = parser.parse_args().check
    points = Points([Point(**point) for point in json.loads(DATA.read_text())])
    made = {PAGE: page(PAGE.read_text(), points), PICTURE: picture(points)}
    old = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path in old:
        if check:
            print(f"{path.relative_to(ROOT)}: is not what benches/growth_page.py makes of the data")
        else:
            path.write_text(made[path])
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
