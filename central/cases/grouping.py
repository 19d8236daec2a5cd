"""Which findings belong together, and why: a pure decision about what each of them names.

Findings are bound by what they share, the surest ties first: a settlement, a capture, a face, a person at an institution, a clerk, a
doctor; of the last four only those that lie near each other in time. A group that is full takes no more, so that a poster which every
camera sees makes several groups and no endless one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from central.rules.model import GroupLimits

_MOST_OF_A_KIND = 50


class Tie(StrEnum):
    """What findings may share, the surest first."""

    SETTLEMENT = "settlement"
    CAPTURE = "capture"
    FACE = "face"
    PERSON = "person"
    CLERK = "clerk"
    DOCTOR = "doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A finding and what it names, as (tie, value)."""

    jr_id: str
    occurred_at: datetime
    keys: frozenset[tuple[Tie, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the settlements and captures that findings name: clerk and doctor by (fixmedins_code, setl_id), face by capture.

    `elsewhere` says where a settlement (psn_no, setl_id) was that the finding's own institution does not have.
    """

    clerks: Mapping[tuple[str, str], str]
    doctors: Mapping[tuple[str, str], str]
    faces: Mapping[str, int]
    elsewhere: Mapping[tuple[str, str], str] = field(default_factory=dict)


def named_persons(finding: Mapping[Any, Any]) -> frozenset[str]:
    """The insured persons that a finding (a row of `findings`) names."""
    return frozenset({*finding["vola_evid"].get("psn_nos", ()), *([finding["psn_no"]] if finding["psn_no"] else [])})


def keys_of(finding: Mapping[Any, Any], facts: Facts) -> frozenset[tuple[Tie, str]]:
    """What a finding (a row of `findings`) names. Of each kind fifty count: they tie one about thousands to its kin."""
    site, evidence = str(finding["fixmedins_code"]), finding["vola_evid"]
    setl_ids = [str(each) for each in sorted(evidence["setl_ids"])[:_MOST_OF_A_KIND]]
    shots = [str(each) for each in sorted(evidence["capture_ids"])[:_MOST_OF_A_KIND]]
    persons = sorted(named_persons(finding))[:_MOST_OF_A_KIND]
    seen = evidence.get("seen", {})
    away = {each: (psn_no, place) for each in setl_ids for psn_no in persons if (place := facts.elsewhere.get((psn_no, each)))}
    bills = [(away[each][1] if each in away else site, each) for each in setl_ids]
    found = {(Tie.SETTLEMENT, f"{place}/{setl_id}") for place, setl_id in bills}
    found |= {(Tie.CAPTURE, each) for each in shots}
    found |= {(Tie.PERSON, f"{site}/{each}") for each in persons} | {(Tie.PERSON, f"{place}/{psn_no}") for psn_no, place in away.values()}
    found |= {(Tie.FACE, str(facts.faces[each])) for each in shots if each in facts.faces}
    found |= {(Tie.FACE, str(seen["face_group"]))} if isinstance(seen.get("face_group"), int) else set()
    found |= {(Tie.CLERK, f"{each[0]}/{facts.clerks[each]}") for each in bills if each in facts.clerks}
    found |= {(Tie.DOCTOR, facts.doctors[each]) for each in bills if each in facts.doctors}
    return frozenset(found)


def grouped(findings: Iterable[Named], limits: GroupLimits) -> dict[str, str]:
    """The group of each finding, named after its eldest; a finding that belongs to no other is a group of its own.

    The same findings always give the same groups, in whatever order they come.
    """
    ordered = sorted(findings, key=lambda each: (each.occurred_at, each.jr_id))
    place = {each.jr_id: number for number, each in enumerate(ordered)}
    above = list(range(len(ordered)))
    size = [1] * len(ordered)

    def head(number: int) -> int:
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    for left, right in _ties(ordered, limits):
        elder, younger = sorted((head(place[left]), head(place[right])))
        if elder != younger and size[elder] + size[younger] <= limits.most:
            above[younger] = elder
            size[elder] += size[younger]
    return {each.jr_id: group_of(ordered[head(number)].jr_id) for number, each in enumerate(ordered)}


def group_of(jr_id: str) -> str:
    """The name of the group whose eldest finding this is."""
    return f"GR{jr_id.removeprefix('JR')}"


def _ties(ordered: Iterable[Named], limits: GroupLimits) -> Iterator[tuple[str, str]]:
    """Neighbours in time that share something, the surest ties first."""
    spans = {
        Tie.FACE: timedelta(days=limits.face_days),
        Tie.PERSON: timedelta(days=limits.person_days),
        Tie.CLERK: timedelta(hours=limits.clerk_hours),
        Tie.DOCTOR: timedelta(hours=limits.doctor_hours),
    }
    sharing: defaultdict[tuple[Tie, str], list[Named]] = defaultdict(list)
    for each in ordered:
        for key in each.keys:
            sharing[key].append(each)
    for tie in Tie:
        of_kind = sorted(value for kind, value in sharing if kind is tie)
        for value in of_kind:
            members = sharing[tie, value]
            for left, right in pairwise(members):
                if tie not in spans or right.occurred_at - left.occurred_at <= spans[tie]:
                    yield left.jr_id, right.jr_id
