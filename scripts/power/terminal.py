"""A terminal whose power may go at any moment, and what must be true of its disk when it comes back.

The ledger holds what was acknowledged: to the till by an answer that returned, to the centre by an event that was sent, to the device by a
receipt. What was under way when the power went may be there as a whole or not at all.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from contract.events import GENESIS, Binding, Capture, Loss, Thinning, Void
from contract.media import media_id
from contract.receipts import Receipt
from contract.sealed import digest
from edge_agent.chain import outbox, register
from edge_agent.chain.books import Books
from edge_agent.chain.losses import Losses
from edge_agent.chain.register import Register
from edge_agent.disk import wal
from edge_agent.disk.stores import NAME, TORN, Opened, open_outbox
from edge_agent.session import Bind, Start
from edge_agent.session import Void as TillVoid
from scripts.power.disk import StrictDisk
from scripts.power.ledger import SKIP, Ledger, Step, Violation, captured, demand, skipped, stages
from scripts.power.made import ANSWER, DEVICE, SIGNER, WINDOW, Clock, closed, new_scribe
from scripts.power.store import StrictStore

FOLDER = Path("/var/lib/agent")
SCHEMA = outbox.SCHEMA + register.SCHEMA
MORE_THAN_ENOUGH = 2**30
INVERTED = bytes(range(255, -1, -1))
LOG = f"{NAME}-wal"
HOLE = wal.HEADER + 500
OF_A_PAGE = 16  # rows of events, sessions or small pictures that stand on one page, with room to spare

Key = tuple[int, int]
"""Epoch and number of an event."""


@dataclass(slots=True)
class Seen:
    """What the disk holds, beside the ledger that it amounts to."""

    ledger: Ledger
    signed: dict[int, bytes]


class Terminal:
    """One device through many power cuts, and the centre that it talks to."""

    def __init__(self, random: Random) -> None:
        self.random, self.clock, self.disk = random, Clock(), StrictDisk()
        self.store = StrictStore(self.disk, random.choice((1, 4, 1000)))
        self.ledger, self.signed, self.sent = Ledger(), dict[int, bytes](), dict[int, bytes]()
        self.key, self.cuts, self.torn = b"", 0, 0
        self.damaged, self.readable, self.apart = False, True, dict[Key, bytes]()
        self.opened: Opened | None = None
        self._losses = Losses(signer=SIGNER, device=DEVICE, clock=self.clock)
        self._under_way: Sequence[Step] = ()
        self._again: int | None = None
        self._scribe = new_scribe(self.clock)

    def start(self) -> None:
        """Power on, as often as it takes, and hold the disk against the ledger."""
        while self.opened is None:
            self._run(self._open)
        recover = sorted(name for name, (_, closed) in self.ledger.sessions.items() if not closed)
        self.act(lambda: self.books.recover(self.clock.now()), [captured(name, ()) for name in recover])

    def act(self, call: Callable[[], object], steps: Sequence[Step]) -> None:
        """Do something that has these effects, one after the other; without power it is started again and compared."""
        self._under_way = steps
        if self._run(call):
            for step in steps:
                step(self.ledger)
            self._under_way = ()
            self._compare([self.ledger])
        else:
            self.start()

    def fail_power_in(self, calls: int, again: int | None = None) -> None:
        """Let the power go in the middle of what comes next, and in the start behind it once more."""
        self.disk.cut_after(calls)
        self._again = again

    def fail_power(self) -> None:
        """Now, between two actions."""
        self._lose_power()
        self.start()

    def end(self) -> None:
        """For good; nothing is left open."""
        self._lose_power()

    def restart(self) -> None:
        """An orderly end and a new start."""
        if self._run(self._close):
            self.opened = None
        self.start()

    def damage(self, calls: int | None, *, hole: bool) -> None:
        """Between two actions the power goes, and the outbox cannot be read any more, or only its log has a hole before what was committed
        last; the next start may fail after some calls.
        """
        self._lose_power()
        if not (hole and self._spoil_log()):
            for part in (NAME, LOG):
                self._change(part, lambda content: content.translate(INVERTED))
            self.readable = False
        self.damaged = True
        self.disk.cut_after(calls)
        self.start()

    def _spoil_log(self) -> bool:
        """Change the log's first frame, if that hides a later transaction."""
        if FOLDER / LOG not in self.disk.names:
            return False
        content = bytes(self.disk.find(FOLDER / LOG).content)
        spoilt = content[:HOLE] + content[HOLE : HOLE + 1].translate(INVERTED) + content[HOLE + 1 :]
        if not wal.read(spoilt).damaged:
            return False
        self._change(LOG, lambda _: spoilt)
        return True

    def _change(self, part: str, change: Callable[[bytes], bytes]) -> None:
        if FOLDER / part in self.disk.names:
            file = self.disk.find(FOLDER / part)
            file.durable = change(file.durable)
            file.content = bytearray(file.durable)

    def open_session(self, msgid: str) -> None:
        """The till starts a session."""
        start = Start(msgid=msgid, infno="2102", psn_no="PSN", mdtrt_cert_type="03", window=WINDOW)

        def effect(ledger: Ledger) -> None:
            ledger.sessions[msgid] = (None, False)

        self.act(lambda: self.books.open(start, ANSWER, self.clock.now()), [effect])

    def bind(self, msgid: str, setl_id: str) -> None:
        """The till binds a settlement."""
        bind = Bind(msgid=msgid, setl_id=setl_id, mdtrt_id="M", setl_time=self.clock.now(), medfee_sumamt="1.00")

        def effect(ledger: Ledger) -> None:
            ledger.sessions[msgid] = (setl_id, ledger.sessions[msgid][1])
            ledger.events.append(("binding", setl_id))

        self.act(lambda: self.books.bind(bind), [effect])

    def void(self, setl_id: str) -> None:
        """The till reverses a settlement."""

        def effect(ledger: Ledger) -> None:
            if setl_id not in ledger.voids:
                ledger.voids.add(setl_id)
                ledger.events.append(("void", setl_id))

        self.act(lambda: self.books.void(TillVoid(setl_id=setl_id), self.clock.now()), [effect])

    def close_session(self, msgid: str, sizes: Sequence[int]) -> None:
        """The session ends in a capture with pictures of these sizes."""
        now = self.clock.now()
        start = Start(msgid=msgid, infno="2102", psn_no="PSN", mdtrt_cert_type="03", window=WINDOW)
        capture = closed(start, now)
        self._scribe.pictures = tuple(self.random.randbytes(size) for size in sizes)
        names = [media_id(each) for each in self._scribe.pictures]
        self.act(lambda: self.books.close(capture), [captured(msgid, names)])
        self._scribe.pictures = ()

    def remark(self, name: str) -> None:
        """An event that nothing else is written with."""

        def effect(ledger: Ledger) -> None:
            ledger.events.append(("thinning", name))

        self.act(lambda: self.outbox.append(lambda place: self._scribe.thinning((name,), "disk_full", place)), [effect])

    def connect(self) -> None:
        """A connection to the broker: its number was never used before."""
        numbers: list[int] = []

        def effect(ledger: Ledger) -> None:
            ledger.connection += 1

        self.act(lambda: numbers.append(self.outbox.next_connection()), [effect])
        if numbers:
            demand(numbers == [self.ledger.connection], f"connection {numbers} after {self.ledger.connection - 1}")

    def send(self) -> None:
        """The centre gets what waits."""
        for seq, signed in self.outbox.events_after(self.ledger.receipted, 1000):
            demand(self.sent.setdefault(seq, signed) == signed, f"event {seq} was sent with other bytes before")

    def receipt(self, share: float, media_share: float) -> None:
        """The centre's word on a part of what was sent."""
        sent = max(self.sent, default=0)
        up_to = self.ledger.receipted + round(share * (sent - self.ledger.receipted))
        up_to = max((seq for seq in self.sent if seq <= up_to), default=0)
        done = tuple(sorted(self.ledger.media))[: round(media_share * len(self.ledger.media))]
        head = digest(self.sent[up_to]) if up_to else GENESIS
        word = Receipt(device=DEVICE, epoch=self.ledger.epoch, up_to=up_to, head=head, gaps=(), media_done=done, at=self.clock.now())

        def effect(ledger: Ledger) -> None:
            ledger.receipted = max(ledger.receipted, up_to)
            ledger.media -= set(done)

        self.act(lambda: self.outbox.prune(word), [effect])

    @property
    def outbox(self) -> outbox.Outbox:
        """Of the running program."""
        assert self.opened is not None  # noqa: S101 - only asked while it runs
        return self.opened.outbox

    @property
    def books(self) -> Books:
        """Of the running program."""
        assert self.opened is not None  # noqa: S101
        return Books(
            vault=self.opened.vault,
            outbox=self.opened.outbox,
            register=Register(self.opened.vault),
            scribe=self._scribe,
            media_bytes=MORE_THAN_ENOUGH,
        )

    def _run(self, call: Callable[[], object]) -> bool:
        """Whether the power held."""
        try:
            call()
        except Exception:
            if not self.disk.off:
                raise
        if self.disk.off:
            self._lose_power()
            return False
        return True

    def _lose_power(self) -> None:
        self.disk.off = True
        self.store.forget()
        self.opened, self._scribe.pictures = None, ()
        self.cuts += 1
        self.disk.cut(self.random)
        self.disk.cut_after(self._again)
        self._again = None

    def _close(self) -> None:
        if self.opened is not None:
            self.opened.vault.close()

    def _open(self) -> None:
        self.torn += self._is_torn()
        opened = open_outbox(FOLDER, SCHEMA, int(self.clock.now().timestamp()), self._losses, self.store)
        deque(opened.pictures, maxlen=0)
        demand(self.key in (b"", opened.key), "the key of the stores is another one")
        self.opened, self.key = opened, opened.key
        if self.damaged or not self.ledger.epoch:
            self._begin_epoch(opened)
        demand(opened.set_aside is None or self.damaged, "a store was damaged by loss of power alone")
        expected = stages(self.ledger, self._under_way)
        self._compare([skipped(stage, times) for stage in expected for times in range(self.torn > 0 and not self.damaged, self.torn + 1)])
        self._under_way, self.damaged, self.readable, self.torn = (), False, True, 0

    def _skips(self, event: object, epoch: int) -> set[int]:
        """The numbers of this epoch that the event says are lost."""
        lost = event.lost if isinstance(event, Loss) and event.of_epoch == epoch else ()
        return {seq for first, last in lost for seq in range(first, last + 1)}

    def _is_torn(self) -> bool:
        """Whether the end of the log may have been committed once, as far as anybody can tell from the disk."""
        names = self.disk.names
        return FOLDER / TORN in names or (FOLDER / LOG in names and wal.read(bytes(self.disk.find(FOLDER / LOG).content)).torn)

    def _begin_epoch(self, opened: Opened) -> None:
        demand(opened.outbox.epoch > self.ledger.epoch, f"epoch {opened.outbox.epoch} follows {self.ledger.epoch}")
        before, self.ledger = self.ledger, Ledger(epoch=opened.outbox.epoch)
        waiting = self.apart | {(before.epoch, seq): signed for seq, signed in self.signed.items() if seq > before.receipted}
        self.signed, self.sent, self.apart, self._under_way = {}, {}, {}, ()
        if before.epoch:
            self.ledger = self._look().ledger
            self.apart = self._saved(before, waiting)

    def _saved(self, before: Ledger, waiting: Mapping[Key, bytes]) -> dict[Key, bytes]:
        """The salvaged events. What is neither among them nor named was lost in silence; little is lost where pages can be read."""
        assert self.opened is not None  # noqa: S101
        with self.opened.vault.transaction() as db:
            saved = {(row[0], row[1]): row[2] for row in db.execute("SELECT epoch, seq, signed FROM salvaged")}
            told = [self._losses.ours(row[0]) for row in db.execute("SELECT signed FROM events")]
        lost = {(event.of_epoch, seq) for event in told if isinstance(event, Loss) for seq in self._skips(event, event.of_epoch)}
        demand(any(isinstance(event, Loss) and event.of_epoch == before.epoch for event in told), f"no word on epoch {before.epoch}")
        demand(all(waiting.get(key) == signed for key, signed in saved.items()), "an event was salvaged that did not wait")
        if self.readable:
            missing = waiting.keys() - saved.keys()
            silent = {key for key in missing - lost if key[0] == before.epoch}  # of earlier epochs a second damage may cost a page
            demand(not silent, f"events {sorted(silent)} were lost in silence")
            demand(len(missing) <= OF_A_PAGE, f"{len(missing)} events were lost with one page")
            demand(len(before.media - self.ledger.media) <= OF_A_PAGE, "more pictures were lost than a page holds")
            demand(len(before.sessions.keys() - self.ledger.sessions.keys()) <= OF_A_PAGE, "more sessions were lost than a page holds")
        return saved

    def _compare(self, expected: Sequence[Ledger]) -> None:
        """The disk must hold exactly one of these."""
        seen = self._look()
        if seen.ledger not in expected:
            raise Violation(f"the disk holds {seen.ledger}, expected one of {expected}")
        for seq, signed in {**self.signed, **self.sent}.items():
            demand(seen.signed.get(seq, signed) == signed, f"event {seq} has other bytes than before")
        self.ledger = seen.ledger
        self.signed.update(seen.signed)

    def _look(self) -> Seen:
        assert self.opened is not None  # noqa: S101
        with self.opened.vault.transaction() as db:
            chain = db.execute("SELECT epoch, last_seq, head, receipted, receipted_head, connection FROM chain").fetchone()
            rows = db.execute("SELECT seq, sha256, signed FROM events ORDER BY seq").fetchall()
            sessions = db.execute("SELECT msgid, bind, setl_id, closed FROM sessions").fetchall()
            voids = db.execute("SELECT setl_id FROM voids").fetchall()
            media = db.execute("SELECT media_id, sealed FROM media").fetchall()
        epoch, last_seq, head, receipted, receipted_head, connection = chain
        skipped = {seq for _, _, signed in rows for seq in self._skips(self._losses.ours(signed), epoch)}
        numbers = [seq for seq in range(receipted + 1, last_seq + 1) if seq not in skipped]
        demand([row[0] for row in rows] == numbers, f"numbers {rows!r} of {receipted} to {last_seq}")
        demand(all((row[1] is None) == (row[2] is None) for row in sessions), "half a binding")
        demand(all(media_id(sealed) == name for name, sealed in media), "a picture has other bytes than its name")
        ledger = Ledger(
            epoch=epoch,
            connection=connection,
            receipted=receipted,
            events=self.ledger.events[:receipted] + self._chained(rows, receipted, receipted_head, head),
            sessions={msgid: (setl_id, bool(closed)) for msgid, _, setl_id, closed in sessions},
            voids={row[0] for row in voids},
            media={row[0] for row in media},
        )
        return Seen(ledger, {seq: signed for seq, _, signed in rows})

    def _chained(self, rows: Sequence[Any], receipted: int, before: str, head: str) -> list[tuple[str, str]]:
        """What the events say; each points to the one before it and the last one is the head."""
        found = list[tuple[str, str]]()
        for seq, sha256, signed in rows:
            demand(digest(signed) == sha256, f"event {seq} has another hash")
            found += [SKIP] * (seq - 1 - receipted - len(found))
            if self.signed.get(seq) == signed:
                found.append(self.ledger.events[seq - 1])
            else:
                event = self._losses.ours(signed)
                demand(event is not None and event.prev == before and event.seq == seq, f"event {seq} does not follow")
                found.append(_named(event))
            before = sha256
        demand(before == head, "the head is not that of the last event")
        return found


def _named(event: object) -> tuple[str, str]:
    match event:
        case Capture():
            return event.kind, event.msgid
        case Binding() | Void():
            return event.kind, event.setl_id
        case Loss():
            return event.kind, str(event.of_epoch)
        case Thinning():
            return event.kind, event.media[0]
    raise Violation(f"an event that nobody wrote: {event}")
