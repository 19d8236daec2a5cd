"""A move to another network: everybody gets a template of it from the kept picture, and the old ones go when it is done."""

import shutil
from pathlib import Path

import pytest

from central.audit.tables import audit_log
from central.people import service as people
from central.people.catch_up import CatchUp, CaughtUp
from central.people.faces import Enroller
from central.people.model import Enrolment
from central.settings import PeopleSettings
from central.wiring import Centre
from contract.commands import GalleryRole
from models import files
from tests import builders
from tests.central.building import Terminal, make_centre

WEIGHTS, FACE = files.default_folder() / "mobilefacenet.onnx", files.default_folder() / "demo-person-04-a.png"
pytestmark = pytest.mark.skipif(not (WEIGHTS.exists() and FACE.exists()), reason="run `python -m models fetch --pack all` first")
pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """One person with a usable picture and one whose kept picture is damaged, enrolled with the default network."""
    centre = make_centre(tmp_path)
    Terminal(centre).register()
    made = centre.enroller.templates("PSN-1", [FACE.read_bytes()])
    for psn_no, picture in (("PSN-1", FACE.read_bytes()), ("PSN-2", b"damaged")):
        request = Enrolment(
            psn_no=psn_no, pictures=(picture,), legal_basis="consent", fixmedins_code=builders.SITE, role=GalleryRole.INSURED
        )
        with centre.engine.begin() as db:
            people.enrol(db, centre.keys, centre.pictures, request, made, now=builders.AT, actor="test")
    return centre


def work(centre: Centre, settings: PeopleSettings) -> CatchUp:
    enroller = Enroller(None, settings)
    return CatchUp(engine=centre.engine, keys=centre.keys, files=centre.pictures, enroller=enroller, now=lambda: builders.AT, actor="test")


def run(centre: Centre, settings: PeopleSettings, *, retire: bool = False) -> CaughtUp:
    return work(centre, settings).run(retire=retire, progress=lambda _line: None)


def test_missing_templates_are_made_once_and_a_bad_picture_stops_no_other(centre: Centre, tmp_path: Path) -> None:
    both = PeopleSettings(next_embedder=Path(shutil.copy(WEIGHTS, tmp_path / "next.onnx")), next_licence="Apache-2.0")
    first = run(centre, both)
    assert (first.made, len(first.refused)) == (1, 1) and "PSN-2" in first.refused[0]
    assert run(centre, both).made == 0
    with centre.engine.begin() as db:
        actions = [row.action for row in db.execute(audit_log.select())]
    assert actions.count("picture.view") == 3  # twice the damaged one, which is tried again


def test_a_picture_that_is_lost_or_damaged_on_the_disk_stops_no_other(centre: Centre, tmp_path: Path) -> None:
    for psn_no in ("PSN-0", "PSN-00"):
        request = Enrolment(
            psn_no=psn_no, pictures=(psn_no.encode(),), legal_basis="consent", fixmedins_code=builders.SITE, role=GalleryRole.INSURED
        )
        made = centre.enroller.templates("PSN-1", [FACE.read_bytes()])
        with centre.engine.begin() as db:
            people.enrol(db, centre.keys, centre.pictures, request, made, now=builders.AT, actor="test")
            picture = people.picture_of(db, psn_no)
        assert picture is not None
        centre.pictures.remove(picture)
        if psn_no == "PSN-00":
            centre.pictures.put(picture, b"other bytes")
    both = PeopleSettings(next_embedder=Path(shutil.copy(WEIGHTS, tmp_path / "next.onnx")), next_licence="Apache-2.0")
    done = run(centre, both)
    assert done.made == 1
    assert [one.split(":")[0] for one in done.refused] == ["person PSN-0", "person PSN-00", "person PSN-2"]


def test_the_old_network_is_retired_for_those_who_have_the_new_one(centre: Centre, tmp_path: Path) -> None:
    new = PeopleSettings(embedder=Path(shutil.copy(WEIGHTS, tmp_path / "new.onnx")), licence="Apache-2.0")
    assert run(centre, new, retire=True).retired == 1
    with centre.engine.begin() as db:
        assert people.without_template(db, work(centre, new).enroller.versions[0]) == ["PSN-2"]
