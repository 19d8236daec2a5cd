"""Make what is kept of a person: one vector from one picture, or from many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import compare
from models.align import chip
from models.errors import PictureRefused
from models.pack import Pack
from models.quality import ENROLMENT, WINDOW, QualityLimits, measure, problems
from models.results import Picture, Quality, Template, Vector

SAME_FACE = 0.5  # similarity from which two faces of one clip are taken for one person; only used to sort faces, never for a verdict
RIVAL = 0.5  # a second person with at least this share of the first one's evidence makes the choice unsafe
LEAST_WEIGHT = 0.001  # a face that the caller's limits let through always has some say


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """The one person of a clip: the template fused from all usable frames, and of each of these, in their order, the vector (N, D) and its
    strength (N,).
    """

    template: Template
    vectors: NDArray[np.float32]
    strengths: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sighting:
    frame: int
    quality: Quality
    vector: Vector
    strength: float

    def evidence(self) -> float:
        """How much this sighting says that a person is there."""
        return self.quality.score * self.quality.weight


class _Person:
    """Sightings taken for one person, with what is asked of them kept up to date."""

    def __init__(self) -> None:
        self.sightings: list[_Sighting] = []
        self.evidence = 0.0
        self._frames: set[int] = set()
        self._sum = np.zeros(1, np.float32)

    def add(self, sighting: _Sighting) -> None:
        self.sightings.append(sighting)
        self.evidence += sighting.evidence()
        self._frames.add(sighting.frame)
        self._sum = self._sum + _say(sighting) * sighting.vector

    def nearness(self, sighting: _Sighting) -> float:
        """Similarity to the person so far, -1 when the person is already in that frame."""
        return -1.0 if sighting.frame in self._frames else float(self._sum @ sighting.vector / np.linalg.norm(self._sum))

    def vector(self) -> Vector:
        return compare.fuse([sighting.vector for sighting in self.sightings], [_say(sighting) for sighting in self.sightings])


def from_picture(pack: Pack, picture: Picture, limits: QualityLimits = ENROLMENT, source: str = "picture") -> Template:
    """The template of the only face in `picture`.

    Faces below `limits.score` are not counted: they are as often a printed cloth as a person. Raises PictureRefused with no_face,
    several_faces or poor_quality.
    """
    faces = [face for face in pack.detector.detect(picture) if face.score >= limits.score]
    if not faces:
        raise PictureRefused("no_face", "no face can be seen clearly in the picture; take one from the front, in even light")
    if len(faces) > 1:
        raise PictureRefused("several_faces", f"the picture shows {len(faces)} faces; take one with only this person")
    aligned = chip(picture, faces[0].landmarks)
    quality = measure(picture, faces[0], aligned)
    if found := problems(quality, limits):
        raise PictureRefused("poor_quality", f"the face cannot be used: {', '.join(found)}; take another picture", found)
    vector, _ = _describe(pack, aligned)
    return Template(vector=vector, version=pack.embedder.version, quality=quality, source=source)


def from_pictures(pack: Pack, frames: Iterable[Picture], limits: QualityLimits = WINDOW) -> Template:
    """The template of the one person whom the frames of a clip, or several photos, show.

    Faces that pass `limits` are sorted into persons by similarity; the person with the most evidence (detector's score times fusing
    weight, over all frames) is taken, whatever the size of the faces, and their vectors are fused by weight. One frame is held at a time.
    Raises PictureRefused with no_face, with poor_quality when faces are seen but none can be used, or with several_faces when a second
    person has half as much evidence.
    """
    return gather(pack, frames, limits).template


def gather(pack: Pack, frames: Iterable[Picture], limits: QualityLimits = WINDOW) -> Gathered:
    """`from_pictures` with the vectors behind the template, to measure how single frames do. Raises as it does."""
    seen, sightings, rejected = 0, [], set[str]()
    for frame in frames:
        for face in pack.detector.detect(frame):
            aligned = chip(frame, face.landmarks)
            quality = measure(frame, face, aligned)
            found = problems(quality, limits)
            rejected.update(found)
            if not found:
                vector, strength = _describe(pack, aligned)
                sightings.append(_Sighting(frame=seen, quality=quality, vector=vector, strength=strength))
        seen += 1
    if not sightings:
        raise _nothing_usable(seen, rejected)
    person = _main_person(_persons(sightings))
    template = Template(
        vector=person.vector(),
        version=pack.embedder.version,
        quality=max((sighting.quality for sighting in person.sightings), key=lambda quality: quality.weight),
        source=f"{len(person.sightings)} of {seen} frames",
    )
    in_order = sorted(person.sightings, key=lambda sighting: sighting.frame)
    return Gathered(
        template=template,
        vectors=np.stack([sighting.vector for sighting in in_order]),
        strengths=np.array([sighting.strength for sighting in in_order], np.float32),
    )


def _say(sighting: _Sighting) -> float:
    return max(LEAST_WEIGHT, sighting.quality.weight)


def _describe(pack: Pack, aligned: Picture) -> tuple[Vector, float]:
    vectors, strengths = pack.embedder.describe(aligned[np.newaxis])
    return vectors[0], float(strengths[0])


def _nothing_usable(seen: int, rejected: set[str]) -> PictureRefused:
    if not rejected:
        return PictureRefused("no_face", f"no face can be seen in {seen} frames; look at the camera from the front, in even light")
    codes = tuple(sorted(rejected))
    return PictureRefused("poor_quality", f"none of the faces in {seen} frames can be used: {', '.join(codes)}; record again", codes)


def _persons(sightings: Sequence[_Sighting]) -> list[_Person]:
    """Sort sightings into persons, best ones first as anchors; a person appears at most once in a frame."""
    persons: list[_Person] = []
    for sighting in sorted(sightings, key=_Sighting.evidence, reverse=True):
        fitting = [person for person in persons if person.nearness(sighting) >= SAME_FACE]
        nearest = max(fitting, key=lambda person: person.nearness(sighting), default=None)
        if nearest is None:
            nearest = _Person()
            persons.append(nearest)
        nearest.add(sighting)
    return persons


def _main_person(persons: list[_Person]) -> _Person:
    first, *others = sorted(persons, key=lambda person: person.evidence, reverse=True)
    if others and others[0].evidence >= RIVAL * first.evidence:
        raise PictureRefused(
            "several_faces", "two persons are seen about equally well; record again with only this person before the camera"
        )
    return first
