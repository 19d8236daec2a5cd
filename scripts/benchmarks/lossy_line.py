"""A line that loses chosen events although it acknowledges them, as a broker does that was killed: between a terminal and its broker.

It ends the terminal's TLS with the broker's own certificate and goes on to the broker with the terminal's, so that it sees the packets.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from central.keys import CentreKeys
from contract.topics import Up, parse_up
from scripts.benchmarks.counting_broker import PUBACK, PUBLISH, new_tls, packet, packets, payload_of

CHUNK = 64 * 1024


class LossyLine:
    """Serves in a thread of its own from entering to leaving. `loses` is asked for each event in its order, by its number in the chain."""

    def __init__(self, keys: CentreKeys, terminal: Path, target_port: int, port: int, loses: Callable[[int], bool]) -> None:
        self.lost: dict[int, float] = {}
        """When the first copy of each lost event was lost, by its number, on the monotonic clock."""
        self._target_port, self._port, self._loses = target_port, port, loses
        self._near, self._far = new_tls(keys), ssl.create_default_context(cafile=terminal / "ca.crt")
        self._far.load_cert_chain(terminal / "tls.crt", terminal / "tls.key")
        self._taking: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._up = Event()
        self._thread = Thread(target=self._serve, name="lossy-line", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Cut every connection and stop."""
        asyncio.run_coroutine_threadsafe(self._let_end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._take, "127.0.0.1", self._port, ssl=self._near))
        self._loop.call_soon(self._up.set)
        self._loop.run_forever()

    async def _let_end(self) -> None:
        for task in self._taking:
            task.cancel()
        if self._taking:
            await asyncio.wait(self._taking, timeout=5)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target_port, ssl=self._far)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self._upward(reader, far, writer), self._downward(far_reader, writer))

    async def _upward(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, near: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        try:
            while data := await reader.read(CHUNK):
                buffer += data
                for kind, flags, body in packets(buffer):
                    if kind == PUBLISH and (number := self._lost_number(body)) is not None:
                        near.write(packet(PUBACK, number))
                    else:
                        far.write(packet(kind, body, flags))
                await far.drain()
        except OSError:
            pass
        finally:
            far.transport.abort()

    async def _downward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def _lost_number(self, body: bytes) -> bytes | None:
        """The message's number in MQTT if this event is to be lost."""
        end = 2 + int.from_bytes(body[:2], "big")
        if parse_up(body[2:end].decode()).channel is not Up.EVENT:
            return None
        seq = payload_of(body[end + 2 :])["seq"]
        if not self._loses(seq):
            return None
        self.lost.setdefault(seq, time.monotonic())
        return body[end : end + 2]
