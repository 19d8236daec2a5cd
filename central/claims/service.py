"""Take in claim files, and hand out what the fund was billed."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine

from central.arrow import read_table
from central.changes import model as changes
from central.changes.model import Change
from central.claims import store
from central.claims.model import DIGESTED, LATER, Key, Settlement
from central.claims.tables import settlement_versions, settlements
from central.db import utc_now
from central.errors import NotFound
from central.feeds import service as feeds
from central.feeds.base import Kept
from central.feeds.model import Fault
from central.feeds.service import ImportReport, Period, Progress, Request
from central.settings import ClaimSettings

_AMONG = 5000
_PERSONS = 500


def kept(settings: ClaimSettings, *, now: datetime) -> Kept:
    """Where claims are kept, and what their columns are."""
    spec = feeds.specs(settings, now=now)["claims"]
    return Kept(spec=spec, table=settlements, versions=settlement_versions, digested=DIGESTED, later=LATER, first="received_at", news=_news)


def import_file(
    engine: Engine,
    *,
    path: Path,
    actor: str,
    now: datetime | None = None,
    progress: Progress = lambda _: None,
    settings: ClaimSettings | None = None,
    period: Period | None = None,
) -> ImportReport:
    """Read a claim file (CSV or Parquet) into the settlements; see `feeds.service.import_file`.

    Repeatable: a row that is here already counts as same; other content under a known key counts as changed and the old version is
    kept; a second row under one key with other content is a fault. A stopped import goes on when it is started again.
    Raises BadInput, with nothing stored, if the file as a whole cannot be read.
    """
    rules, started = settings or ClaimSettings(), now or utc_now()
    request = Request(
        kept=kept(rules, now=started),
        path=path,
        actor=actor,
        now=started,
        most_withdrawn=rules.withdraw_share,
        progress=progress,
        period=period,
    )
    return feeds.import_file(engine, request)


def faults(db: Connection, import_id: int) -> Iterator[Fault]:
    """Every fault of an import, in the order of the file."""
    return feeds.faults(db, import_id)


def get(db: Connection, fixmedins_code: str, setl_id: str) -> Settlement:
    """One settlement as it is known now. Raises NotFound."""
    found = store.one(db, (fixmedins_code, setl_id))
    if found is None:
        raise NotFound(f"settlement {setl_id} of {fixmedins_code} is not in the claims")
    return found


def of_persons(db: Connection, persons: Collection[str], setl_ids: Collection[str]) -> Iterator[Settlement]:
    """Settlements with one of these numbers, of these persons, at whatever institution: a number alone may stand at several."""
    ordered, wanted = sorted(persons), frozenset(setl_ids)
    for start in range(0, len(ordered), _PERSONS):
        yield from (each for each in store.of_persons(db, ordered[start : start + _PERSONS]) if each.setl_id in wanted)


def provenance(db: Connection, fixmedins_code: str, setl_id: str) -> dict[str, Any]:
    """Where a settlement comes from: its hash, the newest import that stated it, and what was said of it before. Raises NotFound."""
    found = store.stated_by(db, (fixmedins_code, setl_id))
    if found is None:
        raise NotFound(f"settlement {setl_id} of {fixmedins_code} is not in the claims")
    stated = feeds.import_of(db, found["import_id"])
    named = {name: stated[name] for name in ("import_id", "source", "sha256", "started_at", "finished_at")}
    return {"row_sha256": found["row_sha256"], "import": named, "before": history(db, fixmedins_code, setl_id)}


def history(db: Connection, fixmedins_code: str, setl_id: str) -> list[dict[str, Any]]:
    """What was said of a settlement before, oldest first, also of one that is here no more: the row, the import that stated it, when
    and by which import it was replaced, and why: `changed`, `taken_back` (vali_flag 0), or `absent` from a file that was complete."""
    names = ("row_sha256", "row", "import_id", "replaced_at", "replaced_by", "why")
    return [{name: row[name] for name in names} for row in store.versions(db, (fixmedins_code, setl_id))]


def analysis_table(db: Connection, keys: Sequence[Key] | None = None) -> pa.Table:
    """Every settlement, or those with these keys, for linkage and rules, as `inputs.SETTLEMENTS`; amounts in fen."""
    if keys is None:
        return read_table(db, store.for_analysis())
    parts = [read_table(db, store.for_analysis(keys[start : start + _AMONG])) for start in range(0, len(keys) or 1, _AMONG)]
    return pa.concat_tables(parts)


def _news(keys: Sequence[tuple[Any, ...]]) -> list[Change]:
    return changes.settlements((str(key[0]), str(key[1])) for key in keys)
