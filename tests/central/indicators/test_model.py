"""Figures, intervals, peers and levels, computed by hand."""

from itertools import count
from math import isclose

import pytest
from pydantic import ValidationError

from central.indicators.model import BY_ID, COUNTS, Count, Level, Peers, Scope, Standing, Subject, figure, regions, standings
from central.rules.model import IndicatorLimits, PeerStep

LIMITS = IndicatorLimits()
SHARE, LOW, INDEX, RATIO, HOURS = (BY_ID[name] for name in ("mismatch", "verified", "cards_per_face", "traffic", "devices_online"))
NOTHING = Count()
numbers = count()


def subject(county: str = "330101", kind: str = "P", level: str = "0") -> Subject:
    return Subject(code=f"P{next(numbers):011d}", kind=kind, level=level, admdvs=county)


def told(
    own: Count, others: list[Count], before: Count = NOTHING, indicator: str = "mismatch", limits: IndicatorLimits = LIMITS
) -> Standing:
    """How one stands among others in its county."""
    me = subject()
    now = {me: own} | {subject(): each for each in others}
    return standings(BY_ID[indicator], now, {me: before}, limits)[me]


def test_wilsons_interval_is_the_textbooks() -> None:
    found = figure(SHARE, Count(n=10, of=100), LIMITS)
    assert found is not None
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.1, 0.0552, 0.1744)
    none, every = figure(SHARE, Count(n=0, of=10), LIMITS), figure(SHARE, Count(n=10, of=10), LIMITS)
    assert none is not None
    assert every is not None
    assert (round(none.low, 4), round(none.high, 4), round(every.low, 4), every.high) == (0.0, 0.2775, 0.7225, 1.0)


def test_an_index_has_byars_interval_of_what_is_beyond_one_and_many_days_do_not_make_it_surer() -> None:
    one_day = figure(INDEX, Count(n=110, of=100, days=1), LIMITS)
    assert one_day is not None
    assert one_day.value == 1.1
    assert isclose(one_day.low, 1 + 4.79 / 100, abs_tol=1e-4)
    assert isclose(one_day.high, 1 + 18.39 / 100, abs_tol=1e-4)
    week = figure(INDEX, Count(n=770, of=700, days=7), LIMITS)
    assert week is not None
    assert (week.low, week.high) == pytest.approx((one_day.low, one_day.high))


def test_a_ratio_may_be_larger_than_one() -> None:
    found = figure(RATIO, Count(n=150, of=100), LIMITS)
    assert found is not None
    assert found.value == 1.5
    assert found.low < 1.5 < found.high < 2.5


def test_minutes_are_not_independent_but_hours_are() -> None:
    hours, minutes = figure(HOURS, Count(n=540, of=600), LIMITS), figure(SHARE, Count(n=9, of=10), LIMITS)
    assert hours is not None
    assert minutes is not None
    assert (hours.value, hours.low, hours.high) == (minutes.value, minutes.low, minutes.high)


def test_nothing_counted_has_no_figure_and_no_level() -> None:
    assert figure(SHARE, Count(n=3, of=0), LIMITS) is None
    found = told(Count(), [Count(n=1, of=100)] * 200)
    assert (found.figure, found.level) == (None, Level.NONE)


def test_one_institution_alone_has_no_peers_and_no_line() -> None:
    found = told(Count(n=50, of=100), [])
    assert (found.warn, found.alert, found.level) == (None, None, Level.NORMAL)


def test_a_percentile_is_the_straight_line_between_neighbours_without_the_own_value() -> None:
    """Of 0 .. 100 of 1000 the P95 is 95, whatever the own one is."""
    others = [Count(n=number, of=1000) for number in range(101)]
    found = told(Count(n=40, of=1000), others)
    assert found.warn is not None
    assert found.alert is not None
    assert (found.warn.peers, found.warn.step, found.warn.percentile) == (101, PeerStep.COUNTY, 95)
    assert found.warn.value == pytest.approx(0.095)
    assert found.alert.value == pytest.approx(0.099)
    ten = told(Count(n=40, of=1000), [Count(n=number, of=100) for number in range(20)])
    assert ten.warn is not None
    assert ten.warn.value == pytest.approx(0.1805)  # place 18.05 of 0 .. 19
    assert ten.alert is None


@pytest.mark.parametrize(("n", "level"), [(99, Level.NORMAL), (120, Level.WARN), (125, Level.ALERT)])
def test_the_whole_interval_must_lie_beyond_the_line(n: int, level: Level) -> None:
    """P95 0.095, P99 0.099; the low end of 99 of 1000 is 0.082, of 120 it is 0.101, with 119 alike elsewhere."""
    limits = LIMITS if level is not Level.WARN else LIMITS.model_copy(update={"alert_peers": 1000})
    assert told(Count(n=n, of=1000), [Count(n=number, of=1000) for number in range(101)], limits=limits).level is level


def test_where_low_is_bad_the_lines_are_low() -> None:
    others = [Count(n=1000 - number, of=1000) for number in range(101)]
    bad, good = (told(Count(n=n, of=1000), others, indicator="verified") for n in (700, 1000))
    assert bad.warn is not None
    assert (bad.warn.percentile, bad.level, good.level) == (5, Level.ALERT, Level.NORMAL)
    assert bad.warn.value == pytest.approx(0.905)


def test_small_numbers_get_no_level_and_are_nobodys_peers() -> None:
    assert told(Count(n=29, of=29), [Count(n=0, of=1000)] * 200).level is Level.FEW
    assert told(Count(n=2, of=30), [Count(n=0, of=1000)] * 200).level is Level.NORMAL  # two cases may be chance
    assert told(Count(n=20, of=100), [Count(n=0, of=29)] * 200).warn is None


def test_a_rise_on_the_own_past_warns_only_beyond_chance() -> None:
    assert told(Count(n=30, of=1000), [], Count(n=40, of=4000)).level is Level.WARN
    assert told(Count(n=14, of=1000), [], Count(n=40, of=4000)).rose is False
    assert told(Count(n=3, of=100), [], Count(n=4, of=400)).rose is False  # three times as many, but of few
    assert told(Count(n=30, of=1000), [], Count(n=0, of=20)).rose is False  # the past is too short
    assert told(Count(n=900, of=1000), [], Count(n=3960, of=4000), "verified").rose is True
    assert told(Count(n=999, of=1000), [], Count(n=2000, of=4000), "verified").rose is False


def test_peers_are_sought_further_and_further_away() -> None:
    mine = subject()
    values = {mine: 0.5} | {subject("330102"): 0.1 for _ in range(3)} | {subject("330201"): 0.2 for _ in range(6)}
    values |= {subject("440101", level="1"): 0.3 for _ in range(30)} | {subject(kind="H"): 0.9 for _ in range(90)}
    peers = Peers(SHARE, values, LIMITS.peer_steps)
    found = [peers.line(mine, 0.5, 95, at_least) for at_least in (2, 4, 10, 40)]
    assert [None if each is None else (each.step, each.peers) for each in found] == [
        (PeerStep.CITY, 3),
        (PeerStep.PROVINCE, 9),
        (PeerStep.KIND, 39),
        None,
    ]


def test_regions_add_up_their_institutions_and_have_the_regions_above_as_place() -> None:
    counted = [(subject("330101"), {"mismatch": Count(n=1, of=10)}), (subject("330102"), {"mismatch": Count(n=2, of=20)})]
    counted += [(subject("33"), {"mismatch": Count(n=9, of=9)})]
    assert regions(Scope.CITY, counted) == {
        Subject(code="3301", kind="city", level="", admdvs="33"): {"mismatch": Count(n=3, of=30)},
    }
    assert set(regions(Scope.COUNTY, counted)) == {
        Subject(code=code, kind="county", level="", admdvs="3301") for code in ("330101", "330102")
    }


def test_every_indicator_of_the_catalogue_has_its_two_columns() -> None:
    assert len(BY_ID) == 15
    assert len(set(COUNTS)) == 30


@pytest.mark.parametrize(
    "wrong", [{"alert_percentile": 95}, {"peer_steps": []}, {"fewest": 0}, {"peer_steps": ["street"]}, {"nonsense": 1}]
)
def test_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        IndicatorLimits(**wrong)
