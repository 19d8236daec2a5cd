"""The readable report of a package: a PDF in every language of the console, the first one first. What is said stands in `wording`."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
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
_MOST_PIXELS = 50_000_000
_LONG_SIDE = 720
_PPI = 100
_typeset: Any = typst.compile
"""Its stub does not know that it takes several files by name."""


def require_fonts() -> str:
    """The font for Chinese. Raises Misconfigured where there is none: a report of empty boxes is worse than none."""
    found = next((name for name in CJK if name in _families()), None)
    if found is None:
        raise Misconfigured(
            f"no font with Chinese characters is installed: apt-get install fonts-noto-cjk (one of {', '.join(CJK)} is needed)"
        )
    return found


def make(told: Told, asked: Package, shown: Sequence[Shown], keys: CentreKeys, speakers: Sequence[Speaker]) -> bytes:
    """The PDF. Raises Misconfigured without a font for Chinese. A picture that cannot be read is named instead of shown."""
    printed = {each.wanted.media_id: for_print(each.content) for each in shown if each.content is not None}
    images = {name: list(picture) for name, picture in printed.items() if picture is not None}
    return bytes(compiled(document(told, asked, shown, keys, speakers, {name: name for name in images}) | {"images": images}))


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


def compiled(content: Mapping[str, Any], kind: Literal["pdf", "png"] = "pdf") -> Any:
    """The template filled: bytes of a PDF, or PNGs, one for each page (one alone is no list). No opened picture touches the disk."""
    files = {"main.typ": TEMPLATE.read_bytes(), "data.json": json.dumps(content, ensure_ascii=False).encode()}
    return _typeset(files, format=kind, ppi=_PPI if kind == "png" else None)


def for_print(picture: bytes) -> bytes | None:
    """The picture no larger than paper shows it, written anew; None if it is no JPEG, broken, or would not fit into memory once open.

    What a device sealed may be anything, and the report must come all the same. The picture itself lies in the package as it was sealed.
    """
    try:
        if not 0 < _pixels(picture) <= _MOST_PIXELS:
            return None
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            return None
        scale = min(1.0, _LONG_SIDE / max(decoded.shape[:2]))
        smaller = cv2.resize(decoded, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else decoded
        return cv2.imencode(".jpg", smaller, (cv2.IMWRITE_JPEG_QUALITY, 88))[1].tobytes()
    except (cv2.error, IndexError):
        return None


def _pixels(jpeg: bytes) -> int:
    """Width times height as the frame header of a JPEG says (ITU T.81, B.2.2); 0 without one."""
    place = 2 if jpeg[:2] == b"\xff\xd8" else len(jpeg)
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[place + 5 : place + 7], "big") * int.from_bytes(jpeg[place + 7 : place + 9], "big")
        place += 2 + length
    return 0


@cache
def _families() -> frozenset[str]:
    return frozenset(typst.Fonts().families())
