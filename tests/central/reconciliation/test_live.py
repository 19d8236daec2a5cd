"""News reconciled as it comes: whatever the order and the batches, the same ledger and findings as one run over everything."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Table, delete, insert, select, text
from sqlalchemy.exc import DatabaseError

from central import migrate
from central.captures.tables import bindings, captures, events, faces, heads, manual_checks, voids
from central.cases.tables import findings
from central.changes import service as changes
from central.changes.model import Change, ChangeKind
from central.claims.tables import settlements
from central.db import insert_new, open_engine, upsert
from central.devices.tables import devices
from central.feeds.tables import imports
from central.linkage import service as linkage
from central.linkage.model import Why
from central.linkage.tables import capture_links, settlement_links
from central.people.tables import proxies
from central.reconciliation.live import Live
from central.reconciliation.model import NewsReport, RunReport
from central.reconciliation.service import reconcile
from central.registers.tables import TABLES
from central.sites.tables import sites
from tests.postgres import private_postgres

SITES = ("P99999900001", "H11010000001")
NOON = datetime(2026, 1, 14, 4, tzinfo=UTC)
NOW = datetime(2026, 1, 15, tzinfo=UTC)
RULES = Path(__file__).parents[3] / "config" / "rules.toml"
_SAID_BY_RUNS = ("run_id", "found_at", "version", "withdrawn_at")

Step = tuple[str, int, int, int]
"""What happens, to which number, at which institution, and how."""


def prepared(url: str) -> Engine:
    """An empty centre with two institutions and a terminal at each; what a new database asks for was done."""
    engine = open_engine(url)
    migrate.upgrade(engine)
    with engine.begin() as db:
        for code in SITES:
            site = {"fixmedins_code": code, "fixmedins_name": "示例", "admdvs": "999999", "evidence_mode": "all", "created_at": NOON}
            db.execute(insert(sites).values(**site))
            db.execute(insert(devices).values(device_id=f"{code}-t1", fixmedins_code=code, enrolled_at=NOON - timedelta(days=1)))
        changes.done(db, changes.numbers(db))
    return engine


def bill(db: Connection, number: int, place: int, how: int) -> Change:
    """A claim, or another content under its key: refunds, other persons, small amounts, other doctors."""
    code, refund = SITES[place], how == 3
    at = NOON + timedelta(minutes=number, seconds=how)
    row = {column.name: None for column in settlements.c} | {"fixmedins_code": code, "setl_id": f"S-{number}", "mdtrt_id": f"V{number}"}
    row |= {
        "medins_setl_id": f"M{number}",
        "psn_no": f"PSN-{number % 4 if how == 1 else number}",
        "mdtrt_cert_type": "03",
        "insutype": "310",
    }
    row |= {"med_type": "41", "setl_time": at, "refd_setl_flag": int(refund), "init_setl_id": f"S-{number - 1}" if refund else None}
    amount, nothing = Decimal((-1 if refund else 1) * (20 if how == 2 else 38)), Decimal(0)
    row |= {
        "medfee_sumamt": amount,
        "fund_pay_sumamt": nothing,
        "acct_pay": amount,
        "psn_cash_pay": nothing,
        "dr_codg": f"D{how}",
        "dev_no": "K1",
    }
    row |= {"row_sha256": "0" * 64, "import_id": 1}
    upsert(db, settlements, [row], ["fixmedins_code", "setl_id"])
    return Change(kind=ChangeKind.SETTLEMENT, place=code, name=f"S-{number}")


def unbill(db: Connection, number: int, place: int, how: int) -> Change:
    """A claim is taken back."""
    db.execute(delete(settlements).where(settlements.c.fixmedins_code == SITES[place], settlements.c.setl_id == f"S-{number}"))
    return Change(kind=ChangeKind.SETTLEMENT, place=SITES[place], name=f"S-{number}")


def watch(db: Connection, number: int, place: int, how: int) -> Change:
    """A capture comes, with a face that may be another's; the terminal has then told of its time."""
    code, device = SITES[place], f"{SITES[place]}-t1"
    name, at = f"{device}:1:{number + 1}", NOON + timedelta(minutes=number)
    if db.scalar(select(captures.c.capture_id).where(captures.c.capture_id == name)) is None:
        outcome = ("same", "different", "no_person", "undecided")[how]
        row: dict[str, Any] = {"capture_id": name, "device_id": device, "fixmedins_code": code, "window": "W1", "msgid": f"M{number}"}
        row |= {"infno": "2102", "psn_no": f"PSN-{number}", "opened_at": at - timedelta(seconds=10), "closed_at": at, "closing": "bound"}
        row |= {"outcome": outcome, "reasons": [], "similarity": 0.4, "liveness": "live", "persons": 1, "frames_seen": 30}
        db.execute(insert(captures).values(**row, frames_used=10, evidence_mode="all", software={}, received_at=at))
        face = {"capture_id": name, "fixmedins_code": code, "embedder": "e", "sealed_vector": b"", "face_group": 40 + how}
        db.execute(insert(faces).values(**face, similarity=None, band="same", seen_at=at))
        event = {"device_id": device, "epoch": 1, "seq": number + 1, "kind": "capture", "sha256": "0" * 64, "prev": "0" * 64, "kid": "k"}
        db.execute(insert(events).values(**event, signed=b"", at=at, received_at=at))
        newest = db.scalar(select(events.c.seq).where(events.c.device_id == device).order_by(events.c.seq.desc()).limit(1))
        upsert(db, heads, [{"device_id": device, "epoch": 1, "up_to": newest, "head": "0" * 64}], ["device_id", "epoch"])
    return Change(kind=ChangeKind.SESSION, place=code, name=f"M{number}")


def bind(db: Connection, number: int, place: int, how: int) -> Change:
    """The till says which settlement a session became; a later word goes before an earlier one."""
    device = f"{SITES[place]}-t1"
    seq = 1000 + 10 * number + how
    row = {
        "device_id": device,
        "epoch": 1,
        "seq": seq,
        "fixmedins_code": SITES[place],
        "msgid": f"M{number}",
        "setl_id": f"S-{number + how % 2}",
    }
    if db.scalar(select(bindings.c.seq).where(bindings.c.device_id == device, bindings.c.seq == seq)) is None:
        db.execute(insert(bindings).values(**row, mdtrt_id="M", setl_time=NOON, medfee_sumamt=Decimal(38)))
    return Change(kind=ChangeKind.SESSION, place=SITES[place], name=f"M{number}")


def void(db: Connection, number: int, place: int, how: int) -> Change:
    """The till reversed a settlement, named by its number or by its session."""
    row = {
        "device_id": f"{SITES[place]}-t1",
        "epoch": 2,
        "seq": 10 * number + how,
        "fixmedins_code": SITES[place],
        "setl_id": f"S-{number}",
    }
    told = row | {"msgid": f"M{number}" if how % 2 else None, "at": NOON}
    upsert(db, voids, [told], ["device_id", "epoch", "seq"])
    changes.note(db, [Change(kind=ChangeKind.SETTLEMENT, place=SITES[place], name=f"S-{number}")])
    return Change(kind=ChangeKind.SESSION, place=SITES[place], name=f"M{number}")


def by_hand(db: Connection, number: int, place: int, how: int) -> Change:
    """A clerk checked by hand."""
    row = {"device_id": f"{SITES[place]}-t1", "epoch": 3, "seq": 10 * number + how, "fixmedins_code": SITES[place], "msgid": f"M{number}"}
    upsert(
        db, manual_checks, [row | {"opter": "c", "reason": "face_covered", "proxy_psn_no": None, "at": NOON}], ["device_id", "epoch", "seq"]
    )
    return Change(kind=ChangeKind.SESSION, place=SITES[place], name=f"M{number}")


def register(db: Connection, number: int, place: int, how: int) -> Change:
    """A proxy is registered."""
    span = {"valid_from": NOON - timedelta(days=1), "valid_to": NOON + timedelta(days=1)}
    upsert(
        db,
        proxies,
        [{"psn_no": f"PSN-{number}", "proxy_psn_no": "PSN-0", "reason": "母亲", **span}],
        ["psn_no", "proxy_psn_no", "valid_from"],
    )
    changes.note(db, [Change(kind=ChangeKind.PERSON, name="PSN-0")])
    return Change(kind=ChangeKind.PERSON, name=f"PSN-{number}")


def die(db: Connection, number: int, place: int, how: int) -> Change:
    """A death is registered, before or after the day."""
    row = {column.name: None for column in TABLES["persons"].c} | {"psn_no": f"PSN-{number}", "death_date": NOON - timedelta(days=how - 1)}
    row |= {name: value for name, value in (("row_sha256", "0" * 64), ("import_id", 1)) if name in row}
    upsert(db, TABLES["persons"], [row], ["psn_no"])
    return Change(kind=ChangeKind.PERSON, name=f"PSN-{number}")


DEEDS = {deed.__name__: deed for deed in (bill, unbill, watch, bind, void, by_hand, register, die)}
STEP = st.tuples(
    st.sampled_from(["bill"] * 4 + ["watch"] * 4 + ["bind", "bind", "unbill", "void", "by_hand", "register", "die"]),
    st.integers(0, 7),
    st.integers(0, 1),
    st.integers(0, 3),
)


def do(engine: Engine, steps: Sequence[Step]) -> None:
    """What happens, noted in the same transaction, as every writer does."""
    with engine.begin() as db:
        db.execute(text("PRAGMA defer_foreign_keys=ON" if engine.dialect.name == "sqlite" else "SELECT 1"))
        _an_import(db)
        changes.note(db, [DEEDS[name](db, *rest) for name, *rest in steps])


def _an_import(db: Connection) -> None:
    """What a row of claims or registers refers to."""
    row = {"import_id": 1, "dataset": "claims", "source": "test", "sha256": "0" * 64, "started_at": NOON}
    numbers = {column.name: 0 for column in imports.c if not column.nullable and column.name not in row and column.server_default is None}
    insert_new(db, imports, [row | numbers], ["import_id"])


def state(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """The ledger and the findings in force, without the numbers and times of the runs."""
    with engine.connect() as db:
        return {table.name: _plain(db, table) for table in (settlement_links, capture_links, findings)}


def _plain(db: Connection, table: Table) -> list[dict[str, Any]]:
    rows = db.execute(select(table).order_by(*table.primary_key)).mappings()
    held = [row for row in rows if row.get("withdrawn_at") is None]
    return [{name: _sorted(value) for name, value in row.items() if name not in _SAID_BY_RUNS} for row in held]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(each) for name, each in value.items()}
    return sorted(value, key=str) if isinstance(value, list) else value


def live(engine: Engine) -> Live:
    return Live(engine, rules_file=RULES, now=lambda: NOW)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(STEP, min_size=1, max_size=8), min_size=2, max_size=5))
def test_increments_in_any_order_are_one_run_over_everything(batches: list[list[Step]]) -> None:
    with TemporaryDirectory() as folder:
        engine = prepared(f"sqlite:///{folder}/central.sqlite3")
        looking = live(engine)
        kinds = []
        for batch in batches:
            do(engine, batch)
            kinds.append(type(looking.news()))
        assert kinds[0] is RunReport
        assert set(kinds[1:]) == {NewsReport}, "nothing but the first look is at everything"
        assert looking.news() is None
        by_increments = state(engine)
        looking.close()
        reconcile(engine, rules_file=RULES, now=NOW)
        assert state(engine) == by_increments
        engine.dispose()


A_DAY: list[list[Step]] = [
    [("bill", 1, 0, 0), ("watch", 1, 0, 1)],
    [("bill", 2, 0, 0), ("watch", 2, 0, 2), ("bill", 4, 1, 0)],
    [("watch", 3, 0, 1), ("register", 1, 0, 0), ("void", 2, 0, 1), ("watch", 4, 1, 0)],
]


def test_the_same_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        engine = prepared(url)
        looking = live(engine)
        for batch in A_DAY:
            do(engine, batch)
            looking.news()
        by_increments = state(engine)
        looking.close()
        reconcile(engine, rules_file=RULES, now=NOW)
        assert state(engine) == by_increments
        assert {row["code"] for row in by_increments["settlement_links"]} == {"matched", "voided"}
        engine.dispose()


def test_what_fails_leaves_the_last_good_state_and_the_news(tmp_path: Path) -> None:
    """The ledger, the findings and the queue are as before; the next look begins with everything and gets it right."""
    engine = prepared(f"sqlite:///{tmp_path}/central.sqlite3")
    looking = live(engine)
    do(engine, A_DAY[0])
    looking.news()
    before = state(engine)
    do(engine, A_DAY[1])
    with engine.begin() as db:
        db.execute(text("CREATE TRIGGER full BEFORE INSERT ON settlement_links BEGIN SELECT RAISE(ABORT, 'disk full'); END"))
    with pytest.raises(DatabaseError, match="disk full"):
        looking.news()
    assert state(engine) == before
    with engine.begin() as db:
        assert changes.any_pending(db)
        db.execute(text("DROP TRIGGER full"))
    assert isinstance(looking.news(), RunReport)
    assert looking.news() is None
    assert len(state(engine)["settlement_links"]) == 3
    looking.close()


def test_a_run_by_somebody_else_is_seen(tmp_path: Path) -> None:
    """What is at hand was not what they compared: everything is read again."""
    engine = prepared(f"sqlite:///{tmp_path}/central.sqlite3")
    looking = live(engine)
    do(engine, A_DAY[0])
    assert isinstance(looking.news(), RunReport)
    do(engine, A_DAY[1])
    reconcile(engine, rules_file=RULES, now=NOW)
    do(engine, A_DAY[2])
    assert isinstance(looking.news(), RunReport)
    with engine.connect() as db:
        said = linkage.history(db, "settlement", SITES[0], "S-2")
    assert [(each.code_before, each.code, each.why) for each in said] == [("matched", "voided", Why.TAKEN_BACK)]
    looking.close()
