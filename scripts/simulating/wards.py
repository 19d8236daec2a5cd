"""Inpatients of the background: stays, twice-daily rounds, leaves and bills. Nobody of them settles anywhere else or comes back."""

import numpy as np
import pyarrow as pa

from scripts.simulating import catalogue, towns
from scripts.simulating.columns import Ints, chosen, face, person, stamp, table, text, where
from scripts.simulating.month import DAY, HOUR, MINUTE, SECOND, Month
from scripts.simulating.towns import HOSPITAL, Towns
from scripts.simulating.visits import SETL_FROM

ENDED = 10
"""Stays of each town that end within the month, and are billed."""
STAYS = 12
_NUMBERS_FROM = 500_000_000_000
_PERSONS_FROM = 1 << 36
_STREAM = 4
_BILL_WINDOW = "W3"


class Wards:
    """The stays of some towns."""

    def __init__(self, some: Towns, month: Month, seed: int) -> None:
        """Who lies where from when to when; the last of each town stay on."""
        self.month = month
        self.rng = np.random.default_rng([seed, _STREAM, some.first])
        self.town = np.repeat(some.numbers, STAYS)
        self.bed = np.tile(np.arange(STAYS), some.count)
        self.number = self.town * STAYS + self.bed
        rows = len(self.town)
        self.ended = self.bed < ENDED
        self.length = self.rng.integers(3, 10, rows)
        latest = month.days - self.length - 1
        self.first = np.where(self.ended, (self.rng.random(rows) * latest).astype(np.int64), month.days - self.length)
        self.admitted = month.start + self.first * DAY + 9 * HOUR + self.bed * 10 * MINUTE
        self.discharged = month.start + (self.first + self.length) * DAY + 10 * HOUR + self.bed * 20 * MINUTE
        self.on_leave = (self.bed == 3) & (self.length >= 5)
        self.site = towns.site_code(self.town, np.full(rows, HOSPITAL))
        self.visit = text("Z", self.number + 10**12)
        self.psn_no = person(_PERSONS_FROM + self.number)

    def tables(self) -> dict[str, pa.Table]:
        """Everything about them, bills and captures at the discharge window among it."""
        return {
            "settlements": self._bills(),
            "captures": self._captures(),
            "details": self._lines(),
            "stays": self._stays(),
            "leaves": self._leaves(),
            "rounds": self._rounds(),
            "persons": table("persons", len(self.town), psn_no=self.psn_no),
        }

    def _stays(self) -> pa.Table:
        return table(
            "stays",
            len(self.town),
            fixmedins_code=self.site,
            mdtrt_id=self.visit,
            psn_no=self.psn_no,
            ward="WARD-1",
            adm_bed=text("B", self.bed + 1),
            admitted_at=self.admitted,
            discharged_at=where(self.ended, self.discharged),
            dscg_way=where(self.ended, chosen(["1"], self.bed * 0)),
        )

    def _rounds(self) -> pa.Table:
        """Morning and afternoon of every day; at most one of a day without the patient in bed, unless he is on leave."""
        shape = (len(self.town), 10, 2)
        stay, day, half = (part.ravel() for part in np.indices(shape))
        at = self.month.start + (self.first[stay] + day) * DAY + np.where(half == 0, 7 * HOUR + 30 * MINUTE, 15 * HOUR + 30 * MINUTE)
        at = at + self.bed[stay] * MINUTE
        there = (at > self.admitted[stay]) & (at < np.where(self.ended, self.discharged, self.month.end)[stay])
        drawn = self.rng.random(len(stay))
        kind = np.where((half == 1) & (drawn < 0.05), 1 + (drawn * 80).astype(np.int64) % 3, 0)
        kind = np.where(self.on_leave[stay] & (day == 2), 1, kind)
        rows = np.flatnonzero(there)
        return table(
            "rounds",
            len(rows),
            fixmedins_code=self.site.take(pa.array(stay[rows])),
            mdtrt_id=self.visit.take(pa.array(stay[rows])),
            psn_no=self.psn_no.take(pa.array(stay[rows])),
            place="bed",
            at=at[rows],
            outcome=chosen(["same", "absent", "undecided", "blind"], kind[rows]),
        )

    def _leaves(self) -> pa.Table:
        rows = np.flatnonzero(self.on_leave)
        begins = self.month.start + (self.first[rows] + 1) * DAY + 17 * HOUR
        reasons = chosen(["leave", "examination"], self.town[rows] % 2)
        codes, visits = self.site.take(pa.array(rows)), self.visit.take(pa.array(rows))
        return table(
            "leaves", len(rows), fixmedins_code=codes, mdtrt_id=visits, leave_from=begins, leave_to=begins + 38 * HOUR, reason=reasons
        )

    def _billed(self) -> tuple[Ints, pa.Array, pa.Array]:
        rows = np.flatnonzero(self.ended)
        numbers = SETL_FROM + _NUMBERS_FROM + self.number[rows]
        return rows, text(numbers), text(self.site.take(pa.array(rows)), stamp(self.month, self.discharged[rows], 7000 + self.bed[rows]))

    def _fees(self, rows: Ints) -> Ints:
        return 150_000 + self.length[rows] * 60_000 + self.number[rows] % 977 * 100

    def _bills(self) -> pa.Table:
        rows, setl_id, msgid = self._billed()
        total = self._fees(rows)
        fund, region = total * 68 // 100, text(towns.region(self.town[rows]))
        return table(
            "settlements",
            len(rows),
            fixmedins_code=self.site.take(pa.array(rows)),
            setl_id=setl_id,
            medins_setl_id=msgid,
            mdtrt_id=self.visit.take(pa.array(rows)),
            psn_no=self.psn_no.take(pa.array(rows)),
            mdtrt_cert_type="03",
            insutype=chosen(["310", "390"], self.number[rows] % 2),
            med_type="21",
            mdtrtarea_admvs=region,
            insuplc_admdvs=region,
            setl_time=self.discharged[rows] + 30 * MINUTE,
            begndate=self.month.start + self.first[rows] * DAY,
            enddate=self.month.start + (self.first + self.length)[rows] * DAY,
            medfee_sumamt=total,
            fund_pay_sumamt=fund,
            acct_pay=total - fund - total // 10,
            psn_cash_pay=total // 10,
            refd_setl_flag=0,
            dept_code="0300",
            ipt_otp_no=text("I", self.number[rows] + 10**9),
            adm_bed=text("B", self.bed[rows] + 1),
            dscg_maindiag_code=chosen(["I10.x00", "J18.900", "K35.800", "E11.900", "I63.900"], self.number[rows] % 5),
            dscg_way="1",
            days_rinp_flag_31=0,
            opter="OP0-3",
            dev_no="DEV0-3",
        )

    def _captures(self) -> pa.Table:
        rows, setl_id, msgid = self._billed()
        at = self.discharged[rows] + 30 * MINUTE
        device = text("t-", self.town[rows], f"-{HOSPITAL}")
        return table(
            "captures",
            len(rows),
            capture_id=text(device, ":2:", self.number[rows] + 1),
            device_id=device,
            fixmedins_code=self.site.take(pa.array(rows)),
            window=_BILL_WINDOW,
            msgid=msgid,
            psn_no=self.psn_no.take(pa.array(rows)),
            opened_at=at - 40 * SECOND,
            closed_at=at + 10 * SECOND,
            closing="bound",
            setl_id=setl_id,
            bound_setl_time=at,
            outcome="same",
            similarity=0.7,
            liveness="live",
            persons=1,
            frames_seen=150,
            frames_used=20,
            voided=False,
            face_group=face(_PERSONS_FROM + self.number[rows]),
            face_band="first",
            staff_face=False,
            watched_face=False,
            camera_fault=False,
            clock_error_ms=8.0,
            distrusted=False,
        )

    def _lines(self) -> pa.Table:
        """The bed days in one line and a service in another."""
        rows, setl_id, _ = self._billed()
        rows, line, setl_id = np.repeat(rows, 2), np.tile([0, 1], len(rows)), setl_id.take(pa.array(np.repeat(np.arange(len(rows)), 2)))
        total = self._fees(rows)
        fee = np.where(line == 0, total // 3, total - total // 3)
        return table(
            "details",
            len(rows),
            fixmedins_code=self.site.take(pa.array(rows)),
            setl_id=setl_id,
            feedetl_sn=text(line + 1),
            fee_ocur_time=self.discharged[rows] - HOUR,
            med_list_codg=chosen(catalogue.SERVICE_CODES[:2], line),
            list_type="201",
            cnt=1000 * self.length[rows],
            det_item_fee_sumamt=fee,
            inscp_amt=fee * 8 // 10,
        )
