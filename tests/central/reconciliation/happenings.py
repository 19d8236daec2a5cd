"""What may happen at two institutions, in small numbers that keep meeting: claims, captures and every register, noted as their writers do.

A deed takes a number, an institution and how, and gives the news of it. `STEPS` draws deeds; `do` lets some happen in one transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Table, and_, delete, insert, select, text

from central import migrate
from central.captures.tables import bindings, captures, coverage, events, faces, heads, manual_checks, voids
from central.cases.tables import findings
from central.changes import service as changes
from central.changes.model import Change, ChangeKind
from central.changes.model import sessions as news_of_sessions
from central.changes.model import settlements as news_of_settlements
from central.claims.tables import settlements
from central.db import insert_new, open_engine, upsert
from central.devices.tables import devices
from central.feeds.tables import imports
from central.hotlist.model import Decision
from central.hotlist.tables import hot_list, second_looks
from central.linkage.tables import capture_links, settlement_links
from central.registers import service as registers
from central.registers.tables import TABLES
from central.settings import ClaimSettings
from central.sites.tables import sites

SITES = ("P99999900001", "H11010000001")
NOON = datetime(2026, 1, 14, 4, tzinfo=UTC)
NOW = datetime(2026, 1, 15, tzinfo=UTC)
_EVER, _DAY, _HOUR = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=1), timedelta(hours=1)
_ENDLESS = datetime(9999, 1, 1, tzinfo=UTC)
_SAID_BY_RUNS = ("run_id", "found_at", "version", "withdrawn_at")

Step: TypeAlias = tuple[str, int, int, int]
"""What happens, to which number, at which institution, and how."""
Deed: TypeAlias = Callable[[Connection, int, int, int], list[Change]]

QUICK_TO_SUSPECT = """
[flood]
least = 100000
share_percent = 100
[CC-01]
window_cards = 2
lookalikes = 1
[CC-02]
faces = 2
[CC-03]
month_cards = 2
season_cards = 2
lookalikes = 1
[CC-04]
span_minutes = 120
least_days = 2
[AMT-01]
persons = 3
span_minutes = 240
most_fen = 10000
most_faces = 10
[AMT-02]
gap_s = 600
cards = 2
[AMT-03]
back_minutes = 1440
day_count = 2
day_percent = 0
loop_count = 2
corrected_minutes = 0
[AMT-04]
percent = 100
days = 1
one_day_percent = 100
least_persons = 1
seen_percent = 1
[DRG-01]
ordinary_days = 1
carry_days = 0
[DRG-02]
institutions = 2
carry_days = 0
[DRG-03]
least_length = 1
[DRG-04]
over_percent = 0
over_packs = 0
[INP-01]
ward_percent = 100
[INP-02]
rounds = 1
[INP-03]
gap_days = 90
[DOC-01]
slack_minutes = 0
[ID-02]
most_persons = 1
gallery_hours = 0
[ID-03]
warn_percent = 0
least_settlements = 1
[STF-02]
most_settlements = 1
[SYS-01]
least_seconds = 1
settlements = 1
business_minutes = 1
"""
"""Limits at which a handful of rows makes findings of nearly every rule."""


def prepared(url: str) -> Engine:
    """A centre with two institutions and a terminal at each, and nothing that happened; what a new database asks for was done."""
    engine = open_engine(url)
    migrate.upgrade(engine)
    with engine.begin() as db:
        for code in SITES:
            site = {"fixmedins_code": code, "fixmedins_name": "示例", "admdvs": "999999", "evidence_mode": "all", "created_at": NOON}
            insert_new(db, sites, [site], ["fixmedins_code"])
            device = {"device_id": f"{code}-t1", "fixmedins_code": code, "enrolled_at": NOON - timedelta(days=9)}
            insert_new(db, devices, [device], ["device_id"])
        numbers = dict.fromkeys((column.name for column in imports.c if not column.nullable and column.server_default is None), 0)
        of_import = {"import_id": 1, "dataset": "claims", "source": "test", "sha256": "0" * 64, "started_at": NOON}
        insert_new(db, imports, [numbers | of_import], ["import_id"])
        entry = {"entry_id": 1, "kind": "key", "value": "k", "reason": "lost", "since": NOON, "added_by": "a", "added_at": NOON}
        db.execute(insert(hot_list).values(**entry))
        for number, per_session in ((0, False), (1, True)):
            _say(db, "items", med_list_codg=f"I{number}", ingredient=f"g{number}", per_session=per_session)
        changes.done(db, changes.numbers(db))
    return engine


def do(engine: Engine, steps: Sequence[Step]) -> None:
    """What happens, noted in the same transaction, as every writer does."""
    with engine.begin() as db:
        db.execute(text("PRAGMA defer_foreign_keys=ON" if engine.dialect.name == "sqlite" else "SELECT 1"))
        changes.note(db, [each for name, *rest in steps for each in DEEDS[name](db, *rest)])


def state(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """The ledger and the findings in force, without the numbers and times of the runs."""
    with engine.connect() as db:
        return {table.name: _plain(db, table) for table in (settlement_links, capture_links, findings)}


def lenient(folder: Path) -> Path:
    """A rules file of `QUICK_TO_SUSPECT`."""
    path = folder / "rules.toml"
    path.write_text(QUICK_TO_SUSPECT, encoding="utf-8")
    return path


def moment(number: int) -> datetime:
    """When what has this number happens: some on one day, minutes apart."""
    return NOON - (number // 3) * _DAY + timedelta(minutes=number)


def person(number: int) -> str:
    """One of three."""
    return f"PSN-{number % 3}"


def bill(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A claim, or another content under its key: of another person, of a stay, or a refund of the one before."""
    code, at, refund, stay = SITES[place], moment(number), how == 3, how == 2
    amount = Decimal(-38 if refund else 38)
    named = {"fixmedins_code": code, "setl_id": f"S-{number}", "mdtrt_id": f"V{number}", "medins_setl_id": f"M{number}"}
    about = {"psn_no": person(number + (how == 1)), "mdtrt_cert_type": "03", "insutype": "310", "med_type": "21" if stay else "41"}
    about |= {"mdtrtarea_admvs": "110100", "insuplc_admdvs": "330100", "dr_codg": f"D{number % 3}", "dev_no": "K1", "opter": "o"}
    of_stay = {"begndate": at - 3 * _DAY, "enddate": at, "dscg_maindiag_code": "J18", "dscg_way": "5" if number % 3 == 0 else "1"}
    money = {"medfee_sumamt": amount, "fund_pay_sumamt": amount / 2, "acct_pay": amount / 2, "psn_cash_pay": Decimal(0)}
    refunded = {"refd_setl_flag": int(refund), "init_setl_id": f"S-{number - 1}" if refund else None}
    row = {column.name: None for column in settlements.c} | named | about | (of_stay if stay else {}) | money | refunded
    upsert(db, settlements, [row | {"setl_time": at, "row_sha256": "0" * 64, "import_id": 1}], ["fixmedins_code", "setl_id"])
    return news_of_settlements([(code, f"S-{number}")])


def unbill(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A claim is taken back."""
    db.execute(delete(settlements).where(settlements.c.fixmedins_code == SITES[place], settlements.c.setl_id == f"S-{number}"))
    return news_of_settlements([(SITES[place], f"S-{number}")])


def watch(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A capture comes, with a face that may be another's; the terminal has then told of its time."""
    code, device = SITES[place], f"{SITES[place]}-t1"
    name, at = f"{device}:1:{number + 1}", moment(number)
    if db.scalar(select(captures.c.capture_id).where(captures.c.capture_id == name)) is None:
        outcome = ("same", "different", "no_person", "undecided")[how]
        reasons = [["staff_face"], ["watched_face"], ["camera_lost"], []][(number + how) % 4]
        row: dict[str, Any] = {"capture_id": name, "device_id": device, "fixmedins_code": code, "window": "W1", "msgid": f"M{number}"}
        row |= {"infno": "2102", "psn_no": person(number), "opened_at": at - timedelta(seconds=10), "closed_at": at, "closing": "bound"}
        row |= {"outcome": outcome, "reasons": reasons, "similarity": 0.4, "liveness": "live", "persons": 1, "frames_seen": 30}
        db.execute(insert(captures).values(**row, frames_used=10, evidence_mode="all", software={}, received_at=at))
        face = {"capture_id": name, "fixmedins_code": code, "embedder": "e", "sealed_vector": b"", "face_group": 40 + how % 2}
        db.execute(insert(faces).values(**face, similarity=None, band="same", seen_at=at))
        event = {"device_id": device, "epoch": 1, "seq": number + 1, "kind": "capture", "sha256": "0" * 64, "prev": "0" * 64, "kid": "k"}
        db.execute(insert(events).values(**event, signed=b"", at=at, received_at=at))
        newest = db.scalar(select(events.c.seq).where(events.c.device_id == device).order_by(events.c.seq.desc()).limit(1))
        upsert(db, heads, [{"device_id": device, "epoch": 1, "up_to": newest, "head": "0" * 64}], ["device_id", "epoch"])
    return news_of_sessions([(code, f"M{number}")])


def bind(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """The till says which settlement a session became; a later word goes before an earlier one."""
    row = _numbered(place, 1, 1000 + 10 * number + how) | {"msgid": f"M{number}", "setl_id": f"S-{number + how % 2}", "mdtrt_id": "M"}
    insert_new(db, bindings, [row | {"setl_time": NOON, "medfee_sumamt": Decimal(38)}], ["device_id", "epoch", "seq"])
    return news_of_sessions([(SITES[place], f"M{number}")])


def void(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """The till reversed a settlement, named by its number or by its session."""
    row = _numbered(place, 2, 10 * number + how) | {"setl_id": f"S-{number}", "msgid": f"M{number}" if how % 2 else None, "at": NOON}
    upsert(db, voids, [row], ["device_id", "epoch", "seq"])
    return [*news_of_settlements([(SITES[place], f"S-{number}")]), *news_of_sessions([(SITES[place], f"M{number}")])]


def by_hand(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A clerk checked by hand, or stated a proxy."""
    said = {"opter": "c", "reason": "proxy" if how % 2 else "face_covered", "proxy_psn_no": person(number + how) if how % 2 else None}
    row = _numbered(place, 3, 10 * number + how) | said | {"msgid": f"M{number}", "at": NOON}
    upsert(db, manual_checks, [row], ["device_id", "epoch", "seq"])
    return news_of_sessions([(SITES[place], f"M{number}")])


def cover(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A terminal tells of an hour of its window; later words about the same hour count."""
    since = moment(number).replace(minute=0)
    blind = [{"cause": "covered" if how % 2 else "lost", "seconds": 600.0 * how}] if how else []
    row = _numbered(place, 5, 10 * number + how) | {"place": 0, "window": "W1", "since": since, "until": since + _HOUR}
    told = {"seen_s": 3600.0 - 600 * how, "blind": blind, "people": {"role": "window", "entered": how, "stayed": how}}
    insert_new(db, coverage, [row | told], ["device_id", "epoch", "seq", "place"])
    return [Change(kind=ChangeKind.WATCH, place=SITES[place])]


def doubt(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """The device behind a capture is on the hot list; somebody may look and believe it again."""
    subject = f"{SITES[place]}-t1:1:{number + 1}"
    decided = None if how < 2 else Decision.KEEP.value if how == 2 else Decision.DISTRUST.value
    row = {"subject": subject, "entry_id": 1, "kind": "capture", "fixmedins_code": SITES[place], "seen_at": NOON, "queued_at": NOON}
    upsert(db, second_looks, [row | {"decision": decided}], ["subject", "entry_id"])
    return [Change(kind=ChangeKind.CAPTURE, name=subject)]


def line(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A line of a claim: a drug with a trace code, or a therapy; or it is taken back."""
    key = {"fixmedins_code": SITES[place], "setl_id": f"S-{number}", "feedetl_sn": str(how % 2)}
    about = {"fee_ocur_time": moment(number), "med_list_codg": f"I{number % 2}", "list_type": "101", "prd_days": 20}
    who = {"bilg_dr_codg": f"D{number % 3}", "phar_code": f"A{how % 3}", "drug_trac_codg": f"T{number % 2}"}
    money = {"cnt": 1000 * (how + 1), "det_item_fee_sumamt": Decimal(10)}
    return _unsay(db, "details", **key) if how == 3 else _say(db, "details", **key, **about, **who, **money)


def phone(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A settlement was ordered by phone somewhere; or it was not."""
    key = {"fixmedins_code": SITES[place], "setl_id": f"S-{number}"}
    return _unsay(db, "places", **key) if how == 3 else _say(db, "places", **key, latitude=30.0 + how, longitude=110.0)


def store(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Stock was taken, or something delivered."""
    key = {"fixmedins_code": SITES[place], "med_list_codg": f"I{number % 2}", "moved_at": moment(number) - _HOUR}
    movement = "opening" if how % 2 else "purchase"
    return _unsay(db, "stock", **key, movement=movement) if how == 3 else _say(db, "stock", **key, movement=movement, cnt=1000 * how)


def sign_in(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A doctor or a pharmacist signs in; or the device said so wrongly."""
    code, at = f"{'DA'[number % 2]}{how % 3}", moment(number) + place * timedelta(minutes=5)
    key = {"fixmedins_code": SITES[place], "code": code, "signed_at": at}
    return _unsay(db, "sign_ins", **key) if how == 3 else _say(db, "sign_ins", **key, left_at=None)


def hire(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Somebody works there, insured himself; or does not any more."""
    key = {"fixmedins_code": SITES[place], "psn_no": person(number), "code": f"D{number % 3}", "valid_from": _EVER}
    return _unsay(db, "staff", **key) if how == 3 else _say(db, "staff", **key, role="doctor", valid_to=NOON + how * _DAY)


def admit(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Somebody lies there, and may have died; or the register erred."""
    key = {"fixmedins_code": SITES[place], "mdtrt_id": f"V{number}"}
    span = {"admitted_at": moment(number) - 2 * _DAY, "discharged_at": moment(number) + 2 * _DAY if how else None}
    about = {"psn_no": person(number + how), "ward": "A", "adm_bed": "1", "dscg_way": "5" if how == 2 else "1"}
    return _unsay(db, "stays", **key) if how == 3 else _say(db, "stays", **key, **about, **span)


def leave(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """An inpatient was away; or was not."""
    key = {"fixmedins_code": SITES[place], "mdtrt_id": f"V{number}", "leave_from": moment(number) - _DAY}
    return _unsay(db, "leaves", **key) if how == 3 else _say(db, "leaves", **key, leave_to=moment(number) + how * _DAY, reason="leave")


def go_round(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A face round at the beds, or a look into the treatment room."""
    outcome = ("absent", "different", "same", "blind")[how]
    key = {"fixmedins_code": SITES[place], "psn_no": person(number + how // 2), "place": "bed" if number % 4 else "treatment"}
    at = moment(number) + how * 6 * _HOUR
    return _say(db, "rounds", **key, at=at, mdtrt_id=f"V{number}", outcome=outcome)


def open_at(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Declared business hours of a weekday; or none."""
    key = {"fixmedins_code": SITES[place], "weekday": number % 7 + 1, "opens": 60 * how}
    return _unsay(db, "hours", **key) if how == 3 else _say(db, "hours", **key, closes=60 * how + 500)


def locate(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """An institution lies somewhere, which may not be known."""
    where = {"latitude": None if how == 3 else 30.0 + place, "longitude": None if how == 3 else 110.0 + how}
    said = {"kind": SITES[place][0], "admdvs": "999999", "always_open": how == 2, "watched_from": _EVER if how else None}
    return _say(db, "sites", fixmedins_code=SITES[place], **said, **where)


def appoint(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A proxy is registered, whose face windows may know; or is not any more."""
    key = {"psn_no": person(number), "proxy_psn_no": person(number + 1 + place), "valid_from": _EVER}
    span = {"valid_to": NOON + (how - 1) * _DAY, "known_since": _EVER if how else None}
    return _unsay(db, "proxies", **key) if how == 3 else _say(db, "proxies", **key, **span)


def exempt(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Somebody does not use the face; or does again."""
    key = {"psn_no": person(number), "valid_from": _EVER}
    return _unsay(db, "exemptions", **key) if how == 3 else _say(db, "exemptions", **key, valid_to=NOON + (how - 1) * _DAY)


def file(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """Treatment in another place is registered; or is not any more."""
    key = {"psn_no": person(number), "mdtrtarea_admvs": "110000" if how else "440000", "valid_from": _EVER}
    return _unsay(db, "filings", **key) if how == 3 else _say(db, "filings", **key, valid_to=NOON + (how - 1) * _DAY)


def die(db: Connection, number: int, place: int, how: int) -> list[Change]:
    """A death is registered, before or after the day; or it was an error."""
    key = {"psn_no": person(number)}
    return _unsay(db, "persons", **key) if how == 3 else _say(db, "persons", **key, death_date=NOON + (how - 2) * _DAY)


_OF_CLAIMS: tuple[Deed, ...] = (bill, unbill, watch, bind, void, by_hand, cover, doubt, line, phone)
_OF_REGISTERS: tuple[Deed, ...] = (store, sign_in, hire, admit, leave, go_round, open_at, locate, appoint, exempt, file, die)
DEEDS: dict[str, Deed] = {deed.__name__: deed for deed in (*_OF_CLAIMS, *_OF_REGISTERS)}
_OFTEN = ["bill"] * 6 + ["watch"] * 6 + ["line"] * 2 + ["bind", "by_hand", "cover"]
STEPS: st.SearchStrategy[Step] = st.tuples(st.sampled_from([*_OFTEN, *DEEDS]), st.integers(0, 7), st.integers(0, 1), st.integers(0, 3))


def _numbered(place: int, epoch: int, seq: int) -> dict[str, Any]:
    return {"device_id": f"{SITES[place]}-t1", "epoch": epoch, "seq": seq, "fixmedins_code": SITES[place]}


def _say(db: Connection, name: str, **said: Any) -> list[Change]:
    """A register says so of a key; who imports it notes what hangs on it."""
    kept, table = registers.kept(name, ClaimSettings(), now=NOW), TABLES[name]
    row = {column.name: said.get(column.name) for column in table.c} | {"row_sha256": "0" * 64, "import_id": 1}
    row |= {"valid_to": said.get("valid_to") or _ENDLESS} if "valid_to" in row else {}
    upsert(db, table, [row], list(kept.spec.key))
    return list(kept.news([tuple(said[key] for key in kept.spec.key)]))


def _unsay(db: Connection, name: str, **said: Any) -> list[Change]:
    """A register does not say so any more."""
    kept, table = registers.kept(name, ClaimSettings(), now=NOW), TABLES[name]
    db.execute(delete(table).where(and_(*(table.c[key] == said[key] for key in kept.spec.key))))
    return list(kept.news([tuple(said[key] for key in kept.spec.key)]))


def _plain(db: Connection, table: Table) -> list[dict[str, Any]]:
    rows: Iterable[Any] = db.execute(select(table).order_by(*table.primary_key)).mappings()
    held = [row for row in rows if row.get("withdrawn_at") is None]
    return [{name: _sorted(value) for name, value in row.items() if name not in _SAID_BY_RUNS} for row in held]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(each) for name, each in value.items()}
    return sorted(value, key=str) if isinstance(value, list) else value
