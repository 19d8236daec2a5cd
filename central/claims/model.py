"""One settlement as the fund was billed."""

import json
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
    days_rinp_flag_31: int | None = None

    @property
    def key(self) -> Key:
        """The natural key: institution and settlement."""
        return self.fixmedins_code, self.setl_id

    def as_json(self) -> dict[str, str | int | None]:
        """Every column as JSON can say it; equal settlements give equal text."""
        return {name: value for name in NAMES if (value := _plain(getattr(self, name))) is not None or name not in LATER}

    def digest(self) -> str:
        """SHA-256 of the content, independent of how the file wrote it (spaces, missing zeros, order of columns)."""
        return sha256(json.dumps(list(self.as_json().values()), ensure_ascii=False).encode()).hexdigest()

    def sums_up(self) -> bool:
        """Whether fund, account and cash make the total, with or without the family share. Other payers exist, so False is only a hint."""
        paid = self.fund_pay_sumamt + self.acct_pay + self.psn_cash_pay
        return self.medfee_sumamt in (paid, paid + (self.acct_mulaid_pay or 0))


NAMES = tuple(field.name for field in fields(Settlement))
LATER = ("days_rinp_flag_31",)
"""Columns that came when settlements had hashes already: where they are null they are no part of it."""
DIGESTED = tuple(name for name in NAMES if name not in LATER)


def _plain(value: object) -> str | int | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    assert value is None or isinstance(value, str | int)  # noqa: S101 - the fields above have no other type
    return value
