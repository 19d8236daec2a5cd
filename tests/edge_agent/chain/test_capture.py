"""Events as they are written: whole, signed, and with no more of the person than the mode allows."""

from pathlib import Path
from typing import Any

import pytest

from contract.events import GENESIS, Capture, Closing, EvidenceMode, Liveness, Outcome, Result, Software, parse_event
from contract.sealed import raw_public, verify
from edge_agent.chain.books import RESTARTED
from edge_agent.chain.capture import Closed, Enclosed, Scribe, Told
from edge_agent.chain.outbox import Place
from edge_agent.clock import Offset
from edge_agent.decide import Decision
from edge_agent.session import Start
from tests.edge_agent.building import DEVICE, SITE, Terminal, make_terminal
from tests.fakes import HandClock

SOFTWARE = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256="b" * 64)
PLACE = Place(epoch=7, seq=3, prev=GENESIS)
CLOCK = HandClock()


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path)


def scribe(terminal: Terminal, **changes: Any) -> Scribe:
    fields: dict[str, Any] = {
        "signer": terminal.signer,
        "device": DEVICE,
        "fixmedins_code": SITE,
        "centre_seal_key": raw_public(terminal.centre_seal_key.public_key()),
        "mode": EvidenceMode.ALL,
        "software": SOFTWARE,
        "clock": CLOCK,
        "offset": Offset(),
    }
    return Scribe(**(fields | changes))


def closed(**changes: Any) -> Closed:
    fields: dict[str, Any] = {
        "start": Start(msgid="M1", infno="2207", psn_no="P1", mdtrt_cert_type="02", window="W1"),
        "opened_at": CLOCK.now(),
        "closed_at": CLOCK.now(),
        "closing": Closing.RECOVERED,
        "decision": RESTARTED,
        "judgement": None,
        "scene": None,
    }
    return Closed(**(fields | changes))


def read(terminal: Terminal, signed: bytes) -> Capture:
    event = parse_event(verify(signed, terminal.find_device_key, "event").payload)
    assert isinstance(event, Capture)
    return event


def test_a_session_nobody_judged_says_that_nothing_is_known(terminal: Terminal) -> None:
    capture = read(terminal, scribe(terminal).capture(closed(), Enclosed(), PLACE))
    assert (capture.outcome, capture.similarity, capture.liveness) == (Outcome.UNDECIDED, None, Liveness.NOT_EVALUATED)
    assert (capture.frames.seen, capture.persons, capture.media, capture.embedding) == (0, 0, (), None)
    assert (capture.epoch, capture.seq, capture.prev) == (7, 3, GENESIS)


def test_the_measured_distance_of_the_clocks_stands_in_every_event(terminal: Terminal) -> None:
    offset = Offset()
    offset.add(ours=CLOCK.now(), centre=CLOCK.now())
    capture = read(terminal, scribe(terminal, offset=offset).capture(closed(), Enclosed(), PLACE))
    assert capture.clock_offset_ms == 0


def test_remarks_join_the_reasons(terminal: Terminal) -> None:
    capture = read(terminal, scribe(terminal).capture(closed(), Enclosed(), PLACE, ("pictures_left_out",)))
    assert capture.reasons == ("agent_restarted", "pictures_left_out")


def test_without_a_judgement_nothing_is_enclosed(terminal: Terminal) -> None:
    flagged = closed(decision=Decision(outcome=Outcome.DIFFERENT, reasons=()))
    assert scribe(terminal).enclose(flagged) == Enclosed()


def test_what_became_of_an_order_names_the_settings_that_hold(terminal: Terminal) -> None:
    signed = scribe(terminal).result("1" * 32, Told(result="refused", why="bad_value", detail="limits.same: too large"), PLACE)
    event = parse_event(verify(signed, terminal.find_device_key, "event").payload)
    assert isinstance(event, Result) and event.software == SOFTWARE and (event.seq, event.prev) == (PLACE.seq, PLACE.prev)
    assert (event.request, event.result, event.why, event.detail) == ("1" * 32, "refused", "bad_value", "limits.same: too large")
