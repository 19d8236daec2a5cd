"""One batch of messages into the database: verify, dedupe on (device, epoch, seq), read, group faces, say what may be receipted.

The caller owns the transaction and sends the receipts after its commit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import numpy as np
from sqlalchemy import Connection

from central.captures import chain, looks, store
from central.captures.face_groups import FaceIndex, Known, Limits
from central.captures.handover import Handovers
from central.captures.model import Incoming, Opened, OpenedEvent, OpenedPart, OpenedState, capture_id
from central.captures.opening import Refused, open_message
from central.changes import service as changes
from central.changes.model import Change, ChangeKind
from central.devices import service as devices
from central.devices.model import BadOffer, DeviceKey, OldOffer
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.orders import service as orders
from central.orders.model import Answer
from central.orders.model import Result as Film
from central.settings import FaceGroupSettings
from central.transparency import service as transparency
from central.transparency.model import Entry, Kind, event_ref
from contract.commands import Admission
from contract.events import Binding, Capture, Coverage, Footage, KeyOffer, LogSplit, Loss, ManualCheck, Result, Thinning, Void
from contract.receipts import MAX_MEDIA_DONE, Receipt
from contract.sealed import TrustedKey, Untrusted, embedding_purpose, from_text, unseal
from contract.state import Birth, Death
from models.compare import unit
from models.errors import BadVector

KEEP_IRREGULAR_BYTES = 64 * 1024
"""Signed but unreadable bytes are kept up to this length; their hash always."""

_UNCLEAR = {"face_covered", "too_few_good_frames", "face_not_usable"}


@dataclass(slots=True)
class Taken:
    """What a batch changed. `receipts` and `answers` may be signed and sent only after the commit."""

    receipts: list[Receipt] = field(default_factory=list)
    answers: list[Admission] = field(default_factory=list)
    new_events: int = 0
    repeated: int = 0
    refused: list[Refused] = field(default_factory=list)


class Intake:
    """Takes batches. Holds the recent faces in memory, so one object serves one worker; not safe to share between threads."""

    def __init__(self, *, keys: CentreKeys, files: EvidenceStore, faces: FaceGroupSettings, now: Callable[[], datetime]) -> None:
        """Reads nothing yet; the faces of a network are loaded when its first capture comes."""
        self._keys, self._files, self._faces, self._now = keys, files, faces, now
        self._indexes: dict[str, FaceIndex] = {}
        self._handovers = Handovers()

    def take(self, db: Connection, batch: Sequence[Incoming]) -> Taken:
        """Store a batch. A message that is refused is counted and never stops the others."""
        taken, now = Taken(), self._now()
        opened = self._open(db, batch, taken, now)
        self._take_events(db, [one for one in opened if isinstance(one, OpenedEvent)], taken, now)
        media_done = self._take_parts(db, [one for one in opened if isinstance(one, OpenedPart)], now)
        for one in opened:
            if isinstance(one, OpenedState):
                devices.note_state(db, one.state, now=now, replaced=one.replaced)
                if isinstance(one.state, Birth) and not one.replaced:
                    transparency.note_listener(db, one.state.device, one.state.log_key)
        self._acknowledge(db, opened, media_done, taken, now)
        self._show_log(db, taken)
        return taken

    def set_aside(self, db: Connection, message: Incoming, why: str) -> Taken:
        """Keep a message that cannot be taken: a numbered event is stored unread, so that its device's queue goes on."""
        taken, now = Taken(), self._now()
        opened = self._open(db, [message], taken, now)
        unread = [replace(one, event=None, fault=why) for one in opened if isinstance(one, OpenedEvent)]
        self._take_events(db, unread, taken, now)
        self._acknowledge(db, unread, {}, taken, now)
        for refused in () if unread or taken.refused else ("message",):
            self._irregular(db, "poison", "?", None, f"{refused}: {why}", message.payload, now)
        return taken

    def rolled_back(self) -> None:
        """The transaction did not hold: the faces remembered from it are forgotten, and all are read again when they are needed."""
        self._indexes.clear()
        self._handovers.forget()

    def forget_old_faces(self) -> None:
        """Drop faces older than the comparison window; called now and then, for it walks over all of them."""
        horizon = self._now() - timedelta(days=self._faces.window_days)
        for index in self._indexes.values():
            index.forget_before(horizon)

    def _open(self, db: Connection, batch: Sequence[Incoming], taken: Taken, now: datetime) -> list[Opened]:
        known: dict[str, DeviceKey | None] = {}

        def find_key(kid: str) -> DeviceKey | None:
            if kid not in known:
                known[kid] = devices.signer(db, kid)
            return known[kid]

        opened: list[Opened] = []
        for message in batch:
            try:
                opened.append(open_message(message, find_key, now))
            except Refused as refused:
                self._refuse(db, refused, taken, now)
                if refused.reason == "malformed":
                    self._irregular(db, "malformed", refused.device, None, str(refused), message.payload, now)
        return opened

    def _refuse(self, db: Connection, refused: Refused, taken: Taken, now: datetime) -> None:
        """Counted; what a key signed that was good once is kept besides, for somebody may have stolen it."""
        taken.refused.append(refused)
        store.count_rejection(db, refused.device, refused.reason, now=now)
        if refused.signed is not None:
            self._irregular(db, refused.reason, refused.device, None, str(refused), refused.signed, now)

    def _take_events(self, db: Connection, opened: Sequence[OpenedEvent], taken: Taken, now: datetime) -> None:
        held = store.hashes_of(db, [_key(one) for one in opened])
        fresh: dict[tuple[str, int, int], OpenedEvent] = {}
        for one in opened:
            known = held.get(_key(one)) or (fresh[_key(one)].verified.sha256 if _key(one) in fresh else None)
            if known is None:
                fresh[_key(one)] = one
            elif known == one.verified.sha256:
                taken.repeated += 1
            else:
                self._irregular(db, "conflict", one.device.device_id, one, f"another event has number {one.seq}", one.signed, now)
        fresh = self._handovers.apply(db, fresh, lambda refused: self._refuse(db, refused, taken, now), now)
        store.add_events(db, [_event_row(one, now) for one in fresh.values()])
        transparency.append_many(db, [_log_entry(one) for one in fresh.values()], at=now)
        for one in fresh.values():
            self._read(db, one, now)
            self._remark_key(db, one, now)
            if isinstance(one.event, KeyOffer):
                self._read_offer(db, one, one.event, taken, now)
        looks.screen(db, fresh.values(), now=now)
        changes.note(db, (each for one in fresh.values() for each in _news(one)))
        taken.new_events = len(fresh)

    def _remark_key(self, db: Connection, one: OpenedEvent, now: datetime) -> None:
        """Numbers that a device in order rarely or never signs with this key: taken, for it could not make them anew, and remarked."""
        key = one.device
        if key.is_early(one.epoch, one.seq):
            reason = f"signed with key {key.kid[:12]}, which was offered only at {key.offered_epoch}:{key.offered_seq}"
            self._irregular(db, "early_key", key.device_id, one, reason, one.signed, now)
        elif key.retired_at is not None and one.epoch < (key.last_epoch or 0):
            reason = f"signed with key {key.kid[:12]}, which was replaced in epoch {key.last_epoch}"
            self._irregular(db, "late_epoch", key.device_id, one, reason, one.signed, now)

    def _read(self, db: Connection, one: OpenedEvent, now: datetime) -> None:
        match one.event:
            case Capture() as capture:
                store.add_capture(db, _capture_row(one, capture, now))
                refs = capture.media
                name = capture_id(*_key(one))
                evidence.announce(db, device_id=one.device.device_id, capture_id=name, refs=refs, now=now)
                self._group_face(db, one, capture, now)
            case Binding() as binding:
                store.add_binding(db, _binding_row(one, binding))
            case ManualCheck() as check:
                store.add_manual_check(db, _manual_row(one, check))
            case Void() as void:
                row = {"fixmedins_code": one.device.fixmedins_code, "setl_id": void.setl_id, "msgid": void.msgid, "at": void.at}
                store.add_void(db, _number(one) | row)
            case Footage() as footage:
                self._read_footage(db, one, footage, now)
            case Result() as result:
                told = Answer(result=result.result, why=result.why, detail=result.detail, at=now)
                self._answered(db, one, result.request, orders.answer_deed(db, result.device, result.request, told), now)
            case Coverage() | LogSplit() as watched:
                self._read_watched(db, one, watched, now)
            case Thinning() | Loss() as lost:
                self._read_lost(db, one, lost, now)
            case None:
                self._irregular(db, "unreadable", one.device.device_id, one, one.fault, one.signed, now)

    def _read_footage(self, db: Connection, one: OpenedEvent, footage: Footage, now: datetime) -> None:
        """Film belongs to the capture that it follows; that of a roll-call to its own event."""
        known = None if footage.msgid is None else store.capture_of(db, footage.device, footage.msgid)
        name = known or capture_id(*_key(one))
        evidence.announce(db, device_id=one.device.device_id, capture_id=name, refs=footage.media, now=now)
        store.add_footage(db, _footage_row(one, footage, name, now))
        if footage.request is not None:
            told = Answer(result=Film.FILM if footage.media else Film.NO_FILM, why=footage.missing, detail="", at=now)
            self._answered(db, one, footage.request, orders.answer_film(db, footage.device, footage.request, told), now)

    def _read_offer(self, db: Connection, one: OpenedEvent, offer: KeyOffer, taken: Taken, now: datetime) -> None:
        """Kept beside the key in use, and told to the device by ingest until it uses it; or refused, and told so at once."""
        try:
            devices.take_offer(db, self._keys, offer, kid=one.verified.kid, now=now)
        except BadOffer as error:
            self._irregular(db, "bad_offer", offer.device, one, str(error), one.signed, now)
            if isinstance(error, OldOffer):
                return
            orders.answer_rekey(db, offer.device, Answer(result="refused", why="bad_offer", detail=str(error), at=now))
            kid = TrustedKey(from_text(offer.sign_public)).kid
            taken.answers.append(Admission(device=offer.device, at=now, kid=kid, certificate=None, why="bad_offer"))

    def _read_lost(self, db: Connection, one: OpenedEvent, lost: Thinning | Loss, now: datetime) -> None:
        if isinstance(lost, Thinning):
            evidence.give_up(db, lost.device, lost.media)
            kind, reason = "thinned", f"{len(lost.media)} pictures given up: {lost.why}"
        else:
            named = chain.named(lost.lost)
            kind, reason = chain.LOSS, f"epoch {lost.of_epoch} up to {lost.last_seq}, {lost.why}: the device lost {named}"
        self._irregular(db, kind, one.device.device_id, one, reason, one.signed, now)

    def _read_watched(self, db: Connection, one: OpenedEvent, told: Coverage | LogSplit, now: datetime) -> None:
        """What the device saw of its windows, and of our log: that must be what the log is."""
        if isinstance(told, LogSplit):
            reason = f"the log showed the terminal two histories: {told.why}"
            self._irregular(db, "split_log", told.device, one, reason, one.signed, now)
            return
        store.add_coverage(db, _coverage_rows(one, told))
        seen = told.log
        if seen is not None and not transparency.note_anchor(db, told.device, seen.size, seen.root, said_at=told.at):
            reason = f"the terminal has seen a log of {seen.size} leaves with root {seen.root[:16]}, which is not ours"
            self._irregular(db, "other_log", told.device, one, reason, one.signed, now)

    def _show_log(self, db: Connection, taken: Taken) -> None:
        """The newest checkpoint to those who can read it."""
        listening = transparency.listeners(db, {receipt.device for receipt in taken.receipts}, self._keys)
        newest = transparency.newest(db) if listening else None
        if newest is not None:
            shown = {"checkpoint": newest.note}
            taken.receipts = [each.model_copy(update=shown) if each.device in listening else each for each in taken.receipts]

    def _answered(self, db: Connection, one: OpenedEvent, request: str, asked: bool, now: datetime) -> None:
        """An answer that nobody asked for is kept like any event, and remarked."""
        if not asked:
            reason = f"answers request {request}, which the centre never made of this device in this kind"
            self._irregular(db, "unasked", one.device.device_id, one, reason, one.signed, now)

    def _group_face(self, db: Connection, one: OpenedEvent, capture: Capture, now: datetime) -> None:
        if capture.embedding is None or not self._can_be_grouped(capture):
            return
        try:
            sealed = from_text(capture.embedding)
            vector = self._vector(sealed, one.device.device_id, capture.msgid)
        except (Untrusted, BadVector, ValueError) as error:
            self._irregular(db, "bad_embedding", one.device.device_id, one, str(error), one.signed, now)
            return
        embedder, name = capture.software.embedder, capture_id(*_key(one))
        try:
            assigned = self._index(db, embedder, now).assign(vector, name)
        except BadVector as error:
            self._irregular(db, "bad_embedding", one.device.device_id, one, str(error), one.signed, now)
            return
        self._index(db, embedder, now).add(Known(vector=vector, group=assigned.group, seen_at=capture.opened_at))
        row = {"capture_id": name, "fixmedins_code": capture.fixmedins_code, "embedder": embedder, "sealed_vector": sealed}
        grouped = {"face_group": assigned.group, "similarity": assigned.similarity, "band": assigned.band.value}
        store.add_face(db, row | grouped | {"seen_at": capture.opened_at})

    def _can_be_grouped(self, capture: Capture) -> bool:
        """Hidden or hardly seen faces resemble each other (under the same mask 0.68 to 0.74), so they stand for nobody."""
        return capture.frames.used >= self._faces.min_frames_used and not _UNCLEAR & set(capture.reasons)

    def _vector(self, sealed: bytes, device_id: str, msgid: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        plain = unseal(sealed, self._keys.seal_private, embedding_purpose(device_id, msgid))
        return unit(np.frombuffer(plain, dtype="<f4"))

    def _index(self, db: Connection, embedder: str, now: datetime) -> FaceIndex:
        if embedder not in self._indexes:
            rows = store.recent_faces(db, embedder, now - timedelta(days=self._faces.window_days))
            known = (
                Known(
                    vector=self._vector(row["sealed_vector"], row["device_id"], row["msgid"]),
                    group=row["face_group"],
                    seen_at=row["seen_at"],
                )
                for row in rows
            )
            self._indexes[embedder] = FaceIndex(known, Limits(same=self._faces.same, doubtful=self._faces.doubtful))
        return self._indexes[embedder]

    def _take_parts(self, db: Connection, opened: Sequence[OpenedPart], now: datetime) -> dict[str, list[str]]:
        done: dict[str, list[str]] = {}
        for one in opened:
            if evidence.take_part(db, self._files, one.part, one.body, now=now):
                names = done.setdefault(one.part.device, [])
                if one.part.media_id not in names:
                    names.append(one.part.media_id)
        return done

    def _acknowledge(self, db: Connection, opened: Sequence[Opened], media_done: dict[str, list[str]], taken: Taken, now: datetime) -> None:
        touched = {(one.device.device_id, one.epoch): None for one in opened if isinstance(one, OpenedEvent)}
        touched |= {
            (one.device.device_id, one.event.of_epoch): None
            for one in opened
            if isinstance(one, OpenedEvent) and isinstance(one.event, Loss)
        }
        touched |= {
            (one.state.device, one.state.epoch): None for one in opened if isinstance(one, OpenedState) and not isinstance(one.state, Death)
        }
        touched |= {(device_id, store.newest_epoch(db, device_id)): None for device_id in media_done}
        for device_id, epoch in touched:
            head, broken = chain.advance(db, device_id, epoch)
            for fault in broken:
                self._irregular(db, "broken_chain", device_id, None, str(fault), str(fault).encode(), now)
            done = media_done.pop(device_id, [])
            for start in range(0, max(1, len(done)), MAX_MEDIA_DONE):
                taken.receipts.append(chain.receipt(db, head, media_done=done[start : start + MAX_MEDIA_DONE], now=now))

    def _irregular(
        self, db: Connection, kind: str, device_id: str, one: OpenedEvent | None, reason: str, signed: bytes, now: datetime
    ) -> None:
        row = {"kind": kind, "device_id": device_id, "epoch": one.epoch if one else None, "seq": one.seq if one else None}
        kept = {"reason": reason[:500], "sha256": sha256(signed).hexdigest(), "signed": signed[:KEEP_IRREGULAR_BYTES], "received_at": now}
        store.add_irregularity(db, row | kept)


def _key(one: OpenedEvent) -> tuple[str, int, int]:
    return one.device.device_id, one.epoch, one.seq


def _number(one: OpenedEvent) -> dict[str, object]:
    return {"device_id": one.device.device_id, "epoch": one.epoch, "seq": one.seq}


def _event_row(one: OpenedEvent, now: datetime) -> dict[str, object]:
    kind = one.event.kind if one.event is not None else "unreadable"
    named = {"kind": kind, "sha256": one.verified.sha256, "prev": one.prev, "kid": one.verified.kid}
    return _number(one) | named | {"signed": one.signed, "at": one.at, "received_at": now}


def _news(one: OpenedEvent) -> Iterator[Change]:
    """What has to be reconciled because of this event."""
    site = one.device.fixmedins_code
    match one.event:
        case Capture() | Binding() | ManualCheck() as told:
            yield Change(kind=ChangeKind.SESSION, place=site, name=told.msgid)
        case Void() as void:
            yield Change(kind=ChangeKind.SETTLEMENT, place=site, name=void.setl_id)
            if void.msgid is not None:
                yield Change(kind=ChangeKind.SESSION, place=site, name=void.msgid)
        case Coverage():
            yield Change(kind=ChangeKind.WATCH, place=site)


def _log_entry(one: OpenedEvent) -> Entry:
    return Entry(kind=Kind.EVENT, ref=event_ref(*_key(one)), content=one.signed)


def _capture_row(one: OpenedEvent, capture: Capture, now: datetime) -> dict[str, object]:
    same = ("fixmedins_code", "window", "msgid", "infno", "psn_no", "opened_at", "closed_at", "similarity", "persons")
    row: dict[str, object] = {name: getattr(capture, name) for name in same}
    row |= {name: getattr(capture, name).value for name in ("closing", "outcome", "liveness", "evidence_mode")}
    counts = {"frames_seen": capture.frames.seen, "frames_used": capture.frames.used, "reasons": list(capture.reasons)}
    named: dict[str, object] = {"capture_id": capture_id(*_key(one)), "device_id": one.device.device_id, "received_at": now}
    named["clock_error_ms"] = capture.clock_offset_ms
    return row | counts | named | {"software": capture.software.model_dump(mode="json")}


def _footage_row(one: OpenedEvent, footage: Footage, shown_by: str, now: datetime) -> dict[str, object]:
    told = {name: getattr(footage, name) for name in ("request", "window", "msgid", "since", "until", "persons", "blurred", "missing")}
    media = {"media": [ref.media_id for ref in footage.media], "shown_by": shown_by}
    return _number(one) | {"fixmedins_code": one.device.fixmedins_code, "received_at": now} | told | media


def _coverage_rows(one: OpenedEvent, coverage: Coverage) -> list[dict[str, object]]:
    return [
        _number(one)
        | {"place": place, "fixmedins_code": one.device.fixmedins_code}
        | {name: getattr(hour, name) for name in ("window", "since", "until", "seen_s")}
        | {"blind": [each.model_dump(mode="json") for each in hour.blind]}
        | {"people": None if hour.people is None else hour.people.model_dump(mode="json")}
        for place, hour in enumerate(coverage.hours)
    ]


def _manual_row(one: OpenedEvent, check: ManualCheck) -> dict[str, object]:
    stated = {name: getattr(check, name) for name in ("msgid", "opter", "proxy_psn_no", "at")}
    return _number(one) | {"fixmedins_code": one.device.fixmedins_code, "reason": check.reason.value} | stated


def _binding_row(one: OpenedEvent, binding: Binding) -> dict[str, object]:
    from_event = {name: getattr(binding, name) for name in ("msgid", "setl_id", "mdtrt_id", "setl_time", "auth_no", "out_biz_no")}
    return _number(one) | {"fixmedins_code": one.device.fixmedins_code, "medfee_sumamt": Decimal(binding.medfee_sumamt)} | from_event
