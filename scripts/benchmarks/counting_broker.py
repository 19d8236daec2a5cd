"""A broker that counts, with a centre in it: how many messages a device has on their way, and whether everything came.

    python -m scripts.benchmarks.counting_broker CENTRAL_TOML HOLD_MS

It speaks as much of MQTT 3.1.1 as one device needs, over mutual TLS with the centre's own keys, at the port that the settings name. Every
acknowledgement is held back for a while, as a long line does, so that a device fills its window. Its centre keeps numbers and hashes,
checks each link of the chain and each picture's name, and signs receipts. It stores nothing: it measures the device.
"""

import asyncio
import json
import ssl
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from central.keys import CentreKeys, read_keys
from central.settings import Settings
from contract.events import GENESIS
from contract.media import split_wire
from contract.receipts import MAX_MEDIA_DONE, Receipt
from contract.sealed import Signer, digest, from_text
from contract.topics import Down, Up, down, parse_up

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
RECEIPT_EVERY_S = 0.05  # as an ingest worker with batches of some hundred messages


@dataclass(slots=True)
class Counts:
    """What was seen. `most_unacknowledged` is the most messages of one connection that waited for an acknowledgement at once."""

    connections: int = 0
    published: int = 0
    events: int = 0
    events_again: int = 0
    pictures: int = 0
    picture_bytes: int = 0
    receipts: int = 0
    most_unacknowledged: int = 0
    faults: list[str] = field(default_factory=list)


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """One MQTT control packet."""
    length, size = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | (128 if length else 0))
        if not length:
            return bytes([kind << 4 | flags]) + bytes(size) + body


def packets(buffer: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Take every whole packet (kind, flags, body) off the front of the buffer."""
    while len(buffer) >= 2:
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(buffer):
                return
            length |= (buffer[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not buffer[at - 1] & 128:
                break
        if len(buffer) < at + length:
            return
        kind, flags, body = buffer[0] >> 4, buffer[0] & 15, bytes(buffer[at : at + length])
        del buffer[: at + length]
        yield kind, flags, body


class Ledger:
    """The centre's part: one device, one epoch at a time, nothing on a disk."""

    def __init__(self, signer: Signer, counts: Counts) -> None:
        self._signer, self._counts = signer, counts
        self.up_to = 0
        """The highest number that came, with all before it."""
        self._epoch, self._head = 1, GENESIS
        self._ahead: dict[int, tuple[str, str]] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        self._whole: set[str] = set()
        self._done: deque[str] = deque()

    def take(self, channel: Up, payload: bytes) -> None:
        """Count a message in. Signatures are not checked here: this measures the sender."""
        if channel is Up.EVENT:
            self._take_event(payload)
        elif channel is Up.MEDIA:
            self._take_part(payload)
        else:
            self._epoch = payload_of(payload)["epoch"]

    def receipts(self, device: str) -> Iterator[bytes]:
        """What may be receipted now."""
        gaps = []
        edge = self.up_to
        for seq in sorted(self._ahead):
            if seq > edge + 1:
                gaps.append((edge + 1, seq - 1))
            edge = seq
        first = True
        while first or self._done:
            done = tuple(self._done.popleft() for _ in range(min(len(self._done), MAX_MEDIA_DONE)))
            first = False
            self._counts.receipts += 1
            yield self._signer.sign(
                Receipt(
                    device=device,
                    epoch=self._epoch,
                    up_to=self.up_to,
                    head=self._head,
                    gaps=tuple(gaps[:256]),
                    media_done=done,
                    at=datetime.now(UTC),
                )
            )

    def _take_event(self, signed: bytes) -> None:
        said = payload_of(signed)
        seq = said["seq"]
        if seq <= self.up_to or seq in self._ahead:
            self._counts.events_again += 1
            return
        self._counts.events += 1
        self._ahead[seq] = (said["prev"], digest(signed))
        while self.up_to + 1 in self._ahead:
            prev, name = self._ahead.pop(self.up_to + 1)
            self.up_to += 1
            if prev != self._head:
                self._counts.faults.append(f"event {self.up_to} does not point to the one before")
            self._head = name

    def _take_part(self, payload: bytes) -> None:
        wire = split_wire(payload)
        said = payload_of(wire.header)
        name = said["media_id"]
        if name not in self._whole:
            parts = self._parts.setdefault(name, {})
            parts[said["index"]] = wire.body
            if len(parts) < said["count"]:
                return
            whole = b"".join(parts[index] for index in range(said["count"]))
            if sha256(whole).hexdigest() != name:
                self._counts.faults.append(f"picture {name[:12]} is not what its name says")
            del self._parts[name]
            self._whole.add(name)
            self._counts.pictures += 1
            self._counts.picture_bytes += len(whole)
        self._done.append(name)


def payload_of(signed: bytes) -> dict[str, Any]:
    """What a signed message says; nothing is verified."""
    found: dict[str, Any] = json.loads(from_text(signed.split(b".")[1].decode()))
    return found


class _Session(asyncio.Protocol):
    """One connection of a device."""

    def __init__(self, broker: "CountingBroker") -> None:
        self._broker, self._counts = broker, broker.counts
        self._buffer = bytearray()
        self._unacknowledged: set[int] = set()
        self._device: str | None = None
        self._receipt_due = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A device has connected."""
        self._transport = transport if isinstance(transport, asyncio.Transport) else None
        self._broker.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's signature
        """It has gone; what it waits for is forgotten."""
        self._transport = None
        self._broker.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        """Count first, acknowledge later."""
        self._buffer += data
        waiting: list[int] = []
        for kind, flags, body in packets(self._buffer):
            if kind == PUBLISH:
                waiting.append(self._published(flags, body))
            elif kind == CONNECT:
                self._counts.connections += 1
                self._send(packet(CONNACK, b"\x00\x00"))
            elif kind == SUBSCRIBE:
                self._send(packet(SUBACK, body[:2] + b"\x00"))
            elif kind == PINGREQ:
                self._send(packet(PINGRESP, b""))
            elif kind == DISCONNECT:
                self.cut()
        if waiting and self._broker.hold_s is not None:
            asyncio.get_running_loop().call_later(self._broker.hold_s, self._acknowledge, waiting)

    def cut(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _published(self, flags: int, body: bytes) -> int:
        if flags & 0b0110 != 0b0010:
            self._counts.faults.append("a message that was not sent with quality of service 1")
        size = int.from_bytes(body[:2], "big")
        topic, number = parse_up(body[2 : 2 + size].decode()), int.from_bytes(body[2 + size : 4 + size], "big")
        self._device = topic.device
        self._unacknowledged.add(number)
        self._counts.published += 1
        self._counts.most_unacknowledged = max(self._counts.most_unacknowledged, len(self._unacknowledged))
        self._broker.ledger.take(topic.channel, body[4 + size :])
        if not self._receipt_due and self._broker.hold_s is not None:
            self._receipt_due = True
            asyncio.get_running_loop().call_later(RECEIPT_EVERY_S, self._receipt)
        return number

    def _acknowledge(self, numbers: list[int]) -> None:
        self._unacknowledged.difference_update(numbers)
        self._send(b"".join(packet(PUBACK, number.to_bytes(2, "big")) for number in numbers))

    def _receipt(self) -> None:
        self._receipt_due = False
        if self._device is not None:
            topic = down(Down.RECEIPT, self._device).encode()
            head = len(topic).to_bytes(2, "big") + topic
            self._send(b"".join(packet(PUBLISH, head + signed) for signed in self._broker.ledger.receipts(self._device)))

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


class CountingBroker:
    """Serves in a thread of its own from entering to leaving. `hold_s` None never acknowledges and never receipts."""

    def __init__(self, keys: CentreKeys, port: int, *, hold_s: float | None) -> None:
        self.counts = Counts()
        self.ledger = Ledger(keys.signer, self.counts)
        self.hold_s = hold_s
        self.sessions: set[_Session] = set()
        self._port, self._tls = port, new_tls(keys)
        self._loop = asyncio.new_event_loop()
        self._up = Event()
        self._thread = Thread(target=self._serve, name="counting-broker", daemon=True)

    def cut(self) -> None:
        """End every connection without a word; devices may come again at once."""
        self._call(self._cut)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Cut everything and stop listening."""
        self.cut()
        self._call(self._loop.stop)
        self._thread.join()

    def _cut(self) -> None:
        for session in list(self.sessions):
            session.cut()

    def _call(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Session(self), "127.0.0.1", self._port, ssl=self._tls))
        self._up.set()
        self._loop.run_forever()
        server.close()


def new_tls(keys: CentreKeys) -> ssl.SSLContext:
    """The broker's end of mutual TLS, with the centre's own keys."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys.tls("ca")[0]))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*keys.tls("broker"))
    return context


def main(central_toml: str, hold_ms: str) -> None:
    """Serve until the input ends, then print what was counted as JSON."""
    settings = Settings.read(Path(central_toml))
    with CountingBroker(read_keys(settings.keys_dir), settings.broker.port, hold_s=float(hold_ms) / 1000) as broker:
        print("ready", flush=True)
        sys.stdin.read()
    print(json.dumps(asdict(broker.counts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
