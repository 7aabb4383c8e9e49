"""Runs the same work in all realms at once, because they are independent and mostly wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from keycloak.realms import REALMS

T = TypeVar("T")


@dataclass(frozen=True)
class _Made(Generic[T]):
    value: T


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None


def in_every_realm(work: Callable[[str], Iterable[T]]) -> Iterator[T]:
    """Yields the results as they are produced. Its threads do not keep the process from exiting."""
    made: queue.Queue[_Made[T] | _Ended] = queue.Queue()

    def run(realm: str) -> None:
        error = None
        try:
            for value in work(realm):
                made.put(_Made(value))
        except BaseException as problem:
            error = problem
        made.put(_Ended(error))

    for realm in REALMS:
        threading.Thread(target=run, args=(realm,), daemon=True).start()
    working = len(REALMS)
    while working:
        item = made.get()
        if isinstance(item, _Made):
            yield item.value
        elif item.error is not None:
            raise item.error
        else:
            working -= 1
