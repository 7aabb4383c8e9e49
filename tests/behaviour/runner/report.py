"""The report of a run: a matrix, every failure in full, and the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from behaviour.runner.running import FAIL, UNSUPPORTED, Verdict

Verdicts = Mapping[tuple[str, str], Verdict]


def matrix(titles: Sequence[str], languages: Sequence[str], verdicts: Verdicts) -> list[str]:
    """A line per case, a column per language."""
    width = max(map(len, titles), default=0)
    columns = [max(len(language), len("unsupported")) for language in languages]
    lines = [_row("", width, languages, columns)]
    for title in titles:
        words = [
            verdicts[title, language].kind if (title, language) in verdicts else "-"
            for language in languages
        ]
        lines.append(_row(title, width, words, columns))
    return lines


def failures(titles: Sequence[str], languages: Sequence[str], verdicts: Verdicts) -> list[str]:
    lines = []
    for title in titles:
        for language in languages:
            verdict = verdicts.get((title, language))
            if verdict is not None and verdict.kind == FAIL:
                lines += [
                    "",
                    f"FAIL {language}: {title}",
                    *(f"    {problem}" for problem in verdict.problems),
                ]
    return lines


def unsupported(titles: Sequence[str], languages: Sequence[str], verdicts: Verdicts) -> list[str]:
    return [
        f"unsupported in {language}: {title}: {verdict.reason}"
        for title in titles
        for language in languages
        if (verdict := verdicts.get((title, language))) is not None and verdict.kind == UNSUPPORTED
    ]


def _row(title: str, width: int, words: Sequence[str], columns: Sequence[int]) -> str:
    cells = (word.ljust(column) for word, column in zip(words, columns, strict=True))
    return f"{title.ljust(width)}  {' '.join(cells)}".rstrip()
