"""Charts as inline SVG. Colours come from the page's classes."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import NormalDist
from typing import Any

import numpy as np

WIDTH, HEIGHT = 560, 330
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 16, 36
BINS = 50
DEVIATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8)  # ticks of the DET axes
LEAST = 0.0005  # rates below it, 0 included, are drawn here
MOST = 0.9


def histogram(mated: Sequence[float], other: Sequence[float], limits: Sequence[float], low: float = -0.2) -> str:
    """Shares of scores from `low` to 1 in BINS steps, with a dashed line at each limit; lower scores stand in the first step."""
    edges = np.linspace(low, 1, BINS + 1)
    shares = [_shares(scores, edges) for scores in (mated, other)]
    top = max(0.01, *(float(share.max()) for share in shares))
    bars = [
        f'<rect class="{kind}" x="{_x((edge - low) / (1 - low)):.1f}" y="{_y(value / top):.1f}" '
        f'width="{_span() / BINS:.1f}" height="{max(0.0, _y(0) - _y(value / top)):.1f}"/>'
        for kind, share in zip(("mated", "other"), shares, strict=True)
        for edge, value in zip(edges, share, strict=False)
        if value
    ]
    lines = [f'<path class="limit" d="M{_x((limit - low) / (1 - low)):.1f} {TOP}V{_y(0)}"/>' for limit in limits]
    ticks = [_tick_x((value - low) / (1 - low), f"{value:g}") for value in np.arange(0, 1.01, 0.2).round(1)]
    return _svg("Histogram of scores", [*bars, *lines, *ticks, _tick_y(1, f"{100 * top:.0f} %"), _tick_y(0, "0")])


def det_curves(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """FNMR over FMR of each named curve (lists `fmr` and `fnmr`), both on normal deviate axes."""
    parts = [tick for rate in DEVIATES for tick in (_tick_x(_deviate(rate), f"{rate:g}"), _tick_y(_deviate(rate), f"{rate:g}"))]
    for number, (name, curve) in enumerate(curves.items()):
        points = [(_x(_deviate(fmr)), _y(_deviate(fnmr))) for fmr, fnmr in zip(curve["fmr"], curve["fnmr"], strict=True)]
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        label = f'<text class="c{number}" x="{WIDTH - RIGHT - 8}" y="{TOP + 14 + 16 * number}" text-anchor="end">{escape(name)}</text>'
        parts += [f'<path class="curve c{number}" d="M{steps}"/>' if points else "", label]
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">FMR</text>')
    parts.append(f'<text x="12" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 12 {HEIGHT / 2})">FNMR</text>')
    return _svg("DET curve", parts)


def _shares(scores: Sequence[float], edges: Any) -> Any:
    if not len(scores):
        return np.zeros(BINS)
    return np.histogram(np.clip(scores, edges[0], 1), edges)[0] / len(scores)


def _deviate(rate: float) -> float:
    """Place of a rate on a normal deviate axis, 0 to 1."""
    low, here, high = (NormalDist().inv_cdf(value) for value in (LEAST, min(max(rate, LEAST), MOST), MOST))
    return (here - low) / (high - low)


def _span() -> float:
    return WIDTH - LEFT - RIGHT


def _x(share: float) -> float:
    return LEFT + share * _span()


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _tick_x(share: float, text: str) -> str:
    return f'<text x="{_x(share):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{text}</text>'


def _tick_y(share: float, text: str) -> str:
    return f'<text x="{LEFT - 5}" y="{_y(share) + 4:.1f}" text-anchor="end">{text}</text>'


def _svg(title: str, parts: Sequence[str]) -> str:
    frame = f'<path class="axis" d="M{LEFT} {TOP}V{_y(0)}H{WIDTH - RIGHT}"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{frame}{"".join(parts)}</svg>'
