"""Whether a picture may be enrolled: a doubt opens an entry for people, and nobody passes by another way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from central.audit import service as audit
from central.errors import BadInput, Conflict, Misconfigured, NotFound
from central.people import duplicates, lists, store
from central.people import service as people
from central.people.model import Likeness, LooksLikeAnother, PictureUnusable, Verdict
from central.settings import PeopleSettings, Settings
from central.wiring import Centre, open_centre
from contract.commands import GalleryRole
from contract.sealed import from_text
from models import files
from models.evaluation.limits import write_limits
from models.evaluation.rates import BandLimits
from tests.central.building import Terminal, make_centre, unit_vector
from tests.central.people.people import CONSENT, NETWORK, NOW, admit, page, request
from tests.postgres import private_postgres

FOLDER = files.default_folder()
FACES = {name: FOLDER / f"demo-person-{name}" for name in ("01-a.jpg", "01-b.jpg", "02-a.jpg", "04-a.png")}
needs_faces = pytest.mark.skipif(
    not all(path.exists() for path in (*FACES.values(), FOLDER / "mobilefacenet.onnx")),
    reason="run `python -m models fetch --pack all` first",
)
ME = unit_vector("me")
TWIN = unit_vector("twin", ME, 0.9)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """Its clock goes on by a second whenever it is asked."""
    seconds = count()
    centre = make_centre(tmp_path, now=lambda: NOW + timedelta(seconds=next(seconds)))
    Terminal(centre).register()
    return centre


def entries(centre: Centre) -> list[tuple[str, str, Likeness, bool]]:
    with centre.engine.begin() as db:
        rows = lists.duplicate_page(db, undecided=True, offset=0, size=10)[0]
        return [(one.psn_no, one.other_psn_no, one.finding, one.refused) for one in map(people.duplicate_of, rows)]


def decide(centre: Centre, number: int, verdict: Verdict, reason: str = "twins, seen in person") -> None:
    with centre.engine.begin() as db:
        duplicates.decide(db, centre.pictures, number, verdict, reason, now=centre.now(), actor="monitor")


def held(centre: Centre, psn_no: str) -> int:
    with centre.engine.begin() as db:
        return len(store.current_templates(db, [psn_no]))


def test_a_face_that_another_number_has_is_refused_and_put_before_people(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    with pytest.raises(LooksLikeAnother, match=r"PSN-2.*entry 1") as refused:
        admit(centre, "PSN-2", TWIN)
    assert "PSN-1" not in str(refused.value), "whom it resembles is for those who decide"
    assert entries(centre) == [("PSN-2", "PSN-1", Likeness.OTHER, True)]
    assert held(centre, "PSN-2") == 0
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-2", TWIN)
    assert len(entries(centre)) == 1, "the same doubt is entered once"


def test_different_people_may_be_enrolled_after_the_decision_and_the_kept_picture_goes(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-2", TWIN)
    kept = centre.settings.evidence_dir
    pictures = sum(path.is_file() for path in kept.rglob("*"))
    decide(centre, 1, Verdict.DIFFERENT_PEOPLE)
    assert sum(path.is_file() for path in kept.rglob("*")) == pictures - 1
    assert admit(centre, "PSN-2", TWIN).duplicate_id is None
    admit(centre, "PSN-1", unit_vector("again", ME, 0.95))
    assert (held(centre, "PSN-1"), held(centre, "PSN-2")) == (2, 1)
    with centre.engine.begin() as db:
        noted = [one.detail.get("note") for one in audit.about(db, ["PSN-2"]) if one.action == "person.enrol"]
    assert noted == ["allowed by decision"]


@pytest.mark.parametrize("verdict", [Verdict.SAME_PERSON, Verdict.MISTAKE])
def test_two_numbers_of_one_person_stay_refused(centre: Centre, verdict: Verdict) -> None:
    admit(centre, "PSN-1", ME)
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-2", TWIN)
    decide(centre, 1, verdict)
    with pytest.raises(LooksLikeAnother, match="entry 2"):
        admit(centre, "PSN-2", TWIN)


def test_a_picture_unlike_the_own_earlier_ones_is_refused_and_one_decision_lets_one_through(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    stranger = unit_vector("stranger", ME, 0.1)
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-1", stranger)
    assert entries(centre) == [("PSN-1", "PSN-1", Likeness.UNLIKE_OWN, True)]
    decide(centre, 1, Verdict.SAME_PERSON, "after an operation")
    admit(centre, "PSN-1", stranger)
    with pytest.raises(LooksLikeAnother, match="entry 2"):
        admit(centre, "PSN-1", -ME)


def test_a_picture_nearer_to_another_than_to_the_own_is_refused(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    admit(centre, "PSN-2", unit_vector("b"))
    between = unit_vector("x", ME, 0.5)
    mixed = between + 0.45 * unit_vector("b")
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-2", mixed / np.linalg.norm(mixed))
    ((psn_no, other, finding, refused),) = entries(centre)
    assert (psn_no, other, refused) == ("PSN-2", "PSN-1", True) and finding is Likeness.NEARER


def test_a_slight_likeness_among_many_is_enrolled_and_shown_to_people(centre: Centre) -> None:
    for number in range(12):
        admit(centre, f"OTHER-{number}", np.eye(192, dtype=np.float32)[number])
    done = admit(centre, "PSN-2", unit_vector("x", np.eye(192, dtype=np.float32)[0], 0.67))
    assert done.duplicate_id == 1 and done.people == 12
    assert entries(centre) == [("PSN-2", "OTHER-0", Likeness.PERHAPS, False)] and held(centre, "PSN-2") == 1


def test_what_another_process_enrolled_or_erased_is_known(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    other = open_centre(centre.settings, now=centre.now)
    with pytest.raises(LooksLikeAnother):
        admit(other, "PSN-2", TWIN)
    with centre.engine.begin() as db:
        people.erase_face(db, centre.pictures, "PSN-1", why="test", now=NOW, actor="test")
    assert admit(other, "PSN-2", TWIN).people == 0
    other.engine.dispose()


def test_two_at_once_with_one_face_cannot_pass_each_other_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_centre(tmp_path / "centre", database_url=url)
        centres = [open_centre(centre.settings, now=centre.now) for _ in range(4)]

        def attempt(number: int) -> bool:
            try:
                admit(centres[number], f"PSN-{number}", unit_vector(f"v{number}", ME, 0.95))
            except LooksLikeAnother:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]
        with centre.engine.begin() as db:
            assert people.due(db, centre.settings.people, now=NOW).duplicates == 3
            assert audit.verify_chain(db).intact
        for one in (centre, *centres):
            one.engine.dispose()


def test_the_newest_templates_count_and_the_terminal_gets_them_as_one(centre: Centre) -> None:
    terminal = Terminal(centre, device_id="P99999900001-t2").register()
    for number, age in enumerate((400, 300, 5000, 200)):
        admit(centre, "PSN-1", unit_vector(str(number), ME, 0.9), taken_at=NOW - timedelta(days=age))
    with centre.engine.begin() as db:
        ages = sorted((NOW - row["taken_at"]).days for row in store.current_templates(db, ["PSN-1"]))
        assert people.due(db, centre.settings.people, now=NOW).renewals == 0
        assert people.due(db, centre.settings.people, now=NOW + timedelta(days=1700)).renewals == 1
    assert ages == [200, 300, 400], "the oldest picture is out of use, whenever it came"
    (entry,) = page(centre, terminal).hold
    expected = sum(unit_vector(str(number), ME, 0.9) for number in (0, 1, 3))
    vector = np.frombuffer(from_text(entry.vector), "<f4")
    assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)


def test_a_register_entry_is_decided_once_and_with_a_reason(centre: Centre) -> None:
    admit(centre, "PSN-1", ME)
    with pytest.raises(LooksLikeAnother):
        admit(centre, "PSN-2", TWIN)
    for verdict, reason, fault in (("guilty", "x", BadInput), (Verdict.MISTAKE, "  ", BadInput), (Verdict.MISTAKE, "x" * 501, BadInput)):
        with pytest.raises(fault), centre.engine.begin() as db:
            duplicates.decide(db, centre.pictures, 1, verdict, reason, now=NOW, actor="m")
    decide(centre, 1, Verdict.MISTAKE)
    with pytest.raises(Conflict, match="mistake, by monitor"):
        decide(centre, 1, Verdict.SAME_PERSON)
    with pytest.raises(NotFound):
        decide(centre, 9, Verdict.MISTAKE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"basis": replace(CONSENT, reference=" ")}, "reference"),
        ({"basis": replace(CONSENT, given_on=NOW + timedelta(days=2))}, "future"),
        ({"basis": replace(CONSENT, valid_until=NOW)}, "ended"),
        ({"taken_at": NOW + timedelta(days=2)}, "future"),
        ({"role": GalleryRole.WATCH}, "written decision"),
        ({"fixmedins_code": "P99999900009"}, "P99999900009"),
    ],
)
def test_what_cannot_be_enrolled_leaves_nothing(centre: Centre, changes: dict[str, object], says: str) -> None:
    with pytest.raises((BadInput, NotFound), match=says):
        admit(centre, "PSN-1", **changes)  # type: ignore[arg-type]
    with centre.engine.begin() as db:
        assert store.person(db, "PSN-1") is None


@needs_faces
def test_real_faces_find_their_other_number_and_nobody_elses(centre: Centre) -> None:
    def enrol(psn_no: str, name: str) -> None:
        centre.registrar.enrol(request(psn_no, pictures=(FACES[name].read_bytes(),), basis=CONSENT), actor="clerk")

    enrol("PSN-1", "01-a.jpg")
    enrol("PSN-2", "02-a.jpg")
    enrol("PSN-4", "04-a.png")
    with pytest.raises(LooksLikeAnother):
        enrol("PSN-5", "01-b.jpg")
    assert entries(centre) == [("PSN-5", "PSN-1", Likeness.OTHER, True)]
    with pytest.raises(LooksLikeAnother):
        enrol("PSN-2", "01-a.jpg")
    enrol("PSN-1", "01-b.jpg")


@needs_faces
def test_an_unusable_picture_carries_its_codes(centre: Centre) -> None:
    with pytest.raises(PictureUnusable) as unusable:
        centre.registrar.enrol(request(pictures=((FOLDER / "demo-person-01-half-1.jpg").read_bytes(),)), actor="clerk")
    assert unusable.value.codes == ("cut_off",)
    with pytest.raises(PictureUnusable) as unusable:
        centre.registrar.enrol(request(pictures=((FOLDER / "demo-group-01.jpg").read_bytes(),)), actor="clerk")
    assert unusable.value.codes == ("several_faces",)


def test_a_centre_without_networks_warms_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    centre = open_centre(make_centre(tmp_path).settings.model_copy(update={"models_dir": tmp_path / "none"}))
    centre.registrar.warm()
    assert "templates.not_opened" in capsys.readouterr().out
    centre.engine.dispose()


def test_limits_are_those_that_were_measured_for_this_network_and_no_others(centre: Centre, tmp_path: Path) -> None:
    def registrar(version: str) -> Centre:
        path = tmp_path / f"{version}.toml"
        report = {"version": version, "models": {}, "kind": "clips", "made_at": "2026-01-02", "labels": {"sha256": "0" * 64}, "people": 5}
        write_limits(path, BandLimits(same=0.95, different=0.1), (), report)
        return open_centre(Settings(data_dir=centre.settings.data_dir, people=PeopleSettings(measured=path, duplicate_certain=0.99)))

    admit(centre, "PSN-1", ME)
    assert admit(registrar(NETWORK), "PSN-2", TWIN).duplicate_id is None
    with pytest.raises(Misconfigured, match=r"other-net\.toml.*measured with"):
        admit(registrar("other-net"), "PSN-3", unit_vector("c"))
