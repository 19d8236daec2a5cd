"""How each column of the claim file is read: pure functions from text to value, each saying what it expected instead."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from central.china import CHINA
from central.claims.model import Fault, Invalidated, Settlement

Read = Callable[[str], Any]
"""Text without surrounding space to a value. Raises ValueError with a message for the clerk; never sees an empty text."""

PERSONAL = frozenset({"psn_name", "certno", "psn_cert_type", "mdtrt_cert_no", "card_sn", "tel", "coner_name"})
"""Columns that name or identify a person. They are neither read nor stored, whatever they hold."""

_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,2})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IDENTITY_NUMBER = re.compile(r"(?<![0-9])([0-9]{6})[0-9]{8}([0-9]{3}[0-9Xx])(?![0-9Xx])")
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_SHOWN = 80
_TOO_MUCH = Decimal(10_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its national name, how it is read, and whether a row without it is refused."""

    name: str
    read: Read
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Settlement times from `earliest` (a Chinese calendar day) to `latest` can be."""

    earliest: date
    latest: datetime


def matching(pattern: str, meaning: str, length: int) -> Read:
    """A text of at most `length` characters that matches the whole pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if len(text) > length or not compiled.fullmatch(text):
            raise ValueError(f"is not {meaning}")
        return text

    return read


def text(length: int) -> Read:
    """Free text of at most `length` characters."""

    def read(value: str) -> str:
        if len(value) > length:
            raise ValueError(f"has {len(value)} characters, at most {length} are allowed")
        return value

    return read


def money(value: str) -> Decimal:
    """Yuan with at most two decimals; below a limit under which sums of many rows stay exact in 64 bits of fen."""
    if not _MONEY.fullmatch(value):
        raise ValueError("is not an amount like 38.50 (at most 14 digits before and 2 behind the point)")
    amount = Decimal(value) + 0  # no negative zero
    if abs(amount) >= _TOO_MUCH:
        raise ValueError("is more than any settlement can be (10 thousand million yuan)")
    return amount


def moment(value: str) -> datetime:
    """A time in China as UTC."""
    if not _MOMENT.fullmatch(value):
        raise ValueError("is not a time like 2026-01-31 09:30:00")
    return _existing(value)


def day_or_moment(value: str) -> datetime:
    """A time in China, or a day, which means its beginning; as UTC."""
    if not _MOMENT.fullmatch(value) and not _DAY.fullmatch(value):
        raise ValueError("is neither a time like 2026-01-31 09:30:00 nor a day like 2026-01-31")
    return _existing(value)


def flag(value: str) -> int:
    """0 or 1."""
    if value not in ("0", "1"):
        raise ValueError("is neither 0 nor 1")
    return int(value)


def _existing(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=CHINA).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("does not exist in the calendar") from None


_identifier = matching(r"[A-Za-z0-9_-]{1,30}", "an id of at most 30 letters, digits, _ and -", 30)
_region = matching(r"[0-9]{6}", "a region of 6 digits", 6)
_short_code = matching(r"[0-9A-Za-z]{1,6}", "a code of at most 6 letters and digits", 6)
_code3 = matching(r"[0-9A-Za-z]{1,3}", "a code of at most 3 letters and digits", 3)


def columns(fixmedins_pattern: str) -> tuple[Column, ...]:
    """Every column that is read, in the order of the documentation."""
    return (
        Column(name="setl_id", read=_identifier, required=True),
        Column(name="medins_setl_id", read=matching(r"[A-Za-z0-9]{1,30}", "a msgid of at most 30 letters and digits", 30)),
        Column(name="mdtrt_id", read=_identifier, required=True),
        Column(
            name="fixmedins_code", read=matching(fixmedins_pattern, f"an institution code matching {fixmedins_pattern}", 12), required=True
        ),
        Column(name="fixmedins_name", read=text(200)),
        Column(name="mdtrtarea_admvs", read=_region),
        Column(name="insuplc_admdvs", read=_region),
        Column(name="psn_no", read=_identifier, required=True),
        Column(name="mdtrt_cert_type", read=_code3, required=True),
        Column(name="insutype", read=_short_code, required=True),
        Column(name="med_type", read=_short_code, required=True),
        Column(name="setl_time", read=moment, required=True),
        Column(name="begndate", read=day_or_moment),
        Column(name="enddate", read=day_or_moment),
        Column(name="medfee_sumamt", read=money, required=True),
        Column(name="fund_pay_sumamt", read=money, required=True),
        Column(name="hifp_pay", read=money),
        Column(name="acct_pay", read=money, required=True),
        Column(name="acct_mulaid_pay", read=money),
        Column(name="psn_cash_pay", read=money, required=True),
        Column(name="refd_setl_flag", read=flag),
        Column(name="init_setl_id", read=_identifier),
        Column(name="dr_codg", read=text(30)),
        Column(name="dr_src", read=text(30)),
        Column(name="dr_name", read=text(50)),
        Column(name="dept_code", read=text(30)),
        Column(name="ipt_otp_no", read=text(30)),
        Column(name="adm_bed", read=text(30)),
        Column(name="dscg_maindiag_code", read=text(30)),
        Column(name="dscg_way", read=_code3),
        Column(name="opter", read=text(30)),
        Column(name="dev_no", read=text(100)),
        Column(name="opter_type", read=_code3),
        Column(name="auth_no", read=text(64)),
        Column(name="out_biz_no", read=text(64)),
        Column(name="vali_flag", read=flag),
    )


def shown(value: str) -> str:
    """A value as a fault may repeat it: cut to 80 characters, control characters and undecoded bytes escaped, identity numbers masked."""
    clean = _NOT_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode(), value[: 2 * _SHOWN])
    masked = _IDENTITY_NUMBER.sub(r"\1********\2", clean)
    return masked if len(masked) <= _SHOWN else masked[: _SHOWN - 1] + "…"


def read_row(line: int, cells: Mapping[str, str], wanted: tuple[Column, ...], span: Span) -> Settlement | Invalidated | list[Fault]:
    """Read one row. Every wrong cell is named, not only the first; a row with any fault is refused as a whole."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for column in wanted:
        cell = cells.get(column.name, "").strip()
        try:
            values[column.name] = _read_cell(column, cell)
        except ValueError as error:
            faults.append(Fault(line=line, column=column.name, value=shown(cell), message=str(error)))
    if faults:
        return faults
    values["refd_setl_flag"] = values["refd_setl_flag"] or 0
    if values.pop("vali_flag") == 0:
        return Invalidated(fixmedins_code=values["fixmedins_code"], setl_id=values["setl_id"])
    settlement = Settlement(**values)
    contradictions = _contradictions(settlement, span)
    return [Fault(line=line, column=name, value=shown(cells[name].strip()), message=why) for name, why in contradictions] or settlement


def _read_cell(column: Column, cell: str) -> Any:
    if not cell:
        if column.required:
            raise ValueError("is empty but required")
        return None
    if _NOT_TEXT.search(cell):
        broken = _UNDECODED.search(cell) is not None
        raise ValueError("holds bytes that are not in the file's encoding" if broken else "holds control characters")
    return column.read(cell)


def _contradictions(settlement: Settlement, span: Span) -> list[tuple[str, str]]:
    """(column, what is wrong) where cells are fine one by one but cannot be true together."""
    found = []
    if settlement.setl_time.astimezone(CHINA).date() < span.earliest:
        found.append(("setl_time", f"lies before {span.earliest.isoformat()}"))
    if settlement.setl_time > span.latest:
        found.append(("setl_time", "lies in the future"))
    if settlement.begndate and settlement.enddate and settlement.enddate < settlement.begndate:
        found.append(("enddate", "lies before begndate"))
    return found + _amount_contradictions(settlement)


def _amount_contradictions(settlement: Settlement) -> list[tuple[str, str]]:
    if settlement.refd_setl_flag:
        return [("medfee_sumamt", "is positive in a refund (refd_setl_flag 1)")] if settlement.medfee_sumamt > 0 else []
    names = ("medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "acct_pay", "acct_mulaid_pay", "psn_cash_pay")
    return [(name, "is negative, which only a refund (refd_setl_flag 1) may be") for name in names if (getattr(settlement, name) or 0) < 0]
