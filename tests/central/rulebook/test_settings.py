"""Settings by place: how they add up, who may change what, versions, and what the file says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert

from central.audit import service as audit
from central.changes import service as changes
from central.errors import BadInput, Conflict, Misconfigured, NotFound
from central.rulebook import service, store
from central.rulebook.model import Change, Overtaken, SamePerson, Stale, Wanted
from central.rules.base import Stage
from central.rules.places import checked_scope, most_specific
from central.rules.registry import RuleBook, Variant, rule_book
from central.sites.tables import sites

SITE, OTHER = "P43010200001", "P43010200002"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
BASE = rule_book({}, "test")


def wanted(scope: str = "", rule_id: str = "PR-01", stage: Stage | None = None, *, reset: bool = False, **limits: Any) -> Wanted:
    return Wanted(rule_id=rule_id, scope=scope, reason="too many at night", limits=limits, stage=stage, reset=reset)


def holds(db: Connection, scope: str, rule_id: str = "PR-01", base: RuleBook = BASE) -> Variant:
    return service.holds_at(db, base, rule_id, scope)


def put(db: Connection, want: Wanted) -> Change:
    """A change by one person, approved by another where that is needed."""
    made = service.change(db, BASE, want, actor="anna", now=NOW)
    return service.approve(db, BASE, made.change_id, actor="bert", now=NOW) if made.waits else made


@pytest.mark.parametrize(
    ("said", "meant"), [("430000", "43"), ("430100", "4301"), ("430102", "430102"), (" p43010200001 ", SITE), ("", "")]
)
def test_places_have_one_form(said: str, meant: str) -> None:
    assert checked_scope(said) == meant


@pytest.mark.parametrize("said", ["4", "430", "Hunan", "P4301", "43-01", "%", "43'; --"])
def test_what_names_no_place_is_refused(said: str) -> None:
    with pytest.raises(BadInput, match="names no place"):
        checked_scope(said)


@pytest.mark.parametrize(
    ("scopes", "admdvs", "found"),
    [
        (("", "43", "4301"), "430102", "4301"),
        (("", "43", SITE), "430102", SITE),
        (("", "44"), "430102", ""),
        (("", "43"), None, "43"),
        (("", "43"), "999999", ""),
        (("44",), "430102", None),
    ],
)
def test_the_narrowest_place_holds(scopes: tuple[str, ...], admdvs: str | None, found: str | None) -> None:
    assert most_specific(scopes, SITE, admdvs) == found


def test_settings_add_up_from_the_widest_place_to_the_narrowest(engine: Engine) -> None:
    with engine.begin() as db:
        put(db, wanted("43", repeat_days=14))
        put(db, wanted("430100", min_frames_seen="9"))
        put(db, wanted(SITE, repeat_count=5))
        assert holds(db, SITE).limits.model_dump() == {"min_frames_seen": 9, "repeat_days": 14, "repeat_count": 5}
        assert holds(db, OTHER).limits.model_dump() == {"min_frames_seen": 9, "repeat_days": 14, "repeat_count": 2}
        assert holds(db, "44").limits == service.of_rule(BASE, "PR-01").limits
        assert [holds(db, scope).setting for scope in ("", "43", "4301", SITE)] == [0, 1, 2, 3]
        book = service.book_of(db, BASE)
        assert [each.scope for each in book.active if each.rule.id == "PR-01"] == ["", "43", "4301", SITE]
        put(db, wanted("4301", reset=True))
        assert holds(db, SITE).limits.model_dump() == {"min_frames_seen": 5, "repeat_days": 14, "repeat_count": 5}


def test_a_site_lies_where_the_register_says(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        row = {"fixmedins_code": SITE, "fixmedins_name": "x", "admdvs": "110101", "evidence_mode": "all", "created_at": NOW}
        db.execute(insert(sites).values(**row))
        put(db, wanted("43", repeat_days=14))
        put(db, wanted("11", repeat_days=3))
        put(db, wanted(SITE, repeat_count=5))
        assert holds(db, SITE).limits.model_dump()["repeat_days"] == 3


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"repeat_day": 3}, r"PR-01 has no parameter 'repeat_day'; it has min_frames_seen, repeat_days, repeat_count"),
        ({"repeat_days": 0}, r"repeat_days = 0: .*greater than or equal to 1"),
        ({"repeat_days": "many"}, r"repeat_days = 'many'"),
        ({"repeat_days": 10**30}, r"repeat_days = 1000000"),
    ],
)
def test_a_broken_parameter_is_refused_by_name_and_the_last_good_state_stays(sqlite: Engine, limits: Mapping[str, Any], named: str) -> None:
    with sqlite.begin() as db:
        put(db, wanted("43", repeat_days=14))
    with pytest.raises(BadInput, match=named), sqlite.begin() as db:
        service.change(db, BASE, wanted("43", **limits), actor="anna", now=NOW)
    with sqlite.begin() as db:
        assert holds(db, "43").limits.model_dump()["repeat_days"] == 14
        assert service.waiting(db) == ()


def test_what_is_so_already_and_what_is_no_rule_is_refused(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        with pytest.raises(BadInput, match="is so already"):
            service.change(db, BASE, wanted("43", repeat_days=7), actor="anna", now=NOW)
        with pytest.raises(NotFound, match="'PR-99' is no rule in use"):
            service.change(db, BASE, wanted(rule_id="PR-99"), actor="anna", now=NOW)
        with pytest.raises(BadInput, match="reason"):
            service.change(db, BASE, Wanted(rule_id="PR-01", scope="", reason=" ", limits={"repeat_days": 3}), actor="anna", now=NOW)


def test_a_raise_takes_a_second_person_and_a_lowering_one(engine: Engine) -> None:
    with engine.begin() as db:
        lowered = service.change(db, BASE, wanted(stage=Stage.SILENT), actor="anna", now=NOW)
        assert lowered.version == 1
        assert holds(db, "").stage is Stage.SILENT
        assert changes.any_pending(db), "a changed rule is news: everything is compared anew"
        raised = service.change(db, BASE, wanted(stage=Stage.RESTRICT), actor="anna", now=NOW)
        assert raised.waits
        assert holds(db, "").stage is Stage.SILENT
        with pytest.raises(SamePerson, match="another person must approve"):
            service.approve(db, BASE, raised.change_id, actor="anna", now=NOW)
        assert service.approve(db, BASE, raised.change_id, actor="bert", now=NOW).version == 2
        assert holds(db, SITE).stage is Stage.RESTRICT
        with pytest.raises(Conflict, match="was approved already, by bert"):
            service.approve(db, BASE, raised.change_id, actor="carl", now=NOW)
        actions = [entry.action for entry in audit.entries(db).rows]
        assert actions == ["rule.in_force", "rule.propose", "rule.in_force", "rule.propose"]


def test_limits_of_a_live_rule_take_two_and_of_a_silent_one_one(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        assert service.change(db, BASE, wanted(repeat_days=3), actor="anna", now=NOW).waits
        service.change(db, BASE, wanted("43", stage=Stage.SILENT), actor="anna", now=NOW)
        assert not service.change(db, BASE, wanted("43", repeat_days=4), actor="anna", now=NOW).waits
        assert holds(db, "43").limits.model_dump()["repeat_days"] == 4
        assert holds(db, "").limits.model_dump()["repeat_days"] == 7


def test_a_refused_change_and_an_overtaken_one_never_come_into_force(engine: Engine) -> None:
    with engine.begin() as db:
        first = service.change(db, BASE, wanted(repeat_days=3), actor="anna", now=NOW)
        second = service.change(db, BASE, wanted(repeat_days=4), actor="bert", now=NOW)
        service.approve(db, BASE, second.change_id, actor="anna", now=NOW)
        with pytest.raises(Overtaken, match="propose it anew"):
            service.approve(db, BASE, first.change_id, actor="bert", now=NOW)
        service.refuse(db, first.change_id, why="overtaken", actor="anna", now=NOW)
        with pytest.raises(Conflict, match="was refused already"):
            service.refuse(db, first.change_id, why="again", actor="anna", now=NOW)
        assert [(each.change_id, each.decision, each.version) for each in service.history(db, "PR-01")] == [
            (2, "approved", 1),
            (1, "refused", None),
        ]
        with pytest.raises(NotFound):
            service.get(db, 99)


def test_a_wide_setting_does_not_move_by_one_person_what_is_live_at_a_narrower_place(engine: Engine) -> None:
    with engine.begin() as db:
        put(db, wanted("43", stage=Stage.REVIEW, rule_id="CC-04"))
        wide = service.change(db, BASE, wanted(rule_id="CC-04", least_days=2), actor="anna", now=NOW)
        assert wide.waits, "silent everywhere, but live in the province, which inherits the limits"
        assert holds(db, "43", "CC-04").limits.model_dump()["least_days"] == 3
        seen = service.outlook_of(db, BASE, wide)
        assert [
            (then.scope, now and now.limits.model_dump()["least_days"], then.limits.model_dump()["least_days"]) for now, then in seen
        ] == [
            ("", 3, 2),
            ("43", 3, 2),
        ]
        put(db, wanted("43", stage=Stage.SILENT, rule_id="CC-04"))
        assert not service.change(db, BASE, wanted(rule_id="CC-04", least_days=2), actor="anna", now=NOW).waits


@pytest.mark.parametrize("place", ["", "43", SITE], ids=["around", "there", "within"])
def test_what_moved_since_a_proposal_makes_it_another_one(sqlite: Engine, place: str) -> None:
    with sqlite.begin() as db:
        raised = service.change(db, BASE, wanted("43", stage=Stage.REVIEW, rule_id="CC-04"), actor="anna", now=NOW)
        assert not service.change(db, BASE, wanted("11", rule_id="CC-04", least_days=2), actor="anna", now=NOW).waits
        assert not service.change(db, BASE, wanted(place, rule_id="CC-04", least_days=2), actor="anna", now=NOW).waits
        with pytest.raises(Overtaken, match="propose it anew"):
            service.approve(db, BASE, raised.change_id, actor="bert", now=NOW)


def test_of_two_proposals_the_later_does_not_undo_the_earlier_unseen(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        first = service.change(db, BASE, wanted(repeat_days=3), actor="anna", now=NOW)
        second = service.change(db, BASE, wanted(repeat_count=4), actor="anna", now=NOW)
        service.approve(db, BASE, first.change_id, actor="bert", now=NOW + timedelta(minutes=1))
        with pytest.raises(Overtaken):
            service.approve(db, BASE, second.change_id, actor="bert", now=NOW + timedelta(minutes=2))
        assert holds(db, "").limits.model_dump()["repeat_days"] == 3


def test_an_old_proposal_is_proposed_anew(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        old = service.change(db, BASE, wanted(repeat_days=3), actor="anna", now=NOW)
        with pytest.raises(Stale, match="more than 30 days"):
            service.approve(db, BASE, old.change_id, actor="bert", now=NOW + timedelta(days=30, seconds=1))
        assert service.approve(db, BASE, old.change_id, actor="bert", now=NOW + timedelta(days=30)).version == 1


@pytest.mark.parametrize("same", ["anna", "command-line/anna", "command-line/ Anna "])
def test_one_name_is_one_person_wherever_it_is_given(sqlite: Engine, same: str) -> None:
    with sqlite.begin() as db:
        raised = service.change(db, BASE, wanted(stage=Stage.RESTRICT), actor="anna", now=NOW)
        with pytest.raises(SamePerson):
            service.approve(db, BASE, raised.change_id, actor=same, now=NOW)


def test_a_changed_file_is_a_version_and_an_unchanged_one_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[PR-01]\nrepeat_days = 5\n")
    first = service.current(engine, file, NOW)
    assert service.current(engine, file, NOW + timedelta(days=1)) == first
    assert {each.setting for each in first.active} == {1}
    file.write_text("[PR-01]\nrepeat_days = 6\n")
    second = service.current(engine, file, NOW)
    assert {each.rule.id for each in second.active if each.setting == 2} == {"PR-01"}
    with engine.begin() as db:
        assert [(each.scope, each.limits["repeat_days"]) for each in service.history(db, "PR-01")] == [("file", 6), ("file", 5)]
    file.write_text("[PR-01]\nrepeat_days = 0\n")
    with pytest.raises(Misconfigured, match="repeat_days = 0"):
        service.current(engine, file, NOW)
    with engine.begin() as db:
        assert service.of_rule(service.book_of(db, BASE), "PR-01").setting == 2


def test_a_setting_that_the_rule_no_longer_knows_stops_that_rule_alone(sqlite: Engine) -> None:
    row = {"rule_id": "PR-01", "scope": "43", "limits": {"old_name": 3}, "stage": None, "reason": "r", "proposed_by": "anna"}
    with sqlite.begin() as db:
        store.add_change(db, row | {"proposed_at": NOW, "decision": "approved", "version": 1})
        book = service.book_of(db, BASE)
    assert "PR-01" not in {each.rule.id for each in book.active}
    ((rule_id, why),) = book.unusable
    assert rule_id == "PR-01"
    assert "setting of 43: [PR-01] old_name = 3" in why
    with sqlite.begin() as db:
        mended = service.change(db, BASE, wanted("43", reset=True), actor="anna", now=NOW)
        assert mended.waits, "from stopped to running is up"
        service.approve(db, BASE, mended.change_id, actor="bert", now=NOW)
        assert service.book_of(db, BASE).unusable == ()
