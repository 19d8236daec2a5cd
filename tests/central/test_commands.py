"""Orders from the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.__main__ import app
from central.devices import service as devices
from central.orders import service as orders
from central.wiring import Centre
from tests import builders
from tests.builders import AT, DEVICE, MSGID
from tests.central.building import Terminal, make_centre

WHY = ("--purpose", "核对就诊人")


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre = make_centre(tmp_path / "centre")
    Terminal(centre).register()
    yield centre
    centre.engine.dispose()


def central(centre: Centre, *arguments: str, group: str = "device") -> Result:
    settings = centre.settings.data_dir.parent / "central.toml"
    settings.write_text(f'data_dir = "{centre.settings.data_dir}"\n', encoding="utf-8")
    return CliRunner().invoke(app, [group, *arguments, "--settings", str(settings)])


def kinds(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        return [order.kind for order in orders.list_orders(db, now=AT).rows]


def test_each_order_is_given_and_shown(centre: Centre, tmp_path: Path) -> None:
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(), now=AT)
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[limits]\nsame = 0.7\n", encoding="utf-8")
    for arguments in (
        ("ask", DEVICE, "--msgid", MSGID),
        ("roll-call", DEVICE, "W1"),
        ("configure", DEVICE, str(overlay)),
        ("retire", DEVICE, "--days", "2"),
        ("rekey", DEVICE),
    ):
        done = central(centre, *arguments, *WHY)
        assert done.exit_code == 0, done.output
        assert f"to {DEVICE} stands until" in done.output
    assert sorted(kinds(centre)) == ["configure", "evidence_request", "rekey", "revoke", "roll_call"]
    with centre.engine.begin() as db:
        assert devices.device_ids(db) == [DEVICE], "retiring lets it finish first"
    shown = central(centre, "orders", DEVICE).output
    assert f"evidence_request {MSGID} by command-line: asked" in shown
    assert len(shown.splitlines()) == 5
    assert central(centre, "orders", "nobody").output == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", DEVICE), "one of them"),
        (("ask", "nobody", "--msgid", "M1"), "not registered"),
        (("roll-call", DEVICE, "W9"), "no window"),
        (("configure", DEVICE, "/nowhere.toml"), "No such file"),
        (("configure", DEVICE, "/dev/null"), "never reported"),
        (("retire", DEVICE, "--why", "It moved"), "why"),
    ],
)
def test_a_wrong_order_is_explained_in_a_line(centre: Centre, arguments: tuple[str, ...], says: str) -> None:
    done = central(centre, *arguments, *WHY)
    assert done.exit_code == 2
    assert done.output.startswith("central: ")
    assert says in done.output
    assert kinds(centre) == []


def test_no_order_without_its_purpose(centre: Centre) -> None:
    assert central(centre, "roll-call", DEVICE, "W1").exit_code == 2
    assert "what this is for" in central(centre, "roll-call", DEVICE, "W1", "--purpose", " ").output
    assert central(centre, "retire", DEVICE, "--days", "400", *WHY).exit_code == 2
    assert kinds(centre) == []


def test_revoking_is_at_once(centre: Centre) -> None:
    assert central(centre, "revoke", DEVICE).exit_code == 0
    with centre.engine.begin() as db:
        assert devices.device_ids(db) == []


def test_the_hot_list_is_kept_from_the_shell(centre: Centre) -> None:
    def run(*arguments: str) -> Result:
        return central(centre, *arguments, group="hotlist")

    added = run("add", "operator", "C7", "--reason", "borrowed", "--since", "2026-01-01")
    assert added.exit_code == 0 and "entry 1: operator C7 since 2026-01-01" in added.output
    assert "1 operator C7" in run("list").output
    assert run("add", "operator", "C7", "--reason", " ").exit_code == 2
    assert run("end", "1", "--reason", "cleared").exit_code == 0
    again = run("end", "1", "--reason", "cleared")
    assert again.exit_code == 2 and "ended already" in again.output
    assert "(ended" in run("list").output
