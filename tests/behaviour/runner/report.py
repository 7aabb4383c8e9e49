"""The report of a run: a matrix, every failure in full, and the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from behaviour.runner.running import FAIL, OK, UNSUPPORTED, Verdict

Verdicts = Mapping[tuple[str, str], Verdict]


def shown(
    languages: Sequence[str], verdicts: Verdicts, not_started: Mapping[str, str], every: bool
) -> tuple[int, int]:
    """Prints it, with `every` case in its matrix or with those that have not passed.

    Returns how many passed, and how many failed.
    """
    titles = list(dict.fromkeys(title for title, _ in verdicts))
    in_matrix = [title for title in titles if every or not _passed(title, languages, verdicts)]
    lines = [*matrix(in_matrix, languages, verdicts), *failures(titles, languages, verdicts), ""]
    lines += unsupported(titles, languages, verdicts)
    lines += [
        f"{language} could not be started: {problem}" for language, problem in not_started.items()
    ]
    print(*lines, sep="\n")
    words = [verdict.kind for verdict in verdicts.values()]
    return words.count(OK), words.count(FAIL) + len(not_started)


def _passed(title: str, languages: Sequence[str], verdicts: Verdicts) -> bool:
    found = [verdicts[title, language] for language in languages if (title, language) in verdicts]
    return all(verdict.kind == OK for verdict in found)


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
