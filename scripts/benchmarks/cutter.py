"""A line that can be cut: a TCP proxy on loopback between a terminal and its broker, which does on command what bad lines do."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

PACKET = 1460


class Fault(StrEnum):
    """What the line does. `NONE` ends every other."""

    NONE = "none"
    CUT = "cut"
    """Every connection is reset and none is taken."""
    HOLE = "hole"
    """What is sent disappears; connections are still taken, never answered, and stay dead when the line is back."""
    HALF_OPEN = "half-open"
    """The connections of this moment are dead from now on and nobody is told; new ones work at once."""


class Cutter:
    """Serves in a thread of its own from entering to leaving."""

    def __init__(self, target_port: int, port: int, *, bytes_per_s: float | None = None) -> None:
        """Hand on to `target_port` whatever comes to `port`, at that rate in each direction."""
        self._target_port, self._port = target_port, port
        self._bytes_per_s = bytes_per_s
        self.taken = 0
        self._fault = Fault.NONE
        self._dead: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._taking: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._up = Event()
        self._thread = Thread(target=self._serve, name="cutter", daemon=True)

    def set(self, fault: Fault) -> None:
        """Let the line be so from now on; it is when this returns."""
        self._run(self._set(fault))

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Cut everything and stop."""
        self.set(Fault.CUT)
        self._run(self._let_end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.call_soon(self._up.set)
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self._port)

    async def _set(self, fault: Fault) -> None:
        self._fault = fault
        if fault is Fault.CUT:
            if self._server is not None:
                self._server.close()
                self._server = None
            for end in list(self._ends):
                end.transport.abort()
        elif fault in (Fault.HOLE, Fault.HALF_OPEN):
            self._dead |= self._ends
        elif self._server is None:
            await self._listen()

    async def _let_end(self) -> None:
        if self._taking:
            await asyncio.wait(self._taking, timeout=2)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the terminal, with its own to the broker."""
        self.taken += 1
        self._ends.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        if self._fault is Fault.HOLE:
            self._dead.add(writer)
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._ends.add(far)
        if writer in self._dead:
            self._dead.add(far)
        await asyncio.gather(self._pump(reader, far), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(PACKET):
                if self._bytes_per_s:
                    await asyncio.sleep(len(data) / self._bytes_per_s)
                if writer not in self._dead:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            self._ends.discard(writer)
            if writer in self._dead:
                self._dead.discard(writer)
            writer.transport.abort()
