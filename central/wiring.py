"""The one place where the centre's parts are put together; every part can be replaced by keyword."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from central.captures.ingest import Ingest
from central.captures.intake import Intake
from central.captures.mqtt import Bus
from central.db import open_engine, utc_now
from central.evidence.objects import EvidenceStore, FileEvidence
from central.keys import CentreKeys, read_keys
from central.people.enrolment import Registrar
from central.people.faces import Enroller
from central.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """What every command and every request works with."""

    settings: Settings
    engine: Engine
    keys: CentreKeys
    pictures: EvidenceStore
    enroller: Enroller
    registrar: Registrar
    now: Callable[[], datetime]


def open_centre(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Centre:
    """Read the keys and prepare the rest; nothing is connected yet. Raises Misconfigured."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine, keys, files = open_engine(settings.url), read_keys(settings.keys_dir), FileEvidence(settings.evidence_dir)
    enroller = Enroller(settings.models_dir, settings.people)
    return Centre(
        settings=settings,
        engine=engine,
        keys=keys,
        pictures=files,
        enroller=enroller,
        registrar=Registrar(engine=engine, keys=keys, files=files, enroller=enroller, settings=settings.people, now=now),
        now=now,
    )


def build_ingest(centre: Centre, bus: Bus) -> Ingest:
    """An ingest worker on an open bus."""
    intake = Intake(keys=centre.keys, files=centre.pictures, faces=centre.settings.faces, now=centre.now)
    return Ingest(bus=bus, intake=intake, engine=centre.engine, keys=centre.keys, settings=centre.settings, now=centre.now)
