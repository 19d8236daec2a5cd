"""The catalogue of indicators, and what a figure says beside its peers and its own past. Pure.

A level is given to the figure of an institution, a doctor or a region, never to an insured person, and only where chance explains it badly:
the whole interval must lie beyond the line. It proposes where to look; what was done there, people find out.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt
from statistics import NormalDist

from central.rules.model import IndicatorLimits, PeerStep


class Measure(StrEnum):
    """What kind of number a figure is; it decides the interval."""

    SHARE = "share"
    """Cases of trials, 0 to 1: Wilson's interval (1927)."""
    RATIO = "ratio"
    """One count to another: Wilson's interval of the first among both, as odds."""
    INDEX = "index"
    """How many each of them has, at least one: Byar's interval of what is beyond one (Breslow and Day 1987, 2.12)."""


class Level(StrEnum):
    """How a figure stands, gravest first."""

    ALERT = "alert"
    WARN = "warn"
    NORMAL = "normal"
    FEW = "few"
    """N is too small to say."""
    NONE = "none"
    """Nothing was counted."""


class Scope(StrEnum):
    """Of what indicators are told."""

    INSTITUTION = "institution"
    DOCTOR = "doctor"
    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"


DIGITS: Mapping[Scope, int] = {Scope.COUNTY: 6, Scope.CITY: 4, Scope.PROVINCE: 2}
"""Digits of admdvs that name a region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator: `id`_n of `id`_of. `grain` is how much of the latter makes one independent observation (minutes: an hour)."""

    id: str
    measure: Measure = Measure.SHARE
    low_is_bad: bool = False
    doctors: bool = False
    grain: int = 1


INDICATORS = (
    Indicator(id="verified", low_is_bad=True, doctors=True),
    Indicator(id="mismatch", doctors=True),
    Indicator(id="empty_window", doctors=True),
    Indicator(id="cards_per_face", measure=Measure.INDEX),
    Indicator(id="small_bills", doctors=True),
    Indicator(id="quick_refunds", doctors=True),
    Indicator(id="traffic", measure=Measure.RATIO),
    Indicator(id="after_hours", doctors=True),
    Indicator(id="staff_present", doctors=True),
    Indicator(id="ward_sign_in", low_is_bad=True),
    Indicator(id="doctor_sign_in", low_is_bad=True, doctors=True),
    Indicator(id="devices_online", low_is_bad=True, grain=60),
    Indicator(id="trace_codes", low_is_bad=True, doctors=True),
    Indicator(id="confirmed"),
    Indicator(id="overdue"),
)
"""DOMAIN's list: 实名核验率, 人证不符率, 空刷疑似率, 一脸多卡指数, 小额占比, 退费率, 客流比, 非营业占比, 员工在场率,
住院签到率, 医师签到匹配率, 设备在线率, 追溯码上传率, 疑点查实率, 超期率, in this order."""

BY_ID: Mapping[str, Indicator] = {each.id: each for each in INDICATORS}
COUNTS = tuple(name for each in INDICATORS for name in (f"{each.id}_n", f"{each.id}_of"))
"""Every counted column: numerator and denominator of each indicator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Of whom figures are told. `code`: of an institution, a doctor, or the digits of a region; `kind`, `level`, `admdvs` find peers."""

    code: str
    kind: str
    level: str
    admdvs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was counted over some days: so many of so many. `days` is how many of them had anything to count."""

    n: int = 0
    of: int = 0
    days: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Both together, of different days or different subjects; `days` is then an upper bound."""
        return Count(n=self.n + other.n, of=self.of + other.of, days=max(self.days, other.days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with what it rests on: `n` of `of`, and the interval within which it may well lie (`high` may be infinite)."""

    n: int
    of: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A percentile of the peers: how many they are and where they were found."""

    percentile: int
    value: float
    peers: int
    step: PeerStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a subject stands in one indicator.

    `figure` and `before` are None where nothing was counted; `warn`, `alert` are None where there are too few peers. `rose`: beyond the
    limit on its own past. A line of an indicator whose low values are bad is a low one: P5 instead of P95.
    """

    subject: Subject
    indicator: str
    figure: Figure | None
    before: Figure | None
    warn: Line | None
    alert: Line | None
    rose: bool
    level: Level


def figure(indicator: Indicator, count: Count, limits: IndicatorLimits) -> Figure | None:
    """The value of a count with its interval; None where there is nothing to divide by."""
    if count.of <= 0:
        return None
    low, high = _interval(indicator, count, NormalDist().inv_cdf(0.5 + limits.confidence_percent / 200))
    return Figure(n=count.n, of=count.of, value=count.n / count.of, low=low, high=high)


def standings(
    indicator: Indicator, now: Mapping[Subject, Count], before: Mapping[Subject, Count], limits: IndicatorLimits
) -> dict[Subject, Standing]:
    """How each subject stands among the others. Subjects with too small an N are nobody's peers."""
    figures = {subject: figure(indicator, count, limits) for subject, count in now.items()}
    counted = {subject: each for subject, each in figures.items() if each is not None and _enough(indicator, each, limits)}
    peers = Peers(indicator, {subject: each.value for subject, each in counted.items()}, limits.peer_steps)
    return {
        subject: _standing(indicator, subject, each, figure(indicator, before.get(subject, Count()), limits), peers, limits)
        for subject, each in figures.items()
    }


class Peers:
    """The figures of many subjects, sorted once for every place in which they may be sought."""

    def __init__(self, indicator: Indicator, values: Mapping[Subject, float], steps: Sequence[PeerStep]) -> None:
        """`values` are those of subjects with enough behind them."""
        self._indicator, self._steps = indicator, steps
        gathered: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        for subject, value in values.items():
            for step in steps:
                gathered[_place(subject, step)].append(value)
        self._values = {place: sorted(each) for place, each in gathered.items()}

    def line(self, subject: Subject, own: float | None, percentile: int, at_least: int) -> Line | None:
        """The percentile of the subject's peers, itself left out, at the first step where they are enough; None if nowhere."""
        wanted = 100 - percentile if self._indicator.low_is_bad else percentile
        for step in self._steps:
            values = self._values.get(_place(subject, step), [])
            others = len(values) - (own is not None)
            if others >= at_least:
                return Line(percentile=wanted, value=_percentile(values, wanted, own), peers=others, step=step)
        return None


def _standing(
    indicator: Indicator, subject: Subject, now: Figure | None, before: Figure | None, peers: Peers, limits: IndicatorLimits
) -> Standing:
    enough = now is not None and _enough(indicator, now, limits)
    own = now.value if now is not None and enough else None
    warn = peers.line(subject, own, limits.warn_percentile, limits.warn_peers)
    alert = peers.line(subject, own, limits.alert_percentile, limits.alert_peers)
    rose = now is not None and enough and before is not None and _rose(indicator, now, before, limits)
    if now is None or not enough:
        level = Level.NONE if now is None else Level.FEW
    elif _cases(indicator, now) < limits.fewest_cases:
        level, rose = Level.NORMAL, False
    elif alert is not None and _beyond(indicator, now, alert.value):
        level = Level.ALERT
    else:
        level = Level.WARN if rose or (warn is not None and _beyond(indicator, now, warn.value)) else Level.NORMAL
    return Standing(subject=subject, indicator=indicator.id, figure=now, before=before, warn=warn, alert=alert, rose=rose, level=level)


def _enough(indicator: Indicator, figure: Figure, limits: IndicatorLimits) -> bool:
    return figure.of / indicator.grain >= limits.fewest


def _cases(indicator: Indicator, figure: Figure) -> float:
    """What counts against the subject."""
    if indicator.measure is Measure.INDEX or indicator.low_is_bad:
        return abs(figure.of - figure.n) / indicator.grain
    return figure.n / indicator.grain


def _beyond(indicator: Indicator, figure: Figure, line: float) -> bool:
    return figure.high < line if indicator.low_is_bad else figure.low > line


def _rose(indicator: Indicator, now: Figure, before: Figure, limits: IndicatorLimits) -> bool:
    """Whether what is bad grew by more than the limit, and by more than chance: the intervals lie apart."""
    if not _enough(indicator, before, limits):
        return False
    bad_now, bad_before = _bad(indicator, now), _bad(indicator, before)
    apart = now.high < before.low if indicator.low_is_bad else now.low > before.high
    return apart and bad_now > bad_before * (1 + limits.rise_percent / 100)


def _bad(indicator: Indicator, figure: Figure) -> float:
    if indicator.measure is Measure.INDEX:
        return figure.value - 1
    return 1 - figure.value if indicator.low_is_bad else figure.value


def _place(subject: Subject, step: PeerStep) -> tuple[str, ...]:
    digits = {PeerStep.COUNTY: 6, PeerStep.CITY: 4, PeerStep.PROVINCE: 2}
    if step is PeerStep.KIND:
        return (step, subject.kind)
    return (step, subject.kind, subject.level, subject.admdvs[: digits.get(step, 0)])


def _percentile(values: Sequence[float], percentile: int, own: float | None) -> float:
    """Of sorted values without the own one, which is among them: straight lines between neighbours (Hyndman and Fan 1996, type 7)."""
    skipped = len(values) if own is None else bisect_left(values, own)
    last = len(values) - (own is not None) - 1
    place = last * percentile / 100
    below = int(place)
    low, high = (values[number + (number >= skipped)] for number in (below, min(below + 1, last)))
    return low + (high - low) * (place - below)


def _interval(indicator: Indicator, count: Count, z: float) -> tuple[float, float]:
    n, of = count.n / indicator.grain, count.of / indicator.grain
    if indicator.measure is Measure.SHARE:
        return _wilson(n, of, z)
    if indicator.measure is Measure.RATIO:
        low, high = _wilson(n, n + of, z)
        return low / (1 - low), high / (1 - high) if high < 1 else inf
    days = max(count.days, 1)  # the same faces come on several days: a week of them tells no more than one day of it
    low, high = _byar((n - of) / days, z)
    return 1 + low * days / of, 1 + high * days / of


def _wilson(n: float, of: float, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    share = min(max(n / of, 0.0), 1.0)
    middle = share + z * z / (2 * of)
    reach = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


def _byar(n: float, z: float) -> tuple[float, float]:
    """Byar's interval of the mean of a Poisson count."""
    low = n * (1 - 1 / (9 * n) - z / (3 * sqrt(n))) ** 3 if n > 0 else 0.0
    above = max(n, 0.0) + 1
    return max(low, 0.0), above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3


def regions(scope: Scope, counted: Iterable[tuple[Subject, Mapping[str, Count]]]) -> dict[Subject, dict[str, Count]]:
    """The same counts added up by region. A region's peers are those of its kind: first within the one above it."""
    digits = DIGITS[scope]
    found: dict[Subject, dict[str, Count]] = {}
    for subject, counts in counted:
        code = subject.admdvs[:digits]
        if len(code) == digits:
            region = Subject(code=code, kind=scope.value, level="", admdvs=code[: digits - 2])
            added = found.setdefault(region, {})
            for name, count in counts.items():
                added[name] = added.get(name, Count()) + count
    return found
