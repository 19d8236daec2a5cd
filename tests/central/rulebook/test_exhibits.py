"""Replay: a past finding comes out the same from what was kept, whatever the data say by now; and says so when it cannot."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, update

from central.cases import service as cases
from central.cases.tables import findings
from central.engines.duckdb import duckdb_in_memory
from central.errors import BadInput, NotFound
from central.reconciliation.compare import compare
from central.rulebook import exhibits
from central.rulebook.exhibits import Replay
from central.rulebook.slices import narrow, pack, unpack
from central.rulebook.tables import exhibits as kept_rows
from central.rules import pr_01
from central.rules.base import Stage
from central.rules.registry import RULES
from tests.central.analysis import NOON, Row, capture, refund, settlement
from tests.central.rulebook.comparing import BOOK, jr_ids, run, world

DAY = timedelta(days=1)


def empty(number: int, **changes: Any) -> tuple[Row, Row]:
    return settlement(number, **changes), capture(number, outcome="no_person", persons=0)


def again(db: Connection, jr_id: str) -> Replay:
    return exhibits.replay(db, jr_id, compare)


def test_a_finding_replays_to_the_same_after_late_data(sqlite: Engine) -> None:
    billed = [settlement(number) for number in range(5)]
    seen = [capture(0, outcome="different"), *(capture(number, outcome="no_person") for number in (1, 2)), capture(3), capture(4)]
    faces = [capture(number, face_group=7, face_band="same", outcome="undecided") for number in (3, 4)]
    with sqlite.begin() as db:
        run(db, world(billed, [*seen[:3], *faces]))
        found = {rule_id: jr_ids(db, rule_id) for rule_id in ("ID-01", "PR-01", "CC-01")}
        assert {rule_id: len(each) for rule_id, each in found.items()} == {"ID-01": 1, "PR-01": 2, "CC-01": 1}
        first = {jr_id: again(db, jr_id) for each in found.values() for jr_id in each}
        assert {each.promised for each in first.values()} == {"narrow"}
        assert all(each.same and not each.code_changed for each in first.values())
        run(db, world([*billed, *(refund(10 + number, number) for number in range(5))], [*seen[:3], *faces]), now=NOON + DAY)
        assert [jr_ids(db, rule_id) for rule_id in found] == list(found.values()), "withdrawn ones are still told"
        for jr_id in first:
            assert again(db, jr_id).same


def test_what_the_evidence_does_not_name_is_kept_where_the_rule_needs_it(sqlite: Engine) -> None:
    """The second finding counts the first as repetition, which its own evidence does not name."""
    one, two = empty(1), empty(2)
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (first,) = jr_ids(db, "PR-01")
        run(db, world([one[0], two[0]], [one[1], two[1]]), now=NOON + DAY)
        _, second = jr_ids(db, "PR-01")
        assert again(db, second).same
        assert again(db, first).same
        assert "共2笔" in cases.get(db, second).vola_cont


def test_a_reviewed_finding_keeps_what_people_saw(sqlite: Engine) -> None:
    one = empty(1)
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (jr_id,) = jr_ids(db, "PR-01")
        cases.review(db, jr_id=jr_id, verdict="confirm", reason="seen", actor="anna", now=NOON)
        run(db, world([one[0], *(empty(n)[0] for n in range(2, 6))], [one[1], *(empty(n)[1] for n in range(2, 6))]), now=NOON + DAY)
        assert again(db, jr_id).same


def test_a_wide_slice_is_kept_when_the_narrow_one_does_not_explain(engine: Engine) -> None:
    """Only the second settlement is new to the centre's findings: the first was reviewed, so it is not kept again beside it."""
    one, two = empty(1), empty(2)
    with engine.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (first,) = jr_ids(db, "PR-01")
        cases.review(db, jr_id=first, verdict="confirm", reason="seen", actor="anna", now=NOON)
        run(db, world([one[0], two[0]], [one[1], two[1]]), now=NOON + DAY)
        second = next(jr_id for jr_id in jr_ids(db, "PR-01") if jr_id != first)
        replayed = again(db, second)
        assert (replayed.same, replayed.promised, replayed.rows["settlements"]) == (True, "wide", 2)


def test_rows_that_were_changed_are_not_believed(sqlite: Engine) -> None:
    one = empty(1)
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (jr_id,) = jr_ids(db, "PR-01")
        db.execute(update(kept_rows).values(content=b"something else"))
        with pytest.raises(BadInput, match="SHA-256 differs"):
            again(db, jr_id)


def test_another_limit_in_the_record_shows_as_a_difference(sqlite: Engine) -> None:
    one = empty(1)
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (jr_id,) = jr_ids(db, "PR-01")
        limits = {"min_frames_seen": 5, "repeat_days": 7, "repeat_count": 3}
        db.execute(update(findings).values(limits=limits))
        replayed = again(db, jr_id)
        assert not replayed.same
        assert set(replayed.differs) == {"vola_cont", "vola_cont_en"}
        db.execute(update(findings).values(limits=limits | {"gone": 1}))
        assert set(again(db, jr_id).differs) == {"limits"}


def test_another_version_of_the_code_is_said(sqlite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    one = empty(1)
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]))
        (jr_id,) = jr_ids(db, "PR-01")
        newer = replace(pr_01.RULE, version=pr_01.RULE.version + 1)
        monkeypatch.setattr(exhibits, "RULES", tuple(newer if rule.id == "PR-01" else rule for rule in RULES))
        assert again(db, jr_id).code_changed
        monkeypatch.setattr(exhibits, "RULES", ())
        with pytest.raises(NotFound, match="PR-01 is no rule of this version"):
            again(db, jr_id)


def test_silent_findings_keep_no_rows(sqlite: Engine) -> None:
    one = empty(1)
    silent = replace(BOOK, active=tuple(replace(each, stage=Stage.SILENT) for each in BOOK.active))
    with sqlite.begin() as db:
        run(db, world([one[0]], [one[1]]), book=silent)
        (held,) = cases.list_findings(db, held="silent").rows
        with pytest.raises(NotFound, match="no rows were kept"):
            again(db, held.jr_id)
        with pytest.raises(NotFound):
            again(db, "JR-none")


def test_a_slice_holds_what_the_evidence_names_and_survives_packing() -> None:
    proxies = [{"psn_no": f"PSN-{n}", "proxy_psn_no": "PSN-X", "valid_from": 2**40, "valid_to": 2**41} for n in range(9)]
    seen = [capture(n, outcome="different" if n == 3 else "same") for n in range(9)]
    inputs = world([*(settlement(n) for n in range(9)), refund(20, 3, fen=100)], seen, proxies=proxies)
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, inputs, BOOK)
    slice_ = narrow(inputs, [each for each in results.suspicions if each.rule_id == "ID-01"])
    assert {name: table.num_rows for name, table in slice_.items() if table.num_rows} == {"settlements": 2, "captures": 1, "proxies": 1}
    content, digest = pack(slice_)
    assert unpack(content, digest)["settlements"] == slice_["settlements"]
    assert pack(slice_) == (content, digest)
    with pytest.raises(BadInput, match="cannot be read"):
        unpack(b"no zip", sha256(b"no zip").hexdigest())
