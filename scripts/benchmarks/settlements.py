"""Who stands at the windows: kinds of settlements, how frequent they are and what they do to a face, as evidence for the real decision.

Every share and loss has a unit and a reason and says whether it was measured. A loss is the part of a similarity that is lost: 0.2 turns
0.9 into 0.72. Similarities come from a measured score model, the decision from edge_agent; nothing of either is repeated here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from contract.events import FrameCounts
from edge_agent.decide import Compared, Emptiness, Evidence, Person
from edge_agent.window.track import MAX_SHOTS
from scripts.benchmarks.score_model import ScoreModel, Scores

FRAMES = FrameCounts(seen=60, with_subject=48, used=12)  # ten seconds at six frames a second; no outcome rests on the exact numbers
OF_GENUINE, OF_IMPOSTORS, LOSS = "share of genuine", "share of impostors", "share lost"


def _assumed(value: float, unit: str, why: str) -> Any:
    return field(default=value, metadata={"unit": unit, "why": why, "measured": False})


def _measured(value: float, unit: str, why: str) -> Any:
    return field(default=value, metadata={"unit": unit, "why": why, "measured": True})


@dataclass(frozen=True, kw_only=True)
class Population:
    """Shares of kinds and what each does to a face. What `covered` to `twin_beside` leave is plain, and so is what `relatives` to `turned`
    leave of the impostors: strangers.
    """

    covered: float = _assumed(0.08, OF_GENUINE, "masks at a pharmacy or clinic in winter")
    hurried: float = _assumed(0.05, OF_GENUINE, "looks down at a telephone or the bag, passes quickly")
    accompanied: float = _assumed(0.15, OF_GENUINE, "somebody stands beside the insured person")
    proxies: float = _assumed(0.03, OF_GENUINE, "a registered proxy fetches the medicine")
    errands: float = _assumed(0.03, OF_GENUINE, "a relative with both documents who was never registered; lawful, counted apart")
    grown: float = _assumed(0.02, OF_GENUINE, "children, enrolled years ago")
    staffed: float = _assumed(0.02, OF_GENUINE, "a member of staff before the camera in front of the insured person")
    twin_beside: float = _assumed(0.002, OF_GENUINE, "comes with the twin; about 0.7 of 100 people have an identical one")

    relatives: float = _assumed(0.45, OF_IMPOSTORS, "cards are mostly lent within the family")
    twins: float = _assumed(0.002, OF_IMPOSTORS, "an identical twin; no face network tells them apart")
    hidden: float = _assumed(0.05, OF_IMPOSTORS, "a stranger under a mask")
    in_company: float = _assumed(0.10, OF_IMPOSTORS, "a stranger with another stranger beside")
    turned: float = _assumed(0.05, OF_IMPOSTORS, "a stranger who keeps the head down")

    enrolment_loss: float = _assumed(
        0.10, LOSS, "another camera at enrolment; photo pairs of public figures gave 0.85 where clips give 0.95"
    )
    age_loss: float = _assumed(0.01, f"{LOSS} a year", "adults change slowly")
    enrolment_years: float = _assumed(5.0, "years, mean; even from 0 to twice", "a card or enrolment is renewed within ten years")
    grown_loss: float = _assumed(0.40, LOSS, "a child some years older; no picture of children at hand")
    turned_loss: float = _assumed(0.20, LOSS, "turned or bowed head in every moment")
    cover_loss: float = _measured(
        0.46, LOSS, "masks drawn on the window clips, 6 pairs of 3 persons: 0.41 to 0.67 where bare clips gave 0.90 to 0.98"
    )
    cover_spread: float = _measured(0.08, "deviation of that loss", "the same masks; how much a mask hides differs from face to face")
    cover_unnoticed: float = _assumed(
        0.05, "share of covered", "drawn masks of five colours were noticed on nearly all of 8 clips, those of skin, beige and grey on none"
    )
    relative_nearer: float = _assumed(0.15, "Fisher's z", "about one deviation between strangers; no family at hand")
    twin_loss: float = _assumed(0.05, LOSS, "nearly the same face")
    missed: float = _assumed(0.25, "share of moments", "of sixteen best shots, blurred or blinking")
    hurried_missed: float = _assumed(0.80, "share of moments", "of sixteen best shots, turned away or gone")
    beside_missed: float = _assumed(0.50, "share of moments", "of sixteen best shots, hidden behind the one in front")
    companion_first: float = _assumed(0.30, "share of accompanied", "the companion stands nearer the camera and is the subject")
    staff: float = _assumed(10.0, "persons", "staff with whom every face is compared")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a number from 0 on, not {value}")
        for whole, unit in (("genuine settlements", OF_GENUINE), ("impostors", OF_IMPOSTORS)):
            if self._sum(unit) > 1:
                raise ValueError(f"the shares of {whole} add up to {self._sum(unit):g}, more than 1")

    @property
    def plain(self) -> float:
        """Share of genuine settlements of which there is nothing to say."""
        return 1 - self._sum(OF_GENUINE)

    @property
    def strangers(self) -> float:
        """Share of impostors who stand there openly and alone and resemble nobody."""
        return 1 - self._sum(OF_IMPOSTORS)

    def _sum(self, unit: str) -> float:
        return sum(parameter.value for parameter in parameters(self) if parameter.unit == unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One share or loss with all that a reader must know of it."""

    name: str
    value: float
    unit: str
    why: str
    measured: bool

    @property
    def doubled(self) -> float:
        """Twice as much; what is lost or missed is at most all, and shares leave something for the rest."""
        most = 1.0 if "share" in self.unit else np.inf
        return min(2 * self.value, 0.6 if self.unit in (OF_GENUINE, OF_IMPOSTORS) else most)


def parameters(population: Population) -> tuple[Parameter, ...]:
    """All parameters in the order above."""
    return tuple(Parameter(name=each.name, value=getattr(population, each.name), **each.metadata) for each in fields(population))


class Cast:
    """Draws the faces of `count` settlements at once."""

    def __init__(self, model: ScoreModel, population: Population, random: Generator, count: int) -> None:
        self.population, self.count = population, count
        self._model, self._random = model, random

    @property
    def colleagues(self) -> int:
        """Members of staff with whom every face is compared."""
        return round(self.population.staff)

    def scene(self, *faces: list[Person], proxies: int = 0) -> list[Evidence]:
        """The settlements at which these faces are seen together, the subject first, compared with so many proxies."""
        compared = Compared(proxies=proxies, staff=self.colleagues)
        return [
            Evidence(
                frames=FRAMES,
                interrupted=False,
                emptiness=Emptiness.OCCUPIED,
                around=Emptiness.OCCUPIED,
                elsewhere=Emptiness.UNKNOWN,
                faces=FRAMES.with_subject,
                enrolled=True,
                persons=len(people),
                followed=len(people),
                people=people,
                compared=compared,
            )
            for people in zip(*faces, strict=True)
        ]

    def own(self, loss: float = 0.0) -> Scores:
        """Similarity of somebody to the own enrolment, which is of another camera and some years old."""
        of = self.population
        years = self._random.uniform(0, 2 * of.enrolment_years, self.count)
        kept = (1 - of.enrolment_loss) * np.clip(1 - of.age_loss * years, 0, 1) * (1 - min(1.0, loss))
        return self._model.mated.similarities(self._random, self.count) * kept

    def behind_cloth(self, similarity: Scores) -> Scores:
        """What a cover leaves of a similarity; it differs from face to face."""
        loss = self._random.normal(self.population.cover_loss, self.population.cover_spread, self.count)
        return similarity * (1 - np.clip(loss, 0, 1))

    def stranger(self) -> Scores:
        """Similarity of somebody to another person's enrolment."""
        return self._model.other.similarities(self._random, self.count)

    def relative(self) -> Scores:
        """The same for a parent, child or sibling."""
        return np.asarray(np.tanh(np.arctanh(self.stranger()) + self.population.relative_nearer))

    def chance(self, share: float) -> NDArray[np.bool_]:
        """True for about this share of the settlements."""
        return self._random.random(self.count) < share

    def people(
        self,
        key: int,
        insured: Scores,
        *,
        own: bool = False,
        missed: float | None = None,
        clear: NDArray[np.bool_] | None = None,
        proxy: Scores | None = None,
        is_staff: bool = False,
    ) -> list[Person]:
        """One face of every settlement. `clear` is False where all its moments are seen to be covered; `own` tells whose noise it has."""
        model, random = self._model, self._random
        missed = self.population.missed if missed is None else missed
        used = random.binomial(MAX_SHOTS, 1 - min(1.0, missed), self.count)
        fused, best = model.moments(random, insured, used, model.mated_noise if own else model.other_noise)
        acting = None if proxy is None else model.moments(random, proxy, used, model.mated_noise)[0]
        staff = model.mated.similarities(random, self.count) if is_staff else self._nearest_of_staff()
        seen = used if clear is None else np.where(clear, used, 0)
        columns = [used, seen, used / MAX_SHOTS, fused, best, fused if acting is None else acting, staff]
        return [
            Person(
                key=key,
                used=count,
                clear=open_,
                share=share,
                insured=near if count else None,
                insured_best=nearest if count else None,
                proxy=deputy if count and acting is not None else None,
                staff=colleague if count else None,
            )
            for count, open_, share, near, nearest, deputy, colleague in zip(*(each.tolist() for each in columns), strict=True)
        ]

    def _nearest_of_staff(self) -> Scores:
        return np.asarray(self._model.other.similarities(self._random, self.count, max(1, self.colleagues)).max(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of settlement: how frequent it is, and how it looks. `lawful_stranger`: genuine, though the insured person is not there."""

    name: str
    genuine: bool
    share: Callable[[Population], float]
    play: Callable[[Cast], list[Evidence]]
    lawful_stranger: bool = False


def _alone(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.own(), own=True))


def _covered(cast: Cast) -> list[Evidence]:
    of = cast.population
    return cast.scene(cast.people(1, cast.behind_cloth(cast.own()), own=True, clear=cast.chance(of.cover_unnoticed)))


def _hurried(cast: Cast) -> list[Evidence]:
    of = cast.population
    return cast.scene(cast.people(1, cast.own(of.turned_loss), own=True, missed=of.hurried_missed))


def _accompanied(cast: Cast) -> list[Evidence]:
    of, first = cast.population, cast.chance(cast.population.companion_first)
    before, behind = (cast.people(1, cast.own(), own=True, missed=missed) for missed in (None, of.beside_missed))
    beside = cast.people(2, cast.relative())
    return [
        after if later else earlier
        for later, earlier, after in zip(first.tolist(), cast.scene(before, beside), cast.scene(beside, behind), strict=True)
    ]


def _proxy(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.relative(), proxy=cast.own()), proxies=1)


def _relative(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.relative()))


def _grown(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.own(cast.population.grown_loss), own=True))


def _staffed(cast: Cast) -> list[Evidence]:
    behind = cast.people(2, cast.own(), own=True, missed=cast.population.beside_missed)
    return cast.scene(cast.people(1, cast.stranger(), is_staff=True), behind)


def _twin_beside(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.own(), own=True), cast.people(2, cast.own(cast.population.twin_loss), own=True))


def _twin(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.own(cast.population.twin_loss), own=True))


def _stranger(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.stranger()))


def _hidden(cast: Cast) -> list[Evidence]:
    of = cast.population
    return cast.scene(cast.people(1, cast.behind_cloth(cast.stranger()), clear=cast.chance(of.cover_unnoticed)))


def _in_company(cast: Cast) -> list[Evidence]:
    return cast.scene(cast.people(1, cast.stranger()), cast.people(2, cast.stranger()))


def _turned(cast: Cast) -> list[Evidence]:
    of = cast.population
    return cast.scene(cast.people(1, cast.stranger() * (1 - of.turned_loss), missed=of.hurried_missed))


KINDS = (
    Kind(name="plain", genuine=True, share=lambda of: of.plain, play=_alone),
    Kind(name="covered", genuine=True, share=lambda of: of.covered, play=_covered),
    Kind(name="hurried", genuine=True, share=lambda of: of.hurried, play=_hurried),
    Kind(name="accompanied", genuine=True, share=lambda of: of.accompanied, play=_accompanied),
    Kind(name="registered proxy", genuine=True, share=lambda of: of.proxies, play=_proxy),
    Kind(name="child grown", genuine=True, share=lambda of: of.grown, play=_grown),
    Kind(name="staff in front", genuine=True, share=lambda of: of.staffed, play=_staffed),
    Kind(name="twin beside", genuine=True, share=lambda of: of.twin_beside, play=_twin_beside),
    Kind(name="unregistered errand", genuine=True, share=lambda of: of.errands, play=_relative, lawful_stranger=True),
    Kind(name="stranger", genuine=False, share=lambda of: of.strangers, play=_stranger),
    Kind(name="relative", genuine=False, share=lambda of: of.relatives, play=_relative),
    Kind(name="twin", genuine=False, share=lambda of: of.twins, play=_twin),
    Kind(name="stranger covered", genuine=False, share=lambda of: of.hidden, play=_hidden),
    Kind(name="stranger in company", genuine=False, share=lambda of: of.in_company, play=_in_company),
    Kind(name="stranger turned", genuine=False, share=lambda of: of.turned, play=_turned),
    # Shown with liveness not evaluated: no rate of liveness is in the report, and the camera sees the very face. Its own line, no share.
    Kind(name="picture of the insured", genuine=False, share=lambda _: 0.0, play=_alone),
)
