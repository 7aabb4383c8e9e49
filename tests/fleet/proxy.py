"""A TCP proxy in front of a server: it delays bytes, loses responses, goes silent and cuts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from fleet.server import free_port

CHUNK = 65536
ORDER_SECONDS = 10.0
# Closing sends a reset, as a router does that has forgotten the connection.
RESET = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Proxy:
    """Each fault is for all connections, old and new, until `restore`."""

    def __init__(self, port_behind: int, listening: socket.socket | None = None) -> None:
        """Listens on a port of its own, unless a listening socket is given."""
        self._port_behind = port_behind
        self._listening = listening or socket.create_server(("127.0.0.1", free_port()))
        self.port: int = self._listening.getsockname()[1]
        self.accepted = 0
        self._delay = 0.0
        self._cuts = False
        self._mute_after: bytes | None = None
        self._mute = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def delay(self, seconds: float) -> None:
        """Delays bytes in each direction."""
        self._order(lambda: setattr(self, "_delay", seconds))

    def cut(self) -> None:
        """Resets all connections, and each new one."""

        def cut() -> None:
            self._cuts = True
            for writer in list(self._open):
                _reset(writer)

        self._order(cut)

    def silence(self) -> None:
        """Accepts connections and bytes, and passes nothing on."""
        self._order(self._speaks.clear)

    def lose_responses(self, to: bytes) -> None:
        """Passes the next request that contains `to`, and from then on no response."""
        self._order(lambda: setattr(self, "_mute_after", to))

    @property
    def loses_responses(self) -> bool:
        """Whether such a request has been passed on."""
        return self._mute

    def restore(self) -> None:
        """Ends all faults. Silent connections go on; lost responses stay lost."""

        def restore() -> None:
            if self._mute:
                for writer in list(self._open):
                    _reset(writer)
            self._delay, self._cuts = 0.0, False
            self._mute_after, self._mute = None, False
            self._speaks.set()

        self._order(restore)

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        self._thread.start()
        server = self._run(asyncio.start_server(self._serve, sock=self._listening))
        try:
            yield self
        finally:
            self._order(server.close)
            self.cut()
            self._run(_ended(self._loop))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _order(self, act: Callable[[], object]) -> None:
        """Runs it on the loop's thread, and returns when it has run."""

        async def run() -> None:
            act()

        self._run(run())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ORDER_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._cuts:
            _reset(writer)
            return
        self._open.add(writer)
        try:
            behind, to_server = await asyncio.open_connection("127.0.0.1", self._port_behind)
        except OSError:
            self._open.discard(writer)
            _reset(writer)
            return
        self._open.add(to_server)
        pumps = [
            asyncio.ensure_future(self._pump(reader, to_server, is_request=True)),
            asyncio.ensure_future(self._pump(behind, writer, is_request=False)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in (writer, to_server):
            self._open.discard(end)
            end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_request: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await asyncio.sleep(self._delay)
                await self._speaks.wait()
                if is_request and self._mute_after is not None and self._mute_after in chunk:
                    self._mute = True
                if self._mute and not is_request:
                    continue
                writer.write(chunk)
                await writer.drain()


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels the other tasks of a loop, and waits until they are done."""
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
