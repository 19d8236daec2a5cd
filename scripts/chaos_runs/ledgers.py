"""The ledgers of a run and what they say against each other: the tills' own log, the device's chain, the centre's rows, the receipts.

Reading is here and comparing is pure. The device deletes what was receipted, so its part is the chain's head: a hash that stands for every
event that it ever wrote, and the register of its sessions.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, func, select

from central.captures.tables import bindings, captures, events, heads, irregularities, rejections, voids
from central.db import reading
from central.evidence.tables import media
from contract.events import GENESIS
from contract.sealed import digest
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from scripts.chaos_runs.tills import Line, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The end of a chain: how far it goes, the hash of its last event, and the same of what was receipted."""

    epoch: int
    last_seq: int
    head: str
    receipted: int
    receipted_head: str
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What lies on the device. `open_sessions` have no capture yet; `set_aside` are files that were damaged."""

    chain: Chain
    waiting_events: int
    waiting_media: int
    open_sessions: int
    set_aside: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One event as the centre committed it. `sha256` and `prev` are its columns, `actual` the hash of the signed bytes beside them."""

    epoch: int
    seq: int
    sha256: str
    prev: str
    actual: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """What the centre has committed. `ends` is how far each epoch is receipted; captures by msgid, the others by setl_id."""

    events: tuple[Stored, ...]
    ends: Mapping[int, int]
    captures: Counter[str]
    bindings: Counter[str]
    voids: Counter[str]
    irregular: tuple[str, ...]
    refused: tuple[str, ...]
    pictures: int
    pictures_missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A receipt as it stood on the wire."""

    epoch: int
    up_to: int
    head: str


@dataclass(slots=True)
class Findings:
    """What must not be, by kind; every list is empty after a good run."""

    lost: list[str] = field(default_factory=list)
    """Receipted events that the centre does not hold, or holds another of."""
    twice: list[str] = field(default_factory=list)
    """Settlements that count more than once."""
    unrecorded: list[str] = field(default_factory=list)
    """Answers to a till without an event at the centre."""
    invented: list[str] = field(default_factory=list)
    """Events that no till asked for."""
    gaps: list[str] = field(default_factory=list)
    """Missing numbers, and links of the chain that do not hold."""
    irregular: list[str] = field(default_factory=list)
    """What the centre set aside or refused."""
    refused: list[str] = field(default_factory=list)
    """Requests that the agent answered with an error."""
    undelivered: list[str] = field(default_factory=list)
    """What still waits after everything had time to arrive."""
    moved_back: list[str] = field(default_factory=list)
    """Numbers of the device that fell, or ran ahead of the centre, at a kill."""
    died: list[str] = field(default_factory=list)
    """Processes that ended without being killed."""

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(len(found) for found in self.by_kind().values())

    def by_kind(self) -> dict[str, list[str]]:
        """Every list by its name."""
        return {name: getattr(self, name) for name in Findings.__dataclass_fields__}


def read_device(data: Path, folder: Path) -> Device:
    """From a copy of the outbox as it lies on the disk, so that looking changes nothing; its process must not run."""
    with TemporaryDirectory(dir=folder) as place:
        for name in ("outbox.db", "outbox.db-wal"):
            if (data / name).exists():
                shutil.copyfile(data / name, Path(place) / name)
        vault = Vault.open(Path(place) / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
        try:
            with vault.transaction() as db:
                columns = list(Chain.__dataclass_fields__)
                chain = db.execute(f"SELECT {', '.join(columns)} FROM chain").fetchone()  # noqa: S608 - our own names

                def count(of: str) -> int:
                    return int(db.execute(f"SELECT count(*) FROM {of}").fetchone()[0])  # noqa: S608

                return Device(
                    chain=Chain(**dict(zip(columns, chain, strict=True))),
                    waiting_events=count("events"),
                    waiting_media=count("media"),
                    open_sessions=count("sessions WHERE closed = 0"),
                    set_aside=tuple(sorted(path.name for path in data.glob("*.damaged-*"))),
                )
        finally:
            vault.close()


def end_at_centre(engine: Engine, epoch: int) -> int:
    """How far the centre has receipted, or may have."""
    with reading(engine).begin() as db:
        return db.scalar(select(func.max(heads.c.up_to)).where(heads.c.epoch == epoch)) or 0


def pictures_missing(engine: Engine) -> int:
    """Pictures that captures announced and that have not come whole."""
    with reading(engine).begin() as db:
        return db.scalar(select(func.count()).select_from(media).where(media.c.stored_at.is_(None))) or 0


def read_centre(engine: Engine) -> Centre:
    """Everything that was committed; for one device."""
    with reading(engine).begin() as db:
        rows = db.execute(
            select(events.c.epoch, events.c.seq, events.c.sha256, events.c.prev, events.c.signed).order_by(*events.primary_key)
        )
        return Centre(
            events=tuple(Stored(epoch=row.epoch, seq=row.seq, sha256=row.sha256, prev=row.prev, actual=digest(row.signed)) for row in rows),
            ends={row.epoch: row.up_to for row in db.execute(select(heads.c.epoch, heads.c.up_to))},
            captures=Counter(db.scalars(select(captures.c.msgid))),
            bindings=Counter(db.scalars(select(bindings.c.setl_id))),
            voids=Counter(db.scalars(select(voids.c.setl_id))),
            irregular=tuple(f"{row.kind} {row.reason}" for row in db.execute(select(irregularities.c.kind, irregularities.c.reason))),
            refused=tuple(f"{row.reason} x {row.count}" for row in db.execute(select(rejections.c.reason, rejections.c.count))),
            pictures=db.scalar(select(func.count()).select_from(media)) or 0,
            pictures_missing=pictures_missing(engine),
        )


def compare(told: Sequence[Line], device: Device, centre: Centre, heard: Iterable[Heard]) -> Findings:
    """Hold the four ledgers against each other, after everything had time to arrive."""
    found = Findings()
    _answers(told, centre, found)
    _chain(device, centre, found)
    _receipts(device, centre, heard, found)
    _rest(device, centre, found)
    return found


def _answers(told: Sequence[Line], centre: Centre, found: Findings) -> None:
    def named(verb: Verb, state: str) -> set[str]:
        return {line.setl_id or line.msgid for line in told if (line.verb, line.state) == (verb, state)}

    kept: tuple[tuple[Verb, Counter[str]], ...] = (("start", centre.captures), ("bind", centre.bindings), ("void", centre.voids))
    for verb, counts in kept:
        found.unrecorded += [f"{verb} {name}" for name in sorted(named(verb, "answered") - set(counts))]
        found.invented += [f"{verb} {name}" for name in sorted(set(counts) - named(verb, "asked"))]
        found.twice += [f"{verb} {name}: {count} times" for name, count in counts.items() if count > 1]
    found.refused += [f"{line.verb} {line.setl_id or line.msgid}: {line.detail}" for line in told if line.state == "refused"]


def _chain(device: Device, centre: Centre, found: Findings) -> None:
    """Every number from 1 to the device's last, each pointing to the one before, up to the very event that the device wrote last."""
    mine = [row for row in centre.events if row.epoch == device.chain.epoch]
    found.gaps += [f"event {row.seq} belongs to epoch {row.epoch}" for row in centre.events if row.epoch != device.chain.epoch]
    missing = sorted(set(range(1, device.chain.last_seq + 1)) - {row.seq for row in mine})
    found.gaps += [f"event {seq} is missing" for seq in missing]
    seq, head = 0, GENESIS
    for row in mine:
        if row.sha256 != row.actual:
            found.gaps.append(f"event {row.seq}: the bytes are not those that its hash names")
        if row.seq == seq + 1 and row.prev != head:
            found.gaps.append(f"event {row.seq} does not point to the one before")
        seq, head = row.seq, row.sha256
    if (seq, head) != (device.chain.last_seq, device.chain.head):
        found.gaps.append(
            f"the chain ends with {seq} {head[:12]} at the centre, with {device.chain.last_seq} {device.chain.head[:12]} here"
        )


def _receipts(device: Device, centre: Centre, heard: Iterable[Heard], found: Findings) -> None:
    held = {(row.epoch, row.seq): row.sha256 for row in centre.events} | {(epoch, 0): GENESIS for epoch in centre.ends}
    own = Heard(epoch=device.chain.epoch, up_to=device.chain.receipted, head=device.chain.receipted_head)
    highest: dict[int, int] = {}
    for receipt in {own, *heard}:
        highest[receipt.epoch] = max(highest.get(receipt.epoch, 0), receipt.up_to)
        if held.get((receipt.epoch, receipt.up_to)) != receipt.head:
            found.lost.append(f"event {receipt.up_to} of epoch {receipt.epoch} was receipted as {receipt.head[:12]} and is not here")
    for epoch, up_to in highest.items():
        found.lost += [f"event {seq} of epoch {epoch} was receipted" for seq in range(1, up_to + 1) if (epoch, seq) not in held]


def _rest(device: Device, centre: Centre, found: Findings) -> None:
    found.irregular += [*centre.irregular, *(f"refused: {each}" for each in centre.refused)]
    found.irregular += [f"set aside on the device: {name}" for name in device.set_aside]
    waits = {
        "events without a receipt": device.chain.last_seq - device.chain.receipted,
        "events in the outbox": device.waiting_events,
        "pictures in the outbox": device.waiting_media,
        "sessions without a capture": device.open_sessions,
        "pictures announced and not here": centre.pictures_missing,
    }
    found.undelivered += [f"{count} {what}" for what, count in waits.items() if count]
