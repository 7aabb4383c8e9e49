"""`TokenSource.requests_auth()`: an `auth=` for requests, which is imported with this module and
not before.
"""

from __future__ import annotations

import functools
import typing
from collections import abc
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from ._origins import Origins
from ._retry import REFUSED, Source, another_token

__all__ = ["RequestsAuth"]


class RequestsAuth(AuthBase):
    """Adds the token of a source to requests to its origins, and sends a refused one once more."""

    def __init__(self, source: Source, origins: abc.Collection[str] | None) -> None:
        self._source = source
        self._origins = Origins.of(source._issuer, origins)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        scheme, host, port = _place(request)
        if self._origins.hold(scheme, host, port):
            token = self._source.access_token()
            _authorize(request, token)
            responded = functools.partial(self._responded, token=token, url=request.url)
            request.register_hook("response", responded)  # type: ignore[no-untyped-call]
        elif "Authorization" not in request.headers:
            self._origins.warn_of(scheme, host, port)
        return request

    def _responded(
        self, response: requests.Response, *, token: str, url: str | None, **sending: typing.Any
    ) -> requests.Response:
        """requests passes its hooks on when it follows a redirect, so this also sees responses from
        elsewhere.
        """
        request = response.request
        mine = request.url == url and request.headers.get("Authorization") == f"Bearer {token}"
        if not mine:
            return response
        again = request.copy()
        resendable = response.status_code in REFUSED and _rewound(again)
        newer = another_token(self._source, token, response.status_code, resendable=resendable)
        if newer is None:
            return response
        # Read to its end, so that its connection can be used again.
        response.content  # noqa: B018
        response.close()
        _authorize(again, newer)
        final: requests.Response = response.connection.send(again, **sending)
        final.history.append(response)
        final.request = again
        return final

    def __repr__(self) -> str:
        return f"RequestsAuth({self._source!r})"


def _authorize(request: requests.PreparedRequest, token: str) -> None:
    request.headers["Authorization"] = f"Bearer {token}"


def _place(request: requests.PreparedRequest) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(request.url or "")
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return "", None, None


def _rewound(request: requests.PreparedRequest) -> bool:
    """Whether the body can be sent a second time."""
    if request.body is None or isinstance(request.body, str | bytes):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
