"""Register a table of sites: each in a transaction of its own, the same again skips what is done, tokens and faults come as files."""

import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from central.db import reading
from central.enrolment import service as enrolment
from central.enrolment.model import TOKEN_LIFE
from central.errors import CentralError
from central.files import write_whole
from central.sites.model import NewSite
from central.wiring import Centre
from contract.enrolment import Token
from scripts.enrolling import table
from scripts.enrolling.registering import Entry, register
from scripts.enrolling.table import Fault, Group

Progress = Callable[[str], None]
SAY_EVERY_S = 1.0


@dataclass(slots=True)
class Outcome:
    """How far it came. `enrolled` are terminals that need no token any more; `unheard` are those of them that were given other particulars,
    of which a terminal hears when it enrols."""

    terminals: int
    new: int = 0
    done_before: int = 0
    enrolled: int = 0
    unheard: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    sites: dict[str, tuple[int, NewSite]] = field(default_factory=dict)
    """Particulars of each site and the line where they stood first."""

    @property
    def seen(self) -> int:
        """Terminals that were looked at."""
        return self.new + self.done_before + len(self.faults)

    def line(self) -> str:
        """One line for whoever waits."""
        return (
            f"{self.seen} of {self.terminals} terminals: {self.new} new, {self.done_before} done before, "
            f"{self.enrolled} of them enrolled, {len(self.faults)} with faults"
        )


def run(
    centre: Centre,
    path: Path,
    *,
    addresses: Sequence[str],
    tokens: Path,
    life: timedelta = TOKEN_LIFE,
    progress: Progress = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Register every terminal of the table and write the tokens that are open, whatever ended it. Repeating it goes on where it was.

    `tokens` is written whole and readable by this user only. `stop` is asked before each terminal. Raises BadTable before anything is done.
    """
    groups = table.groups(path)
    outcome, broker = Outcome(terminals=len(groups)), centre.settings.broker
    begun_s = said_s = time.monotonic()
    try:
        for group in groups:
            if stop():
                break
            _one(centre, group, table.entry(group, broker=(broker.host, broker.port)), addresses, life, outcome)
            if time.monotonic() - said_s >= SAY_EVERY_S:
                said_s = time.monotonic()
                left = (said_s - begun_s) / outcome.seen * (outcome.terminals - outcome.seen)
                progress(f"{outcome.line()}; about {left:.0f} s left")
    finally:
        write_whole(tokens, _tokens_csv(centre, groups).encode("utf-8-sig"), private=True)
        progress(outcome.line())
    return outcome


def _one(centre: Centre, group: Group, entry: Entry | Fault, addresses: Sequence[str], life: timedelta, outcome: Outcome) -> None:
    if isinstance(entry, Fault):
        outcome.faults.append(entry)
        return
    line, site = outcome.sites.setdefault(entry.site.fixmedins_code, (group.line, entry.site))
    if differs := next((name for name in NewSite.__dataclass_fields__ if getattr(site, name) != getattr(entry.site, name)), None):
        told = f"differs from line {line}, which is of the same site: a site has the same particulars for each of its terminals"
        outcome.faults.append(Fault(line=group.line, column=differs, value=str(getattr(entry.site, differs)), message=told))
        return
    try:
        with centre.engine.begin() as db:
            token, changed = register(db, centre, entry, addresses=addresses, life=life)
    except CentralError as error:
        outcome.faults.append(Fault(line=group.line, column="", value=group.device_id, message=str(error)))
        return
    outcome.new += changed
    outcome.done_before += not changed
    outcome.enrolled += token is None
    if token is None and changed:
        outcome.unheard.append(group.device_id)


def _tokens_csv(centre: Centre, groups: Sequence[Group]) -> str:
    """The open token of every terminal of the table; a terminal without one is left out."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["fixmedins_code", "device_id", "valid_until", "token"])
    with reading(centre.engine).begin() as db:
        for group in groups:
            token: Token | None = enrolment.open_token(db, centre.keys, group.device_id, centre.now())
            if token is not None:
                writer.writerow([token.fixmedins_code, token.device, token.valid_until.isoformat(timespec="seconds"), token.text()])
    return out.getvalue()


def write_faults(faults: Sequence[Fault], path: Path) -> None:
    """The faults as a table: line, column, value, message."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["line", "column", "value", "message"])
    writer.writerows([fault.line, fault.column, fault.value, fault.message] for fault in faults)
    write_whole(path, out.getvalue().encode("utf-8-sig"))
