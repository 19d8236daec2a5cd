"""How soon a terminal publishes again after its line failed: its own outbox and link, a line that can be cut, a real Mosquitto."""

import random
import ssl
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from central.keys import CentreKeys
from contract.topics import Down, down, ingest_filters, parse_up
from edge_agent.session import Void
from scripts.benchmarks.counting_broker import Counts, Ledger
from scripts.benchmarks.cutter import Cutter, Fault
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure
from scripts.benchmarks.sending import SITE, WINDOW, SendingHalf, sending_half
from scripts.stack import NotReady, Stack, free_port, wait_until

BACK_S, GIVE_UP_S = 5.0, 60.0
WRITE_EVERY_S = 0.05
FAILED_S = (0.3, 9.0)  # how long the line stays failed
SLOW_BYTES_S, SLOW_S = 8_000.0, 20.0


def measure(folder: Path, cuts: int, seed: int, progress: Callable[[str], None]) -> list[Figure]:
    """So many failures of each kind. Raises CannotMeasure when a terminal does not come back, or an event comes wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)  # noqa: S311 - to be repeated, no secret
    with TemporaryDirectory(dir=folder) as place, _line(Path(place)) as (cutter, half, centre):
        figures = [_back(fault, cutter, half, centre, cuts, dice, progress) for fault in (Fault.CUT, Fault.HOLE, Fault.HALF_OPEN)]
    if centre.counts.faults:
        raise CannotMeasure(f"events came wrong: {centre.counts.faults[:3]}")
    with TemporaryDirectory(dir=folder) as place:
        figures.append(_slow(Path(place)))
    return figures


def _back(
    fault: Fault, cutter: Cutter, half: SendingHalf, centre: "Listener", cuts: int, dice: random.Random, progress: Callable[[str], None]
) -> Figure:
    taken: list[float] = []
    for number in range(cuts):
        cutter.set(fault)
        if fault is not Fault.HALF_OPEN:
            time.sleep(dice.uniform(*FAILED_S))
            cutter.set(Fault.NONE)
        taken.append(_until_published(half, centre))
        time.sleep(dice.uniform(0.2, 1.0))
        progress(f"{fault} {number + 1}/{cuts}: {taken[-1]:.2f} s, longest {max(taken):.2f} s")
    since = "the connection died" if fault is Fault.HALF_OPEN else f"the line was back after {FAILED_S[0]:g} to {FAILED_S[1]:g} s"
    return Figure(
        name=f"publishing again, {fault}",
        value=max(taken),
        unit="s, longest",
        n=cuts,
        goal="R5",
        spread={"median": statistics.median(taken), "min": min(taken)},
        at_most=BACK_S,
        note=f"from when {since} until the centre has an event that was written after that",
    )


def _until_published(half: SendingHalf, centre: "Listener") -> float:
    begun, written = time.perf_counter(), half.outbox.backlog().last_seq
    try:
        wait_until("an event after the failure", lambda: centre.newest > written, GIVE_UP_S)
    except NotReady as error:
        raise CannotMeasure(f"{error}: {half.outbox.backlog()}") from None
    return time.perf_counter() - begun


def _slow(place: Path) -> Figure:
    """A slow line must not be taken for a dead one."""
    with _line(place, bytes_per_s=SLOW_BYTES_S) as (cutter, _, centre):
        before, seen = cutter.taken, centre.newest
        time.sleep(SLOW_S)
        lost, come = cutter.taken - before, centre.newest - seen
    if not come:
        raise CannotMeasure("nothing came over the slow line")
    note = f"{SLOW_S:.0f} s at {SLOW_BYTES_S:.0f} bytes/s; {come} events came"
    return Figure(name="connections given up on a slow line", value=lost, unit="", n=1, goal="R5", at_most=0, note=note)


@contextmanager
def _line(place: Path, bytes_per_s: float | None = None) -> Iterator[tuple[Cutter, SendingHalf, "Listener"]]:
    """Mosquitto, the line, a terminal that writes events all the time, and a centre that receipts them."""
    stack, port, stop = Stack(place / "stack", SITE, {WINDOW: "none.mkv"}, mosquitto=True), free_port(), Event()
    centre = Listener(stack.centre.keys, f"{SITE.fixmedins_code}-t1", stack.broker_port)
    stack.broker.start()
    try:
        stack.wait_for_broker()
        centre.start()
        with Cutter(stack.broker_port, port, bytes_per_s=bytes_per_s) as cutter, sending_half(stack, broker_port=port) as half:
            writer = Thread(target=_write, args=(half, stop), name="writer", daemon=True)
            writer.start()
            half.connect()
            wait_until("the first event", lambda: centre.newest > 0)
            yield cutter, half, centre
            stop.set()
            writer.join()
    except NotReady as error:
        raise CannotMeasure(str(error)) from None
    finally:
        stop.set()
        centre.stop()
        stack.stop_broker()


def _write(half: SendingHalf, stop: Event) -> None:
    while not stop.wait(WRITE_EVERY_S):
        half.outbox.append(lambda place: half.scribe.void(Void(setl_id=f"S{place.seq}"), None, place))


class Listener:
    """The centre at the broker: keeps the ledger of a counting broker and receipts everything at once."""

    def __init__(self, keys: CentreKeys, device: str, port: int) -> None:
        self.counts = Counts()
        self._ledger = Ledger(keys.signer, self.counts)
        self._device, self._topic, self._port = device, down(Down.RECEIPT, device), port
        context = ssl.create_default_context(cafile=str(keys.tls("ca")[0]))
        context.load_cert_chain(*keys.tls("central"))
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=keys.private_name("listener"), protocol=mqtt.MQTTv311)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in ingest_filters()])
        self._client.on_message = self._take

    @property
    def newest(self) -> int:
        """The highest number that came, with all before it."""
        return self._ledger.up_to

    def start(self) -> None:
        """Connect and listen."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: mqtt.Client, _data: Any, message: Any) -> None:
        try:
            self._ledger.take(parse_up(message.topic).channel, message.payload)
            for signed in self._ledger.receipts(self._device):
                client.publish(self._topic, signed, qos=0)
        except (ValueError, KeyError) as error:  # an exception here would end the client's thread
            self.counts.faults.append(repr(error))
