"""Logins in the database of your Django project.

    client = Client.from_env(store=Store(DjangoStore()))

The functions run on threads of the library, each with its own connection in autocommit: never in
the transaction of a request, also with `ATOMIC_REQUESTS`. In PostgreSQL, `synchronous_commit` must
be on for the role, as it is by default. Once expired, entries may be deleted:
`Login.objects.filter(expires_at__lt=time.time()).delete()`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, close_old_connections, models

P = ParamSpec("P")
R = TypeVar("R")


class Login(models.Model):
    key = models.CharField(max_length=64, primary_key=True)
    version = models.CharField(max_length=22)
    data = models.BinaryField()
    expires_at = models.BigIntegerField(null=True)

    class Meta:
        app_label = "logins"
        db_table = "logins"


def like_a_request(function: Callable[P, R]) -> Callable[P, R]:
    """Django does this around requests only: it drops connections that are broken or too old."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return wrapped


class DjangoStore:
    def __init__(self, using: str = "default") -> None:
        """`using` is the name of the database in the settings."""
        self._logins = Login.objects.using(using)

    @like_a_request
    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        return self._logins.filter(key=key).values_list("version", "data", "expires_at").first()

    @like_a_request
    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        values = {"version": version, "data": data, "expires_at": expires_at}
        if expected is not None:
            return self._logins.filter(key=key, version=expected).update(**values) == 1
        try:
            self._logins.create(key=key, **values)
        except IntegrityError:
            return False
        return True

    @like_a_request
    def keys(self, after: str | None, limit: int) -> list[str]:
        following = self._logins.filter(key__gt=after or "").order_by("key")
        return list(following.values_list("key", flat=True)[:limit])
