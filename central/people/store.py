"""All SQL about people, their templates and bases, where they are expected, and the gallery's changes. `lists` has the rest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Subquery, delete, func, insert, or_, select, text, true, update

from central.db import insert_new, upsert
from central.people.tables import bases, expected_at, gallery_changes, people, templates

_ENROLMENT_LOCK = 7_301_844
_HERE = templates.c.erased_at.is_(None)
_CURRENT = templates.c.replaced_at.is_(None) & _HERE


def lock_enrolment(db: Connection) -> None:
    """One enrolment at a time, so that two of the same face under two numbers cannot pass each other (SQLite has one writer anyway)."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ENROLMENT_LOCK})


def put_person(db: Connection, psn_no: str, legal_basis: str, *, now: datetime) -> None:
    """Insert a person, or record a newer legal basis."""
    upsert(db, people, [{"psn_no": psn_no, "legal_basis": legal_basis, "enrolled_at": now}], ["psn_no"])


def know_person(db: Connection, psn_no: str, *, now: datetime) -> None:
    """Insert a person of whom no face is held; one who is here stays as is."""
    insert_new(db, people, [{"psn_no": psn_no, "legal_basis": "", "enrolled_at": now}], ["psn_no"])


def person(db: Connection, psn_no: str) -> RowMapping | None:
    """One person, or None."""
    return db.execute(select(people).where(people.c.psn_no == psn_no)).mappings().first()


def page(
    db: Connection, beginning: str, *, among: ColumnElement[bool] | None = None, offset: int, size: int
) -> tuple[Sequence[RowMapping], int]:
    """People whose number begins so, `among` those where given, in order, with `templates` in use and the `newest` picture's time; and how
    many there are in all.
    """
    begins = people.c.psn_no.startswith(beginning, autoescape=True) & (true() if among is None else among)
    newest = func.max(func.coalesce(templates.c.taken_at, templates.c.enrolled_at)).label("newest")
    joined = people.outerjoin(templates, (templates.c.psn_no == people.c.psn_no) & _CURRENT)
    query = select(people, func.count(templates.c.template_id).label("templates"), newest).select_from(joined).where(begins)
    grouped = query.group_by(people.c.psn_no, people.c.legal_basis, people.c.enrolled_at).order_by(people.c.psn_no)
    total = db.scalar(select(func.count()).select_from(people).where(begins)) or 0
    return db.execute(grouped.limit(size).offset(offset)).mappings().all(), total


def count_faces(db: Connection) -> int:
    """People of whom at least one template is held."""
    return db.scalar(select(func.count(templates.c.psn_no.distinct())).where(_HERE)) or 0


def put_template(db: Connection, row: Mapping[str, Any], *, now: datetime, keep: int = 1) -> None:
    """Add a template; of the same person and network the newest `keep` stay in use, older ones are kept for old evidence."""
    db.execute(insert(templates).values(**row))
    same = (templates.c.psn_no == row["psn_no"]) & (templates.c.embedder == row["embedder"]) & _CURRENT
    taken = func.coalesce(templates.c.taken_at, templates.c.enrolled_at)
    newest = select(templates.c.template_id).where(same).order_by(taken.desc(), templates.c.template_id.desc()).limit(keep)
    db.execute(update(templates).where(same, templates.c.template_id.not_in(newest)).values(replaced_at=now))


def current_templates(db: Connection, psn_nos: Iterable[str]) -> Sequence[RowMapping]:
    """The templates in use of these people, the oldest first."""
    query = select(templates).where(templates.c.psn_no.in_(list(psn_nos)), _CURRENT).order_by(templates.c.template_id)
    return db.execute(query).mappings().all()


def templates_of(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every template that is held of one person, the newest first."""
    query = select(templates).where(templates.c.psn_no == psn_no, _HERE).order_by(templates.c.template_id.desc())
    return db.execute(query).mappings().all()


def current_after(db: Connection, embedder: str, template_id: int, limit: int) -> Sequence[RowMapping]:
    """Templates of a network in use with higher numbers, in order: (template_id, psn_no, sealed_vector)."""
    names = (templates.c.template_id, templates.c.psn_no, templates.c.sealed_vector)
    query = select(*names).where(templates.c.embedder == embedder, templates.c.template_id > template_id, _CURRENT)
    return db.execute(query.order_by(templates.c.template_id).limit(limit)).mappings().all()


def out_of_use_since(db: Connection, moment: datetime) -> list[int]:
    """Templates that were replaced or erased since then."""
    return list(db.scalars(select(templates.c.template_id).where(templates.c.replaced_at >= moment)))


def count_embedders(db: Connection, psn_nos: Iterable[str]) -> dict[str, int]:
    """With how many networks each of these people has templates in use."""
    counted = select(templates.c.psn_no, func.count(templates.c.embedder.distinct()))
    rows = db.execute(counted.where(templates.c.psn_no.in_(list(psn_nos)), _CURRENT).group_by(templates.c.psn_no))
    return {row[0]: row[1] for row in rows}


def without_template(db: Connection, version: str) -> list[str]:
    """People who have templates in use, but none of this network."""
    have = select(templates.c.psn_no).where(_CURRENT & (templates.c.embedder == version))
    found = select(templates.c.psn_no).where(_CURRENT & templates.c.psn_no.not_in(have)).distinct().order_by(templates.c.psn_no)
    return list(db.scalars(found))


def with_other_templates(db: Connection, versions: Sequence[str]) -> list[str]:
    """People who have a template of each of these networks in use, and others besides."""
    named = templates.c.embedder.in_(list(versions))
    each = func.count(templates.c.embedder.distinct())
    whole = select(templates.c.psn_no).where(_CURRENT & named).group_by(templates.c.psn_no).having(each >= len(versions))
    found = select(templates.c.psn_no).where(_CURRENT & ~named & templates.c.psn_no.in_(whole)).distinct().order_by(templates.c.psn_no)
    return list(db.scalars(found))


def retire_templates(db: Connection, psn_no: str, versions: Sequence[str], *, now: datetime) -> None:
    """This person's templates of other networks than these are no longer in use."""
    others = (templates.c.psn_no == psn_no) & templates.c.embedder.not_in(list(versions)) & _CURRENT
    db.execute(update(templates).where(others).values(replaced_at=now))


def erase_templates(db: Connection, template_ids: Collection[int], *, now: datetime) -> None:
    """Overwrite these vectors; that there was a template stays known."""
    # `replaced_at` is new for all of them: by it every process that holds vectors in memory learns which to drop.
    wanted = templates.c.template_id.in_(list(template_ids))
    db.execute(update(templates).where(wanted).values(sealed_vector=b"", erased_at=now, replaced_at=now))


def taken_before(moment: datetime) -> ColumnElement[bool]:
    """A condition on people: the newest picture is older than this."""
    newest = func.max(func.coalesce(templates.c.taken_at, templates.c.enrolled_at))
    return people.c.psn_no.in_(select(templates.c.psn_no).where(_CURRENT).group_by(templates.c.psn_no).having(newest < moment))


def count_people(db: Connection, wanted: ColumnElement[bool]) -> int:
    """How many people a condition names."""
    return db.scalar(select(func.count()).select_from(people).where(wanted)) or 0


def picture_of(db: Connection, psn_no: str) -> str | None:
    """The newest enrolment picture's media_id, also where its template is out of use and a case needs it."""
    newest = templates.c.enrolled_at.desc(), templates.c.template_id.desc()
    return db.scalar(select(templates.c.media_id).where(templates.c.psn_no == psn_no, _HERE).order_by(*newest).limit(1))


def add_basis(db: Connection, row: Mapping[str, Any]) -> None:
    """Record why a face may be held."""
    db.execute(insert(bases).values(**row))


def bases_of(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every basis of one person, the newest first."""
    return db.execute(select(bases).where(bases.c.psn_no == psn_no).order_by(bases.c.basis_id.desc())).mappings().all()


def withdraw_bases(db: Connection, psn_no: str, reference: str, *, actor: str, now: datetime) -> int:
    """Mark every basis of one person as withdrawn; how many that were."""
    standing = (bases.c.psn_no == psn_no) & bases.c.withdrawn_at.is_(None)
    return db.execute(update(bases).where(standing).values(withdrawn_at=now, withdrawn_by=actor, withdrawn_ref=reference)).rowcount


def _over(now: datetime) -> ColumnElement[bool]:
    return bases.c.withdrawn_at.is_not(None) | (bases.c.valid_until <= now)


def basis_over(now: datetime) -> ColumnElement[bool]:
    """A condition on people: the newest basis is over while a template is in use. Those without a dated one are not meant."""
    newest = select(func.max(bases.c.basis_id)).group_by(bases.c.psn_no)
    held = select(templates.c.psn_no).where(_CURRENT)
    return people.c.psn_no.in_(select(bases.c.psn_no).where(bases.c.basis_id.in_(newest), _over(now), bases.c.psn_no.in_(held)))


def without_basis(db: Connection, now: datetime, psn_nos: Collection[str]) -> list[str]:
    """Those of these people whose basis is over."""
    return list(db.scalars(select(people.c.psn_no).where(basis_over(now), people.c.psn_no.in_(list(psn_nos)))))


def expect(db: Connection, row: Mapping[str, Any]) -> None:
    """A site expects a person: (fixmedins_code, psn_no, role, reference, valid_until, added_at, added_by)."""
    upsert(db, expected_at, [row], ["fixmedins_code", "psn_no"])


def expect_no_more(db: Connection, fixmedins_code: str, psn_no: str) -> bool:
    """A site does not expect a person any more; False if it did not."""
    return (
        db.execute(delete(expected_at).where(expected_at.c.fixmedins_code == fixmedins_code, expected_at.c.psn_no == psn_no)).rowcount > 0
    )


def roles_at(db: Connection, fixmedins_code: str, psn_nos: Iterable[str], *, now: datetime) -> dict[str, RowMapping]:
    """(role, valid_until) by person, for those of the list whom this site expects now."""
    mine = (expected_at.c.fixmedins_code == fixmedins_code) & expected_at.c.psn_no.in_(list(psn_nos))
    standing = or_(expected_at.c.valid_until.is_(None), expected_at.c.valid_until > now)
    rows = db.execute(select(expected_at.c.psn_no, expected_at.c.role, expected_at.c.valid_until).where(mine, standing)).mappings()
    return {row["psn_no"]: row for row in rows}


def places_of(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Where and as what one person is expected."""
    return db.execute(select(expected_at).where(expected_at.c.psn_no == psn_no).order_by(expected_at.c.fixmedins_code)).mappings().all()


def of_role(db: Connection, role: str, *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Who is expected in this role, by site and number, and how many."""
    wanted = expected_at.c.role == role
    total = db.scalar(select(func.count()).select_from(expected_at).where(wanted)) or 0
    query = select(expected_at).where(wanted).order_by(expected_at.c.fixmedins_code, expected_at.c.psn_no)
    return db.execute(query.limit(size).offset(offset)).mappings().all(), total


def sites_expecting(db: Connection, psn_no: str) -> list[str]:
    """The sites that expect this person."""
    return list(db.scalars(select(expected_at.c.fixmedins_code).where(expected_at.c.psn_no == psn_no)))


def sites_told_of(db: Connection, psn_no: str) -> dict[str, int]:
    """The newest change about this person by site: what a terminal holds of them is settled once it has that version."""
    newest = select(gallery_changes.c.fixmedins_code, func.max(gallery_changes.c.version)).where(gallery_changes.c.psn_no == psn_no)
    return {row[0]: row[1] for row in db.execute(newest.group_by(gallery_changes.c.fixmedins_code))}


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
