"""One run as a document: for programs (JSON) and for the terminal. Names no person and no file of a person."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.errors import BadLabels
from models.evaluation.identification import tail
from models.evaluation.rates import BandLimits, Rate, Targets, det, operating_points
from models.evaluation.scores import Level, Scores
from models.files import sha256, write_whole
from models.session import RUNTIME_VERSION

SCHEMA = 1
DIGITS = 6
REPORT_NAME = "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was measured, by what, when. `version` is that under which vectors (or liveness scores) may be compared.

    `limits` are the bands in force; None where nothing was compared.
    """

    kind: str
    labels: Path
    made_at: datetime
    version: str
    hashes: Mapping[str, str]
    limits: BandLimits | None
    targets: Targets
    people: int
    counts: Mapping[str, int]


def document(
    subject: Subject,
    rates: Sequence[Rate],
    levels: Sequence[Level] = (),
    identification: Sequence[Rate] = (),
    strengths: Scores | None = None,
) -> Any:
    """The report as plain values; `strengths` are those of usable frames."""
    return {
        "schema": SCHEMA,
        "kind": subject.kind,
        "made_at": subject.made_at.isoformat(),
        "labels": {"file": subject.labels.name, "sha256": sha256(subject.labels.read_bytes())},
        "machine": {
            "python": platform.python_version(),
            "onnxruntime": RUNTIME_VERSION,
            "opencv": cv2.__version__,
            "numpy": np.__version__,
        },
        "version": subject.version,
        "models": dict(subject.hashes),
        "limits": None if subject.limits is None else asdict(subject.limits),
        "targets": asdict(subject.targets),
        "people": subject.people,
        "counts": dict(subject.counts),
        "rates": [_rate(rate) for rate in rates],
        "identification": [_rate(rate) for rate in identification],
        "levels": {level.name: _level(level) for level in levels},
        "strengths": _strengths(strengths),
    }


def save(report: Any, folder: Path, page: str) -> None:
    """Write report.json and report.html into `folder`, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / REPORT_NAME, json.dumps(report, indent=1, allow_nan=False).encode())
    write_whole(folder / "report.html", page.encode())


def load(path: Path) -> Any:
    """A report written by `save`. Raises BadLabels when it is none."""
    try:
        report = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise BadLabels(f"{path} cannot be read as a report: {error}") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise BadLabels(f"{path} is no report of this program; make one with: python -m models evaluate")
    return report


def lines(report: Any) -> list[str]:
    """The report for a terminal: what was measured, one line a rate."""
    head = [
        f"{report['kind']} from {report['labels']['file']}: " + ", ".join(f"{value} {name}" for name, value in report["counts"].items()),
        f"scores of {report['version']}",
        *(f"{name}: sha256 {value}" for name, value in report["models"].items()),
        "",
        f"{'level':<11} {'rate':<26} {'errors of N':>15} {'rate':>8}  {'95 % exact':<17} {'95 % by person':<17} claim",
    ]
    points = [_point(name, *point) for name, level in report["levels"].items() for point in level["operating_points"]]
    tails = [_tail(name, level["tail"]) for name, level in report["levels"].items() if level["tail"]]
    searches = ["", *map(_line, report["identification"])] if report["identification"] else []
    return [*head, *map(_line, report["rates"]), *searches, "", *points, *tails, *_strength(report["strengths"])]


def percent(value: float) -> str:
    """A share as per cent with as many digits as it takes to tell it from zero."""
    return f"{100 * value:.2f} %" if value == 0 or value >= 0.0001 else f"{100 * value:.2g} %"


def interval(limits: Mapping[str, float] | None, errors: int) -> str:
    """An interval of shares in per cent; a bootstrap of trials without an error says nothing, and neither does one that was not made."""
    if limits is None:
        return "not made"
    if limits["high"] == 0 and errors == 0:
        return "no error seen"
    return f"{100 * limits['low']:.2f} to {100 * limits['high']:.2f}"


def shown_rate(rate: Mapping[str, Any]) -> str:
    """The point value, or a dash where so few trials do not carry one."""
    return percent(rate["errors"] / rate["trials"]) if rate["stated"] else "-"


def _line(rate: Mapping[str, Any]) -> str:
    count = f"{rate['errors']} of {rate['trials']}"
    exact, by_person = interval(rate["exact"], -1), interval(rate["by_person"], rate["errors"])
    return f"{rate['level']:<11} {rate['name']:<26} {count:>15} {shown_rate(rate):>8}  {exact:<17} {by_person:<17} {rate['statement']}"


def _point(name: str, fmr: float, threshold: float, errors: int, trials: int) -> str:
    return f"DET {name}: at FMR <= {100 * fmr:g} % (threshold {threshold:.3f}) the FNMR is {errors} of {trials}"


def _tail(name: str, decade: Mapping[str, float]) -> str:
    value, high = decade["per_decade"], decade["high"]
    return f"tail {name}: a tenth of the FMR costs {value:.3f} (up to {high:.3f} by person, {decade['scores']} scores beyond 95 %)"


def _strength(seen: Mapping[str, float] | None) -> list[str]:
    return [] if seen is None else [f"strength of {seen['frames']} usable frames: 5 % below {seen['low']:.1f}, median {seen['median']:.1f}"]


def _rate(rate: Rate) -> dict[str, Any]:
    return {**asdict(rate), "stated": rate.stated, "statement": rate.statement}


def _level(level: Level) -> dict[str, Any]:
    thresholds, fmr, fnmr = det(level)
    decade = tail(level)
    return {
        "independent": level.independent,
        "mated": _rounded(np.sort(level.mated)),
        "non_mated": _rounded(np.sort(level.non_mated)),
        "det": {"threshold": _rounded(thresholds), "fmr": _rounded(fmr), "fnmr": _rounded(fnmr)},
        "operating_points": [list(point) for point in operating_points(level)],
        "tail": None if decade is None else asdict(decade),
    }


def _strengths(values: Scores | None) -> dict[str, float] | None:
    if values is None or not len(values):
        return None
    low, median = np.quantile(values, (0.05, 0.5))
    return {"frames": len(values), "low": round(float(low), DIGITS), "median": round(float(median), DIGITS)}


def _rounded(values: Scores) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
