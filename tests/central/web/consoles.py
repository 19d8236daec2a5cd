"""A console with accounts, and one finding with everything behind it, made through the rooms that make them in earnest."""

from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing
from central.accounts.service import NewSession
from central.app import create_app
from central.cases import service as cases
from central.claims import service as claims
from central.evidence import service as evidence
from central.people import store as people
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.wiring import Centre
from contract.events import MediaRef, MediaRole, Outcome
from contract.media import join_wire, media_id, part_headers
from contract.sealed import picture_purpose, seal
from contract.topics import Up, up
from tests import builders
from tests.central.building import Incoming, Terminal, make_centre, make_intake, take

PASSWORD = "four white horses walk"
USERS = {
    Role.ADMINISTRATOR: "chief",
    Role.MONITOR: "zhang.min",
    Role.AUDITOR: "li.ying",
    Role.EXAMINER: "wang.fang",
    Role.SOURCE: "his.gateway",
}
PSN_NO = "43000000000000001101"
PSN_NO_MASKED = "430*************1101"
HOSTILE = "<script>alert(1)</script>"


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once."""
    return Hashing().hash(PASSWORD)


def make_console(folder: Path, **wiring: Any) -> Centre:
    """A centre with one account of each role."""
    centre = make_centre(folder, **wiring)
    with centre.engine.begin() as db:
        for role, username in USERS.items():
            accounts.add(
                db,
                username=username,
                role=role,
                password_hash=password_hash(),
                must_change_password=False,
                actor="test",
                now=centre.now(),
            )
    return centre


def open_session(centre: Centre, role: Role) -> NewSession:
    """A session without the cost of checking the password."""
    with centre.engine.begin() as db:
        attempt = accounts.begin_attempt(db, username=USERS[role], now=centre.now())
        return accounts.enter(db, attempt=attempt, now=centre.now(), lifetime=timedelta(hours=8))


def visitor(app: FastAPI, role: Role | None = None) -> TestClient:
    """A browser, logged in if a role is given."""
    browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    if role is not None:
        browser.cookies.set("session", open_session(app.state.centre, role).token)
    return browser


def program(app: FastAPI, role: Role) -> TestClient:
    """A program with a bearer token."""
    token = open_session(app.state.centre, role).token
    return TestClient(app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False, raise_server_exceptions=False)


def csrf_of(page: str) -> str:
    """The token in the first form of a page."""
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]


def app_of(folder: Path, **wiring: Any) -> FastAPI:
    """The application over such a centre."""
    return create_app(make_console(folder, **wiring))


def picture(shade: int) -> bytes:
    """A JPEG that a browser shows, different for each shade."""
    image = np.full((240, 320, 3), shade, np.uint8)
    cv2.circle(image, (160, 120), 60, (255 - shade, 120, 40), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


def make_finding(
    centre: Centre, *, says: str = "窗口实拍人脸与登记人脸不一致。", number: int = 1, captures: int = 1, clip: bytes = b""
) -> str:
    """Enrolment picture, capture with picture and perhaps a clip, claim, and the finding that names them; its jr_id."""
    device = Terminal(centre, device_id=f"{builders.DEVICE}{number}").register()
    setl_id, msgid = f"S-{number}", f"{builders.MSGID[:-4]}{number:04d}"
    _enrol(centre)
    capture_id = _capture(centre, device, msgid)
    if clip:
        _film(centre, device, msgid, clip)
    _claim(centre, setl_id, msgid)
    suspicion = Suspicion(
        rule_id="ID-01",
        rule_version=1,
        rule_name="冒名就医购药 impersonation",
        subject_key=f"{builders.SITE}/{setl_id}",
        fixmedins_code=builders.SITE,
        psn_no=PSN_NO,
        occurred_at=builders.AT,
        vola_cont=says,
        vola_cont_en=f"The face at the window is different. {HOSTILE}",
        vola_amt=Decimal("38.50"),
        sev_deg="high",
        vola_evid={"capture_ids": [capture_id] * captures, "setl_ids": [setl_id], "psn_nos": [PSN_NO], "seen": {}},
        vola_bhvr_type="冒名就医购药",
        legal_basis="《医疗保障基金使用监督管理条例》第四十一条",
        limits={"min_frames_used": 3},
    )
    with centre.engine.begin() as db:
        before = {row.jr_id for row in cases.list_findings(db).rows}
        cases.record(db, RuleResults(suspicions=(suspicion,), ran=frozenset(), faults=()), run_id=1, now=centre.now())
        (jr_id,) = {row.jr_id for row in cases.list_findings(db).rows} - before
    return jr_id


def _enrol(centre: Centre) -> None:
    with centre.engine.begin() as db:
        purpose = f"enrolment-picture/1 {PSN_NO}"
        name = evidence.keep_own(db, centre.pictures, centre.keys, picture(90), purpose=purpose, role="enrolment", now=centre.now())
        people.put_person(db, PSN_NO, "test", now=centre.now())
        template = {"psn_no": PSN_NO, "embedder": "e", "sealed_vector": b"-", "quality": 1.0, "media_id": name}
        people.put_template(db, template | {"enrolled_at": centre.now(), "enrolled_by": "test"}, now=centre.now())


def _capture(centre: Centre, device: Terminal, msgid: str) -> str:
    ref, parts = enclosed(centre, device, picture(180), role=MediaRole.BEST, content_type="image/jpeg")
    event = device.event(
        msgid=msgid, psn_no=PSN_NO, outcome=Outcome.DIFFERENT, reasons=("different_face", "newer_code"), similarity=0.21, media=(ref,)
    )
    take(centre, make_intake(centre), event, *parts)
    return f"{device.device_id}:{builders.EPOCH}:1"


def _film(centre: Centre, device: Terminal, msgid: str, clip: bytes) -> None:
    ref, parts = enclosed(centre, device, clip, role=MediaRole.CLIP, content_type="video/webm")
    take(centre, make_intake(centre), device.event(builders.footage, msgid=msgid, media=(ref,), missing=None), *parts)


def enclosed(centre: Centre, device: Terminal, plain: bytes, **names: Any) -> tuple[MediaRef, list[Incoming]]:
    """What an event says of a sealed object, and the parts in which the object follows."""
    sealed = seal(plain, centre.keys.seal_public, picture_purpose(device.device_id))
    parts = [
        Incoming(topic=up(Up.MEDIA, device.device_id), payload=join_wire(device.signer.sign(header), body))
        for header, body in part_headers(device.device_id, sealed)
    ]
    return MediaRef(media_id=media_id(sealed), size=len(sealed), **names), parts


def _claim(centre: Centre, setl_id: str, msgid: str) -> None:
    columns = "setl_id,medins_setl_id,mdtrt_id,fixmedins_code,psn_no,mdtrt_cert_type,insutype,med_type,setl_time"
    amounts = "medfee_sumamt,fund_pay_sumamt,acct_pay,psn_cash_pay"
    row = f"{setl_id},{msgid},M-1,{builders.SITE},{PSN_NO},03,310,41,2026-01-02 09:30:21,38.50,30.00,5.00,3.50"
    path = centre.settings.data_dir / f"{setl_id}.csv"
    path.write_text(f"{columns},{amounts}\n{row}\n", encoding="utf-8")
    report = claims.import_file(centre.engine, path=path, actor="test", now=centre.now())
    assert report.new == 1
