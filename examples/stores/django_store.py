"""A custom store: logins in a model of your Django project.

    client = Client.sipgate(…, store=Store(DjangoStore()))

Put `Login` into the `models.py` of an app, and make its migration. The functions run on threads of
the library, each with its own connection in autocommit: never in the transaction of a request. In
PostgreSQL, `synchronous_commit` must be on for the role, as it is by default. Once expired, entries
may be deleted: `Login.objects.filter(expires_at__lt=time.time()).delete()`.
"""

from __future__ import annotations

from django.db import IntegrityError, close_old_connections, models


class Login(models.Model):
    key = models.CharField(max_length=64, primary_key=True)
    version = models.CharField(max_length=22)
    data = models.BinaryField()
    expires_at = models.BigIntegerField(null=True)

    class Meta:
        app_label = "logins"
        db_table = "logins"


class DjangoStore:
    def __init__(self, using: str = "default") -> None:
        """`using` is the name of the database in the settings."""
        self._using = using

    @property
    def _logins(self) -> models.QuerySet[Login]:
        # Django does this between requests only: it drops a connection that is broken or too old.
        close_old_connections()
        return Login.objects.using(self._using)

    def load(self, key: str) -> tuple[str, bytes, int | None] | None:
        return self._logins.filter(key=key).values_list("version", "data", "expires_at").first()

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

    def keys(self, after: str | None, limit: int) -> list[str]:
        following = self._logins.filter(key__gt=after or "").order_by("key")
        return list(following.values_list("key", flat=True)[:limit])
