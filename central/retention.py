"""Let no picture outlive its purpose: what supports no suspicion goes soon, what supports one stays while people work on it.

Two clocks: one for what was merely seen, dismissed and withdrawn suspicions included, and one for what people confirmed. An open suspicion
is held however old it is, and whatever a hold keeps stays until two people release it. How long a terminal keeps raw film is a third clock,
its own (`film.keep_h` there).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from central.cases import service as cases
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.holds import service as holds
from central.packages import service as packages
from central.settings import RetentionSettings

ACTOR = "retention"


def expire(
    engine: Engine, files: EvidenceStore, settings: RetentionSettings, *, now: datetime, progress: Callable[[str], None] = lambda _: None
) -> int:
    """Erase every sealed picture and film whose time is over; how many. Repeating it changes nothing.

    Page by page, each in a transaction that looks again at what is held, so that ingest waits little and a new suspicion holds at once.
    """
    with engine.begin() as db:
        packages.extend_holds(db)
    erased, after = 0, ""
    while True:
        with engine.begin() as db:
            keep = cases.captures_in_force(db, now - timedelta(days=settings.finding_days)) | holds.held_captures(db)
            before = now - timedelta(days=settings.seen_days)
            step = evidence.erase_some(db, files, before=before, keep=keep, after=after, actor=ACTOR, now=now)
        erased += step.count
        if step.after is None:
            return erased
        after = step.after
        progress(f"{erased} pictures and clips erased")
