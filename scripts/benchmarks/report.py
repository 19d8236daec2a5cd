"""What a measurement says, on which machine, as JSON and as a table. A figure that was not measured has no line."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from models.files import write_whole

PACKAGES = ("numpy", "opencv-python", "onnxruntime", "sqlcipher3", "duckdb", "paho-mqtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value. `spread` names further ones ("p5", "max"); `n` is the number of trials behind it.

    `at_most` or `at_least` is the goal that it is held against. `ratio` says how many times better this is than the `peer` that was
    measured in the same run. `note` says what a reader must know to believe it.
    """

    name: str
    value: float
    unit: str
    n: int
    goal: str = ""
    spread: Mapping[str, float] | None = None
    at_most: float | None = None
    at_least: float | None = None
    peer: str = ""
    ratio: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)


def timed(name: str, taken: Sequence[float], *, goal: str = "", at_most_ms: float | None = None, note: str = "") -> Figure:
    """The 95 % point of durations (given in seconds) in milliseconds, with median, least and greatest beside it."""
    values = np.array(taken) * 1000
    spread = {"median": float(np.median(values)), "min": float(values.min()), "max": float(values.max())}
    return Figure(
        name=name,
        value=float(np.quantile(values, 0.95)),
        unit="ms p95",
        n=len(values),
        goal=goal,
        spread=spread,
        at_most=at_most_ms,
        note=note,
    )


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def machine() -> dict[str, Any]:
    """What the figures were taken on. The load says whether the machine was quiet."""
    installed = {name: found for name in PACKAGES if (found := _version(name))}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_1_min": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": installed,
    }


def save(path: Path, what: str, before: Mapping[str, Any], figures: Iterable[Figure]) -> None:
    """Write the figures as JSON; `before` is `machine()` from before the run. Replaces the file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    write_whole(path, (json.dumps({"what": what, "machine": before, "figures": lines}, indent=2, ensure_ascii=False) + "\n").encode())


def table(before: Mapping[str, Any], figures: Iterable[Figure]) -> str:
    """The same for people."""
    head = f"{before['cpu']}, {before['cores']} cores, {before['memory_gib']} GiB, Python {before['python']}, load {before['load_1_min']}"
    rows = [("goal", "measured", "value", "asked", "holds", "n", "spread", "against a peer"), *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    body = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"{figure.name.strip()}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([head, "", *body, *([""] if notes else []), *notes])


def _row(figure: Figure) -> tuple[str, ...]:
    asked = [f"{sign} {limit:g}" for sign, limit in (("<=", figure.at_most), (">=", figure.at_least)) if limit is not None]
    spread = ", ".join(f"{name} {value:.4g}" for name, value in (figure.spread or {}).items())
    peer = f"{figure.ratio:.2f} x {figure.peer}" if figure.ratio is not None else figure.peer
    holds = {None: "", True: "yes", False: "NO"}[figure.holds]
    return (figure.goal, figure.name, f"{figure.value:.4g} {figure.unit}", " and ".join(asked), holds, str(figure.n), spread, peer)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ImportError:
        return None
