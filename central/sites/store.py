"""All SQL about sites."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from central.db import upsert
from central.sites.model import NewSite
from central.sites.tables import sites


def site(db: Connection, fixmedins_code: str) -> RowMapping | None:
    """One site, or None."""
    return db.execute(select(sites).where(sites.c.fixmedins_code == fixmedins_code)).mappings().first()


def all_sites(db: Connection) -> Sequence[RowMapping]:
    """Every site, by code."""
    return db.execute(select(sites).order_by(sites.c.fixmedins_code)).mappings().all()


def put_site(db: Connection, new: NewSite, *, now: datetime) -> None:
    """Insert a site, or overwrite its name, region and evidence mode."""
    row = {
        "fixmedins_code": new.fixmedins_code,
        "fixmedins_name": new.fixmedins_name,
        "admdvs": new.admdvs,
        "evidence_mode": new.evidence_mode.value,
        "legal_basis": new.legal_basis,
        "created_at": now,
    }
    upsert(db, sites, [row], ["fixmedins_code"])
