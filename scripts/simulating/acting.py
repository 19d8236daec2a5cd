"""All cases of a month, acted one after the other, as many of each rule as its size asks for."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pyarrow as pa

from central.scoring import Case, Kind
from scripts.simulating.cases import PLAYS, Play
from scripts.simulating.month import Month
from scripts.simulating.stage import Stage

FEWEST = 5
CLAIMS_PER_CASE = 66_000
"""With 33 rules, one planted case for two thousand claims; a look-alike goes with each."""
_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """Some of the cases: their rows by table, and what is true of them."""

    tables: dict[str, pa.Table]
    truth: tuple[Case, ...]


def programme(claims: int) -> list[tuple[Play, int]]:
    """The plays in order, with their numbers within rule and kind: of each rule equally many of either kind, every play at least once."""
    plays: dict[tuple[str, Kind], list[Play]] = defaultdict(list)
    for play in PLAYS:
        plays[play.rule_id, play.kind].append(play)
    wanted = max(FEWEST, claims // CLAIMS_PER_CASE)
    return [(choice[number % len(choice)], number) for _, choice in sorted(plays.items()) for number in range(max(wanted, len(choice)))]


def act(claims: int, month: Month, seed: int, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Iterator[Acted]:
    """Act the programme of a month of so many claims. Each case has randomness of its own, so that one does not change with another."""
    plays = programme(claims)
    stage, truth = Stage(month=month, rng=Random()), list[Case]()  # noqa: S311 - a simulation must repeat
    for place, (play, number) in enumerate(plays, start=1):
        stage.rng.seed(f"{seed} {play.rule_id} {play.kind} {number}")
        truth += play.perform(stage, number)
        if place % _AT_ONCE == 0 or place == len(plays):
            yield Acted(tables=stage.flush(), truth=tuple(truth))
            truth.clear()
            progress(place, len(plays))
