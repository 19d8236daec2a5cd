"""What each site's terminals hold: a log of changes per site, and pages of it sealed to one device."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, RowMapping, Subquery

from central.devices import service as devices
from central.keys import CentreKeys
from central.people import lists, store
from contract.commands import GALLERY_PAGE, MAX_ACTS_FOR, Exempt, Gallery, GalleryEntry, GalleryPage, GalleryRole
from contract.sealed import gallery_purpose, seal, to_text, unseal
from models import compare
from models.results import Vector

Role = tuple[GalleryRole, datetime | None]
"""Why a terminal knows a person, and until when."""


def template_purpose(psn_no: str) -> str:
    """The purpose under which a person's template is sealed to the centre."""
    return f"template/1 {psn_no}"


def opened(keys: CentreKeys, row: RowMapping) -> Vector:
    """The vector of a template's row. Raises Untrusted, or BadVector for what is no template."""
    plain = unseal(row["sealed_vector"], keys.seal_private, template_purpose(row["psn_no"]))
    return compare.unit(np.frombuffer(plain, dtype="<f4"))


def tell_sites(db: Connection, psn_no: str, *, now: datetime, also: Collection[str] = ()) -> None:
    """The terminals of every site that expects this person, or watches for them, have to hear of them again; and those of `also`."""
    for fixmedins_code in sorted({*store.sites_expecting(db, psn_no), *lists.watching_sites(db, psn_no, now), *also}):
        store.add_change(db, fixmedins_code, psn_no, now=now)


def renew_galleries(db: Connection, *, now: datetime, days: int) -> int:
    """Send again what would otherwise expire at the terminals, at half its life, and what began or ended since it was told; how many
    entries that were.
    """
    due = {(row["fixmedins_code"], row["psn_no"]) for row in store.last_told_before(db, now - timedelta(days=days) / 2)}
    due |= lists.turned(db, now - timedelta(days=days), now)
    for fixmedins_code, psn_no in sorted(due):
        store.add_change(db, fixmedins_code, psn_no, now=now)
    return len(due)


def newest_changes() -> Subquery:
    """Selects the newest gallery version of each site."""
    return store.newest_changes()


def gallery_command(db: Connection, keys: CentreKeys, device_id: str, from_version: int, *, now: datetime, days: int) -> Gallery | None:
    """The next page for a device that holds `from_version`; None if it is up to date. The page is sealed to the device.

    Several templates of a person go out as one, fused. Of somebody whose basis is over, or who is excepted, no template goes out; of
    whoever is excepted the terminal learns that, so that the till is told to check by hand.
    """
    key = devices.current_key(db, device_id)
    changes = _that_fit(db, store.changes_after(db, key.fixmedins_code, from_version, GALLERY_PAGE))
    if not changes:
        return None
    named, end = tuple(dict.fromkeys(row["psn_no"] for row in changes)), now + timedelta(days=days)
    exempt = {name: _end(ends, end) for name, ends in lists.exempt(db, named, now=now).items()}
    hold = _entries(db, keys, _roles(db, key.fixmedins_code, named, exempt, now), now=now, end=end)
    page = GalleryPage(
        hold=tuple(hold),
        forget=tuple(sorted(set(named) - {entry.psn_no for entry in hold})),
        exempt=tuple(Exempt(psn_no=name, expires_at=until) for name, until in sorted(exempt.items())),
    )
    return Gallery(
        device=device_id,
        at=now,
        from_version=from_version,
        to_version=changes[-1]["version"],
        page=to_text(seal(page.model_dump_json().encode(), key.seal_public, gallery_purpose(device_id))),
    )


def _that_fit(db: Connection, changes: Sequence[RowMapping]) -> Sequence[RowMapping]:
    """The first changes whose templates make one page at most: for each network one, and again where somebody is watched for."""
    entries = store.count_embedders(db, [row["psn_no"] for row in changes])
    total, seen = 0, set[str]()
    for count, row in enumerate(changes):
        total += 0 if row["psn_no"] in seen else 2 * entries.get(row["psn_no"], 0)
        seen.add(row["psn_no"])
        if total > GALLERY_PAGE:
            return changes[:count]
    return changes


def _roles(
    db: Connection, fixmedins_code: str, psn_nos: Sequence[str], exempt: Collection[str], now: datetime
) -> dict[str, tuple[Role, ...]]:
    over = set(store.without_basis(db, now, psn_nos))
    found: dict[str, tuple[Role, ...]] = {}
    for psn_no, row in store.roles_at(db, fixmedins_code, psn_nos, now=now).items():
        if psn_no not in over and psn_no not in exempt:
            found[psn_no] = ((GalleryRole(row["role"]), row["valid_until"]),)
    for psn_no, until in lists.watched_at(db, fixmedins_code, psn_nos, now=now).items():
        found[psn_no] = (*found.get(psn_no, ()), (GalleryRole.WATCH, until))
    return found


def _entries(
    db: Connection, keys: CentreKeys, roles: Mapping[str, tuple[Role, ...]], *, now: datetime, end: datetime
) -> list[GalleryEntry]:
    acting = lists.acting_for(db, roles, now=now)
    vectors: dict[tuple[str, str], list[Vector]] = {}
    for row in store.current_templates(db, roles):
        vectors.setdefault((row["psn_no"], row["embedder"]), []).append(opened(keys, row))
    return [
        GalleryEntry(
            psn_no=psn_no,
            role=role,
            embedder=embedder,
            vector=to_text(np.ascontiguousarray(_fused(held), dtype="<f4").tobytes()),
            acts_for=() if role is GalleryRole.WATCH else acting.get(psn_no, ())[:MAX_ACTS_FOR],
            expires_at=end if until is None else min(end, until),
        )
        for (psn_no, embedder), held in vectors.items()
        for role, until in roles[psn_no]
    ]


def _fused(held: Sequence[Vector]) -> Vector:
    """Every picture has the same say, as every moment at a window: one comparison stays one, so the limits hold as measured."""
    return held[0] if len(held) == 1 else compare.fuse(held, [1.0] * len(held))


def _end(ends: Sequence[datetime | None], most: datetime) -> datetime:
    """The latest of several ends, but not later than the page's own."""
    return most if None in ends else min(most, max(end for end in ends if end is not None))
