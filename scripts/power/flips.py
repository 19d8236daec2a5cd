"""Start from an outbox in which one bit was flipped, again and again: what can be read must reach the centre, and nothing else.

    python -m scripts.power.flips COUNT SEED

Real SQLCipher files, as a terminal leaves them whose power was cut: a database and a log that was not emptied. The centre here keeps events
by epoch and number, believes losses and gives receipts as the real one does. Prints a table; exit code 1 when anything fails.
"""

import logging
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import structlog

from contract.events import GENESIS, Loss
from contract.receipts import Receipt
from contract.sealed import digest
from edge_agent.chain.books import Books
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.disk.stores import NAME, Opened, open_outbox
from edge_agent.disk.vault import Vault
from edge_agent.link.sender import Sender
from edge_agent.sections.core import Link
from edge_agent.session import Bind, Start
from scripts.power.made import ANSWER, DEVICE, SIGNER, WINDOW, Clock, closed, new_scribe
from scripts.power.terminal import MORE_THAN_ENOUGH, SCHEMA

SESSIONS, RECEIPTED, IN_LOG = 150, 60, 20
"""How many settlements there were, how many of their events have a receipt, and how many settlements stand only in the log."""

SMALL = ("vault.key", "vault.key.spare", "epoch")
OF_LARGE = 10  # how much more often a bit of the outbox or its log is flipped than one of a small file

MOST_S = 5.0
MOST_LOST = 16  # events of one page, with room to spare
ROUNDS = 20

Key = tuple[int, int]


@dataclass(slots=True)
class Centre:
    """What it holds, by epoch and number."""

    events: dict[Key, bytes] = field(default_factory=dict)
    lost: set[Key] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def take(self, signed: bytes, losses: Losses) -> None:
        """One event."""
        event = losses.ours(signed)
        if event is None:
            self.faults.append("an event that is not signed by the device")
            return
        if self.events.setdefault((event.epoch, event.seq), signed) != signed:
            self.faults.append(f"another event {event.seq} of epoch {event.epoch}")
        if isinstance(event, Loss):
            self.lost |= {(event.of_epoch, seq) for first, last in event.lost for seq in range(first, last + 1)}

    def receipts(self) -> Iterable[Receipt]:
        """One for each epoch: as far as nothing is missing that is not lost."""
        for epoch in sorted({epoch for epoch, _ in self.events}):
            numbers = sorted(seq for each, seq in self.events if each == epoch)
            up_to = 0
            for seq in numbers:
                if any((epoch, between) not in self.lost for between in range(up_to + 1, seq)):
                    break
                up_to = seq
            head = digest(self.events[epoch, up_to]) if up_to else GENESIS
            yield Receipt(device=DEVICE, epoch=epoch, up_to=up_to, head=head, gaps=(), media_done=(), at=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Left:
    """What a terminal left on its disk when the power went, and what its centre held then."""

    folder: Path
    written: dict[Key, bytes]
    received: dict[Key, bytes]
    waiting: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one damaged outbox."""

    seconds: float
    set_aside: bool
    lost: int
    silent: int
    sessions: int
    faults: tuple[str, ...]


def leave(folder: Path) -> Left:
    """Make the files that all flips begin with."""
    clock, work = Clock(), folder / "at work"
    opened = open_outbox(work, SCHEMA, int(clock.now().timestamp()), _losses(clock))
    books, random = _books(opened, clock), Random(0)  # noqa: S311 - repeatable, no secret
    written = dict[Key, bytes]()
    for number in range(SESSIONS):
        _settle(books, clock, number, random)
        written |= {(opened.outbox.epoch, seq): signed for seq, signed in opened.outbox.events_after(len(written), 10)}
        if number == RECEIPTED:
            _receipt(opened.outbox, written, RECEIPTED)
        if number == SESSIONS - IN_LOG:
            _empty_log(opened.vault)
    left = folder / "left"
    left.mkdir()
    for name in (NAME, f"{NAME}-wal", *SMALL):
        shutil.copy(work / name, left / name)
    waiting = frozenset(entry.start.msgid for entry in Register(opened.vault).unclosed())
    opened.vault.close()
    received = {key: signed for key, signed in written.items() if key[1] <= RECEIPTED}
    return Left(left, written, received, waiting)


def flip(left: Left, folder: Path, random: Random) -> tuple[str, Outcome]:
    """Flip one bit in a copy, and see how it goes on from there."""
    shutil.copytree(left.folder, folder)
    name = random.choice((NAME, f"{NAME}-wal") * OF_LARGE + SMALL)
    content = bytearray((folder / name).read_bytes())
    bit = random.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    (folder / name).write_bytes(content)
    return name, go_on(left, folder)


def go_on(left: Left, folder: Path) -> Outcome:
    """Start from these files, deliver, and compare."""
    clock = Clock()
    clock.set_back(-86_400)
    begun = time.perf_counter()
    opened = open_outbox(folder, SCHEMA, int(clock.now().timestamp()), _losses(clock))
    seconds = time.perf_counter() - begun
    deque(opened.pictures, maxlen=0)
    found = {entry.start.msgid for entry in Register(opened.vault).unclosed()}
    _books(opened, clock).recover(clock.now())
    centre = Centre(events=dict(left.received))
    _deliver(opened.outbox, centre, clock)
    missing = left.written.keys() - {key for key, signed in centre.events.items() if left.written.get(key) == signed}
    silent = missing - centre.lost
    faults = list(centre.faults)
    if opened.outbox.backlog().events:
        faults.append(f"{opened.outbox.backlog().events} events never get a receipt")
    if found - left.waiting:
        faults.append(f"{len(found - left.waiting)} sessions are open that were closed")
    if seconds > MOST_S:
        faults.append(f"the start took {seconds:.1f} s")
    if len(missing) > MOST_LOST:
        faults.append(f"{len(missing)} events were lost")
    if silent:
        faults.append(f"{len(silent)} events were lost and not named")
    opened.vault.close()
    return Outcome(seconds, opened.set_aside is not None, len(missing), len(silent), len(left.waiting - found), tuple(faults))


def _deliver(outbox: Outbox, centre: Centre, clock: Clock) -> None:
    sender = Sender(outbox=outbox, signer=SIGNER, device=DEVICE, limits=Link(), clock=clock)
    losses = _losses(clock)
    for _ in range(ROUNDS):
        while (parcel := sender.next(media=False)) is not None:
            centre.take(parcel.payload, losses)
        for receipt in centre.receipts():
            outbox.prune(receipt)
            if receipt.epoch == outbox.epoch:
                sender.receipted(receipt.up_to, ())
        clock.set_back(-30)
        if not outbox.backlog().events:
            return


def _settle(books: Books, clock: Clock, number: int, random: Random) -> None:
    """The last few sessions are left open: the power goes."""
    start = Start(msgid=f"M{number:04}", infno="2102", psn_no="PSN", mdtrt_cert_type="03", window=WINDOW)
    books.open(start, ANSWER, clock.now())
    books.bind(
        Bind.model_validate(dict(msgid=start.msgid, setl_id=f"S{number}", mdtrt_id="M", setl_time=clock.now(), medfee_sumamt="1.00"))
    )
    if number < SESSIONS - 3:
        books.close(closed(start, clock.now()))
    random.random()


def _receipt(outbox: Outbox, written: dict[Key, bytes], up_to: int) -> None:
    head = digest(written[outbox.epoch, up_to])
    at = datetime.now(UTC)
    outbox.prune(Receipt(device=DEVICE, epoch=outbox.epoch, up_to=up_to, head=head, gaps=(), media_done=(), at=at))


def _empty_log(vault: Vault) -> None:
    with vault.transaction():
        pass
    vault.checkpoint()


def _losses(clock: Clock) -> Losses:
    return Losses(signer=SIGNER, device=DEVICE, clock=clock)


def _books(opened: Opened, clock: Clock) -> Books:
    return Books(
        vault=opened.vault,
        outbox=opened.outbox,
        register=Register(opened.vault),
        scribe=new_scribe(clock),
        media_bytes=MORE_THAN_ENOUGH,
    )


def main(count: int, seed: int) -> int:
    """Flip that many bits."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    random, outcomes = Random(seed), list[Outcome]()  # noqa: S311
    where: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        left = leave(Path(name))
        for number in range(count):
            folder = Path(name) / "damaged"
            file, outcome = flip(left, folder, random)
            shutil.rmtree(folder)
            outcomes.append(outcome)
            where[file] += 1
            for fault in outcome.faults:
                print(f"flip {number} in {file}: {fault}", file=sys.stderr)
    faulty = sum(bool(outcome.faults) for outcome in outcomes)
    print(f"seed {seed}: {count} bits flipped, {', '.join(f'{n} in {file}' for file, n in sorted(where.items()))}")
    print(f"  outboxes of {len(left.written)} events, {len(left.received)} of them receipted, {len(left.waiting)} sessions open")
    print(f"  set aside and salvaged {sum(outcome.set_aside for outcome in outcomes)}, else in order or of no effect")
    print(f"  events lost: {sum(o.lost for o in outcomes)} in all, at most {max(o.lost for o in outcomes)} by one flip")
    print(f"  lost without being named: {sum(o.silent for o in outcomes)} in {sum(bool(o.silent) for o in outcomes)} flips")
    print(f"  open sessions lost: {sum(o.sessions for o in outcomes)} in all, at most {max(o.sessions for o in outcomes)} by one flip")
    print(f"  longest start {max(outcome.seconds for outcome in outcomes):.2f} s")
    print(f"  faulty: {faulty or 'none'}")
    return int(bool(faulty))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
