"""Orders from the centre's database to a real agent and back: broker, ingest and agent are real processes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import Connection

from central.captures import service as captures
from central.captures.model import FootageView
from central.china import CHINA
from central.db import utc_now
from central.devices import service as devices
from central.evidence import service as evidence
from central.orders import service as orders
from central.orders.model import Asking, Order, State
from contract.events import MediaRole
from models.errors import ModelError
from models.pack import load_pack
from scripts.demo import AGENT_TOML, SITE
from scripts.scenes import Cameras
from scripts.stack import Stack, wait_until
from scripts.town import visitor

PROBATION = "[machine]\nprobation_s = 5\n"


@pytest.fixture(scope="module", autouse=True)
def networks() -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


def asked(stack: Stack, ask: Callable[[Connection, Asking], Order]) -> Order:
    """Give an order and wait for its answer."""
    with stack.centre.engine.begin() as db:
        request = ask(db, Asking(actor="test", purpose="end-to-end", at=utc_now())).request
    wait_until("an answer", lambda: order(stack, request).state is State.ANSWERED, 60)
    return order(stack, request)


def order(stack: Stack, request: str) -> Order:
    with stack.centre.engine.begin() as db:
        return orders.get(db, request, now=utc_now())


def film(stack: Stack, given: Order) -> FootageView:
    """The answer's film, once it is here."""

    def here() -> FootageView | None:
        with stack.centre.engine.begin() as db:
            found = captures.footage_of(db, given.device_id, given.request)
        return found if found is not None and all(media.stored for media in found.media) else None

    wait_until("the film", lambda: here() is not None, 30)
    found = here()
    assert found is not None
    return found


def opened(stack: Stack, footage: FootageView, role: MediaRole) -> bytes:
    (name,) = [media.media_id for media in footage.media if media.role == role]
    centre = stack.centre
    with centre.engine.begin() as db:
        return evidence.open_media(db, centre.keys, centre.pictures, media_id=name, actor="test", now=utc_now(), why="test").content


def settle(stack: Stack) -> str:
    at = utc_now().astimezone(CHINA)
    msgid = f"{SITE.fixmedins_code}{at:%Y%m%d%H%M%S}0001"
    stack.till("/session/start", {"msgid": msgid, "infno": "2102", "psn_no": "P1", "mdtrt_cert_type": "03", "window": "W1"})
    rest = {"setl_id": "S1", "mdtrt_id": "M1", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}", "medfee_sumamt": "1.00"}
    stack.till("/session/bind", {"msgid": msgid} | rest)
    return msgid


def settings_of(stack: Stack, device: str) -> str | None:
    with stack.centre.engine.begin() as db:
        return devices.reported_settings(db, device)


@pytest.mark.timeout(300)
def test_what_the_centre_asks_a_terminal_does_and_tells(tmp_path: Path) -> None:
    device = f"{SITE.fixmedins_code}-t1"
    with Cameras(("W1",)) as cameras, Stack(tmp_path, SITE, {"W1": cameras.url("W1")}, agent_toml=AGENT_TOML + PROBATION) as stack:
        wait_until("the camera", lambda: stack.health()["cameras"][0]["state"] == "streaming", 40)
        wait_until("a birth", lambda: settings_of(stack, device) is not None, 40)
        cameras.show("W1", visitor("丁"))

        called = asked(stack, lambda db, by: orders.ask_roll_call(db, device, "W1", by=by))
        seen = film(stack, called)
        picture = cv2.imdecode(np.frombuffer(opened(stack, seen, MediaRole.SCENE), np.uint8), cv2.IMREAD_COLOR)
        assert called.result == "film" and seen.persons is not None and seen.blurred and picture is not None and picture.shape[2] == 3

        msgid = settle(stack)
        clip = asked(stack, lambda db, by: orders.ask_film(db, device, msgid=msgid, by=by))
        assert opened(stack, film(stack, clip), MediaRole.CLIP).startswith(b"\x1a\x45\xdf\xa3"), "the beginning of a WebM file"
        unknown = asked(stack, lambda db, by: orders.ask_film(db, device, setl_id="S404", by=by))
        assert (unknown.result, unknown.why) == ("no_film", "unknown_settlement")

        before = settings_of(stack, device)
        refused = asked(stack, lambda db, by: orders.ask_configure(db, device, '[broker]\nhost = "elsewhere"', by=by))
        assert (refused.result, refused.why) == ("refused", "not_allowed")
        set_so = asked(stack, lambda db, by: orders.ask_configure(db, device, "[limits]\nsame = 0.7", by=by))
        assert (set_so.result, set_so.why) == ("in_force", None), set_so.detail
        wait_until("a birth with the new settings", lambda: settings_of(stack, device) != before, 30)

        ended = asked(stack, lambda db, by: orders.ask_revoke(db, device, "moved", by=by))
        assert (ended.result, ended.why) == ("revoked", "moved")
        wait_until("the device to be cut off", lambda: not _may_connect(stack), 30)


def _may_connect(stack: Stack) -> bool:
    with stack.centre.engine.begin() as db:
        return bool(devices.device_ids(db))
