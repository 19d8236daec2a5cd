"""Figures as people read them: numbers, tables for spreadsheets, and what charts draw. Pure but for the writer that it is given."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from math import isfinite
from typing import Any

from central.indicators.model import BY_ID, COUNTS, INDICATORS, Count, Figure, Line, Measure, Standing
from central.indicators.telling import Told, day_of

_CALCULATED = ("=", "+", "-", "@", "\t", "\r")
_HEADER = (
    *("day", "scope", "code", "name", "kind", "level_of_site", "admdvs", "indicator", "n", "of", "value", "low", "high"),
    *("before_n", "before_of", "before_value", "warn_line", "warn_peers", "warn_step", "alert_line", "alert_peers", "alert_step"),
    *("rose", "level"),
)


def value(indicator: str, number: float | None) -> str:
    """A share in percent, anything else with two decimals."""
    if number is None or not isfinite(number):
        return "—"
    return f"{number * 100:.1f} %" if BY_ID[indicator].measure is Measure.SHARE else f"{number:.2f}"


def interval(indicator: str, figure: Figure) -> str:
    """From where to where the value may well lie."""
    return f"{value(indicator, figure.low)} – {value(indicator, figure.high)}"


def share(indicator: str, figure: Figure) -> str:
    """The numbers behind it; of minutes hours."""
    grain = BY_ID[indicator].grain
    return f"{figure.n // grain:,} / {figure.of // grain:,}"


def chart(indicator: str, days: Mapping[int, Mapping[str, Count]], since: int, until: int, standing: Standing | None) -> dict[str, Any]:
    """What static/indicators.js draws: a value for each day, nothing on days on which nothing was counted, and the line that warns."""
    counts = [days.get(day, {}).get(indicator, Count()) for day in range(since, until + 1)]
    percent = BY_ID[indicator].measure is Measure.SHARE
    scale = 100 if percent else 1
    line = None if standing is None or standing.warn is None else round(standing.warn.value * scale, 3)
    return {
        "days": [f"{day_of(day):%m-%d}" for day in range(since, until + 1)],
        "values": [round(each.n / each.of * scale, 3) if each.of else None for each in counts],
        "of": [each.of // BY_ID[indicator].grain for each in counts],
        "percent": percent,
        "line": line,
    }


def counted(days: Mapping[int, Mapping[str, Count]]) -> tuple[str, ...]:
    """The indicators of which anything was counted on these days."""
    return tuple(each.id for each in INDICATORS if any(counts[each.id].of for counts in days.values()))


def standings_csv(rows: Sequence[Told], day: date, scope: str, names: Mapping[str, str]) -> Iterator[str]:
    """One line for each subject and indicator (UTF-8 with BOM, as spreadsheets expect). A name that a spreadsheet would calculate gets an
    apostrophe in front."""
    yield "\ufeff" + _line(_HEADER)
    for told in rows:
        of = told.subject
        about = (day.isoformat(), scope, of.code, names.get(of.code, ""), of.kind, of.level, of.admdvs)
        for standing in told.standings.values():
            if standing.figure is not None:
                yield _line((*about, *_cells(standing)))


def days_csv(code: str, days: Mapping[int, Mapping[str, Count]]) -> Iterator[str]:
    """One line for each day: numerator and denominator of every indicator."""
    yield "\ufeff" + _line(("day", "code", *COUNTS))
    for day, counts in sorted(days.items()):
        both = (number for each in INDICATORS for number in (counts[each.id].n, counts[each.id].of))
        yield _line((day_of(day).isoformat(), code, *both))


def _cells(standing: Standing) -> tuple[object, ...]:
    now, before = standing.figure, standing.before
    said = ("", "", "", "", "") if now is None else (now.n, now.of, _number(now.value), _number(now.low), _number(now.high))
    past = ("", "", "") if before is None else (before.n, before.of, _number(before.value))
    return (
        standing.indicator,
        *said,
        *past,
        *_line_cells(standing.warn),
        *_line_cells(standing.alert),
        int(standing.rose),
        standing.level.value,
    )


def _line_cells(line: Line | None) -> tuple[object, ...]:
    return ("", "", "") if line is None else (_number(line.value), line.peers, line.step.value)


def _number(value: float) -> str:
    return f"{value:.6f}" if isfinite(value) else ""


def _line(cells: Sequence[object]) -> str:
    text = StringIO()
    csv.writer(text).writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_CALCULATED) else cell for cell in cells])
    return text.getvalue()
