"""Collects from the rooms what the overview shows."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from central.captures import service as captures
from central.captures.model import ChainEnd, RejectionRow
from central.cases import service as cases
from central.cases.model import FindingView, Status
from central.china import CHINA
from central.devices import service as devices
from central.devices.model import DeviceRow
from central.linkage import service as linkage
from central.linkage.model import LedgerCounts
from central.orders import service as orders
from central.people import service as people
from central.people.service import FaceCount
from central.rules.engine import RuleFault
from central.sites import service as sites
from central.sites.model import Site

DAYS = 14
NEWEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOutcome:
    """How many captures of a day (in China) ended with an outcome."""

    day: date
    outcome: str
    captures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow(Site):
    """A site with its devices."""

    devices: tuple[DeviceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state at `as_of`. Contains no psn_no, no picture and no score."""

    as_of: datetime
    sites: tuple[SiteRow, ...]
    findings: Mapping[Status, int]
    ledger: LedgerCounts
    outcomes: tuple[DailyOutcome, ...]
    missing: Mapping[str, int]
    """Events by device that the centre knows of, from a report or a later event, and does not hold without a gap."""
    orders: Mapping[str, int]
    """Orders by device that wait for an answer."""
    rejections: tuple[RejectionRow, ...]
    rule_faults: tuple[RuleFault, ...]
    faces: FaceCount | None
    """Faces kept, at the last count; None before the first."""

    @property
    def today(self) -> int:
        """Captures of today."""
        return sum(row.captures for row in self.outcomes if row.day == self.as_of.astimezone(CHINA).date())

    @property
    def devices(self) -> int:
        """Devices of all sites."""
        return sum(len(site.devices) for site in self.sites)

    @property
    def online(self) -> int:
        """Devices that are on-line."""
        return sum(device.online for site in self.sites for device in site.devices)

    @property
    def backlog(self) -> int:
        """Events that devices hold and the centre has not receipted, as last reported."""
        return sum(device.backlog for site in self.sites for device in site.devices)

    @property
    def without_liveness(self) -> int:
        """Devices whose captures carry no liveness judgement."""
        return sum(device.liveness_available is False for site in self.sites for device in site.devices)

    @property
    def days(self) -> tuple[date, ...]:
        """The days of the chart, oldest first, those without captures included."""
        last = self.as_of.astimezone(CHINA).date()
        return tuple(last - timedelta(days=back) for back in reversed(range(DAYS)))


def read(db: Connection, *, now: datetime) -> Overview:
    """Everything in one reading transaction, so that the figures belong together."""
    ledger = linkage.ledger(db)
    rows = _sites(db, now)
    return Overview(
        as_of=now,
        sites=rows,
        missing=_missing([device for site in rows for device in site.devices], captures.ends(db)),
        findings=cases.counts(db),
        ledger=ledger,
        outcomes=tuple(
            DailyOutcome(day=day, outcome=outcome, captures=number) for day, outcome, number in captures.daily_outcomes(db, DAYS, now=now)
        ),
        orders=orders.open_counts(db, now),
        rejections=tuple(captures.rejection_counts(db)),
        rule_faults=cases.rule_faults(db, ledger.run.run_id) if ledger.run is not None else (),
        faces=people.newest_count(db),
    )


def _sites(db: Connection, now: datetime) -> tuple[SiteRow, ...]:
    here = devices.by_site(db, now)
    return tuple(SiteRow(**asdict(site), devices=here.get(site.fixmedins_code, ())) for site in sites.all_sites(db))


def _missing(rows: Iterable[DeviceRow], ends: Mapping[str, ChainEnd]) -> dict[str, int]:
    """What a device's last report or a later event names, less what is here."""
    found = {}
    for device in rows:
        here, epoch, last_seq = ends.get(device.device_id, ChainEnd()), device.epoch or 0, device.last_seq or 0
        named = max(here.highest, last_seq if epoch == here.epoch else 0)
        if missing := last_seq if epoch > here.epoch else named - here.up_to:
            found[device.device_id] = missing
    return found


def newest_open(db: Connection) -> tuple[FindingView, ...]:
    """The newest findings without a review; for those who may read findings, since they name persons."""
    return cases.list_findings(db, status=Status.OPEN, size=NEWEST).rows
