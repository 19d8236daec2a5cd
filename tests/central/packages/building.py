"""A package made by a real centre with everything in it, and the means to forge one: changed inside, yet signed by the centre."""

import json
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sqlalchemy import update

from central.cases import service as cases
from central.cases.model import Verdict
from central.certificates import issue_client, new_key
from central.devices.tables import device_keys
from central.packages import service
from central.packages.export import Exporter
from central.packages.model import Package, StampKind, StampResult, new_package_id
from central.packages.writer import MANIFEST, SIGNATURE, Member, write_package
from central.sites import service as sites
from central.sites.model import ApprovalKind, NewApproval
from central.web.texts import Language, load
from central.wiring import Centre
from contract.sealed import Signer
from tests import builders
from tests.central.web.consoles import make_console, make_finding

__all__ = ["make_console", "make_finding"]
CLIP = b"\x1aE\xdf\xa3" + bytes(range(256)) * 40
Members = dict[str, bytes]


def exporter(centre: Centre, **changes: Any) -> Exporter:
    """What exports packages of this centre."""
    parts: dict[str, Any] = {"engine": centre.engine, "keys": centre.keys, "files": centre.pictures, "witnesses": {}}
    return Exporter(**parts | {"speakers": tuple(load(language) for language in Language)} | changes)


def export(centre: Centre, jr_id: str, target: Path, **changes: Any) -> Package:
    """One package, for a transfer."""
    asked: dict[str, Any] = {"package_id": new_package_id(centre.now()), "purpose": "案件移送", "actor": "zhang.min", "now": centre.now()}
    return exporter(centre).export(jr_id, target, **asked | changes)


def reviewed_finding(centre: Centre) -> str:
    """A finding with clip and certificate, of a site that stood reviewed; reviewed, and its evidence stamped by two people."""
    jr_id = make_finding(centre, clip=CLIP)
    certify(centre, f"{builders.DEVICE}1")
    approve(centre)
    with centre.engine.begin() as db:
        cases.review(db, jr_id=jr_id, verdict=Verdict.CONFIRM, reason="属实", actor="zhang.min", now=centre.now())
    stamp(centre, jr_id)
    return jr_id


def certify(centre: Centre, device_id: str) -> None:
    """Give the device's key a certificate of the centre's authority."""
    certificate = issue_client(centre.keys.authority(), new_key().public_key(), name=device_id, now=centre.now()).decode()
    with centre.engine.begin() as db:
        db.execute(update(device_keys).where(device_keys.c.device_id == device_id).values(certificate=certificate))


def approve(centre: Centre, since: date = date(2025, 3, 1)) -> None:
    """Let the site's location stand reviewed since then."""
    with centre.engine.begin() as db:
        for kind in ApprovalKind:
            new = NewApproval(kind=kind, reference=f"医保审〔2025〕{kind.value}", approved_by="法规处", approved_on=since)
            sites.approve(db, builders.SITE, new, now=centre.now(), actor="test")


def stamp(centre: Centre, jr_id: str, result: StampResult = StampResult.PASSED) -> None:
    """Both reviews of the evidence, by two people."""
    with centre.engine.begin() as db:
        for kind, actor in ((StampKind.LEGAL, "wang.fang"), (StampKind.TECHNICAL, "chen.jie")):
            service.stamp(db, jr_id, kind=kind, result=result, reason="材料齐全", actor=actor, now=centre.now())


def members_of(package: Path) -> Members:
    """Every member in order."""
    with ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sha256_of(package: Path) -> str:
    """What the centre recognises it by."""
    return sha256(package.read_bytes()).hexdigest()


def documents(package: Path, name: str) -> Any:
    """One JSON member."""
    return json.loads(members_of(package)[name])


def forge(package: Path, target: Path, change: Callable[[Members, dict[str, str]], None], signer: Signer, now: Any = builders.AT) -> Path:
    """The package with other members, its manifest written and signed anew: only what the members say can give it away.

    `change` gets the members and what each is by the manifest, and changes both.
    """
    members = members_of(package)
    head = json.loads(members.pop(MANIFEST))
    del members[SIGNATURE]
    what = {each["name"]: each["what"] for each in head.pop("members")}
    members["manifest"] = json.dumps(head).encode()
    change(members, what)
    head = json.loads(members.pop("manifest"))
    with target.open("wb") as file:
        write_package(file, [Member(name=name, what=what[name], content=data) for name, data in members.items()], head, signer, now=now)
    return target


def edit(members: Members, name: str, change: Callable[[Any], None]) -> None:
    """Change one JSON member."""
    content = json.loads(members[name])
    change(content)
    members[name] = json.dumps(content, ensure_ascii=False).encode()
