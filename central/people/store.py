"""All SQL about people, templates, proxies and the gallery's changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Subquery, func, insert, select, update

from central.db import upsert
from central.people.model import Proxy
from central.people.tables import expected_at, gallery_changes, people, proxies, templates


def put_person(db: Connection, psn_no: str, legal_basis: str, *, now: datetime) -> None:
    """Insert a person, or record a newer legal basis."""
    upsert(db, people, [{"psn_no": psn_no, "legal_basis": legal_basis, "enrolled_at": now}], ["psn_no"])


def put_template(db: Connection, row: Mapping[str, Any], *, now: datetime) -> None:
    """The new template replaces earlier ones of the same person and network; they stay for old evidence."""
    same = (templates.c.psn_no == row["psn_no"]) & (templates.c.embedder == row["embedder"]) & templates.c.replaced_at.is_(None)
    db.execute(update(templates).where(same).values(replaced_at=now))
    db.execute(insert(templates).values(**row))


def current_templates(db: Connection, psn_nos: Iterable[str]) -> Sequence[RowMapping]:
    """The templates in use of these people."""
    condition = templates.c.psn_no.in_(list(psn_nos)) & templates.c.replaced_at.is_(None)
    return db.execute(select(templates).where(condition)).mappings().all()


def count_templates(db: Connection, psn_nos: Iterable[str]) -> dict[str, int]:
    """How many templates of each of these people are in use."""
    condition = templates.c.psn_no.in_(list(psn_nos)) & templates.c.replaced_at.is_(None)
    rows = db.execute(select(templates.c.psn_no, func.count()).where(condition).group_by(templates.c.psn_no))
    return {row[0]: row[1] for row in rows}


def without_template(db: Connection, version: str) -> list[str]:
    """People who have templates in use, but none of this network."""
    current = templates.c.replaced_at.is_(None)
    have = select(templates.c.psn_no).where(current & (templates.c.embedder == version))
    found = select(templates.c.psn_no).where(current & templates.c.psn_no.not_in(have)).distinct().order_by(templates.c.psn_no)
    return list(db.scalars(found))


def with_other_templates(db: Connection, versions: Sequence[str]) -> list[str]:
    """People who have a template of each of these networks in use, and others besides."""
    current = templates.c.replaced_at.is_(None)
    named = templates.c.embedder.in_(list(versions))
    whole = select(templates.c.psn_no).where(current & named).group_by(templates.c.psn_no).having(func.count() >= len(versions))
    found = select(templates.c.psn_no).where(current & ~named & templates.c.psn_no.in_(whole)).distinct().order_by(templates.c.psn_no)
    return list(db.scalars(found))


def retire_templates(db: Connection, psn_no: str, versions: Sequence[str], *, now: datetime) -> None:
    """This person's templates of other networks than these are no longer in use."""
    others = (templates.c.psn_no == psn_no) & templates.c.embedder.not_in(list(versions)) & templates.c.replaced_at.is_(None)
    db.execute(update(templates).where(others).values(replaced_at=now))


def picture_of(db: Connection, psn_no: str) -> str | None:
    """The newest enrolment picture's media_id."""
    condition = (templates.c.psn_no == psn_no) & templates.c.replaced_at.is_(None)
    return db.scalar(select(templates.c.media_id).where(condition).order_by(templates.c.enrolled_at.desc()))


def expect(db: Connection, fixmedins_code: str, psn_no: str, role: str) -> None:
    """This site expects this person."""
    upsert(db, expected_at, [{"fixmedins_code": fixmedins_code, "psn_no": psn_no, "role": role}], ["fixmedins_code", "psn_no"])


def roles_at(db: Connection, fixmedins_code: str, psn_nos: Iterable[str]) -> dict[str, str]:
    """Role by person, for those of the list whom this site expects."""
    condition = (expected_at.c.fixmedins_code == fixmedins_code) & expected_at.c.psn_no.in_(list(psn_nos))
    return {row.psn_no: row.role for row in db.execute(select(expected_at.c.psn_no, expected_at.c.role).where(condition))}


def sites_expecting(db: Connection, psn_no: str) -> list[str]:
    """The sites that expect this person."""
    return list(db.scalars(select(expected_at.c.fixmedins_code).where(expected_at.c.psn_no == psn_no)))


def add_change(db: Connection, fixmedins_code: str, psn_no: str, *, now: datetime) -> None:
    """The site's terminals have to hear of this person again."""
    db.execute(insert(gallery_changes).values(fixmedins_code=fixmedins_code, psn_no=psn_no, changed_at=now))


def changes_after(db: Connection, fixmedins_code: str, version: int, limit: int) -> Sequence[RowMapping]:
    """The next changes of a site in order."""
    condition = (gallery_changes.c.fixmedins_code == fixmedins_code) & (gallery_changes.c.version > version)
    return db.execute(select(gallery_changes).where(condition).order_by(gallery_changes.c.version).limit(limit)).mappings().all()


def last_told_before(db: Connection, moment: datetime) -> Sequence[RowMapping]:
    """Expected people (fixmedins_code, psn_no) whose newest change at that site is older than this moment."""
    same = (gallery_changes.c.fixmedins_code == expected_at.c.fixmedins_code) & (gallery_changes.c.psn_no == expected_at.c.psn_no)
    newest = select(func.max(gallery_changes.c.changed_at)).where(same).scalar_subquery()
    return db.execute(select(expected_at.c.fixmedins_code, expected_at.c.psn_no).where(newest < moment)).mappings().all()


def newest_changes() -> Subquery:
    """Selects (fixmedins_code, version): the newest change of each site."""
    return (
        select(gallery_changes.c.fixmedins_code, func.max(gallery_changes.c.version).label("version"))
        .group_by(gallery_changes.c.fixmedins_code)
        .subquery("newest_changes")
    )


def add_proxy(db: Connection, proxy: Proxy) -> None:
    """Insert a proxy, or change the end and reason of one that began at the same time."""
    row = {name: getattr(proxy, name) for name in ("psn_no", "proxy_psn_no", "valid_from", "valid_to", "reason")}
    upsert(db, proxies, [row], ["psn_no", "proxy_psn_no", "valid_from"])


def proxy_register() -> Select[Any]:
    """Selects who may settle for whom, and when."""
    return select(proxies.c.psn_no, proxies.c.proxy_psn_no, proxies.c.valid_from, proxies.c.valid_to)


def acting_for(db: Connection, psn_nos: Iterable[str], *, now: datetime) -> dict[str, tuple[str, ...]]:
    """For each of these people: whose valid proxy they are now."""
    condition = proxies.c.proxy_psn_no.in_(list(psn_nos)) & (proxies.c.valid_from <= now) & (proxies.c.valid_to > now)
    found: dict[str, tuple[str, ...]] = {}
    for row in db.execute(select(proxies).where(condition).order_by(proxies.c.psn_no)).mappings():
        found[row["proxy_psn_no"]] = (*found.get(row["proxy_psn_no"], ()), row["psn_no"])
    return found
