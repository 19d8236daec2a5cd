"""One settlement as the fund was billed, and what an import says about a file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

Key = tuple[str, str]
"""fixmedins_code and setl_id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One row of the claim file in the national names. Money in yuan, refunds negative; times in UTC.

    Names and certificate numbers of insured persons have no place here: psn_no is opaque.
    """

    fixmedins_code: str
    setl_id: str
    medins_setl_id: str | None
    mdtrt_id: str
    fixmedins_name: str | None
    mdtrtarea_admvs: str | None
    insuplc_admdvs: str | None
    psn_no: str
    mdtrt_cert_type: str
    insutype: str
    med_type: str
    setl_time: datetime
    begndate: datetime | None
    enddate: datetime | None
    medfee_sumamt: Decimal
    fund_pay_sumamt: Decimal
    hifp_pay: Decimal | None
    acct_pay: Decimal
    acct_mulaid_pay: Decimal | None
    psn_cash_pay: Decimal
    refd_setl_flag: int
    init_setl_id: str | None
    dr_codg: str | None
    dr_src: str | None
    dr_name: str | None
    dept_code: str | None
    ipt_otp_no: str | None
    adm_bed: str | None
    dscg_maindiag_code: str | None
    dscg_way: str | None
    opter: str | None
    dev_no: str | None
    opter_type: str | None
    auth_no: str | None
    out_biz_no: str | None

    @property
    def key(self) -> Key:
        """The natural key: institution and settlement."""
        return self.fixmedins_code, self.setl_id

    def as_json(self) -> dict[str, str | int | None]:
        """Every column as JSON can say it; equal settlements give equal text."""
        return {name: _plain(getattr(self, name)) for name in NAMES}

    def digest(self) -> str:
        """SHA-256 of the content, independent of how the file wrote it (spaces, missing zeros, order of columns)."""
        return sha256(json.dumps(list(self.as_json().values()), ensure_ascii=False).encode()).hexdigest()

    def sums_up(self) -> bool:
        """Whether fund, account and cash make the total, with or without the family share. Other payers exist, so False is only a hint."""
        paid = self.fund_pay_sumamt + self.acct_pay + self.psn_cash_pay
        return self.medfee_sumamt in (paid, paid + (self.acct_mulaid_pay or 0))


NAMES = tuple(field.name for field in fields(Settlement))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalidated:
    """A row with vali_flag 0: the settlement is not (or no longer) valid."""

    fixmedins_code: str
    setl_id: str

    @property
    def key(self) -> Key:
        """The natural key: institution and settlement."""
        return self.fixmedins_code, self.setl_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known here of a settlement: its content's hash and the newest import that stated it."""

    row_sha256: str
    import_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a row, or one cell of it, was refused. `column` is empty for the row as a whole; `value` is cut and masked."""

    line: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. Every row is exactly one of new, changed, same, bad and invalid.

    A refused row has one or more faults, of which the first twenty are here. `sums_differ` counts kept rows whose amounts do not make
    the total. `personal_columns` were in the file and were not read.
    """

    import_id: int
    source: str
    encoding: str
    rows: int
    new: int
    changed: int
    same: int
    bad: int
    invalid: int
    sums_differ: int
    faults: int
    first_faults: tuple[Fault, ...]
    unknown_columns: tuple[str, ...]
    personal_columns: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The report as lines for a terminal."""
        yield (
            f"{self.source} ({self.encoding}), import {self.import_id}: {self.rows} rows: {self.new} new, {self.changed} changed, "
            f"{self.same} same, {self.bad} refused, {self.invalid} with vali_flag 0"
        )
        if self.sums_differ:
            yield f"{self.sums_differ} kept rows whose amounts do not make the total (other payers may exist)"
        if self.unknown_columns:
            yield f"unknown columns, ignored ({len(self.unknown_columns)}): {', '.join(self.unknown_columns)}"
        if self.personal_columns:
            yield f"columns that identify persons, not read: {', '.join(self.personal_columns)}"
        for fault in self.first_faults:
            yield f"line {fault.line}, {fault.column or 'row'}: {fault.value!r}: {fault.message}"
        if self.faults > len(self.first_faults):
            yield f"{self.faults} faults in all: --faults FILE writes each of them"


def _plain(value: object) -> str | int | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    assert value is None or isinstance(value, str | int)  # noqa: S101 - the fields above have no other type
    return value
