"""WAT-01: a face of the watch list in view; nobody's card is accused by it."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, World, capture, settlement

world = partial(World, only=["WAT-01"])


def test_a_hit_asks_people_to_look_and_names_no_insured_person() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, watched_face=True, persons=2)]).suspicions("WAT-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/t1:1:1", None, "med")
    assert (suspicion.vola_evid["psn_nos"], suspicion.vola_evid["setl_ids"], str(suspicion.vola_amt)) == ([], ["S-1"], "0.00")
    for said in ("布控", "最多同时2人", "不一定是持卡人", "须由人工比对"):
        assert said in suspicion.vola_cont
    for said in ("watch list", "not necessarily the card's owner", "no identity"):
        assert said in suspicion.vola_cont_en
    assert "PSN-1" not in suspicion.vola_cont


def test_somebody_alone_who_was_recognised_is_called_so() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, watched_face=True)]).suspicions("WAT-01")
    assert "已被识别为本人" in suspicion.vola_cont


def test_who_came_without_settling_is_told_of_too() -> None:
    (suspicion,) = world([], [capture(1, watched_face=True, setl_id=None)]).suspicions("WAT-01")
    assert suspicion.vola_evid["setl_ids"] == []


@pytest.mark.parametrize(
    "changes",
    [{"watched_face": False}, {"watched_face": None}, {"frames_used": 2}, {"outcome": "blind"}, {"distrusted": True}],
    ids=str,
)
def test_no_hit_a_glimpse_and_what_is_not_to_be_believed_are_not(changes: dict[str, Any]) -> None:
    assert world([settlement(1)], [capture(1, **{"watched_face": True} | changes)]).suspicions("WAT-01") == []
