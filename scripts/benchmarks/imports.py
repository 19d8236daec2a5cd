"""A long claim file with broken rows, taken in by the command itself: rows a second, the most memory, and whether every row got its due.

Each broken row is broken in one of ten ways, and each must be named by its line and column; all the others must be in the database.
"""

import csv
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import func, select

from central import migrate
from central.claims.tables import settlements
from central.db import open_engine, reading
from central.feeds.tables import import_faults, imports
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure

EVERY = 100
"""One row of so many is broken."""

MOST_MIB = 600
FEWEST = 5000
_COLUMNS = (
    *("setl_id", "medins_setl_id", "mdtrt_id", "fixmedins_code", "fixmedins_name", "mdtrtarea_admvs", "insuplc_admdvs", "psn_no"),
    *("mdtrt_cert_type", "insutype", "med_type", "setl_time", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay"),
    *("refd_setl_flag", "init_setl_id", "dr_codg", "opter", "dev_no"),
)
_BEGUN = datetime.fromisoformat("2026-01-01 08:00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one run of the command took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def measure(folder: Path, rows: int, database: str, progress: Callable[[str], None]) -> list[Figure]:
    """All of it. `database`: an empty one; without it new SQLite files below `folder`. Raises CannotMeasure if any row got lost."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        few, many = Path(place) / "few.csv", Path(place) / "many.csv"
        progress(f"writing {rows} rows")
        write(few, rows // 10)
        broken = write(many, rows)
        small = _imported(Path(place) / "small", few, "")
        progress(f"importing {many.stat().st_size >> 20} MiB")
        home = Path(place) / "home"
        dry = _run(_settled(home, database), many, "--dry-run")
        first = _imported(home, many, database)
        _require_all(_url(home, database), rows, broken)
        progress("importing the same again")
        again = _imported(home, many, database)
        return _figures(rows, len(broken), small, dry, first, again, "PostgreSQL" if database else "SQLite")


def write(path: Path, rows: int) -> dict[int, str]:
    """A claim file of so many rows; line and column of each broken one (an empty column: the row as a whole)."""
    broken: dict[int, str] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for number in range(rows):
            cells = _row(number)
            if number % EVERY != EVERY - 1:
                writer.writerow(cells.values())
                continue
            column, text = _broken(number, cells)
            broken[number + 2] = column
            file.write(text + "\n")
    return broken


def _row(number: int) -> dict[str, str]:
    moment = _BEGUN + timedelta(seconds=number % 2_000_000)
    site = f"P{99_999_900_000 + number % 400:011d}"
    total = 10 + number % 90
    values = (
        *(f"S{number:012d}", f"{site}{moment:%Y%m%d%H%M%S}{number % 10000:04d}", f"M{number:012d}", site, f"第{number % 400}药房"),
        *("999999", "999999", f"{number * 7919 % 300_000:020d}", "03", "310", "41", f"{moment:%Y-%m-%d %H:%M:%S}"),
        *(f"{total}.00", "8.50", f"{total - 8}.50", "0.00"),
        *("0", "", f"D{number % 5000:011d}", f"op{number % 40}", f"till-{number % 3}"),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _broken(number: int, cells: dict[str, str]) -> tuple[str, str]:
    """The column that is wrong, and the line."""
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        ("medfee_sumamt", {"medfee_sumamt": "much"}),
        ("psn_no", {"psn_no": ""}),
        ("setl_time", {"setl_time": "2099-01-01 00:00:00"}),
        ("setl_time", {"setl_time": "2026-02-30 09:00:00"}),
        ("acct_pay", {"acct_pay": "-5.00"}),
        ("fund_pay_sumamt", {"fund_pay_sumamt": "99999999999.00"}),
        ("fixmedins_name", {"fixmedins_name": "药\x07房"}),
        ("setl_id", {"setl_id": f"S{number - 1:012d}", "fixmedins_code": _row(number - 1)["fixmedins_code"]}),
        ("", {"setl_id": '"never closed'}),
        ("", {"psn_no": "1,2,3"}),
    )
    column, changed = ways[number // EVERY % len(ways)]
    return column, ",".join((cells | changed).values())


def _settled(home: Path, database: str) -> Path:
    """A settings file for a centre of its own, its database at the newest schema."""
    home.mkdir(exist_ok=True)
    settings = home / "central.toml"
    settings.write_text(f'data_dir = "{home}"\ndatabase_url = "{database}"\n', encoding="utf-8")
    if _run(settings, None).peak_mib <= 0:
        raise CannotMeasure("the command left no figures")
    return settings


def _imported(home: Path, file: Path, database: str) -> Taken:
    return _run(_settled(home, database), file)


def _run(settings: Path, file: Path | None, *options: str) -> Taken:
    """The command in a process of its own: `migrate`, or an import of a file. 3 is its answer to refused rows."""
    words = ["migrate"] if file is None else ["import", str(file), *options]
    begun = perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "central", *words, "--settings", str(settings)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in {0, 3}:
        raise CannotMeasure(f"central {' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return Taken(seconds=perf_counter() - begun, cpu_seconds=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / 1024)


def _url(home: Path, database: str) -> str:
    return database or f"sqlite:///{home / 'central.sqlite3'}"


def _require_all(url: str, rows: int, broken: dict[int, str]) -> None:
    """Every good row is in, and every broken one is named by its line and column, and no other."""
    engine = open_engine(url)
    migrate.require_current(engine)
    with reading(engine).begin() as db:
        kept = db.scalar(select(func.count()).select_from(settlements))
        newest = db.scalar(select(func.max(imports.c.import_id)))
        of_newest = import_faults.c.import_id == newest
        named = {line: column for line, column in db.execute(select(import_faults.c.line, import_faults.c.column).where(of_newest))}
    engine.dispose()
    if kept != rows - len(broken):
        raise CannotMeasure(f"{kept} settlements are in the database, {rows - len(broken)} rows were good")
    if named != broken:
        wrong = sorted(named.items() ^ broken.items())[:5]
        raise CannotMeasure(f"the named rows are not the broken ones; the first differences: {wrong}")


def _figures(rows: int, broken: int, small: Taken, dry: Taken, first: Taken, again: Taken, where: str) -> list[Figure]:
    every = f"{rows - broken} good rows in, {broken} broken ones named by line and column, none else"
    spread = {"processor": rows / first.cpu_seconds}
    return [
        Figure(name=f"import, {where}", value=rows / first.seconds, unit="rows/s", n=rows, at_least=FEWEST, spread=spread, note=every),
        Figure(name="the same again", value=rows / again.seconds, unit="rows/s", n=rows, spread={"processor": rows / again.cpu_seconds}),
        Figure(name="dry run", value=rows / dry.seconds, unit="rows/s", n=rows, spread={"processor": rows / dry.cpu_seconds}),
        Figure(name="most memory, import", value=first.peak_mib, unit="MiB", n=rows, at_most=MOST_MIB, spread={"a tenth": small.peak_mib}),
        Figure(name="most memory, dry run", value=dry.peak_mib, unit="MiB", n=rows, at_most=MOST_MIB),
        Figure(
            name="memory for ten times the rows",
            value=first.peak_mib / small.peak_mib,
            unit="times",
            n=rows,
            at_most=1.5,
            note="bounded: it does not grow with the file",
        ),
    ]
