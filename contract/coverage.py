"""What a `coverage` event says of each window: how long it was seen, why it was not, and how many people came."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contract.ids import Code, Count, Moment, Sha256, WindowId
from contract.message import Record


class Blind(Record):
    """For how long a window could not be seen, and why: the code of a self-check of the camera."""

    cause: Code
    seconds: Annotated[float, Field(ge=0, le=3700)]


class CameraRole(StrEnum):
    """What a camera looks at."""

    WINDOW = "window"
    """A settlement window: settlements, and whether anybody stood there."""
    BEDSIDE = "bedside"
    """A bed of an inpatient ward: settlements at the bed, and roll-calls. A bed that looks empty says nothing of a settlement."""
    TREATMENT = "treatment"
    """A room where outpatients are treated: roll-calls, no settlement."""
    ENTRANCE = "entrance"
    """Where people come in: they are counted and compared with nobody."""


class Headcount(Record):
    """How many faces were before a camera: counted from where they were, while no picture and no template of them was kept.

    `entered` counts faces that were followed, `stayed` those of them that were there for some seconds at least, each in the hour in which
    that was known; `most_at_once` is the largest number seen in one picture. They are no numbers of different persons: who leaves and
    returns, or turns away for long, counts again; who never turns the face to the camera is not counted, a printed face may be, and two who
    follow each other closely at one place count as one. What was not seen, as `Watched` tells, was not counted.
    """

    role: CameraRole
    entered: Count
    stayed: Count
    most_at_once: Count


def _uncounted(people: Headcount | None) -> bool:
    return people is None


class Watched(Record):
    """One window from `since` to `until`, an hour of the clock at most. What is in neither sum nobody watched: the agent did not run.

    `people` says who was counted meanwhile; older devices did not count.
    """

    window: WindowId
    since: Moment
    until: Moment
    seen_s: Annotated[float, Field(ge=0, le=3700)]
    blind: Annotated[tuple[Blind, ...], Field(max_length=32)]
    people: Annotated[Headcount | None, Field(exclude_if=_uncounted)] = None


class LogSeen(Record):
    """A checkpoint of the centre's transparency log: the root over its first `size` leaves."""

    size: Annotated[int, Field(ge=0, lt=2**62)]
    root: Sha256


def unseen(log: LogSeen | None) -> bool:
    """Whether nothing is said, and the field is left out of the bytes."""
    return log is None
