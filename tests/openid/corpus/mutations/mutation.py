"""One change of a good token, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openid.corpus.draft import Draft

Change = Callable[[Draft], None]


@dataclass(frozen=True)
class Mutation:
    """`group` is what the table of rules speaks of, `what` says which of the group it is."""

    group: str
    what: str
    change: Change


class Mutations:
    """Collects the mutations of a module."""

    def __init__(self) -> None:
        self.made: list[Mutation] = []

    def add(self, group: str, what: str, change: Change) -> None:
        self.made.append(Mutation(group, what, change))

    def named(self, group: str, what: str) -> Callable[[Change], Change]:
        def decorator(change: Change) -> Change:
            self.add(group, what, change)
            return change

        return decorator
