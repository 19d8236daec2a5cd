"""The rules of asking: how orders stand, how often they are sent, what a purpose may be."""

from datetime import timedelta

import pytest

from central.accounts.model import Right
from central.errors import BadInput
from central.orders.model import (
    LONGEST_PAUSE,
    MAX_PURPOSE,
    NEEDS,
    Kind,
    PurposeMissing,
    State,
    checked_purpose,
    checked_validity,
    pause,
    state_of,
)
from tests.builders import AT

LATER = AT + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sent", "answered", "over", "state"),
    [
        (False, False, False, State.ASKED),
        (True, False, False, State.SENT),
        (True, True, False, State.ANSWERED),
        (False, False, True, State.EXPIRED),
        (True, False, True, State.EXPIRED),
        (True, True, True, State.ANSWERED),
    ],
)
def test_the_state_follows_from_the_times(sent: bool, answered: bool, over: bool, state: State) -> None:
    found = state_of(
        sent_at=AT if sent else None, answered_at=AT if answered else None, valid_until=AT if over else LATER + LATER.resolution, now=LATER
    )
    assert found is state


def test_it_is_sent_less_and_less_often() -> None:
    pauses = [pause(times) for times in range(1, 40)]
    assert pauses[:3] == [timedelta(seconds=seconds) for seconds in (10, 20, 40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pause(10**9) == LONGEST_PAUSE


@pytest.mark.parametrize("purpose", ["", " \n\t ", "长" * (MAX_PURPOSE + 1), "a\x00b", "a\x7f"])
def test_nobody_asks_without_saying_what_for(purpose: str) -> None:
    with pytest.raises(PurposeMissing):
        checked_purpose(purpose)


def test_a_purpose_keeps_its_words() -> None:
    assert checked_purpose("  两行\n文字 ") == "两行\n文字"


@pytest.mark.parametrize("valid_for", [timedelta(), timedelta(seconds=59), timedelta(days=-1), timedelta(days=31)])
def test_an_order_stands_neither_for_a_moment_nor_for_ever(valid_for: timedelta) -> None:
    with pytest.raises(BadInput, match="an order stands"):
        checked_validity(Kind.REVOKE, valid_for)


def test_only_administrators_set_and_end_devices() -> None:
    assert {kind: right for kind, right in NEEDS.items() if right is Right.MANAGE_SITES}.keys() == {Kind.CONFIGURE, Kind.REVOKE, Kind.REKEY}
