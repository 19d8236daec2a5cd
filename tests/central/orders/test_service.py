"""Asking, sending again, answering and retiring, on a real database."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from central.accounts.model import Role, Viewer
from central.audit import service as audit
from central.devices import service as devices
from central.devices.model import SILENT_AFTER
from central.errors import BadInput, CentralError, NotFound
from central.orders import service
from central.orders.model import AlreadyAsked, Answer, Kind, NeverReported, Order, PurposeMissing, State
from central.wiring import Centre
from contract.commands import Configure, EvidenceRequest, parse_command
from contract.events import MediaRef, MediaRole
from tests import builders
from tests.builders import AT, DEVICE, MSGID
from tests.central.building import Terminal, make_centre, make_intake, take
from tests.central.told import PURPOSE, asking


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    centre = make_centre(tmp_path)
    Terminal(centre).register()
    return centre


def born(centre: Centre, **changes: Any) -> None:
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(**changes), now=AT)


def do(centre: Centre, work: Callable[[Connection], Order]) -> Order:
    with centre.engine.begin() as db:
        return work(db)


def film(centre: Centre, **changes: Any) -> Order:
    return do(centre, lambda db: service.ask_film(db, DEVICE, msgid=MSGID, by=asking(**changes)))


def end(centre: Centre, **changes: Any) -> Order:
    return do(centre, lambda db: service.ask_revoke(db, DEVICE, "replaced", by=asking(actor="chief", **changes)))


def test_an_order_is_kept_with_its_purpose_and_audited(centre: Centre) -> None:
    order = film(centre)
    assert (order.state, order.subject, order.asked_by, order.purpose) == (State.ASKED, MSGID, "zhang.min", PURPOSE)
    assert order.valid_until == AT + timedelta(hours=24)
    said = parse_command(order.command(AT).to_bytes())
    assert isinstance(said, EvidenceRequest)
    assert (said.request, said.msgid, said.setl_id, said.device) == (order.request, MSGID, None, DEVICE)
    with centre.engine.begin() as db:
        (entry,) = audit.entries(db, action="order.ask").rows
    assert (entry.actor, entry.object) == ("zhang.min", order.request)
    assert (entry.detail["why"], entry.detail["device"], entry.detail["asked"]) == (PURPOSE, DEVICE, {"msgid": MSGID, "setl_id": None})


WRONG: dict[str, tuple[Callable[[Connection], Order], type[CentralError]]] = {
    "no number": (lambda db: service.ask_film(db, DEVICE, by=asking()), BadInput),
    "two numbers": (lambda db: service.ask_film(db, DEVICE, msgid="M1", setl_id="S1", by=asking()), BadInput),
    "no number of ours": (lambda db: service.ask_film(db, DEVICE, msgid="M 1; --", by=asking()), BadInput),
    "an unknown device": (lambda db: service.ask_film(db, "P99999900001-t9", msgid="M1", by=asking()), NotFound),
    "no purpose": (lambda db: service.ask_film(db, DEVICE, msgid="M1", by=asking(purpose=" ")), PurposeMissing),
    "for a year": (lambda db: service.ask_film(db, DEVICE, msgid="M1", by=asking(valid_for=timedelta(days=365))), BadInput),
    "an unknown window": (lambda db: service.ask_roll_call(db, DEVICE, "W9", by=asking()), NotFound),
    "a window of nobody": (lambda db: service.ask_roll_call(db, "nobody", "W1", by=asking()), NotFound),
    "a reason in words": (lambda db: service.ask_revoke(db, DEVICE, "It was moved", by=asking()), BadInput),
    "no TOML": (lambda db: service.ask_configure(db, DEVICE, "[limits", by=asking()), BadInput),
    "a list": (lambda db: service.ask_configure(db, DEVICE, {"limits": {"same": [1]}}, by=asking()), BadInput),
    "no table": (lambda db: service.ask_configure(db, DEVICE, "same = 1", by=asking()), BadInput),
    "not a number": (lambda db: service.ask_configure(db, DEVICE, "[limits]\nsame = nan", by=asking()), BadInput),
    "a strange name": (lambda db: service.ask_configure(db, DEVICE, {"../x": {"same": 1}}, by=asking()), BadInput),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_asked_is_refused_and_leaves_nothing(centre: Centre, name: str) -> None:
    born(centre)
    work, error = WRONG[name]
    with pytest.raises(error), centre.engine.begin() as db:
        work(db)
    with centre.engine.begin() as db:
        assert service.list_orders(db, now=AT).total == 0
        assert audit.entries(db, action="order.ask").total == 0


def test_settings_are_changed_only_from_those_that_the_device_reported(centre: Centre) -> None:
    with pytest.raises(NeverReported, match="never reported"), centre.engine.begin() as db:
        service.ask_configure(db, DEVICE, {}, by=asking())
    born(centre)
    order = do(
        centre, lambda db: service.ask_configure(db, DEVICE, '[limits]\nsame = 0.7\n[film]\nenabled = false\nfps = "2"', by=asking())
    )
    said = parse_command(order.command(AT).to_bytes())
    assert isinstance(said, Configure)
    assert said.from_sha256 == builders.SOFTWARE.settings_sha256
    assert said.settings == {"limits": {"same": 0.7}, "film": {"enabled": False, "fps": "2"}}


def test_a_state_without_birth_is_not_taken_for_settings(centre: Centre) -> None:
    with centre.engine.begin() as db:
        devices.note_state(db, builders.health(), now=AT)
    with pytest.raises(NeverReported), centre.engine.begin() as db:
        service.ask_configure(db, DEVICE, {}, by=asking())


def test_settings_taken_back_are_an_empty_overlay(centre: Centre) -> None:
    born(centre)
    assert do(centre, lambda db: service.ask_configure(db, DEVICE, "", by=asking())).body["settings"] == {}


def test_the_same_is_not_asked_twice_at_once(centre: Centre) -> None:
    first = film(centre)
    with pytest.raises(AlreadyAsked):
        film(centre)
    do(centre, lambda db: service.ask_film(db, DEVICE, msgid="M2", by=asking()))
    assert film(centre, at=first.valid_until).state is State.ASKED


def test_it_is_sent_to_the_living_until_it_is_answered_or_over(centre: Centre) -> None:
    order = film(centre, valid_for=timedelta(minutes=3))

    def due(after_s: float) -> list[str]:
        with centre.engine.begin() as db:
            return [each.request for each in service.due(db, AT + timedelta(seconds=after_s))]

    def sent(after_s: float) -> None:
        with centre.engine.begin() as db:
            service.note_sent(db, order, now=AT + timedelta(seconds=after_s))

    assert due(0) == []
    born(centre)
    assert due(0) == [order.request]
    sent(0)
    assert (due(9), due(10)) == ([], [order.request])
    sent(10)
    assert (due(29), due(30)) == ([], [order.request])
    assert due(SILENT_AFTER.total_seconds() + 1) == []
    born(centre, connection=2)
    with centre.engine.begin() as db:
        devices.note_state(db, builders.health(connection=2), now=AT + timedelta(seconds=170))
        assert service.get(db, order.request, now=AT).state is State.SENT
    assert (due(179), due(180)) == ([order.request], [])
    with centre.engine.begin() as db:
        devices.note_state(db, builders.death(connection=2), now=AT)
    assert due(179) == []


def told(result: str, *, why: str | None = None, after_s: float = 1) -> Answer:
    return Answer(result=result, why=why, detail="", at=AT + timedelta(seconds=after_s))


def test_the_first_answer_counts_also_a_late_one(centre: Centre) -> None:
    order = film(centre, valid_for=timedelta(minutes=1))
    late = timedelta(hours=1)
    with centre.engine.begin() as db:
        assert service.get(db, order.request, now=AT + late).state is State.EXPIRED
        assert service.answer_film(db, DEVICE, order.request, told("no_film", why="film_not_kept", after_s=3600))
        assert service.answer_film(db, DEVICE, order.request, told("film", after_s=7200))
        found = service.get(db, order.request, now=AT + late)
    assert (found.state, found.result, found.why, found.answered_at) == (State.ANSWERED, "no_film", "film_not_kept", AT + late)


def test_an_answer_counts_only_for_the_device_and_the_kind_that_was_asked(centre: Centre) -> None:
    order = film(centre)
    with centre.engine.begin() as db:
        assert not service.answer_film(db, DEVICE, "f" * 32, told("film"))
        assert not service.answer_film(db, "P99999900001-t2", order.request, told("film"))
        assert not service.answer_deed(db, DEVICE, order.request, told("in_force"))
        assert service.get(db, order.request, now=AT).state is State.ASKED


def retiring(centre: Centre, after: timedelta) -> list[str]:
    with centre.engine.begin() as db:
        return [order.device_id for order in service.to_retire(db, AT + after)]


def test_a_device_is_cut_off_when_it_obeyed_and_delivered(centre: Centre) -> None:
    order = end(centre)
    assert retiring(centre, timedelta(days=6)) == []
    ref = MediaRef(media_id="c" * 64, role=MediaRole.BEST, content_type="image/jpeg", size=10)
    with centre.engine.begin() as db:
        assert service.answer_deed(db, DEVICE, order.request, told("revoked"))
    assert retiring(centre, timedelta(seconds=2)) == [DEVICE]
    other = Terminal(centre, device_id="P99999900001-t2").register()
    take(centre, make_intake(centre), other.event(media=(ref,)))
    second = do(centre, lambda db: service.ask_revoke(db, other.device_id, "moved", by=asking()))
    with centre.engine.begin() as db:
        assert service.answer_deed(db, other.device_id, second.request, told("revoked"))
    assert retiring(centre, timedelta(seconds=2)) == [DEVICE]
    with centre.engine.begin() as db:
        service.retire(db, order, now=AT)
        assert devices.device_ids(db) == [other.device_id]
        (entry,) = audit.entries(db, action="device.revoke").rows
    assert (entry.actor, entry.object) == ("chief", DEVICE)
    assert retiring(centre, timedelta(days=8)) == [other.device_id]


def test_a_device_that_does_not_obey_is_cut_off_when_the_time_is_over(centre: Centre) -> None:
    order = end(centre, valid_for=timedelta(hours=1))
    with centre.engine.begin() as db:
        assert service.answer_deed(db, DEVICE, order.request, told("refused", why="too_late"))
    assert (retiring(centre, timedelta(minutes=59)), retiring(centre, timedelta(hours=1))) == ([], [DEVICE])


def test_everybody_reads_what_they_may_ask_and_an_auditor_reads_all(centre: Centre) -> None:
    asked, ended = film(centre), end(centre)

    def viewer(role: Role) -> Viewer:
        return Viewer(username="x", role=role, csrf_token="", must_change_password=False)

    monitor, chief = {Kind.EVIDENCE_REQUEST, Kind.ROLL_CALL}, {Kind.CONFIGURE, Kind.REVOKE, Kind.REKEY}
    for role, kinds in ((Role.MONITOR, monitor), (Role.ADMINISTRATOR, chief), (Role.AUDITOR, monitor | chief)):
        assert service.kinds_for(viewer(role)) == kinds
        with centre.engine.begin() as db:
            found = {each.request for each in service.list_orders(db, kinds=service.kinds_for(viewer(role)), now=AT).rows}
            assert found == {each.request for each in (asked, ended) if each.kind in kinds}
    with centre.engine.begin() as db:
        with pytest.raises(NotFound):
            service.get(db, ended.request, viewer=viewer(Role.MONITOR), now=AT)
        assert service.get(db, ended.request, viewer=viewer(Role.AUDITOR), now=AT).kind is Kind.REVOKE
        assert service.open_counts(db, AT) == {DEVICE: 2}
        with pytest.raises(BadInput):
            service.list_orders(db, page=0, now=AT)
