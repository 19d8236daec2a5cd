"""What the centre may set from afar: how the agent behaves, in numbers and switches. Pure.

Who the device is, whom it believes, what may leave the window and where things lie is decided by people on the site: whoever took over the
centre could otherwise take over the cameras of a town, and nobody would see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from edge_agent.sections.core import Section
from edge_agent.settings import Overlay, Settings

OPEN = ("times", "limits", "view", "liveness", "link", "upkeep", "machine", "cooldown", "film")
CLOSED: Mapping[str, str] = {
    "device_id": "who this device is stands in its certificate",
    "fixmedins_code": "whose settlements it sees stands in its enrolment",
    "evidence_mode": "what leaves the window rests on a legal basis that is recorded on the site",
    "legal_basis": "it is recorded on the site, by those who answer for it",
    "files": "where keys and stores lie is decided on the site",
    "broker": "a device that cannot be reached any more cannot be told to come back",
    "centre": "whom a device believes is not changed by whom it believes",
    "till": "the settlement software knows its port and its secret",
    "networks": "weights and their licence are put in by hand",
    "windows": "cameras and their passwords are set where they stand",
}
KEPT: Mapping[str, str] = {
    "limits.measured": "a measured file lies on the terminal",
    "machine.probation_s": "what is tried must not set how it is tried",
    "film.blur_bystanders": "those who are made out in what leaves the window have a say on the site",
}
TYPES = (bool, int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an order is not accepted: a code, and a detail for people that names section and setting and holds no secret."""

    why: str
    detail: str


def refuse_unallowed(overlay: Overlay) -> Refusal | None:
    """The first setting that the centre may not set; None when it may set all of them. Says nothing of their values."""
    found = (_refusal(section, name) for section, values in overlay.items() for name in values)
    return next((refusal for refusal in found if refusal is not None), None)


def fields(section: str) -> Mapping[str, FieldInfo]:
    """The settings of an open section."""
    table = Settings.model_fields[section].annotation
    assert isinstance(table, type) and issubclass(table, Section)  # noqa: S101 - every open section is a table
    return table.model_fields


def _refusal(section: str, name: str) -> Refusal | None:
    place = f"{section}.{name}"
    if section in CLOSED or place in KEPT:
        return Refusal(why="not_allowed", detail=f"{place} is not set from afar: {CLOSED.get(section) or KEPT[place]}")
    if section not in OPEN or name not in fields(section):
        return Refusal(why="unknown_setting", detail=f"{place} is no setting of this version")
    if fields(section)[name].annotation not in TYPES:
        return Refusal(why="not_allowed", detail=f"{place} is not set from afar: only numbers and switches are")
    return None
