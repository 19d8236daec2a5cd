"""Where cases are acted: institutions and persons of their own, one settlement at a time, so that none disturbs another."""

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from central.inputs import CLAIMS, FOREVER, SCHEMAS
from scripts.simulating import columns
from scripts.simulating.catalogue import COUNTER_GOODS, VISIT_FEE
from scripts.simulating.month import AHEAD, DAY, HOUR, MINUTE, SECOND, Month
from scripts.simulating.visits import SETL_FROM

Row = dict[str, Any]

OPENS, CLOSES = 8 * 60, 21 * 60
_NUMBERS_FROM = 900_000_000_000
_PERSONS_FROM = 5 << 36
_COUNTIES_FROM, _COUNTIES = 40, 20
_KM_PER_DEGREE = 111.2
_SIMILARITY = {"same": 0.74, "undecided": 0.43, "different": 0.11, "proxy": None, "attack": 0.7, "manual_verified": None}
_NO_FACE = {"persons": 0, "frames_used": 0, "similarity": None, "face_group": None, "face_band": None, "liveness": "cannot_judge"}
_OF_OUTCOME: dict[str, Row] = {
    "no_person": _NO_FACE | {"frames_seen": 180},
    "blind": _NO_FACE | {"frames_seen": 0, "camera_fault": True},
    "manual_verified": {"manual_reason": "not_enrolled"},
    "proxy": {"manual_reason": "proxy"},
    "attack": {"liveness": "attack"},
}


@dataclass(frozen=True, slots=True)
class Person:
    """An insured person with a face of their own."""

    psn_no: str
    face: int


@dataclass(frozen=True, slots=True)
class Site:
    """An institution of a case."""

    code: str
    admdvs: str
    latitude: float
    longitude: float

    @property
    def device(self) -> str:
        """Its terminal."""
        return f"c-{self.code}"


@dataclass(slots=True)
class Stage:
    """Rows of the cases acted so far, by table; `named` are the settlements of the case that is being acted."""

    month: Month
    rng: Random
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    named: list[str] = field(default_factory=list)
    captured: list[str] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _watched: dict[tuple[Site, str, int], Row] = field(default_factory=dict)
    _bills: dict[str, Row] = field(default_factory=dict)

    def next(self, what: str) -> int:
        """Numbers from 0, for each word."""
        self._counts[what] += 1
        return self._counts[what] - 1

    def day(self, span: int = 1, first: int = 1) -> int:
        """A day, not before `first`, from which `span` days lie within the month; earlier where the month is short."""
        latest = self.month.days - span
        return self.rng.randrange(max(0, min(first, latest - 1)), max(latest, 1))

    def at(self, day: int, minute: float) -> int:
        """A moment of the month."""
        return self.month.at(day, minute)

    def site(self, kind: str = "P", *, watched: bool = True, hours: tuple[int, int] | None = (OPENS, CLOSES), **changes: Any) -> Site:
        """An institution; its hours are the same every day, None declares none. `changes` are columns of `sites`."""
        number = self.next("site")
        county = _COUNTIES_FROM + number % _COUNTIES
        admdvs = str(330_101 + county % 10 * 100 + county // 10)
        row = {
            "fixmedins_code": f"{kind}{admdvs}{number // _COUNTIES + 1:05}",
            "kind": kind,
            "level": ("2", "1", None)[number % 3],
            "admdvs": admdvs,
            "latitude": round(24 + number % 500 * 0.004, 6),
            "longitude": round(98 + number // 500 * 0.05, 6),
            "watched_from": self.month.start - 60 * DAY if watched else None,
            "always_open": False,
        } | changes
        self.rows["sites"].append(row)
        if hours:
            span = {"opens": hours[0], "closes": hours[1]}
            self.rows["hours"] += [{"fixmedins_code": row["fixmedins_code"], "weekday": day, **span} for day in range(1, 8)]
        self._reported(str(row["fixmedins_code"]), row["watched_from"])
        return Site(str(row["fixmedins_code"]), admdvs, float(row["latitude"]), float(row["longitude"]))

    def site_beside(self, other: Site, km: float, kind: str = "P", **changes: Any) -> Site:
        """An institution so many kilometres north of another."""
        return self.site(kind, latitude=round(other.latitude + km / _KM_PER_DEGREE, 6), longitude=other.longitude, **changes)

    def person(self, *, registered: bool = True, **changes: Any) -> Person:
        """Somebody new. `changes` are columns of `persons`."""
        index = np.array([_PERSONS_FROM + self.next("person")], np.int64)
        somebody = Person(columns.person(index)[0].as_py(), int(columns.face(index)[0]))
        if registered:
            self.rows["persons"].append({"psn_no": somebody.psn_no} | changes)
        return somebody

    def settle(
        self, site: Site, who: Person, at: int, *, seen: Row | None = None, capture: bool = True, extra: bool = False, **changes: Any
    ) -> str:
        """A settlement and its capture; `seen` changes the capture, `changes` the claim, `line` in it its one line. Its setl_id.

        An `extra` one belongs to the institution's ordinary day, not to the case.
        """
        number, line = self.next("settlement"), changes.pop("line", {})
        hospital = site.code.startswith("H")
        row = {"fixmedins_code": site.code, "setl_id": str(SETL_FROM + _NUMBERS_FROM + number), "psn_no": who.psn_no, "setl_time": at}
        row |= {"medins_setl_id": f"{site.code}{self._stamp(at)}{number % 10_000:04}", "mdtrt_id": f"C{number:012}", "refd_setl_flag": 0}
        row |= {"mdtrt_cert_type": "01", "insutype": "310", "med_type": "11" if hospital else "41", "opter_type": "1"}
        row |= {"mdtrtarea_admvs": site.admdvs, "insuplc_admdvs": site.admdvs, "opter": "OP-1", "dev_no": "DEV-1"}
        row |= self._money(changes.pop("fen", 8_000 + number % 50 * 100), hospital) | changes
        self.rows["settlements"].append(row)
        self._bills[str(row["setl_id"])] = row
        if line is not None:
            self.line(row, **line)
        if capture:
            self._capture(site, who, row, seen or {}, named=not extra)
        if not extra:
            self.named.append(str(row["setl_id"]))
        return str(row["setl_id"])

    def line(self, bill: Row, **changes: Any) -> None:
        """A line of a bill over its whole amount: a visit's fee or goods that are no drug, unless it is changed."""
        hospital = bill["fixmedins_code"].startswith("H")
        row = {"fixmedins_code": bill["fixmedins_code"], "setl_id": bill["setl_id"], "fee_ocur_time": bill["setl_time"] - 3 * MINUTE}
        row |= {"feedetl_sn": str(self.next(f"line {bill['setl_id']}") + 1), "cnt": 1000, "det_item_fee_sumamt": bill["medfee_sumamt"]}
        row |= {"med_list_codg": VISIT_FEE, "list_type": "201"} if hospital else {"med_list_codg": COUNTER_GOODS, "list_type": "301"}
        self.rows["details"].append(row | {"inscp_amt": bill["medfee_sumamt"]} | changes)

    def refund(self, setl_id: str, at: int) -> str:
        """Takes a settlement back in full. The refund's setl_id."""
        bill = self._bills[setl_id]
        back = {name: -bill[name] for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")}
        own = {"setl_id": str(SETL_FROM + _NUMBERS_FROM + self.next("settlement")), "medins_setl_id": None, "setl_time": at}
        row = bill | back | own | {"refd_setl_flag": 1, "init_setl_id": setl_id}
        self.rows["settlements"].append(row)
        for line in [each for each in self.rows["details"] if each["setl_id"] == setl_id]:
            negative = {name: -line[name] for name in ("cnt", "det_item_fee_sumamt", "inscp_amt")}
            self.rows["details"].append(line | negative | {"setl_id": row["setl_id"], "fee_ocur_time": at})
        return str(row["setl_id"])

    def refund_alone(self, site: Site, who: Person, at: int) -> None:
        """Takes back a settlement that is not here: one of an earlier month."""
        number = self.next("settlement")
        self.settle(site, who, at, capture=False, extra=True, line=None)
        bill = self.rows["settlements"][-1]
        back = {name: -bill[name] for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")}
        bill |= back | {"refd_setl_flag": 1, "init_setl_id": str(SETL_FROM - 1 - number), "medins_setl_id": None}
        self.line(bill, cnt=-1000)

    def look(self, site: Site, who: Person, at: int, **seen: Any) -> None:
        """A capture to which no claim belongs."""
        number = self.next("settlement")
        session = {"setl_time": at, "medins_setl_id": f"{site.code}{self._stamp(at)}{number % 10_000:04}", "psn_no": who.psn_no}
        self._capture(site, who, session | {"setl_id": None}, {"closing": "timed_out", "bound_setl_time": None} | seen, named=True)

    def told_until(self, site: Site, at: int, *, claims: bool) -> None:
        """Says up to when the claims of an institution are here, or its terminal's word is."""
        for row in self.rows["reports"]:
            if row["fixmedins_code"] == site.code and (row["source"] == CLAIMS) is claims:
                row["until"] = at

    def ordinary(self, site: Site, day: int, count: int, **changes: Any) -> None:
        """Settlements of an ordinary day, half an hour apart, of persons who are recognised and have nothing to do with the case."""
        for turn in range(count):
            self.settle(site, self.person(), self.at(day, 8 * 60 + 10 + turn * 12 * 60 / max(count, 24)), extra=True, **changes)

    def proxy(self, of: Person, who: Person, **changes: Any) -> None:
        """Registers a proxy, long ago and without end."""
        span = {"valid_from": self.month.start - 90 * DAY, "valid_to": FOREVER}
        self.rows["proxies"].append({"psn_no": of.psn_no, "proxy_psn_no": who.psn_no} | span | changes)

    def exempt(self, who: Person) -> None:
        """Registers that somebody does not use the face."""
        self.rows["exemptions"].append({"psn_no": who.psn_no, "valid_from": self.month.start - 30 * DAY, "valid_to": FOREVER})

    def staff(self, site: Site, who: Person, role: str = "clerk", code: str | None = None, *, until: int = FOREVER) -> None:
        """Says that somebody works there, or did until some moment."""
        span = {"valid_from": self.month.start - 400 * DAY, "valid_to": until}
        self.rows["staff"].append({"fixmedins_code": site.code, "psn_no": who.psn_no, "role": role, "code": code} | span)

    def watch(self, site: Site, window: str, day: int, hour: int, **changes: Any) -> None:
        """What a camera saw in an hour: all of it, unless it is changed."""
        since = self.at(day, hour * 60)
        row = {
            "device_id": site.device,
            "fixmedins_code": site.code,
            "window": window,
            "role": "window",
            "since": since,
            "until": since + HOUR,
        }
        kept = self._watched.setdefault((site, window, since), row | {"seen_us": HOUR, "covered_us": 0, "failed_us": 0})
        kept.update(changes)

    def flush(self) -> dict[str, pa.Table]:
        """The rows so far as tables, which are forgotten here."""
        self.rows["coverage"] += self._watched.values()
        tables = {name: pa.Table.from_pylist(rows, SCHEMAS[name]) for name, rows in self.rows.items() if rows}
        self.rows.clear()
        self._watched.clear()
        self._bills.clear()
        return tables

    def _reported(self, code: str, watched_from: int | None) -> None:
        """Says that its claims, and its terminal if it has one, have told of all of the month."""
        claims = {"fixmedins_code": code, "source": CLAIMS, "since": self.month.start, "until": self.month.end}
        terminal = claims | {"source": f"c-{code}", "since": watched_from}
        self.rows["reports"] += [claims] if watched_from is None else [claims, terminal]

    def _capture(self, site: Site, who: Person, bill: Row, changes: Row, *, named: bool) -> None:
        at, window = bill["setl_time"], changes.get("window", "W1")
        outcome = changes.get("outcome", "same")
        row: Row = {"capture_id": f"{site.device}:1:{self.next('capture') + 1}", "device_id": site.device, "fixmedins_code": site.code}
        row |= {"window": window, "msgid": bill["medins_setl_id"], "psn_no": bill["psn_no"], "opened_at": at - 35 * SECOND}
        row |= {"closed_at": at + 8 * SECOND, "closing": "bound", "setl_id": bill["setl_id"], "bound_setl_time": at, "outcome": outcome}
        row |= {"similarity": _SIMILARITY.get(outcome), "liveness": "live", "persons": 1, "frames_seen": 170, "frames_used": 12}
        row |= {"voided": False, "face_group": who.face, "face_band": "same", "staff_face": False, "watched_face": False}
        row |= {"camera_fault": False, "clock_error_ms": 12.0, "distrusted": False} | _OF_OUTCOME.get(outcome, {}) | changes
        self.rows["captures"].append(row)
        if named:
            self.captured.append(str(row["capture_id"]))
        day = (at - self.month.start) // DAY
        for hour in {*range(OPENS // 60, CLOSES // 60), (at + AHEAD) % DAY // HOUR}:
            self.watch(site, window, day, hour)

    def _stamp(self, at: int) -> str:
        local = at - self.month.start
        minutes, second = divmod(local % DAY // SECOND, 60)
        return f"{self.month.date(local // DAY).replace('-', '')}{minutes // 60:02}{minutes % 60:02}{second:02}"

    @staticmethod
    def _money(fen: int, hospital: bool) -> Row:
        fund = fen * 60 // 100 if hospital else 0
        return {"medfee_sumamt": fen, "fund_pay_sumamt": fund, "acct_pay": fen - fund, "psn_cash_pay": 0}
