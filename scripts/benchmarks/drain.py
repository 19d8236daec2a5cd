"""A backlog going out: the product's outbox, sender and link against a broker that counts, over TLS on this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contract.events import Closing, Outcome
from contract.sealed import embedding_purpose, seal, to_text
from edge_agent.chain.capture import Closed, Enclosed
from edge_agent.chain.outbox import Place
from edge_agent.decide import Decision
from edge_agent.session import Bind, Start
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure
from scripts.benchmarks.sending import SITE, WINDOW, SendingHalf, sending_half
from scripts.stack import ROOT, NotReady, Stack, wait_until

HOLD_MS = 5  # each acknowledgement waits so long, as on a short line; at 64 under way that allows 12,800 a second
DRAIN_S, GIVE_UP_S = 60.0, 600.0
AT_ONCE = 1000  # events written in one transaction while the backlog is made, which is not measured
EMBEDDING_BYTES = 512  # of a fused vector of 128 numbers


def measure(folder: Path, events: int) -> list[Figure]:
    """Write a backlog of signed events to an encrypted outbox, then let it drain. Raises CannotMeasure when it does not."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        stack = Stack(Path(place) / "stack", SITE, {WINDOW: "none.mkv"})
        with sending_half(stack) as half:
            write(half, events)
            stored = sum(path.stat().st_size for path in half.data.iterdir())
            with counting_broker(stack) as counted:
                before = time.process_time()
                taken = drained(half)
                cpu_s = time.process_time() - before
            found = counted()
    if found["faults"] or found["events"] != events:
        raise CannotMeasure(f"the backlog came wrong: {found}")
    window, note = half.settings.link.send_window, f"{HOLD_MS} ms held back at the broker; {stored / 2**20:.0f} MiB on the disk before"
    return [
        Figure(
            name=f"backlog of {events} events drained",
            value=taken,
            unit="s",
            n=events,
            goal="P6",
            spread={"events/s": events / taken, "CPU s of the agent's side": cpu_s, "sent again": found["events_again"]},
            at_most=DRAIN_S * events / 100_000,
            note=f"from connecting until the outbox is empty, signed captures and bindings in turn; {note}",
        ),
        Figure(
            name="most messages un-acknowledged",
            value=found["most_unacknowledged"],
            unit="messages",
            n=found["published"],
            goal="P6",
            at_most=window,
            note=f"counted at the broker; the window is {window}",
        ),
    ]


def drained(half: SendingHalf, still: Callable[[], bool] = lambda: False) -> float:
    """Connect and wait until no event waits for a receipt, and `still` no longer holds; seconds. Raises CannotMeasure."""
    begun = time.perf_counter()
    half.connect()
    try:
        wait_until("an empty outbox", lambda: half.outbox.backlog().events == 0 and not still(), GIVE_UP_S)
    except NotReady as error:
        raise CannotMeasure(f"{error}; {half.outbox.backlog()}") from None
    return time.perf_counter() - begun


@contextmanager
def counting_broker(stack: Stack, hold_ms: int = HOLD_MS) -> Iterator[Callable[[], dict[str, Any]]]:
    """A counting broker in a process of its own; what it counted is known after the block."""
    command = [sys.executable, "-m", "scripts.benchmarks.counting_broker", str(stack.folder / "central.toml"), str(hold_ms)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if process.stdin is None or process.stdout is None or process.stdout.readline().strip() != "ready":
        raise CannotMeasure("the counting broker did not start")
    output: list[str] = []
    try:
        yield lambda: json.loads(output[0])
    finally:
        output.append(process.communicate()[0])


def write(half: SendingHalf, events: int) -> None:
    """Fill the outbox with captures and bindings in turn, of the size that they have at a window."""
    begun = datetime.now(UTC) - timedelta(days=30)
    embedding = to_text(seal(bytes(EMBEDDING_BYTES), half.seal_to, embedding_purpose(half.settings.device_id, "M")))
    written = 0
    while written < events:
        with half.vault.transaction():
            for number in range(written, min(written + AT_ONCE, events)):
                half.outbox.append(_event(half, number, begun + timedelta(seconds=number), embedding))
        written += AT_ONCE


def _event(half: SendingHalf, number: int, at: datetime, embedding: str) -> Callable[[Place], bytes]:
    msgid, settlement = f"M{number // 2:08}", f"S{number // 2:08}"
    if number % 2:
        bind = Bind(msgid=msgid, setl_id=settlement, mdtrt_id=settlement, setl_time=at, medfee_sumamt=Decimal("38.50"))
        return lambda place: half.scribe.binding(bind, place)
    closed = Closed(
        start=Start(msgid=msgid, infno="2102", psn_no=f"PSN-{number}", mdtrt_cert_type="03", window=WINDOW),
        opened_at=at,
        closed_at=at + timedelta(seconds=20),
        closing=Closing.BOUND,
        decision=Decision(outcome=Outcome.UNDECIDED, reasons=("too_few_good_frames",)),
        judgement=None,
        scene=None,
    )
    return lambda place: half.scribe.capture(closed, Enclosed(embedding=embedding), place)
