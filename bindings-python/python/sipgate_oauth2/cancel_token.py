"""How a thread stops the wait of another."""

from __future__ import annotations

from . import _native


class CancelToken:
    """Cancels the calls it is passed to, from any thread, permanently."""

    __slots__ = ("_handle",)

    def __init__(self) -> None:
        self._handle = _native.CancelTokenHandle()

    def cancel(self) -> None:
        """Ends the wait of every call that has this token, now and later."""
        self._handle.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._handle.cancelled

    def __repr__(self) -> str:
        return f"CancelToken(cancelled={self.cancelled})"
