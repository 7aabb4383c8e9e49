"""Calls C functions for the shim: their outputs become results, their errors exceptions."""

from __future__ import annotations

import ctypes
import json
import threading
from typing import Any

from behaviour.c.header import Header

header = Header()
c = header.functions


class Failure(Exception):
    """An error of the library, as the suite compares it."""

    def __init__(self, error: Any) -> None:
        super().__init__()
        retry_after = c["error_retry_after_ms"](error)
        self.view = {
            "code": c["error_name"](error).decode(),
            "number": c["error_status"](error),
            "family": c["error_family"](error).decode(),
            "remedy": text_of(c["error_remedy"](error)),
            "retryable": c["error_retryable"](error),
            "retry_after": None if retry_after < 0 else retry_after // 1000,
            "status": c["error_http_status"](error) or None,
            "oauth_error": text_of(c["error_oauth_error"](error)),
            "oauth_error_description": text_of(c["error_oauth_error_description"](error)),
            "oauth_error_uri": text_of(c["error_oauth_error_uri"](error)),
            "refresh_token": text_of(c["error_refresh_token"](error)),
            "message": text_of(c["error_message"](error)),
        }


def do(function: str, *arguments: Any) -> None:
    """Calls a function that can fail and writes nothing else."""
    error = ctypes.POINTER(header.types["error"])()
    given = [argument.encode() if isinstance(argument, str) else argument for argument in arguments]
    if c[function](*given, ctypes.byref(error)):
        failure = Failure(error)
        c["error_free"](error)
        raise failure


def done(function: str, *arguments: Any) -> dict[str, Any]:
    do(function, *arguments)
    return {}


def make(function: str, *arguments: Any) -> Any:
    """The output of a function that can fail."""
    made = c[function].argtypes[-2]._type_()
    do(function, *arguments, ctypes.byref(made))
    return made


def text_of(text: Any) -> str | None:
    return None if text.data is None else ctypes.string_at(text.data, text.len).decode()


def secret(function: str, *arguments: Any) -> str | None:
    """The secret that a function returns; None if it returns NULL."""
    made = make(function, *arguments)
    try:
        return text_of(c["secret_text"](made))
    finally:
        c["secret_free"](made)


def parsed(function: str, *arguments: Any) -> Any:
    """The value of the JSON that a function returns."""
    made = make(function, *arguments)
    try:
        return json.loads(text_of(c["json_text"](made)) or "")
    finally:
        c["json_free"](made)


def found_in(function: str, *arguments: Any) -> list[str | None]:
    """The findings that a function returns."""
    made = make(function, *arguments)
    try:
        count = c["store_findings_count"](made)
        return [text_of(c["store_findings_at"](made, index)) for index in range(count)]
    finally:
        c["store_findings_free"](made)


def number_of(number: int) -> int | None:
    return None if number == -1 else number


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


class Handles:
    """Handles by name. Keeping a handle frees the previous one of that name."""

    def __init__(self) -> None:
        self._handles: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def find(self, kind: str, name: str | None) -> Any:
        """NULL if there is none."""
        with self._lock:
            return self._handles.get((kind, name or ""))

    def keep(self, kind: str, name: str, handle: Any) -> None:
        with self._lock:
            former = self._handles.pop((kind, name), None)
            self._handles[kind, name] = handle
        if former is not None:
            c[f"{kind}_free"](former)

    def cancel_token(self, name: str) -> Any:
        with self._lock:
            if ("cancel_token", name) not in self._handles:
                self._handles["cancel_token", name] = c["cancel_token_new"]()
            return self._handles["cancel_token", name]
