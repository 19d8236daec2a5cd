"""The register of proxies (代办人): who may settle for whom, for how long, and for how many."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.changes import service as changes
from central.changes.model import persons
from central.china import CHINA
from central.errors import BadInput, NotFound
from central.people import lists, store
from central.people.gallery import tell_sites
from central.people.model import Proxy, require_psn_no, words
from central.settings import PeopleSettings
from contract.commands import MAX_ACTS_FOR, GalleryRole

_OPEN_END = datetime(2099, 12, 30, tzinfo=CHINA)
_REGISTER_COLUMNS = ("psn_no", "proxy_psn_no", "from", "to", "reason")
_USUAL = PeopleSettings()


def register_proxy(db: Connection, proxy: Proxy, *, now: datetime, actor: str, limits: PeopleSettings = _USUAL) -> None:
    """Add a proxy, or change end and reason of one that began at the same time; the audit log keeps what was said before.

    Raises BadInput for oneself, an end before the begin or too far from it, no reason, or one more than a person may have or act for.
    """
    _require_sense(proxy, limits)
    _require_room(db, proxy, limits)
    lists.add_proxy(db, proxy, actor=actor, now=now)
    changes.note(db, persons([proxy.psn_no, proxy.proxy_psn_no]))
    expect_with_charges(db, proxy.proxy_psn_no, now=now, actor=actor)
    tell_sites(db, proxy.proxy_psn_no, now=now)
    span = {"from": proxy.valid_from.isoformat(), "until": proxy.valid_to.isoformat()}
    detail: dict[str, JsonValue] = {"proxy": proxy.proxy_psn_no, "reason": proxy.reason, **span}
    audit.record(db, now=now, actor=actor, action="proxy.register", object=proxy.psn_no, detail=detail)


def expect_with_charges(db: Connection, proxy_psn_no: str, *, now: datetime, actor: str) -> None:
    """Let every site that expects somebody for whom this person acts expect the person too, once there is somebody to know."""
    if store.person(db, proxy_psn_no) is None:
        return
    charges = lists.standing_proxies(db, now, proxy_psn_no=proxy_psn_no)
    wanted = {code for entry in charges for code in store.sites_expecting(db, entry["psn_no"])}
    for fixmedins_code in wanted - set(store.sites_expecting(db, proxy_psn_no)):
        row = {"fixmedins_code": fixmedins_code, "psn_no": proxy_psn_no, "role": GalleryRole.INSURED.value}
        store.expect(db, row | {"reference": None, "valid_until": None, "added_at": now, "added_by": actor})


def end_proxy(db: Connection, psn_no: str, proxy_psn_no: str, why: str, *, now: datetime, actor: str) -> None:
    """End every entry of these two before its time; they stay on record, and what was settled until now stays explained.

    Raises NotFound if none stands, BadInput without a reason.
    """
    because = words(why, "the reason")
    standing = lists.standing_proxies(db, now, psn_no=psn_no, proxy_psn_no=proxy_psn_no)
    if not standing:
        raise NotFound(f"{proxy_psn_no[:40]} is not registered as the proxy of {psn_no[:40]} now or later")
    for entry in standing:
        lists.end_proxy(db, entry, why=because, actor=actor, now=now)
    changes.note(db, persons([psn_no, proxy_psn_no]))
    tell_sites(db, proxy_psn_no, now=now)
    detail: dict[str, JsonValue] = {
        "proxy": proxy_psn_no,
        "reason": because,
        "until": max(entry["valid_to"] for entry in standing).isoformat(),
    }
    audit.record(db, now=now, actor=actor, action="proxy.end", object=psn_no, detail=detail)


def read_proxies(text: str) -> list[Proxy]:
    """Read a proxy register (psn_no, proxy_psn_no, from, to, reason; local dates). Raises BadInput naming line and column."""
    reader = csv.DictReader(StringIO(text))
    if missing := [name for name in _REGISTER_COLUMNS if name not in (reader.fieldnames or ())]:
        raise BadInput(f"proxy register: column {missing[0]!r} is missing; the columns are {', '.join(_REGISTER_COLUMNS)}")
    return [
        Proxy(
            psn_no=row["psn_no"],
            proxy_psn_no=row["proxy_psn_no"],
            valid_from=_local_date(row["from"], line, "from"),
            valid_to=_day_after(_local_date(row["to"], line, "to")),
            reason=row["reason"] or "",
        )
        for line, row in enumerate(reader, start=2)
    ]


def _require_sense(proxy: Proxy, limits: PeopleSettings) -> None:
    require_psn_no(proxy.psn_no)
    require_psn_no(proxy.proxy_psn_no)
    if proxy.psn_no == proxy.proxy_psn_no:
        raise BadInput(f"person {proxy.psn_no} cannot be registered as the proxy of the same person")
    if proxy.valid_to <= proxy.valid_from:
        raise BadInput(f"proxy of {proxy.psn_no}: it ends ({proxy.valid_to.isoformat()}) before it begins ({proxy.valid_from.isoformat()})")
    if proxy.valid_to - proxy.valid_from > timedelta(days=limits.proxy_days):
        raise BadInput(
            f"proxy of {proxy.psn_no}: {proxy.valid_from:%Y-%m-%d} to {proxy.valid_to:%Y-%m-%d} is longer than {limits.proxy_days} days;"
            " register it for a shorter time and look at it anew then"
        )
    words(proxy.reason, f"proxy of {proxy.psn_no}: the reason")


def _require_room(db: Connection, proxy: Proxy, limits: PeopleSettings) -> None:
    charges = lists.standing_proxies(db, proxy.valid_from, proxy_psn_no=proxy.proxy_psn_no)
    if _most_at_once(proxy, charges, "psn_no") > MAX_ACTS_FOR:
        raise BadInput(f"{proxy.proxy_psn_no} would be the proxy of more than {MAX_ACTS_FOR} people at one time: end earlier entries first")
    carers = lists.standing_proxies(db, proxy.valid_from, psn_no=proxy.psn_no)
    if _most_at_once(proxy, carers, "proxy_psn_no") > limits.proxies_most:
        raise BadInput(f"person {proxy.psn_no} would have more than {limits.proxies_most} proxies at one time: end earlier entries first")


def _most_at_once(proxy: Proxy, entries: Sequence[RowMapping], whom: str) -> int:
    """How many different people these entries and the new one name at the fullest moment of its span, which is where one of them begins."""
    begins = {max(proxy.valid_from, one["valid_from"]) for one in entries if one["valid_from"] < proxy.valid_to} | {proxy.valid_from}

    def at(moment: datetime) -> set[str]:
        return {one[whom] for one in entries if one["valid_from"] <= moment < one["valid_to"]} | {getattr(proxy, whom)}

    return max(len(at(moment)) for moment in begins)


def _day_after(day: datetime) -> datetime:
    """The last day counts whole; 9999-12-31 and the like mean that no end is set."""
    return min(day, _OPEN_END) + timedelta(days=1)


def _local_date(text: str | None, line: int, column: str) -> datetime:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        raise BadInput(f"proxy register line {line}, column {column!r}: {(text or '')[:40]!r} is not a date like 2026-01-31") from None
