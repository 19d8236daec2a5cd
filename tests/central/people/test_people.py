"""People: enrolment through the real networks, sealed at rest, and galleries that only their device can open."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from central.errors import BadInput, NotFound
from central.people import service as people
from central.people.model import Enrolment, Proxy, check
from central.people.tables import templates
from central.wiring import Centre
from contract.commands import MAX_ACTS_FOR, Gallery, GalleryPage, GalleryRole
from contract.sealed import Untrusted, from_text, gallery_purpose, unseal
from models import files
from models.results import Quality, Template
from tests import builders
from tests.central.building import Terminal, make_centre, unit_vector

WEIGHTS = files.default_folder() / "mobilefacenet.onnx"
FACE = files.default_folder() / "demo-person-04-a.png"
needs_faces = pytest.mark.skipif(not (WEIGHTS.exists() and FACE.exists()), reason="run `python -m models fetch --pack all` first")
NOW = builders.AT


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def request(psn_no: str = "PSN-1", **changes: object) -> Enrolment:
    fields = {
        "psn_no": psn_no,
        "pictures": (b"jpeg",),
        "legal_basis": "consent",
        "fixmedins_code": builders.SITE,
        "role": GalleryRole.INSURED,
    }
    return Enrolment(**(fields | changes))  # type: ignore[arg-type]


def template(seed: str, version: str = "net-1") -> Template:
    quality = Quality(**dict.fromkeys(Quality.__dataclass_fields__, 0.5))
    return Template(vector=unit_vector(seed), version=version, quality=quality, source="picture")


def enrol(centre: Centre, psn_no: str, now: datetime = NOW) -> None:
    with centre.engine.begin() as db:
        people.enrol(db, centre.keys, centre.pictures, request(psn_no), (template(psn_no),), now=now, actor="test")


def gallery(centre: Centre, device_id: str, version: int, now: datetime = NOW) -> Gallery | None:
    with centre.engine.begin() as db:
        return people.gallery_command(db, centre.keys, device_id, version, now=now, days=30)


def opened(command: Gallery | None, terminal: Terminal) -> GalleryPage:
    assert command is not None
    return GalleryPage.model_validate_json(unseal(from_text(command.page), terminal.seal_key, gallery_purpose(terminal.device_id)))


@needs_faces
def test_a_real_picture_makes_a_template(centre: Centre) -> None:
    (made,) = centre.enroller.templates("PSN-1", [FACE.read_bytes()])
    assert made.version.startswith("mobilefacenet-")
    assert abs(float(np.linalg.norm(made.vector)) - 1) < 1e-3


@needs_faces
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_picture"),
        (b"not a picture", "not_a_picture"),
        (cv2.imencode(".png", np.full((400, 400, 3), 127, np.uint8))[1].tobytes(), "no_face"),
        (FACE.read_bytes()[:20_000] if FACE.exists() else b"", "truncated"),
    ],
    ids=["empty", "text", "grey", "cut"],
)
def test_an_unusable_picture_names_person_and_reason(centre: Centre, data: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=f"PSN-1.*{reason}"):
        centre.enroller.templates("PSN-1", [data])


def test_a_template_and_picture_lie_sealed(centre: Centre, tmp_path: Path) -> None:
    enrol(centre, "PSN-1")
    plain = np.asarray(unit_vector("PSN-1"), "<f4").tobytes()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert plain[:64] not in content and b"jpeg" not in content.replace(b"image/jpeg", b"")


@pytest.mark.parametrize("changes", [{"psn_no": "a b"}, {"psn_no": ""}, {"legal_basis": "  "}])
def test_a_wrong_request_is_refused(centre: Centre, changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        check(request(**changes), NOW)  # type: ignore[arg-type]


def test_an_unknown_site_is_refused_and_nothing_is_kept(centre: Centre) -> None:
    with pytest.raises(NotFound, match="P99999900009"), centre.engine.begin() as db:
        people.enrol(db, centre.keys, centre.pictures, request(fixmedins_code="P99999900009"), (template("x"),), now=NOW, actor="test")
    with centre.engine.begin() as db:
        assert db.execute(templates.select()).all() == []


def test_a_gallery_page_opens_at_its_device_only(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    other = Terminal(centre, device_id="P99999900001-t2").register()
    enrol(centre, "PSN-1")
    command = gallery(centre, terminal.device_id, 0)
    (entry,) = opened(command, terminal).hold
    assert (entry.psn_no, entry.embedder, entry.expires_at) == ("PSN-1", "net-1", NOW + timedelta(days=30))
    assert from_text(entry.vector) == np.asarray(unit_vector("PSN-1"), "<f4").tobytes()
    with pytest.raises(Untrusted):
        opened(command, other)
    assert command is not None
    assert gallery(centre, terminal.device_id, command.to_version) is None


def test_a_large_gallery_comes_in_pages(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    for number in range(150):
        enrol(centre, f"PSN-{number}")
    seen: set[str] = set()
    version = 0
    while (command := gallery(centre, terminal.device_id, version)) is not None:
        assert command.from_version == version
        seen |= {entry.psn_no for entry in opened(command, terminal).hold}
        version = command.to_version
    assert len(seen) == 150


def test_templates_of_two_networks_fit_the_pages(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    for number in range(70):
        with centre.engine.begin() as db:
            both = template(f"{number}"), template(f"{number}", "net-2")
            people.enrol(db, centre.keys, centre.pictures, request(f"PSN-{number}"), both, now=NOW, actor="test")
    seen: list[tuple[str, str]] = []
    version = 0
    while (command := gallery(centre, terminal.device_id, version)) is not None:
        seen += [(entry.psn_no, entry.embedder) for entry in opened(command, terminal).hold]
        version = command.to_version
    assert len(seen) == len(set(seen)) == 140


def test_templates_of_a_network_that_is_no_longer_used_are_retired_where_the_new_one_is_there(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    enrol(centre, "PSN-1")
    enrol(centre, "PSN-2")
    with centre.engine.begin() as db:
        assert people.without_template(db, "net-2") == ["PSN-1", "PSN-2"]
        people.add_template(db, centre.keys, "PSN-1", template("a", "net-2"), now=NOW, actor="test")
        assert people.without_template(db, "net-2") == ["PSN-2"]
        assert people.retire_templates(db, ["net-2"], now=NOW, actor="test") == 1
    held = opened(gallery(centre, terminal.device_id, 0), terminal).hold
    assert {(entry.psn_no, entry.embedder) for entry in held} == {("PSN-1", "net-2"), ("PSN-2", "net-1")}


def test_a_template_without_a_picture_is_refused(centre: Centre) -> None:
    with pytest.raises(NotFound, match="PSN-9"), centre.engine.begin() as db:
        people.add_template(db, centre.keys, "PSN-9", template("a"), now=NOW, actor="test")


def test_a_newer_template_replaces_the_older(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    enrol(centre, "PSN-1")
    first = gallery(centre, terminal.device_id, 0)
    assert first is not None
    with centre.engine.begin() as db:
        people.enrol(db, centre.keys, centre.pictures, request(), (template("newer"),), now=NOW, actor="test")
    (entry,) = opened(gallery(centre, terminal.device_id, first.to_version), terminal).hold
    assert from_text(entry.vector) == np.asarray(unit_vector("newer"), "<f4").tobytes()


def test_a_registered_proxy_is_told_to_the_terminal_while_valid(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    enrol(centre, "PSN-1")
    enrol(centre, "PSN-2")
    proxy = Proxy(psn_no="PSN-1", proxy_psn_no="PSN-2", valid_from=NOW, valid_to=NOW + timedelta(days=9), reason="family")
    with centre.engine.begin() as db:
        people.register_proxy(db, proxy, now=NOW, actor="test")
    acting = {entry.psn_no: entry.acts_for for entry in opened(gallery(centre, terminal.device_id, 0), terminal).hold}
    assert acting == {"PSN-1": (), "PSN-2": ("PSN-1",)}
    later = opened(gallery(centre, terminal.device_id, 0, NOW + timedelta(days=10)), terminal)
    assert all(entry.acts_for == () for entry in later.hold)


@pytest.mark.parametrize(
    ("proxy", "start", "end", "says"),
    [("PSN-1", 0, 5, "same person"), ("PSN-2", 5, 5, "before it begins"), ("P 2", 0, 5, "not a psn_no")],
)
def test_a_senseless_proxy_is_refused(centre: Centre, proxy: str, start: int, end: int, says: str) -> None:
    wrong = Proxy(psn_no="PSN-1", proxy_psn_no=proxy, valid_from=NOW + timedelta(days=start), valid_to=NOW + timedelta(days=end), reason="")
    with pytest.raises(BadInput, match=says), centre.engine.begin() as db:
        people.register_proxy(db, wrong, now=NOW, actor="test")


def test_nobody_is_the_proxy_of_a_town(centre: Centre) -> None:
    with centre.engine.begin() as db:
        for number in range(MAX_ACTS_FOR):
            people.register_proxy(db, proxy_of(f"P-{number}"), now=NOW, actor="test")
    with pytest.raises(BadInput, match="more than 64"), centre.engine.begin() as db:
        people.register_proxy(db, proxy_of("ONE-MORE"), now=NOW, actor="test")


def proxy_of(psn_no: str) -> Proxy:
    return Proxy(psn_no=psn_no, proxy_psn_no="CARER", valid_from=NOW, valid_to=NOW + timedelta(days=9), reason="ward")


def test_an_open_end_is_a_date_far_away() -> None:
    (proxy,) = people.read_proxies("psn_no,proxy_psn_no,from,to,reason\nA,B,2026-01-01,9999-12-31,x\n")
    assert proxy.valid_to.year == 2099


def test_galleries_are_renewed_before_they_expire(centre: Centre) -> None:
    enrol(centre, "PSN-1")
    for day, expected in ((14, 0), (16, 1), (17, 0)):
        with centre.engine.begin() as db:
            assert people.renew_galleries(db, now=NOW + timedelta(days=day), days=30) == expected


def test_a_proxy_register_is_read_with_local_days() -> None:
    (proxy,) = people.read_proxies("psn_no,proxy_psn_no,from,to,reason\nA,B,2026-01-01,2026-01-31,家属\n")
    assert proxy.valid_from == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert proxy.valid_to == datetime(2026, 1, 31, 16, tzinfo=UTC), "the last day counts whole"


@pytest.mark.parametrize(
    ("text", "says"),
    [("a,b\n1,2\n", "'psn_no' is missing"), ("psn_no,proxy_psn_no,from,to,reason\nA,B,2026-02-30,2026-03-01,x\n", "line 2, column 'from'")],
)
def test_a_broken_register_names_line_and_column(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        people.read_proxies(text)
