"""Import any dataset by its name: from a file, in a dry run, as a push of a program, or pulled from another database."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue
from sqlalchemy import Connection, Engine

from central.audit import service as audit
from central.claims import service as claims
from central.errors import BadInput, Forbidden
from central.feeds import service as feeds
from central.feeds.base import Kept
from central.feeds.model import Fault, Spec
from central.feeds.service import ImportReport, Period, Progress, Request
from central.registers import service as registers
from central.settings import ClaimSettings, Settings

DATASETS = ("claims", *registers.DATASETS)


def specs(settings: ClaimSettings, *, now: datetime) -> Mapping[str, Spec]:
    """Every dataset with its columns."""
    return feeds.specs(settings, now=now)


def require_dataset(dataset: str) -> None:
    """Raises BadInput for an unknown dataset, naming those that there are."""
    if dataset not in DATASETS:
        raise BadInput(f"{dataset[:40]!r} is no dataset; there are {', '.join(DATASETS)}")


def kept(dataset: str, settings: ClaimSettings, *, now: datetime) -> Kept:
    """Where a dataset is kept. Raises BadInput naming those that there are."""
    require_dataset(dataset)
    return claims.kept(settings, now=now) if dataset == "claims" else registers.kept(dataset, settings, now=now)


def kept_for(sender: str, dataset: str, settings: Settings, *, now: datetime) -> Kept:
    """The same for a program; if the settings tie it to institutions, a row of another one is refused, also one that only takes back.

    Raises BadInput for an unknown dataset, Forbidden for one whose rows belong to no institution where the program is tied to some.
    """
    own = {code for each in settings.senders if each.account == sender for code in each.sites}
    if not own:
        return kept(dataset, settings.claims, now=now)
    pattern = "|".join(re.escape(code) for code in sorted(own))
    found = kept(dataset, settings.claims.model_copy(update={"fixmedins_pattern": pattern}), now=now)
    if "fixmedins_code" not in found.spec.names():
        raise Forbidden(f"{sender} sends for some institutions only, and {dataset} belong to none: see senders in the settings")
    return found


def request(
    dataset: str,
    path: Path,
    settings: ClaimSettings,
    *,
    actor: str,
    now: datetime,
    progress: Progress = lambda _: None,
    period: Period | None = None,
    withdraw_share: float | None = None,
) -> Request:
    """An import of a file under the settings. Raises BadInput for an unknown dataset."""
    return Request(
        kept=kept(dataset, settings, now=now),
        path=path,
        actor=actor,
        now=now,
        most_withdrawn=settings.withdraw_share if withdraw_share is None else withdraw_share,
        progress=progress,
        period=period,
    )


def take(engine: Engine, wanted: Request) -> ImportReport:
    """Import. See `feeds.service.import_file`."""
    return feeds.import_file(engine, wanted)


def try_out(engine: Engine, wanted: Request, told: Callable[[Fault], None] = lambda _: None) -> ImportReport:
    """The same without storing anything."""
    return feeds.try_file(engine, wanted, told)


def note_faults(db: Connection, number: int, *, actor: str, now: datetime) -> None:
    """Say in the audit log that somebody takes out why rows of an import were refused: the cells may name people. Raises NotFound."""
    found = feeds.import_of(db, number)
    detail: dict[str, JsonValue] = {"dataset": found["dataset"], "faults": found["faults"]}
    audit.record(db, now=now, actor=actor, action="import.faults", object=str(number), detail=detail)
