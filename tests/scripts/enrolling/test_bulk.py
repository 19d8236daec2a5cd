"""A table of sites: a thousand of them, aborted in the middle and gone on with; every fault named; nothing lost and nothing twice."""

import csv
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from central.enrolment import service as enrolment
from central.enrolment.tables import enrolment_tokens
from central.sites import service as sites
from central.sites.model import ApprovalKind
from central.sites.tables import site_approvals
from central.sites.tables import sites as site_table
from central.wiring import Centre
from contract.enrolment import Token
from scripts.enrolling import bulk, table
from tests.builders import AT
from tests.central.building import make_centre
from tests.central.enrolment.terminal import Newcomer

HEADER = ["fixmedins_code", "fixmedins_name", "admdvs", "window", "camera", "role", "evidence_mode", "legal_basis"]
HEADER += ["legal_reference", "legal_by", "legal_on", "legal_until"]
ADDRESS = ("http://10.0.0.1:8080",)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path / "centre")


def row(number: int, **changes: str) -> dict[str, str]:
    values = {
        "fixmedins_code": f"P1101{number:07d}",
        "fixmedins_name": f"药房 {number}",
        "admdvs": "110100",
        "window": "W1",
        "camera": f"rtsp://user:pw-{number}@10.0.0.9/stream",
        "evidence_mode": "all",
        "legal_basis": "同意书 2026-01",
        "legal_reference": f"法审{number}",
        "legal_by": "法规处",
        "legal_on": "2026-01-01",
    }
    return values | changes


def written(path: Path, rows: list[dict[str, str]], header: list[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    return path


def tokens_in(path: Path) -> dict[str, Token]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {line["device_id"]: Token.read(line["token"]) for line in csv.DictReader(file)}


def counted(centre: Centre) -> tuple[int, int, int]:
    with centre.engine.begin() as db:
        return tuple(db.scalar(select(func.count()).select_from(each)) or 0 for each in (site_table, enrolment_tokens, site_approvals))  # type: ignore[return-value]


def test_a_thousand_sites_aborted_in_the_middle_and_gone_on_with(centre: Centre, tmp_path: Path) -> None:
    path, tokens = written(tmp_path / "sites.csv", [row(number) for number in range(1000)]), tmp_path / "tokens.csv"
    asked = count()
    first = bulk.run(centre, path, addresses=ADDRESS, tokens=tokens, stop=lambda: next(asked) >= 400)
    assert (first.new, first.done_before, len(tokens_in(tokens))) == (400, 0, 400)
    assert counted(centre) == (401, 400, 400)
    before = tokens_in(tokens)
    said: list[str] = []
    second = bulk.run(centre, path, addresses=ADDRESS, tokens=tokens, progress=said.append)
    assert (second.new, second.done_before, second.faults) == (600, 400, [])
    after = tokens_in(tokens)
    assert len(after) == 1000 and before.items() <= after.items()
    assert "1000 of 1000 terminals: 600 new, 400 done before" in said[-1]
    third = bulk.run(centre, path, addresses=ADDRESS, tokens=tokens)
    assert (third.new, third.done_before) == (0, 1000)
    assert counted(centre) == (1001, 1000, 1000)
    assert tokens_in(tokens) == after
    assert tokens.stat().st_mode & 0o077 == 0
    newcomer = Newcomer(after["P11010000007-t1"])
    assert "pw-7@10.0.0.9" in newcomer.granted(newcomer.ask(centre)).settings


def test_the_tokens_are_there_also_when_it_dies(centre: Centre, tmp_path: Path) -> None:
    path, tokens, asked = written(tmp_path / "sites.csv", [row(number) for number in range(9)]), tmp_path / "tokens.csv", count()

    def die() -> bool:
        if next(asked) == 5:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        bulk.run(centre, path, addresses=ADDRESS, tokens=tokens, stop=die)
    assert len(tokens_in(tokens)) == 5


def test_rows_of_one_terminal_make_its_windows_and_an_enrolled_one_needs_no_token(centre: Centre, tmp_path: Path) -> None:
    rows = [row(1), {"fixmedins_code": "P11010000001", "window": "E1", "camera": "0", "role": "entrance"}, row(2)]
    path, tokens = written(tmp_path / "sites.csv", rows), tmp_path / "tokens.csv"
    bulk.run(centre, path, addresses=ADDRESS, tokens=tokens)
    with centre.engine.begin() as db:
        (terminal,) = enrolment.terminals(db, "P11010000001", AT)
        assert [(camera.window, camera.role) for camera in terminal.cameras] == [("W1", "window"), ("E1", "entrance")]
        assert sites.standing(db, "P11010000001", AT).missing == (ApprovalKind.TECHNICAL, ApprovalKind.SIGN, ApprovalKind.PUBLICATION)
    Newcomer(tokens_in(tokens)["P11010000001-t1"]).ask(centre)
    again = bulk.run(centre, path, addresses=ADDRESS, tokens=tokens)
    assert (again.new, again.enrolled, list(tokens_in(tokens))) == (0, 1, ["P11010000002-t1"])
    assert again.unheard == []
    written(path, [rows[0] | {"camera": "7"}, *rows[1:]])
    changed = bulk.run(centre, path, addresses=ADDRESS, tokens=tokens)
    assert (changed.unheard, changed.enrolled) == (["P11010000001-t1"], 1)
    with centre.engine.begin() as db:
        assert enrolment.planned_terminal(db, centre.keys, "P11010000001-t1").cameras[0].source == "7"


@pytest.mark.parametrize(
    ("changes", "column", "says"),
    [
        ({"fixmedins_code": "X"}, "", "not a fixmedins_code"),
        ({"admdvs": "11"}, "", "not an admdvs"),
        ({"fixmedins_name": ""}, "fixmedins_name", "is empty"),
        ({"camera": ""}, "camera", "is empty"),
        ({"window": "W 1"}, "", "name of a window"),
        ({"role": "door"}, "role", "no role"),
        ({"evidence_mode": "everything"}, "evidence_mode", "no evidence mode"),
        ({"legal_basis": ""}, "", "needs a recorded legal basis"),
        ({"legal_by": ""}, "legal_by", "is empty"),
        ({"legal_on": "1.1.2026"}, "legal_on", "write yyyy-mm-dd"),
        ({"legal_on": "2027-01-01"}, "", "has not come yet"),
    ],
)
def test_a_bad_row_is_named_and_spoils_no_other(centre: Centre, tmp_path: Path, changes: dict[str, str], column: str, says: str) -> None:
    path = written(tmp_path / "sites.csv", [row(1), row(2, **changes), row(3)])
    outcome = bulk.run(centre, path, addresses=ADDRESS, tokens=tmp_path / "tokens.csv")
    (fault,) = outcome.faults
    assert (fault.line, fault.column) == (3, column) and says in fault.message
    assert sorted(tokens_in(tmp_path / "tokens.csv")) == ["P11010000001-t1", "P11010000003-t1"]
    assert counted(centre)[0] == 3
    bulk.write_faults(outcome.faults, tmp_path / "faults.csv")
    assert says in (tmp_path / "faults.csv").read_text(encoding="utf-8-sig")
    assert "pw-2" not in (tmp_path / "faults.csv").read_text(encoding="utf-8-sig")


def test_rows_that_disagree_or_repeat_a_window_are_named(centre: Centre, tmp_path: Path) -> None:
    path = written(tmp_path / "sites.csv", [row(1), row(1, window="W2", fixmedins_name="另一家"), row(2), row(2)])
    faults = bulk.run(centre, path, addresses=ADDRESS, tokens=tmp_path / "tokens.csv").faults
    assert [(fault.line, fault.column) for fault in faults] == [(3, "fixmedins_name"), (5, "window")]
    assert "differs from line 2" in faults[0].message


def test_two_terminals_of_a_site_have_the_same_site(centre: Centre, tmp_path: Path) -> None:
    header = [*HEADER, "device_id"]
    rows = [row(1, device_id="t-1"), row(1, device_id="t-2"), row(1, device_id="t-3", legal_basis="另一依据")]
    outcome = bulk.run(centre, written(tmp_path / "sites.csv", rows, header), addresses=ADDRESS, tokens=tmp_path / "tokens.csv")
    (fault,) = outcome.faults
    assert (fault.line, fault.column) == (4, "legal_basis") and "differs from line 2" in fault.message
    assert sorted(tokens_in(tmp_path / "tokens.csv")) == ["t-1", "t-2"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "lacks the column"),
        (b"fixmedins_code,fixmedins_name\n", "lacks the column admdvs"),
        (",".join([*HEADER, "adress"]).encode(), "unknown column 'adress'"),
        (",".join([*HEADER, "window"]).encode(), "twice"),
        (",".join(HEADER).encode(), "no row"),
        ((",".join(HEADER) + "\na,b\n").encode(), "line 2"),
        ((",".join(HEADER) + '\n"a,b\n').encode(), "unexpected end"),
        ((",".join(HEADER) + "\n药房").encode("gb18030"), "UTF-8"),
    ],
)
def test_a_file_that_is_no_such_table_does_nothing(centre: Centre, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "sites.csv"
    path.write_bytes(content)
    with pytest.raises(table.BadTable, match=says):
        bulk.run(centre, path, addresses=ADDRESS, tokens=tmp_path / "tokens.csv")
    assert not (tmp_path / "tokens.csv").exists()
