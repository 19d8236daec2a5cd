"""The readable report of a package: a PDF in every language of the console, the first one first. What is said stands in `wording`."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import cv2
import numpy as np
import typst

from central.errors import Misconfigured
from central.keys import CentreKeys
from central.packages import wording
from central.packages.contents import Told
from central.packages.media import Shown
from central.packages.model import Package, Speaker

TEMPLATE = Path(__file__).with_name("report.typ")
CJK = ("Noto Sans CJK SC", "Noto Serif CJK SC", "Source Han Sans SC", "Source Han Serif SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei")
"""Fonts that have Chinese characters, the best one first."""
_MONO = "DejaVu Sans Mono"
_LARGEST = 4096
_PPI = 100


def require_fonts() -> str:
    """The font for Chinese. Raises Misconfigured where there is none: a report of empty boxes is worse than none."""
    found = next((name for name in CJK if name in _families()), None)
    if found is None:
        raise Misconfigured(
            f"no font with Chinese characters is installed: apt-get install fonts-noto-cjk (one of {', '.join(CJK)} is needed)"
        )
    return found


def make(told: Told, asked: Package, shown: Sequence[Shown], keys: CentreKeys, speakers: Sequence[Speaker]) -> bytes:
    """The PDF. Raises Misconfigured without a font for Chinese."""
    files: dict[str, bytes] = {}
    pictures: dict[str, str | None] = {}
    for number, each in enumerate(shown):
        name = f"picture-{number}.jpg"
        pictures[each.wanted.media_id] = name if each.content is not None and _can_be_shown(each.content) else None
        if each.content is not None and pictures[each.wanted.media_id] is not None:
            files[name] = each.content
    return bytes(compiled(document(told, asked, shown, keys, speakers, pictures), files))


def document(
    told: Told,
    asked: Package,
    shown: Sequence[Shown],
    keys: CentreKeys,
    speakers: Sequence[Speaker],
    pictures: Mapping[str, str | None],
) -> dict[str, Any]:
    """What the report says, as data: strings only, whatever they hold."""
    first = speakers[0]
    return {
        "title": first.text("package.report_title"),
        "author": first.text("package.author"),
        "package": asked.package_id,
        "footer": first.text("package.footer", jr_id=asked.jr_id),
        "fonts": [require_fonts()],
        "mono": [_MONO, require_fonts()],
        "parts": [wording.part(speaker, told, asked, shown, keys, pictures) for speaker in speakers],
    }


def compiled(content: Mapping[str, Any], pictures: Mapping[str, bytes], kind: Literal["pdf", "png"] = "pdf") -> Any:
    """The template filled: bytes of a PDF, or PNGs, one for each page (one alone is no list).

    The files lie in a private folder meanwhile, which goes with the end of this call.
    """
    with TemporaryDirectory(prefix="report-") as folder:
        root = Path(folder)
        for name, picture in pictures.items():
            (root / name).write_bytes(picture)
        (root / "data.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        main = root / "report.typ"
        main.write_bytes(TEMPLATE.read_bytes())
        return typst.compile(main, root=root, format=kind, ppi=_PPI if kind == "png" else None)


@cache
def _families() -> frozenset[str]:
    return frozenset(typst.Fonts().families())


def _can_be_shown(picture: bytes) -> bool:
    """Whether it decodes: what a device sealed may be broken, and the report must come all the same."""
    try:
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    except cv2.error:
        return False
    return picture[:3] == b"\xff\xd8\xff" and decoded is not None and max(decoded.shape[:2]) <= _LARGEST
