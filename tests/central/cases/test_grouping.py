"""Which findings belong together: decided by hand beside what is decided."""

from datetime import timedelta
from random import Random
from typing import Any

from central.cases.grouping import Facts, Named, Tie, grouped, keys_of
from central.rules.model import GroupLimits
from tests.central.analysis import NOON, SITE

NOBODY = Facts(clerks={}, doctors={}, faces={})
LIMITS = GroupLimits(person_days=10, face_days=5, clerk_hours=8, doctor_hours=4, most=3)


def finding(number: int, *keys: tuple[Tie, str], hours: float = 0) -> Named:
    return Named(jr_id=f"JR{number:04d}", occurred_at=NOON + timedelta(hours=hours), keys=frozenset(keys))


def together(*findings: Named, limits: GroupLimits = LIMITS) -> list[set[int]]:
    """The groups of two and more, as numbers of findings."""
    groups = dict[str, set[int]]()
    for jr_id, group in grouped(findings, limits).items():
        groups.setdefault(group, set()).add(int(jr_id[2:]))
    return sorted((each for each in groups.values() if len(each) > 1), key=min)


def test_findings_that_share_nothing_stay_alone() -> None:
    alone = [finding(1, (Tie.PERSON, "a")), finding(2, (Tie.FACE, "a")), finding(3)]
    assert together(*alone) == []
    assert grouped(alone, LIMITS) == {"JR0001": "GR0001", "JR0002": "GR0002", "JR0003": "GR0003"}


def test_a_settlement_or_a_capture_ties_however_far_apart_in_time() -> None:
    year = 24 * 365
    assert together(finding(1, (Tie.SETTLEMENT, "s")), finding(2, (Tie.SETTLEMENT, "s"), hours=year)) == [{1, 2}]
    assert together(finding(1, (Tie.CAPTURE, "c")), finding(2, (Tie.CAPTURE, "c"), hours=year)) == [{1, 2}]


def test_the_other_ties_hold_for_their_span_and_not_longer() -> None:
    for tie, hours in ((Tie.PERSON, 240), (Tie.FACE, 120), (Tie.CLERK, 8), (Tie.DOCTOR, 4)):
        assert together(finding(1, (tie, "x")), finding(2, (tie, "x"), hours=hours)) == [{1, 2}]
        assert together(finding(1, (tie, "x")), finding(2, (tie, "x"), hours=hours + 0.01)) == []


def test_ties_reach_on_over_others_and_the_group_bears_the_name_of_its_eldest() -> None:
    chain = [finding(1, (Tie.FACE, "f")), finding(2, (Tie.FACE, "f"), (Tie.PERSON, "p"), hours=1), finding(3, (Tie.PERSON, "p"), hours=2)]
    assert together(*chain) == [{1, 2, 3}]
    assert set(grouped(chain, LIMITS).values()) == {"GR0001"}


def test_a_poster_in_thousands_of_findings_makes_full_groups_and_no_endless_one() -> None:
    many = [finding(number, (Tie.FACE, "poster"), hours=number / 100) for number in range(10_000)]
    sizes = [len(each) for each in together(*many, limits=GroupLimits(most=200))]
    assert sizes == [200] * 50


def test_a_sure_tie_goes_before_a_weak_one_where_there_is_room_for_one_only() -> None:
    full = [
        finding(1, (Tie.CLERK, "c")),
        finding(2, (Tie.CLERK, "c"), hours=1),
        finding(3, (Tie.CLERK, "c"), (Tie.SETTLEMENT, "s"), hours=2),
        finding(4, (Tie.SETTLEMENT, "s"), hours=3),
    ]
    assert together(*full) == [{1, 2}, {3, 4}]


def test_the_order_of_reading_changes_nothing() -> None:
    random = Random(5)
    some = [finding(n, *((Tie.PERSON, str(random.randrange(20))), (Tie.CLERK, str(random.randrange(9)))), hours=n / 3) for n in range(60)]
    before = grouped(some, LIMITS)
    for _ in range(5):
        random.shuffle(some)
        assert grouped(some, LIMITS) == before


def test_a_finding_names_its_bills_captures_persons_face_clerk_and_doctor() -> None:
    evidence = {"setl_ids": ["S-1"], "capture_ids": ["c1"], "psn_nos": ["B"], "seen": {"face_group": 7}}
    row: dict[str, Any] = {"fixmedins_code": SITE, "psn_no": "A", "vola_evid": evidence}
    facts = Facts(clerks={(SITE, "S-1"): "05"}, doctors={(SITE, "S-1"): "D1"}, faces={"c1": 8})
    assert keys_of(row, facts) == {
        (Tie.SETTLEMENT, f"{SITE}/S-1"),
        (Tie.CAPTURE, "c1"),
        (Tie.PERSON, f"{SITE}/A"),
        (Tie.PERSON, f"{SITE}/B"),
        (Tie.FACE, "7"),
        (Tie.FACE, "8"),
        (Tie.CLERK, f"{SITE}/05"),
        (Tie.DOCTOR, "D1"),
    }


def test_a_finding_about_thousands_names_some_of_them_and_one_about_nothing_names_nothing() -> None:
    evidence = {"setl_ids": [f"S-{number}" for number in range(5000)], "capture_ids": [], "seen": {"face_group": "poster"}}
    assert len(keys_of({"fixmedins_code": SITE, "psn_no": None, "vola_evid": evidence}, NOBODY)) == 50
    nothing: dict[str, Any] = {"setl_ids": [], "capture_ids": []}
    assert keys_of({"fixmedins_code": SITE, "psn_no": None, "vola_evid": nothing}, NOBODY) == frozenset()
