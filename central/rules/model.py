"""Parameters of the rules file that belong to no rule: of the indicators and of the groups of findings."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from central.rules.base import Limits


class PeerStep(StrEnum):
    """How far to look for peers. All but the last ask for the same kind and level."""

    COUNTY = "county"
    """In the same county: all six digits of admdvs."""
    CITY = "city"
    """In the same city: the first four digits."""
    PROVINCE = "province"
    """In the same province: the first two digits."""
    EVERYWHERE = "everywhere"
    KIND = "kind"
    """Of the same kind, whatever its level, everywhere."""


class IndicatorLimits(Limits):
    """What indicators count, with whom they compare, and from where on they warn."""

    window_days: int = Field(default=7, ge=1, le=92, description="Days that a figure sums up; a week holds every weekday once.")
    before_days: int = Field(
        default=28, ge=1, le=366, description="Days before these that a rise is measured against: four weeks, as the catalogue says."
    )
    rise_percent: int = Field(default=50, ge=1, le=10_000, description="Rise on the mean of before_days that warns.")
    warn_percentile: int = Field(default=95, ge=50, le=99, description="Beyond this percentile of the peers it warns.")
    alert_percentile: int = Field(default=99, ge=51, le=100, description="Beyond this percentile of the peers it alerts.")
    fewest: int = Field(
        default=30, ge=1, le=1_000_000, description="Smallest N that is given a level: from fewer a rate says next to nothing."
    )
    fewest_cases: int = Field(
        default=3, ge=1, le=10_000, description="Cases that a level needs: one or two may be chance, however rare they are elsewhere."
    )
    confidence_percent: int = Field(default=95, ge=50, le=99, description="How sure an interval is; all of it must lie beyond a line.")
    warn_peers: int = Field(default=20, ge=2, le=100_000, description="Peers that a P95 needs: of fewer it is just the highest.")
    alert_peers: int = Field(default=100, ge=2, le=100_000, description="Peers that a P99 needs, for the same reason.")
    peer_steps: tuple[PeerStep, ...] = Field(
        default=tuple(PeerStep), min_length=1, description="Where peers are sought, one step after the other, until there are enough."
    )
    small_bill_yuan: int = Field(default=50, ge=1, le=10_000, description="Bills up to this count as small; fakes were of 1 to 2 yuan.")
    quick_refund_minutes: int = Field(default=10, ge=1, le=1440, description="Refunds within this are quick; a known ring needed ten.")
    card_days: int = Field(default=30, ge=1, le=92, description="Days back within which the cards of a face are counted.")
    hours_slack_minutes: int = Field(default=15, ge=0, le=240, description="Grace at either end of business hours: queues end later.")
    min_frames_seen: int = Field(default=5, ge=1, le=100_000, description="Frames from which an empty window may be called empty.")
    entrance_up_percent: int = Field(
        default=95, ge=1, le=100, description="An hour counts against visitors only if every entrance was seen this much of it."
    )
    review_days: int = Field(default=21, ge=1, le=366, description="Days to review a suspicion: 15 working days are three weeks.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.alert_percentile <= self.warn_percentile:
            raise ValueError(f"alert_percentile {self.alert_percentile} must lie above warn_percentile {self.warn_percentile}")
        return self


class GroupLimits(Limits):
    """When findings belong together."""

    person_days: int = Field(default=30, ge=1, le=366, description="Days between findings about one person at one institution.")
    face_days: int = Field(default=30, ge=1, le=366, description="Days between findings that show the same face.")
    clerk_hours: int = Field(default=24, ge=1, le=720, description="Hours between findings of one clerk: a shift and what follows it.")
    doctor_hours: int = Field(default=24, ge=1, le=720, description="Hours between findings of one doctor or pharmacist.")
    most: int = Field(default=200, ge=2, le=5000, description="Findings of a group: a poster that every camera sees makes several groups.")
