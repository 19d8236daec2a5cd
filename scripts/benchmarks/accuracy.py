"""How well vectors of single frames tell people apart: every two frames of different clips are a trial, mated when they show one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

FMR = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Described:
    """The frames of one clip as one library describes them: vectors (N, D), with not-a-number rows where it found no face."""

    person: str
    vectors: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Error rates with the numbers of trials behind them. Frames of one clip resemble each other, so far fewer of them are independent."""

    fnmr: float
    eer: float
    mated: int
    non_mated: int


def trials(clips: Sequence[Described]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of mated and of non-mated trials: minus the Euclidean distance, which orders unit vectors as the cosine does.

    Frames without a vector take no part.
    """
    scores: dict[bool, list[NDArray[np.float64]]] = {True: [], False: []}
    for one, other in combinations(clips, 2):
        scores[one.person == other.person].append(-_distances(_found(one), _found(other)).ravel())
    mated, non_mated = (np.concatenate(parts) if parts else np.empty(0) for parts in (scores[True], scores[False]))
    return mated, non_mated


def errors(clips: Sequence[Described], fmr: float = FMR) -> Errors:
    """FNMR at the lowest threshold whose FMR is at most `fmr`, and the rate at which both errors are equal.

    Raises ValueError when there are fewer than 3 / `fmr` non-mated trials (rule of three) or no mated one.
    """
    mated, non_mated = trials(clips)
    if not len(mated) or len(non_mated) < 3 / fmr:
        raise ValueError(f"{len(mated)} mated and {len(non_mated)} non-mated trials cannot carry a false match rate of {fmr:g}")
    ranked = np.sort(non_mated)[::-1]
    threshold = ranked[int(fmr * len(ranked))]  # taken as a match only above it
    return Errors(
        fnmr=float(np.mean(mated <= threshold)), eer=equal_error_rate(mated, non_mated), mated=len(mated), non_mated=len(non_mated)
    )


def equal_error_rate(mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> float:
    """Where FMR and FNMR meet: their mean at the threshold at which they differ least."""
    steps = np.unique(np.concatenate([mated, non_mated]))
    fnmr = np.searchsorted(np.sort(mated), steps, side="left") / len(mated)
    fmr = 1 - np.searchsorted(np.sort(non_mated), steps, side="left") / len(non_mated)
    nearest = int(np.argmin(np.abs(fnmr - fmr)))
    return float((fnmr[nearest] + fmr[nearest]) / 2)


def _found(clip: Described) -> NDArray[np.float64]:
    return np.asarray(clip.vectors[np.isfinite(clip.vectors).all(axis=1)])


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(0, squares)))
