"""What the till may say, and when a session ends."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contract.events import Closing
from edge_agent.decide import Emptiness
from edge_agent.sections.core import Times
from edge_agent.session import Bind, Session, Start
from edge_agent.window.track import Follower
from tests.edge_agent.building import shot, sight
from tests.fakes import HandClock

TIMES = Times(window_after_s=5, session_max_s=180)
BIND = {"msgid": "M1", "setl_id": "S1", "mdtrt_id": "V1", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": 12.5}
START = {"msgid": "M1", "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": "W1"}


def session() -> Session:
    start = Start.model_validate(START)
    return Session(start=start, opened_at=HandClock().now(), opened_s=100.0, since_s=90.0, follower=Follower(100.0))


def test_a_bind_is_read_as_the_interface_writes_it() -> None:
    bind = Bind.model_validate_json(json.dumps(BIND | {"authNo": "A1", "outBizNo": "B1"}))
    assert bind.setl_time.isoformat() == "2026-01-02T01:30:21+00:00"
    assert (bind.medfee_sumamt, bind.auth_no, bind.out_biz_no) == (Decimal("12.50"), "A1", "B1")
    assert Bind.model_validate_json(bind.model_dump_json()) == bind


@pytest.mark.parametrize("amount", [12, "12", 12.0, "12.00", -0.01])
def test_money_takes_every_usual_form(amount: Any) -> None:
    assert Bind.model_validate(BIND | {"medfee_sumamt": amount}).medfee_sumamt == Decimal(str(amount))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("medfee_sumamt", "12.345"),
        ("medfee_sumamt", "NaN"),
        ("medfee_sumamt", "Infinity"),
        ("medfee_sumamt", "1" * 17),
        ("setl_time", "2026-01-02T09:30:21Z"),
        ("setl_time", "2026-02-30 09:30:21"),
        ("setl_time", 1_767_312_000),
        ("setl_id", "S 1"),
        ("setl_id", "x" * 31),
        ("setl_time", "0001-01-01 00:00:00"),
        ("setl_time", "1999-12-31 23:59:59"),
        ("setl_time", "2100-01-01 08:00:00"),
        ("setl_time", "9999-12-31 23:59:59"),
        ("authNo", ""),
        ("authNo", "a\x00b"),
        ("outBizNo", "a\nb"),
        ("outBizNo", "\x7f"),
        ("mdtrt_id", "V1\n"),
        ("unknown", 1),
    ],
)
def test_a_wrong_bind_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Bind.model_validate(BIND | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("msgid", ""), ("msgid", "x" * 31), ("msgid", "a/b"), ("infno", "22"), ("mdtrt_cert_type", "2"), ("window", "W#"), ("psn_no", "Ｐ1")],
)
def test_a_wrong_start_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Start.model_validate(START | {field: value})


def test_a_bound_session_ends_a_little_later() -> None:
    one = session()
    one.bound_s = 130.0
    assert (one.due(134.9, TIMES), one.due(135.0, TIMES)) == (None, Closing.BOUND)


def test_a_bound_session_ends_at_once_when_the_next_customer_came() -> None:
    one = session()
    one.bound_s, one.cut_s = 130.0, 131.0
    assert one.due(131.0, TIMES) is Closing.BOUND


def test_an_unbound_session_ends_at_last() -> None:
    one = session()
    assert (one.due(279.9, TIMES), one.due(280.0, TIMES)) == (None, Closing.TIMED_OUT)


def test_a_voided_session_ends_at_once() -> None:
    one = session()
    one.voided = True
    assert one.due(100.0, TIMES) is Closing.VOIDED


def test_holes_are_measured_from_before_the_start_to_the_end() -> None:
    one = session()
    assert one.longest_gap_until(91.0) == 1.0
    for t in (93.0, 94.0, 95.0):
        one.add(sight(t))
    assert one.longest_gap_until(95.5) == 3.0
    assert one.longest_gap_until(105.0) == 10.0


def test_emptiness_needs_every_frame() -> None:
    one = session()
    assert one.emptiness(0.02) is Emptiness.UNKNOWN
    one.add(sight(101.0, foreground=0.01))
    assert one.emptiness(0.02) is Emptiness.EMPTY
    one.add(sight(102.0, foreground=0.3))
    assert one.emptiness(0.02) is Emptiness.OCCUPIED
    one.add(sight(103.0, learnt=False))
    assert one.emptiness(0.02) is Emptiness.UNKNOWN


def test_a_doubtful_detection_is_no_face() -> None:
    """As the edge of a picture that looks like a face all day: whether anybody is there is then for the background to say."""
    one = session()
    one.add(sight(101.0, shot(score=0.5), shot(x=100)))
    assert one.faces == 1
