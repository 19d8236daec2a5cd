"""A centre with some weeks of counts of many pharmacies, written as a run would have written them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine

from central.indicators import store
from central.indicators.model import COUNTS

LAST = 20467
"""2026-01-14."""
NORMAL, ODD, SMALL = "P33010100001", "P33010100007", "P33010100008"
DOCTOR = "D33010100001"


def site(number: int, county: str = "330101") -> str:
    return f"P{county}{number:05d}"


def days(code: str, *, dr: str = "", since: int = LAST - 34, until: int = LAST, **counts: Any) -> Iterator[dict[str, Any]]:
    """The same counts every day."""
    for day in range(since, until + 1):
        yield dict.fromkeys(COUNTS, 0) | {"fixmedins_code": code, "dr": dr, "day": day} | counts


def fill(engine: Engine) -> None:
    """A county with 130 pharmacies: of 100 bills a day one to three are small; ODD has 60 small ones since a week, SMALL has few bills."""
    rows: list[dict[str, Any]] = []
    for number in range(1, 131):
        code = site(number)
        bills: dict[str, Any] = (
            {"small_bills_of": 3, "small_bills_n": 3} if code == SMALL else {"small_bills_of": 100, "small_bills_n": number % 3 + 1}
        )
        rows += days(code, **bills, until=LAST - 7, quick_refunds_of=100)
        rows += days(code, **(bills | ({"small_bills_n": 60} if code == ODD else {})), since=LAST - 6, quick_refunds_of=100)
    rows += days(NORMAL, dr=DOCTOR, small_bills_of=20, small_bills_n=1)
    rows += days("H33020100001", verified_of=50, verified_n=49, devices_online_of=600, devices_online_n=540)
    with engine.begin() as db:
        store.put(db, rows)
        codes = sorted({row["fixmedins_code"] for row in rows})
        store.put_sites(db, [{"fixmedins_code": code, "kind": code[0], "level": "0", "admdvs": code[1:7]} for code in codes])
