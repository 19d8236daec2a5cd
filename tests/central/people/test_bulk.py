"""A whole register: both encodings, broken lines by name, stopped and started again, real faces."""

import csv
import shutil
from io import StringIO
from pathlib import Path

import pytest

from central.audit import service as audit
from central.errors import BadInput
from central.people import bulk, lists, store
from central.people.bulk import Bulk, Report
from central.people.register_file import Fault, look_at
from central.wiring import Centre
from models import files
from tests.builders import SITE
from tests.central.building import Terminal, make_centre

HEADER = "psn_no,picture,fixmedins_code,basis,reference,given_on,taken_on,words"
PICTURES = {name: files.default_folder() / name for name in ("demo-person-01-a.jpg", "demo-person-01-b.jpg", "demo-person-02-a.jpg")}
needs_faces = pytest.mark.skipif(
    not all(path.exists() for path in (*PICTURES.values(), files.default_folder() / "mobilefacenet.onnx")),
    reason="run `python -m models fetch --pack all` first",
)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    centre = make_centre(tmp_path / "centre")
    Terminal(centre).register()
    return centre


def line(psn_no: str = "PSN-1", picture: str = "a.jpg", **cells: str) -> str:
    row = {"psn_no": psn_no, "picture": picture, "fixmedins_code": SITE, "basis": "consent", "reference": "C-1", "given_on": "2025-12-01"}
    return ",".join((row | {"taken_on": "2025-11-30", "words": "本人同意"} | cells).values())


def register(folder: Path, *lines: str, encoding: str = "utf-8", header: str = HEADER) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "register.csv"
    path.write_bytes("\r\n".join((header, *lines, "")).encode(encoding))
    return path


def run(centre: Centre, path: Path) -> Report:
    work = Bulk(engine=centre.engine, registrar=centre.registrar, settings=centre.settings.people, now=centre.now, actor="clerk")
    return work.run(path, lambda _line: None)


@needs_faces
def test_a_register_is_enrolled_and_what_is_refused_is_named_and_can_be_mended(centre: Centre, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, path in zip(("a.jpg", "b.jpg", "c.jpg"), PICTURES.values(), strict=True):
        shutil.copy(path, folder / name)
    (folder / "bad.jpg").write_bytes(b"no picture")
    lines = (line(), line("PSN-2", "c.jpg"), line("PSN-3", "bad.jpg"), line("PSN-4", "b.jpg"), line("PSN-5", "gone.jpg"))
    path = register(folder, *lines, encoding="gb18030")
    first = run(centre, path)
    assert (first.lines, first.enrolled, first.refused, first.waiting, first.skipped) == (5, 2, 2, 1, 0)
    assert [(one.line, one.column, one.value) for one in first.first_faults] == [
        (4, "picture", "bad.jpg"),
        (5, "picture", "b.jpg"),
        (6, "picture", "gone.jpg"),
    ]
    assert first.first_faults[0].codes == ("not_a_picture",) and "decided" in first.first_faults[1].message
    with centre.engine.begin() as db:
        (template,) = store.current_templates(db, ["PSN-1"])
        assert (template["taken_at"].isoformat(), template["enrolled_by"]) == ("2025-11-29T16:00:00+00:00", "clerk")
        (basis,) = store.bases_of(db, "PSN-1")
        assert (basis["kind"], basis["reference"], basis["words"]) == ("consent", "C-1", "本人同意")
        text = bulk.as_csv(bulk.faults_of(db, first.register_id))
    assert text.splitlines()[1].startswith("4,picture,bad.jpg,not_a_picture,")
    shutil.copy(PICTURES["demo-person-02-a.jpg"], folder / "gone.jpg")
    second = run(centre, path)
    assert (second.register_id, second.enrolled, second.skipped, second.refused, second.waiting) == (first.register_id, 0, 2, 1, 2)
    with centre.engine.begin() as db:
        assert len(store.current_templates(db, ["PSN-1", "PSN-2"])) == 2, "what was enrolled is not taken twice"
        assert lists.register_states(db, [first.register_id]) == {first.register_id: {"enrolled": 2, "refused": 1, "waiting": 2}}
        assert audit.verify_chain(db).intact


@pytest.mark.parametrize("says", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r\n=1", "\u3000=1", "\uff1d1+1", "\uff201"])
def test_no_cell_of_the_faults_is_calculated(says: str) -> None:
    text = bulk.as_csv([Fault(line=2, column="psn_no", value=says, codes=(), message=says)])
    (row,) = list(csv.reader(StringIO(text, newline="")))[1:]
    assert (row[2], row[4]) == (f"'{says}", f"'{says}")


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"psn_no": "a b"}, "psn_no", "not a psn_no"),
        ({"basis": "custom"}, "basis", "none of consent"),
        ({"reference": " "}, "reference", "missing"),
        ({"given_on": "2026-02-30"}, "given_on", "not a date"),
        ({"given_on": "0001-01-01"}, "given_on", "between the years"),
        ({"taken_on": "yesterday"}, "taken_on", "not a date"),
        ({"picture": "../../etc/passwd"}, "picture", "own folder"),
        ({"picture": "/etc/passwd"}, "picture", "own folder"),
        ({"picture": ""}, "picture", "names 0 pictures"),
        ({"picture": ";".join("x" * 21)}, "picture", "names 21"),
        ({"words": '"open'}, "", "not a row of cells"),
        ({"words": "a,b"}, "", "not as many cells"),
    ],
)
def test_a_broken_line_is_named_with_column_and_value(tmp_path: Path, cells: dict[str, str], column: str, says: str) -> None:
    good, bad = look_at(register(tmp_path / "in", line("PSN-9"), line(**cells))).lines()
    assert good.line == 2 and getattr(good, "column", None) is None
    assert (bad.line, bad.column) == (3, column) and says in bad.message  # type: ignore[union-attr]


def test_a_link_out_of_the_folder_is_no_picture(tmp_path: Path) -> None:
    path = register(tmp_path / "in", line(picture="link.jpg"))
    (path.parent / "link.jpg").symlink_to("/etc/passwd")
    (bad,) = look_at(path).lines()
    assert "own folder" in bad.message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "columns are missing: psn_no"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xff\xfe" + "psn_no".encode("utf-16-le"), "neither UTF-8 nor GB18030"),
        (f"{HEADER},psn_no\n".encode(), "twice in the header: psn_no"),
    ],
)
def test_what_is_no_register_is_refused_whole(centre: Centre, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=says):
        run(centre, path)
    with pytest.raises(BadInput, match="cannot be read"):
        run(centre, tmp_path / "none.csv")
    with centre.engine.begin() as db:
        assert lists.register_page(db, offset=0, size=5)[1] == 0


@needs_faces
def test_a_stopped_run_goes_on_where_it_was(centre: Centre, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, path in zip(("a.jpg", "b.jpg", "c.jpg"), PICTURES.values(), strict=True):
        shutil.copy(path, folder / name)
    path = register(folder, line(), line("PSN-2", "c.jpg"))
    enrol, stopped = centre.registrar.enrol, list[bool]()

    def once(request: object, *, actor: str) -> object:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(True)
        return enrol(request, actor=actor)  # type: ignore[arg-type]

    centre.registrar.enrol = once  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        run(centre, path)
    centre.registrar.enrol = enrol  # type: ignore[method-assign]
    report = run(centre, path)
    assert (report.enrolled, report.skipped) == (1, 1)
