"""Bring the database to the newest schema, and check that it is there."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from central.accounts import tables as accounts
from central.audit import tables as audit
from central.captures import tables as captures
from central.cases import tables as cases
from central.changes import tables as changes
from central.claims import tables as claims
from central.db import metadata
from central.devices import tables as devices
from central.enrolment import tables as enrolment
from central.errors import Misconfigured
from central.evidence import tables as evidence
from central.feeds import tables as feeds
from central.holds import tables as holds
from central.hotlist import tables as hotlist
from central.imports import tables as imports
from central.indicators import tables as indicators
from central.linkage import tables as linkage
from central.orders import tables as orders
from central.packages import tables as packages
from central.people import tables as people
from central.registers import tables as registers
from central.rulebook import tables as rulebook
from central.sites import tables as sites
from central.subjects import tables as subjects
from central.transparency import tables as transparency

ROOMS = (
    *(accounts, audit, captures, cases, changes, claims, devices, enrolment, evidence, feeds, holds),
    *(hotlist, imports, indicators, linkage, orders, packages, people, registers, rulebook, sites, subjects, transparency),
)


def upgrade(engine: Engine) -> None:
    """Create or upgrade every table; repeating it changes nothing."""
    with engine.begin() as db:
        command.upgrade(config(db), "head")


def draft(engine: Engine, message: str, number: str) -> None:
    """Write a new migration from the difference between tables and database; a developer reads it before committing."""
    with engine.begin() as db:
        command.revision(config(db), message=message, rev_id=number, autogenerate=True)


def differences(engine: Engine) -> list[object]:
    """What the tables declare and the database lacks, or the reverse; empty when they agree."""
    with engine.connect() as db:
        return list(compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), metadata))


def require_current(engine: Engine) -> None:
    """Raises Misconfigured unless the database is at the newest schema."""
    with engine.connect() as db:
        have = MigrationContext.configure(db).get_current_revision()
        want = ScriptDirectory.from_config(config(db)).get_current_head()
    if have != want:
        raise Misconfigured(f"the database is at schema {have}, this program needs {want}: run `python -m central migrate`")


def config(db: Connection) -> Config:
    """Alembic's settings for one open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    settings.attributes["connection"] = db
    return settings
