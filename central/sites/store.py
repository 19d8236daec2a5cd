"""All SQL about sites."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select

from central.db import upsert
from central.sites.model import NewApproval, NewSite
from central.sites.tables import site_approvals, sites


def site(db: Connection, fixmedins_code: str) -> RowMapping | None:
    """One site, or None."""
    return db.execute(select(sites).where(sites.c.fixmedins_code == fixmedins_code)).mappings().first()


def all_sites(db: Connection) -> Sequence[RowMapping]:
    """Every site, by code."""
    return db.execute(select(sites).order_by(sites.c.fixmedins_code)).mappings().all()


def put_site(db: Connection, new: NewSite, *, now: datetime) -> None:
    """Insert a site, or overwrite its particulars."""
    upsert(db, sites, [asdict(new) | {"evidence_mode": new.evidence_mode.value, "created_at": now}], ["fixmedins_code"])


def add_approval(db: Connection, fixmedins_code: str, new: NewApproval, *, by: str, now: datetime) -> None:
    """Record an approval; nothing recorded is ever changed."""
    row = asdict(new) | {"kind": new.kind.value, "fixmedins_code": fixmedins_code, "recorded_by": by, "recorded_at": now}
    db.execute(insert(site_approvals).values(**row))


def approvals(db: Connection, fixmedins_code: str) -> Sequence[RowMapping]:
    """Every approval of a site, in the order in which they were recorded."""
    query = select(site_approvals).where(site_approvals.c.fixmedins_code == fixmedins_code)
    return db.execute(query.order_by(site_approvals.c.approval_id)).mappings().all()


def every_approval(db: Connection) -> Sequence[RowMapping]:
    """Every approval of every site, in the order in which they were recorded."""
    return db.execute(select(site_approvals).order_by(site_approvals.c.approval_id)).mappings().all()
