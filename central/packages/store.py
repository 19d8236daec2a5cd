"""All SQL about review stamps and exported packages."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from central.packages.tables import packages, review_stamps


def stamps_of(db: Connection, jr_id: str) -> Sequence[RowMapping]:
    """The stamps of a finding, oldest first."""
    query = select(review_stamps).where(review_stamps.c.jr_id == jr_id).order_by(review_stamps.c.stamp_id)
    return db.execute(query).mappings().all()


def add_stamp(db: Connection, row: Mapping[str, Any]) -> None:
    """Append a stamp."""
    db.execute(insert(review_stamps).values(row))


def add_package(db: Connection, row: Mapping[str, Any]) -> None:
    """Note an exported package."""
    db.execute(insert(packages).values(row))


def packages_of(db: Connection, jr_id: str) -> Sequence[RowMapping]:
    """The packages of a finding, newest first."""
    query = select(packages).where(packages.c.jr_id == jr_id).order_by(packages.c.exported_at.desc(), packages.c.package_id)
    return db.execute(query).mappings().all()


def newest_packages(db: Connection, limit: int) -> Sequence[RowMapping]:
    """The newest packages of all findings."""
    return db.execute(select(packages).order_by(packages.c.exported_at.desc(), packages.c.package_id).limit(limit)).mappings().all()


def package_with(db: Connection, sha256: str) -> RowMapping | None:
    """The package with this digest, or None."""
    return db.execute(select(packages).where(packages.c.sha256 == sha256)).mappings().first()
