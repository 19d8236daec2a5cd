"""Turn what was followed into evidence: embed the best shots, fuse them, compare. The only place where templates of the window are made."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from contract.events import FrameCounts, Liveness
from edge_agent.camera.frames import Shot
from edge_agent.decide import Compared, Decision, Evidence, Person, decide
from edge_agent.judging.examine import Examiner
from edge_agent.judging.recent import RecentFaces
from edge_agent.ports import Known, Matrix, People
from edge_agent.sections.core import Limits
from edge_agent.session import Session
from edge_agent.window.track import Track
from edge_agent.window.vacancy import Around
from models import compare
from models.protocols import Embedder
from models.results import Picture, Vector

MAX_PEOPLE = 8  # compared at most, best standing first; with 16 shots each this takes less than a second
QUICK_PEOPLE = 4
QUICK_SHOTS = 6  # moments embedded for the immediate answer, to keep it far below 300 ms
EMBED_AT_ONCE = 4  # a batch of 16 is no faster and holds 100 MB more
LOSSES_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """A decision and what it rests on. `vector` and `portrait` are of the person that the decision speaks of.

    `vector` is None unless enough moments show the whole face: different people under masks of one kind resemble each other.
    """

    decision: Decision
    evidence: Evidence
    similarity: float | None
    vector: Vector | None
    portrait: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Face:
    """A followed face with its fused vector; without one when no shot was usable. `shows` says of each shot whether it shows the whole
    face: nothing is seen to cover it, and the embedder found enough in it.
    """

    track: Track
    shots: tuple[Shot, ...]
    shows: tuple[bool, ...]
    singles: Matrix
    vector: Vector | None

    @property
    def clear(self) -> int:
        """How many of the shots show the whole face."""
        return sum(self.shows)

    @property
    def hints(self) -> tuple[str, ...]:
        """What would make at least half of the shots better, most frequent first."""
        found = Counter(code for shot in self.shots for code in shot.hints)
        return tuple(code for code, count in found.most_common() if 2 * count >= len(self.shots))

    @property
    def portrait(self) -> Picture:
        """The best usable picture of the face, else the last one."""
        ranked = zip(self.shots, self.shows, strict=True)
        best, _ = max(ranked, key=lambda pair: (pair[1], pair[0].quality.weight), default=(self.track.last, False))
        return best.portrait


Noted = Callable[[Judgement, Session], None]


class Judge:
    """Judges sessions. Safe to use from several threads as far as its parts are."""

    def __init__(
        self, *, embedder: Embedder, people: People, recent: RecentFaces, limits: Limits, examiner: Examiner, also: Noted | None = None
    ) -> None:
        """`also` is told of every judgement to remember."""
        self._also = also
        self._embedder = embedder
        self._examiner = examiner
        self._people = people
        self._recent = recent
        self._limits = limits

    def judge(self, session: Session, *, at: datetime, interrupted: bool, around: Around, quick: bool = False) -> Judgement:
        """Decide the session as it stands. `quick` embeds only the newest moments. Where the insured person is exempt no face is embedded.

        Raises ModelError when the network fails.
        """
        known = self._people.known(session.start.psn_no, at)
        real = session.follower.real(min_score=self._limits.min_face_score, min_frames=self._limits.min_track_frames)
        compared = () if known.exempt else real[: QUICK_PEOPLE if quick else MAX_PEOPLE]
        faces = [self._embedded(track, QUICK_SHOTS if quick else None) for track in compared]
        people = tuple(
            self._examined(face, self._person(face, known, session, self._first_s(face, faces)), faces[0], session) for face in faces
        )
        subject = self._recognisable(faces[0]) if faces else None
        evidence = Evidence(
            frames=FrameCounts(
                seen=session.seen,
                with_subject=real[0].frames if real else 0,
                used=people[0].used if people else 0,
            ),
            interrupted=interrupted,
            emptiness=session.emptiness(self._limits.empty_share),
            around=around.own,
            elsewhere=around.others,
            faults=around.faults,
            faces=session.faces,
            enrolled=known.insured is not None,
            exempt=known.exempt,
            persons=session.follower.persons(real),
            followed=len(real),
            people=people,
            compared=Compared(proxies=len(known.proxies), staff=len(known.staff), watched=len(known.watched)),
            other_cards=0 if subject is None else self._recent.other_cards(subject, session.start.psn_no, session.opened_s),
        )
        return self._judgement(decide(evidence, self._limits), evidence, faces)

    def exempts(self, psn_no: str, at: datetime) -> bool:
        """Whether this person is verified by hand and never compared."""
        return self._people.known(psn_no, at).exempt

    def remember(self, judgement: Judgement, session: Session) -> None:
        """Keep the face in memory, to notice it with other cards; not one that was hidden or seen too little."""
        if judgement.vector is not None:
            self._recent.add(judgement.vector, session.start.psn_no, session.opened_s)
        if self._also is not None:
            self._also(judgement, session)

    def _embedded(self, track: Track, newest: int | None) -> _Face:
        shots = track.best.shots()[-newest:] if newest else track.best.shots()
        if not shots:
            return _Face(track=track, shots=(), shows=(), singles=np.empty((0, self._embedder.size), np.float32), vector=None)
        singles, strengths = self._described(shots)
        bare = np.array([not shot.covered for shot in shots])
        shows = bare & (strengths >= self._limits.min_strength)
        used = np.flatnonzero(shows if shows.sum() >= self._limits.min_good_frames else np.ones_like(shows))
        return _Face(
            track=track,
            shots=tuple(shots[at] for at in used),
            shows=tuple(bool(shows[at]) for at in used),
            singles=singles[used],
            # Every moment has the same say: sharpness would favour a hand before the face over the face.
            vector=compare.fuse(singles[used], [1.0] * len(used)),
        )

    def _described(self, shots: Sequence[Shot]) -> tuple[Matrix, NDArray[np.float32]]:
        parts = [shots[at : at + EMBED_AT_ONCE] for at in range(0, len(shots), EMBED_AT_ONCE)]
        vectors, strengths = zip(*(self._embedder.describe(np.stack([shot.chip for shot in part])) for part in parts), strict=True)
        return np.concatenate(vectors), np.concatenate(strengths)

    def _recognisable(self, face: _Face) -> Vector | None:
        """The fused vector, if it is that of a face and not of what hides it."""
        return face.vector if face.clear >= self._limits.min_good_frames else None

    def _judgement(self, decision: Decision, evidence: Evidence, faces: list[_Face]) -> Judgement:
        face = next((face for face in faces if decision.person and face.track.key == decision.person.key), None)
        return Judgement(
            decision=decision,
            evidence=evidence,
            similarity=None if decision.person is None else decision.person.insured,
            vector=None if face is None else self._recognisable(face),
            portrait=None if face is None else face.portrait,
        )

    def _first_s(self, face: _Face, faces: Sequence[_Face]) -> float:
        """When this face was first seen, also before it was lost from view and followed as a new one."""
        vector = self._recognisable(face)
        before = [other.track.first_s for other in faces if self._is_same(vector, self._recognisable(other))]
        return min(before, default=face.track.first_s)

    def _is_same(self, one: Vector | None, other: Vector | None) -> bool:
        return one is not None and other is not None and float(one @ other) >= self._limits.same

    def _examined(self, face: _Face, person: Person, subject: _Face, session: Session) -> Person:
        """With a verdict on liveness, if the decision may come to speak of this person: the subject, and whoever is recognised."""
        recognised = any(value is not None and value >= self._limits.same for value in (person.insured, person.proxy))
        if not recognised and face is not subject:
            return person
        found = self._examiner.examine(face.track, face.shots, session.start.window)
        if found is None:
            return person
        reasons = tuple(f"liveness_{code}" for code in found.reasons)
        return replace(person, liveness=Liveness(found.verdict), liveness_score=found.score, liveness_reasons=reasons)

    def _person(self, face: _Face, known: Known, session: Session, first_s: float) -> Person:
        insured = None if known.insured is None else known.insured[np.newaxis]
        return Person(
            key=face.track.key,
            used=len(face.shots),
            clear=face.clear,
            share=face.track.frames_inside / max(1, session.follower.frames_inside),
            came_after_s=first_s - session.opened_s,
            losses=tuple(face.track.best.lost.most_common(LOSSES_NAMED)),
            hints=face.hints,
            insured=_best(insured, face.vector),
            insured_best=None if insured is None or face.vector is None else max(_each(insured, face.singles)),
            proxy=_best(known.proxies, face.vector),
            staff=_best(known.staff, face.vector),
            watched=_best(known.watched, face.vector),
        )


def _best(rows: Matrix | None, vector: Vector | None) -> float | None:
    if rows is None or vector is None or not len(rows):
        return None
    return float(compare.top(rows, vector)[1][0])


def _each(rows: Matrix, singles: Matrix) -> list[float]:
    return [float(value) for single in singles for value in compare.top(rows, single)[1]]
