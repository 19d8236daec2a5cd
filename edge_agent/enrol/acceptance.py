"""The acceptance report: what was tried at a new terminal, by whom, and what each camera sees. It stays on the device.

Nobody's face is kept in it: whoever stands before a camera is made unrecognisable first, and without the networks that find faces no
picture is kept at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path

import cv2

from contract.camera_address import shown
from edge_agent.disk.disk import Disk
from edge_agent.film.bystanders import blurred
from edge_agent.film.film import Still
from edge_agent.health import doctor
from edge_agent.health.doctor import Finding
from edge_agent.keys import trusted
from edge_agent.orders import standing
from edge_agent.orders.standing import Standing
from edge_agent.sections.core import Window
from edge_agent.settings import Settings
from edge_agent.software import VERSION, networks
from edge_agent.window.eyes import shrink
from models.errors import ModelError
from models.results import Picture

LONG_SIDE = 960
FOLDER = "acceptance"
NOT_KEPT = "not kept: without the networks nobody in it could be made unrecognisable"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one camera sees. `jpeg` is None where it gave no picture or none may be kept; `faces` were found and hidden in it."""

    window: str
    role: str
    address: str
    jpeg: bytes | None
    faces: int
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was found, as it is printed and kept."""

    device: str
    site: str
    centre_kid: str
    by: str
    at: datetime
    findings: tuple[Finding, ...]
    views: tuple[View, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing was wrong."""
        return not any(finding.problem for finding in self.findings)


def look(settings_file: Path, *, by: str, at: datetime, more: Sequence[Finding] = ()) -> Report:
    """Try everything, cameras last, and take one picture of each. `more` was found before. Raises AgentError or OSError."""
    stand = standing.look(settings_file)
    pictures: dict[str, Picture] = {}
    findings = doctor.examine(stand, lambda window, picture: pictures.__setitem__(window.window, picture))
    settings = stand.settings
    return Report(
        device=settings.device_id,
        site=settings.fixmedins_code,
        centre_kid=_kids(stand),
        by=by,
        at=at,
        findings=(*more, *findings),
        views=tuple(_view(settings, window, pictures.get(window.window)) for window in settings.windows),
    )


def keep(report: Report, folder: Path, disk: Disk) -> Path:
    """Write the report as text, page and pictures, readable by this user only; the page's path."""
    place = folder / FOLDER / report.at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for view in report.views:
        if view.jpeg is not None:
            disk.write_durably(place / f"{view.window}.jpg", view.jpeg)
    disk.write_durably(place / "report.txt", ("\n".join(lines(report)) + "\n").encode())
    disk.write_durably(place / "report.html", page(report).encode())
    return place / "report.html"


def lines(report: Report) -> list[str]:
    """The report for a terminal's screen."""
    found = [
        f"验收报告 acceptance report  {report.device} of {report.site}",
        f"when {report.at:%Y-%m-%d %H:%M:%S} UTC  by {report.by}  agent {VERSION}",
        f"the centre signs with {report.centre_kid}",
    ]
    found += [f"{'ok  ' if each.problem is None else 'BAD '} {each.name}: {each.problem or each.says}" for each in report.findings]
    found += [f"view {each.window} ({each.role}, {each.address}): {each.says}" for each in report.views]
    wrong = sum(each.problem is not None for each in report.findings)
    return [
        *found,
        "accepted: everything is in order" if report.accepted else f"NOT accepted: {wrong} of {len(report.findings)} trials failed",
    ]


def page(report: Report) -> str:
    """The report as one page to print; pictures lie beside it."""
    rows = "".join(
        f"<tr class={'ok' if each.problem is None else 'bad'}><th>{escape(each.name)}</th><td>{escape(each.problem or each.says)}</td></tr>"
        for each in report.findings
    )
    views = "".join(_figure(view) for view in report.views)
    verdict = "验收通过 accepted" if report.accepted else "验收未通过 NOT accepted"
    return f"""<!doctype html><html lang="zh"><meta charset="utf-8"><title>{escape(report.device)}</title>
<style>body{{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto}}table{{border-collapse:collapse;width:100%}}
th,td{{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}}.bad{{background:#fde8e6}}img{{max-width:100%}}</style>
<h1>验收报告 Acceptance report</h1>
<p>{escape(report.device)} · {escape(report.site)}<br>{report.at:%Y-%m-%d %H:%M:%S} UTC · {escape(report.by)} · agent {VERSION}<br>
centre {escape(report.centre_kid)}</p><h2>{verdict}</h2><table>{rows}</table>{views}
<p>安装人 installed by ______________ 机构 site ______________ 日期 date __________</p></html>
"""


def _figure(view: View) -> str:
    picture = f'<img src="{escape(view.window)}.jpg" alt="">' if view.jpeg else ""
    told = f"{escape(view.window)} · {escape(view.role)} · {escape(view.address)}<br>{escape(view.says)}"
    return f"<figure>{picture}<figcaption>{told}</figcaption></figure>"


def _kids(stand: Standing) -> str:
    return ", ".join(trusted(stand.settings.centre.sign_keys))


def _view(settings: Settings, window: Window, picture: Picture | None) -> View:
    jpeg, faces, says = (None, 0, "no picture") if picture is None else _hidden(settings, picture)
    return View(window=window.window, role=window.role.value, address=shown(window.source), jpeg=jpeg, faces=faces, says=says)


def _hidden(settings: Settings, picture: Picture) -> tuple[bytes | None, int, str]:
    """A small picture in which nobody can be made out, and how many were hidden."""
    try:
        found = networks(settings).detector.detect(picture)
    except (ModelError, OSError):
        return None, 0, NOT_KEPT
    height, width = picture.shape[:2]
    boxes = tuple((face.box.x0 / width, face.box.y0 / height, face.box.x1 / width, face.box.y1 / height) for face in found)
    still = Still(at=datetime.now(UTC), jpeg=b"", faces=boxes)
    small = shrink(blurred(picture, (still,), (None,), 0), LONG_SIDE)
    coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    return coded, len(found), f"{width}x{height}, {len(found)} faces hidden, sha256 {sha256(coded).hexdigest()}"
