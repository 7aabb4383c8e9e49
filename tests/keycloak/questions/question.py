from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keycloak.asker import Asker
from keycloak.normalise import Fields

Ask = Callable[[Asker], Fields]


@dataclass(frozen=True)
class Question:
    """Named by its function: the name is the case, the fields are the response."""

    name: str
    ask: Ask


class Questions(list[Question]):
    """Collects the functions of one file: `@QUESTIONS.add`."""

    def add(self, ask: Ask) -> Ask:
        self.append(Question(ask.__name__.replace("_", " "), ask))
        return ask
