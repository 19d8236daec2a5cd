"""Claim files as institutions export them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROW: Mapping[str, str] = {
    "setl_id": "S-1",
    "medins_setl_id": "P99999900001202601020930210001",
    "mdtrt_id": "M-1",
    "fixmedins_code": "P99999900001",
    "fixmedins_name": "示例大药房",
    "mdtrtarea_admvs": "999999",
    "insuplc_admdvs": "999999",
    "psn_no": "PSN-1",
    "mdtrt_cert_type": "03",
    "insutype": "310",
    "med_type": "41",
    "setl_time": "2026-01-02 09:30:21",
    "medfee_sumamt": "38.50",
    "fund_pay_sumamt": "8.50",
    "acct_pay": "30.00",
    "psn_cash_pay": "0.00",
    "refd_setl_flag": "0",
    "init_setl_id": "",
}
"""One valid pharmacy settlement."""


def row(**changes: str) -> dict[str, str]:
    """The valid row with some cells different, or some columns more."""
    return {**ROW, **changes}


def write(path: Path, rows: Sequence[Mapping[str, str]], encoding: str = "utf-8") -> Path:
    """A file with these rows; the first row decides the columns."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
