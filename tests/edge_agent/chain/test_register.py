"""What the till said stays, once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from edge_agent.chain.register import SCHEMA, Register
from edge_agent.disk.vault import Vault
from edge_agent.session import Answer, Bind, Start, TillAnswer

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ANSWER = Answer(answer=TillAnswer.PASS, reasons=(), text_zh="可以", text_en="ok")


def start(msgid: str = "M1") -> Start:
    return Start(msgid=msgid, infno="2207", psn_no="P1", mdtrt_cert_type="02", window="W1")


def bind(msgid: str = "M1", setl_id: str = "S1") -> Bind:
    return Bind(msgid=msgid, setl_id=setl_id, mdtrt_id="V1", setl_time="2026-01-02 09:30:21", medfee_sumamt=Decimal("1.5"), auth_no="A")


def new_register() -> Register:
    return Register(Vault.in_memory(SCHEMA))


def test_a_session_comes_back_as_it_was() -> None:
    register = new_register()
    register.open(start(), ANSWER, NOW)
    register.bind(bind())
    entry = register.find("M1")
    assert entry is not None
    assert (entry.start, entry.answer, entry.opened_at, entry.bind, entry.closed) == (start(), ANSWER, NOW, bind(), False)
    assert register.find_settlement("S1") == entry
    assert register.find("M2") is None


def test_a_msgid_and_a_settlement_are_used_once() -> None:
    register = new_register()
    register.open(start(), ANSWER, NOW)
    with pytest.raises(sqlcipher.IntegrityError):
        register.open(start(), ANSWER, NOW)
    register.bind(bind())
    register.open(start("M2"), ANSWER, NOW)
    with pytest.raises(sqlcipher.IntegrityError):
        register.bind(bind("M2"))


def test_unclosed_sessions_are_found_oldest_first() -> None:
    register = new_register()
    for i, msgid in enumerate(("M3", "M1", "M2")):
        register.open(start(msgid), ANSWER, NOW + timedelta(seconds=i))
    register.close("M1")
    assert [entry.start.msgid for entry in register.unclosed()] == ["M3", "M2"]


def test_a_void_is_noted_once() -> None:
    register = new_register()
    assert register.void("S1", NOW)
    assert not register.void("S1", NOW)


def test_only_closed_and_old_sessions_are_forgotten() -> None:
    register = new_register()
    register.open(start("OLD"), ANSWER, NOW - timedelta(days=40))
    register.open(start("OPEN"), ANSWER, NOW - timedelta(days=40))
    register.open(start("NEW"), ANSWER, NOW)
    register.close("OLD")
    register.close("NEW")
    register.void("S1", NOW - timedelta(days=40))
    register.forget(NOW, 31)
    assert [register.find(msgid) is not None for msgid in ("OLD", "OPEN", "NEW")] == [False, True, True]
    assert register.void("S1", NOW)
