"""One to many: how long the best match takes among random unit vectors, beside a plain numpy product as the least that memory allows."""

from functools import partial

import numpy as np

from models import compare
from scripts.benchmarks.report import Figure, seconds, timed

SIZE = 192  # of the default pack's vectors
ASKED_MS = {10_000: 0.5, 100_000: 6.0, 1_000_000: 60.0}
TRIALS = 200
SEED = 20


def measure(largest: int) -> list[Figure]:
    """The 95 % point for each size up to `largest` templates."""
    random = np.random.default_rng(SEED)
    figures = []
    for count in (size for size in ASKED_MS if size <= largest):
        gallery = random.standard_normal((count, SIZE), np.float32)
        gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
        probes = random.standard_normal((TRIALS, SIZE), np.float32)
        probes /= np.linalg.norm(probes, axis=1, keepdims=True)
        found = [seconds(partial(compare.top, gallery, probe)) for probe in probes]
        bare = [seconds(partial(np.matmul, gallery, probe)) for probe in probes]
        ours = timed(f"best of {count} templates", found, goal="P2", at_most_ms=ASKED_MS[count])
        figures += [ours, timed(f"bare product with {count} templates", bare, note="what reading the gallery once costs here")]
    return figures
