"""The report as one HTML page with its pictures inside: no script, nothing fetched from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from models.evaluation.drawing import det_curves, histogram
from models.evaluation.report import interval, shown_rate

STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --soft: #5d6b7a; --line: #d5dce3; --paper: #fff; --good: #1f6f8b; --bad: #b4452f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --soft: #9aa8b5; --line: #37424d; --paper: #14191f; --good: #62b6d0; --bad: #e08670; }
}
body { margin: 2rem auto; max-width: 76rem; padding: 0 1.25rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h1 span, h2 span { color: var(--soft); font-weight: 400; margin-left: .6em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { min-width: 15rem; padding-right: 0; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; white-space: nowrap; }
p, li { max-width: 50rem; } code { font-size: .86em; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figcaption { color: var(--soft); } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .axis { stroke: var(--line); fill: none; }
svg .mated { fill: var(--good); fill-opacity: .55; } svg .other { fill: var(--bad); fill-opacity: .55; }
svg .limit { stroke: var(--ink); stroke-dasharray: 4 3; } svg .curve { fill: none; stroke-width: 2; }
svg .c0 { stroke: var(--good); } svg .c1 { stroke: var(--bad); } svg text.c0 { fill: var(--good); stroke: none; }
svg text.c1 { fill: var(--bad); stroke: none; }
@media print { body { margin: 0; } }
"""
HEADS = (
    ("Level", "层级", ""),
    ("Rate", "指标", ""),
    ("Errors of N", "错误数 / 总数", "n"),
    ("Value", "数值", "n"),
    ("95 % exact (Clopper-Pearson)", "精确区间 %", "n"),
    ("95 % by person (bootstrap)", "按人重抽样 %", "n"),
    ("What may be claimed", "可否声明", ""),
)
NOTES = (
    "The exact interval takes trials as independent. Trials that share a person are not; where there are few persons it is too narrow, and "
    "the bootstrap over persons is the honest one. It is empty-handed where no error was seen.",
    "A rate is stated only from N of at least 3 / target (rule of three). The persons here are who they are: another site's cameras, light "
    "and people give other rates.",
    "FPIR and FNIR (rank 1) are of galleries made of the other recordings' templates, at the limit for that many people; trials that share "
    "a gallery or a person are not independent.",
    "What liveness cannot judge is no error in APCER and BPCER: a window neither passes nor accuses it. Read them beside its share.",
    "FMR, FNMR, FPIR, FNIR, FTE, FTA and DET as in ISO/IEC 19795-1; APCER, BPCER and non-response rates as in ISO/IEC 30107-3.",
)
CURVES = ("clip", "picture", "frame")
MAIN_LEVELS = ("attempt", "track", *CURVES)


def page(report: Any) -> str:
    """The whole page of a report made by `report.document`."""
    main = [rate for rate in report["rates"] if rate["level"] in MAIN_LEVELS]
    further = [rate for rate in report["rates"] if rate["level"] not in MAIN_LEVELS]
    parts = [
        _head(report),
        _section("Error rates", "错误率", _table(main)),
        _section("One of N", "一对多识别", _searches(report)) if report["identification"] else "",
        _section("Score distributions and DET", "分数分布与 DET 曲线", f'<div class="charts">{"".join(_charts(report))}</div>'),
        _section("By number of frames fused", "按融合帧数", _table(further)) if further else "",
        _section("How to read this", "说明", "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in NOTES) + "</ul>"),
        _section("Networks and limits in force", "模型与阈值", _facts(report)),
    ]
    title = f"Evaluation of {escape(report['version'])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _head(report: Any) -> str:
    counts = ", ".join(f"{value} {escape(name)}" for name, value in report["counts"].items())
    return (
        f"<h1>Evaluation <span>评测报告</span></h1><p>{escape(report['labels']['file'])}: {counts}; "
        f"made {escape(report['made_at'][:16])} UTC with <code>{escape(report['version'])}</code></p>"
    )


def _section(title: str, chinese: str, body: str) -> str:
    return f"<section><h2>{title} <span>{chinese}</span></h2>{body}</section>"


def _table(rates: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f'<th class="{kind}">{english}<br>{chinese}</th>' for english, chinese, kind in HEADS)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(map(_row, rates))}</tbody></table></div>'


def _row(rate: Mapping[str, Any]) -> str:
    numbers = (
        f"{rate['errors']} of {rate['trials']}",
        shown_rate(rate),
        interval(rate["exact"], -1),
        interval(rate["by_person"], rate["errors"]),
    )
    cells = "".join(f'<td class="n">{escape(value)}</td>' for value in numbers)
    return f"<tr><td>{escape(rate['level'])}</td><td>{escape(rate['name'])}</td>{cells}<td>{escape(rate['statement'])}</td></tr>"


def _searches(report: Any) -> str:
    tails = "".join(
        f"<li>{escape(name)}: {level['tail']['per_decade']:.3f}, by person up to {level['tail']['high']:.3f}</li>"
        for name, level in report["levels"].items()
        if level["tail"]
    )
    cost = f"<p>What a tenth of the FMR costs above the 95 % point of the non-mated scores:</p><ul>{tails}</ul>" if tails else ""
    return _table(report["identification"]) + cost


def _charts(report: Any) -> list[str]:
    found = []
    for name in CURVES:
        if name in report["levels"]:
            level = report["levels"][name]
            drawing = histogram(level["mated"], level["non_mated"], (report["limits"]["different"], report["limits"]["same"]))
            found.append(_figure(drawing, f"{name}: mated (blue) and non-mated (red) scores; dashed: the limits"))
    for (level, kind), scores in _liveness_scores(report).items():
        drawing = histogram(scores, [], (report["liveness_limits"]["attack"], report["liveness_limits"]["live"]), low=0.0)
        found.append(_figure(drawing, f"{kind} ({level}): liveness scores; dashed: an attack up to here, live from here on"))
    curves = {name: report["levels"][name]["det"] for name in CURVES if name in report["levels"]}
    if curves:
        found.append(_figure(det_curves(curves), "DET curve on normal deviate axes; rates of 0 lie at the edge"))
    return found


def _liveness_scores(report: Any) -> dict[tuple[str, str], list[float]]:
    scores: dict[tuple[str, str], list[float]] = {}
    for one in report.get("presentations", ()):
        if one["score"] is not None:
            scores.setdefault((one["level"], one["kind"]), []).append(one["score"])
    return scores


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _facts(report: Any) -> str:
    facts = {
        **{f"{name} (sha256)": value for name, value in report["models"].items()},
        **(report["limits"] or report["liveness_limits"]),
        **{f"strength, {name}": value for name, value in (report["strengths"] or {}).items()},
        **{f"target {name}": value for name, value in report["targets"].items()},
        **report["machine"],
        "labels (sha256)": report["labels"]["sha256"],
    }
    rows = "".join(f"<tr><td>{escape(str(name))}</td><td><code>{escape(str(value))}</code></td></tr>" for name, value in facts.items())
    return f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'
