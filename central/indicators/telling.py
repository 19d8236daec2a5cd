"""What people and programs ask for: which subjects, in which order, on which day. Reads only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from central.errors import BadInput
from central.indicators import service
from central.indicators.model import BY_ID, Figure, Level, Scope, Standing, Subject
from central.rules.model import IndicatorLimits

_EPOCH = date(1970, 1, 1)
_GRAVITY = {level: number for number, level in enumerate(Level)}


class Sort(StrEnum):
    """By what a list can be ordered; gravest or largest first unless turned round."""

    LEVEL = "level"
    VALUE = "value"
    N = "n"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted. `indicator` empty: all of them; `region`: first digits of admdvs; `kind`: of the institution; `level`: that at least
    one indicator has it; `day` None: the newest."""

    scope: Scope = Scope.INSTITUTION
    indicator: str = ""
    region: str = ""
    kind: str = ""
    level: str = ""
    day: date | None = None
    sort: Sort = Sort.LEVEL
    turned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One subject with its standings by indicator."""

    subject: Subject
    standings: Mapping[str, Standing]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What was counted of it."""
        return tuple(each.figure for each in self.standings.values() if each.figure is not None)

    def at(self, level: Level) -> tuple[Standing, ...]:
        """The indicators that stand so."""
        return tuple(each for each in self.standings.values() if each.level == level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The subjects asked for, on which day; `first` and `last` are the days of which anything is known (None: nothing yet)."""

    day: date | None
    first: date | None
    last: date | None
    rows: tuple[Told, ...]


def number_of(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day of such a number."""
    return _EPOCH + timedelta(days=number)


def answer(db: Connection, limits: IndicatorLimits, asked: Asked) -> Answer:
    """Who stands how. Raises BadInput for an indicator that there is not, or that is not told of doctors where they are asked for."""
    if asked.indicator and asked.scope is Scope.DOCTOR and asked.indicator in BY_ID and not BY_ID[asked.indicator].doctors:
        raise BadInput(f"indicator {asked.indicator} is not counted by doctor")
    span = service.span(db)
    if span is None:
        return Answer(day=asked.day, first=None, last=None, rows=())
    day = day_of(span[1]) if asked.day is None else asked.day
    only = (asked.indicator,) if asked.indicator else tuple(BY_ID)
    found = service.tell(db, limits, scope=asked.scope, day=number_of(day), only=only)
    rows = [Told(subject=subject, standings=standings) for subject, standings in found.items() if _wanted(subject, standings, asked)]
    return Answer(day=day, first=day_of(span[0]), last=day_of(span[1]), rows=_ordered(rows, asked))


def _wanted(subject: Subject, standings: Mapping[str, Standing], asked: Asked) -> bool:
    place = subject.code if asked.scope in (Scope.COUNTY, Scope.CITY, Scope.PROVINCE) else subject.admdvs
    kinds = ("", subject.kind, subject.kind.removeprefix("doctor-"))
    return (
        place.startswith(asked.region)
        and (asked.kind in kinds or asked.scope not in (Scope.INSTITUTION, Scope.DOCTOR))
        and any(each.level is not Level.NONE and asked.level in ("", each.level) for each in standings.values())
    )


def _ordered(rows: Iterable[Told], asked: Asked) -> tuple[Told, ...]:
    """Equals by code. Largest values first; a list of all indicators has no one value, and is ordered by the largest N instead."""
    ordered = sorted(rows, key=lambda each: each.subject.code)
    if asked.sort is Sort.LEVEL:
        ordered.sort(key=_gravity)
    elif asked.sort is Sort.VALUE and asked.indicator:
        ordered.sort(key=lambda each: -max(figure.value for figure in each.figures))
    elif asked.sort is not Sort.CODE:
        ordered.sort(key=lambda each: -max(figure.of for figure in each.figures))
    return tuple(reversed(ordered)) if asked.turned else tuple(ordered)


def _gravity(told: Told) -> tuple[int, ...]:
    return (-len(told.at(Level.ALERT)), -len(told.at(Level.WARN)), min(_GRAVITY[each.level] for each in told.standings.values()))
