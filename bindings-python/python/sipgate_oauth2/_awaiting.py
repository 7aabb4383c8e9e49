"""Awaiting a native task, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import math
import time
import typing
import weakref

from . import _native

__all__ = ["outcome"]

_T = typing.TypeVar("_T")

# How long an event loop that is about to end is kept, and how often this is checked.
_STAY_SECONDS = 5.0
_STAY_POLL = 0.02


async def outcome(task: _native.Task[_T]) -> _T:
    """What a task ends with."""
    value, error = await _ended(task)
    if error is not None:
        try:
            raise error
        finally:
            # Its traceback holds this frame and that of the client: all of them would stay until
            # the next collection.
            del error
    return typing.cast("_T", value)


async def _ended(task: _native.Task[_T]) -> tuple[_T | None, BaseException | None]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[_T | None, BaseException | None]] = loop.create_future()
    task.then(_ended_calls(loop), future)
    try:
        return await future
    except BaseException:
        task.cancel()
        raise
    finally:
        if _native.needs_event_loop():
            _stay(loop)


_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _native.EndedCalls] = (
    weakref.WeakKeyDictionary()
)


def _ended_calls(loop: asyncio.AbstractEventLoop) -> _native.EndedCalls:
    known = _of_loops.get(loop)
    if known is None:
        try:
            known = _native.EndedCalls()
            # A loop keeps the context in which it was told to watch. Not that of the first caller.
            contextvars.Context().run(loop.add_reader, known.fileno(), known.tell)
        except NotImplementedError:
            known = _native.EndedCalls(functools.partial(_wake, weakref.ref(loop)))
        _of_loops[loop] = known
    return known


def _wake(loop_if_it_lives: weakref.ref[asyncio.AbstractEventLoop]) -> None:
    """On a thread of the library, for an event loop that watches no sockets, as on Windows."""
    loop = loop_if_it_lives()
    if loop is not None:
        # Once the loop is closed nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_ended_calls(loop).tell)


# Held here, as an event loop holds its tasks weakly.
_staying: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def _stay(loop: asyncio.AbstractEventLoop) -> None:
    """Keeps `asyncio.run` from ending the loop before a refresh that nobody waits for has stored
    its tokens in an `async` store.
    """
    if loop not in _staying:
        _staying[loop] = loop.create_task(_stay_to_the_end())


async def _stay_to_the_end() -> None:
    try:
        deadline = math.inf
        while _native.needs_event_loop() and time.monotonic() < deadline:
            try:
                await asyncio.sleep(_STAY_POLL)
            except asyncio.CancelledError:
                # The loop is about to end: it waits for its tasks.
                deadline = min(deadline, time.monotonic() + _STAY_SECONDS)
    finally:
        del _staying[asyncio.get_running_loop()]
